// Tables that are only ever added to refuse everything else, from whatever connection it comes: also what SQLite calls an
// insert. PostgreSQL, which has no such insert, is in the integration tests.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import SQLite from 'better-sqlite3';
import { Database } from '../database/database.js';
import { run } from '../database/sql.js';

/** A row of each table, in an order in which each finds what it refers to; and what somebody would rather have there. */
const TABLES: readonly (readonly [table: string, row: string, other: string])[] = [
  ['governance_entries', "(0, 'h', '{}', 1)", "(0, 'h', '{\"x\":1}', 1)"],
  [
    'transitions',
    "('tr', 1, null, 'requested', 'r', '{}', 1, 'p', null)",
    "('tr', 1, null, 'refused', 'r', '{}', 1, 'p', null)",
  ],
  [
    'approvals',
    "('tr', 'd', 'ada', 'c', 'approved', 's', 1, null)",
    "('tr', 'd', 'ada', 'c', 'rejected', 's', 1, null)",
  ],
  ['transaction_transfers', "('key', 0, 'tr')", "('key', 1, 'tr')"],
  ['transaction_cancels', "('key', 'tr', 'person:ada', 1)", "('key', 'tr', 'person:bob', 1)"],
  [
    'signatures',
    "('key', 'tx', 'w', '[]', 'p', '[]', 1, 'j', 'c', 1)",
    "('key', 'tx', 'w', '[]', 'p', '[1]', 1, 'j', 'c', 1)",
  ],
  ['burials', "(7, '{}', 'person:ada', 1)", "(7, '{}', 'person:bob', 1)"],
  ['governance_proposals', "('id', 1, '{}', '[]', 'ada', 1, null)", "('id', 1, '{}', '[]', 'bob', 1, null)"],
  ['governance_acts', "('id', 'signed', 'ada', 'c', 's', 1)", "('id', 'signed', 'ada', 'c', 't', 1)"],
  ['governance_heads', "('d', '{}', 1, 1)", "('d', '{}', 2, 1)"],
  [
    'audit_calls',
    "('c', 'refusal', 'w', 'o', null, 1, null, null, null)",
    "('c', 'refusal', 'v', 'o', null, 1, null, null, null)",
  ],
  ['audit_entries', "(0, 's', 'a', '', '', 'call', 1, 'e')", "(0, 's', 'a', '', '', 'call', 1, 'f')"],
  ['audit_subjects', "('wallet', 'w', 0)", "('wallet', 'w', 0)"],
  ['audit_sealed', "(0, 'note', 'salt', null)", "(0, 'note', 'pepper', null)"],
  ['audit_tiles', "(0, 0, 'h', 'r')", "(0, 0, 'i', 'r')"],
  ['audit_checkpoints', "('o', 1, 'n', 1)", "('o', 1, 'n', 2)"],
  [
    'certificates',
    '(1, \'signed\', \'{"journalHash":"a"}\', 0)',
    '(1, \'signed\', \'{"journalHash":"b"}\', 0)',
  ],
];

const TRANSFER = `INSERT INTO transfers (transfer_id, request_id, request, request_digest, chain, wallet_id, requester, customer, state, reason, facts, version, signer_refusals, received_at_ms, updated_at_ms, expires_at_ms, burials)
  VALUES ('tr', 'r', '{}', 'd', 'c', 'w', 'r', 'c', 'requested', 'r', '{}', 1, 0, 1, 1, 1, 0)`;
const TRANSACTION = `INSERT INTO transactions (transaction_key, wallet_id, chain, ordinal, state, plan, max_fee, confirmations, facts, version, planned_at_ms, updated_at_ms)
  VALUES ('key', 'w', 'c', 1, 'signed', '{}', '1', 0, '{}', 1, 1, 1)`;

let folder: string;
let database: Database;
/** Of somebody else: with nothing set on it. */
let foreign: SQLite.Database;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-append-only-'));
  const path = join(folder, 'orchestrator.db');
  database = await Database.open({ url: `sqlite:${path}`, entities: [], clock: { nowMs: () => 1 } });
  await as(TRANSFER, TRANSACTION, ...TABLES.map(([table, row]) => `INSERT INTO ${table} VALUES ${row}`));
  foreign = new SQLite(path);
});

afterEach(async () => {
  foreign.close();
  await database.close();
  rmSync(folder, { recursive: true });
});

const as = (...statements: readonly string[]) =>
  database.transaction(async (db) => {
    for (const statement of statements) await run(db, statement);
  });
const everything = () => TABLES.map(([table]) => foreign.prepare(`SELECT rowid, * FROM ${table}`).all());

describe.each(TABLES)('%s', (table, _row, other) => {
  const replacing = `INSERT OR REPLACE INTO ${table} VALUES ${other}`;

  it('keeps its rows from REPLACE, over the connection of the program and over any other', async () => {
    const before = everything();
    for (const attempt of [() => as(replacing), async () => foreign.exec(replacing)]) {
      try {
        await attempt();
      } catch (error) {
        expect(String(error)).toMatch(/append-only/);
      }
      expect(everything()).toEqual(before);
    }
  });

  it('keeps its rows from REPLACE by their rowids', () => {
    const before = everything();
    const columns = foreign.pragma(`table_info(${table})`) as readonly { readonly name: string }[];
    const [{ name: first } = { name: '' }, ...more] = columns;
    const names = [first, ...more.map(({ name }) => name)];
    const rowid = foreign.prepare(`SELECT rowid FROM ${table}`).pluck().get();
    const otherKey = `'99'${names
      .slice(1)
      .map((name) => `, ${name}`)
      .join('')}`;
    foreign.pragma('foreign_keys = OFF');
    try {
      foreign.exec(
        `INSERT OR REPLACE INTO ${table} (rowid, ${names.join(', ')}) SELECT ${String(rowid)}, ${otherKey} FROM ${table}`,
      );
    } catch (error) {
      expect(String(error)).toMatch(/append-only/);
    }
    expect(everything()).toEqual(before);
  });

  it('refuses to be changed or emptied', async () => {
    if (table === 'audit_sealed')
      await expect(as('UPDATE audit_sealed SET salt = 0')).rejects.toThrow(/append-only/);
    else await expect(as(`UPDATE ${table} SET rowid = rowid + 1`)).rejects.toThrow(/append-only/);
    await expect(as(`DELETE FROM ${table}`)).rejects.toThrow(/append-only/);
  });
});

describe('a certificate that was begun only', () => {
  const begun = 'INSERT INTO certificates VALUES (2, \'begun\', \'{"journalHash":"a"}\', 0)';

  it('becomes what the signer says later, once, and of the same reservation', async () => {
    await as(begun);
    await expect(
      as('UPDATE certificates SET certificate = \'{"journalHash":"b"}\' WHERE ordinal = 2'),
    ).rejects.toThrow(/append-only/);
    await as('UPDATE certificates SET ask_again_at_ms = 9 WHERE ordinal = 2');
    await as("UPDATE certificates SET outcome = 'signed' WHERE ordinal = 2");
    await expect(as("UPDATE certificates SET outcome = 'begun' WHERE ordinal = 2")).rejects.toThrow(
      /append-only/,
    );
  });
});

it('whom a salted hash stands for can still be forgotten', async () => {
  await as("INSERT INTO audit_sealed VALUES (0, 'person', 'salt', 'ada')");
  await as("DELETE FROM audit_sealed WHERE name = 'person' AND value = 'ada'");
  expect(foreign.prepare('SELECT name FROM audit_sealed').pluck().all()).toEqual(['note']);
});
