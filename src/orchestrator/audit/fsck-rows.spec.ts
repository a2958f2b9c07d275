// What an owner of the database edits in rows that no record has all of: each is named, by its table, key and column.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { entryHash } from '../../core/governance/entry.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import type { Database } from '../database/database.js';
import { run } from '../database/sql.js';
import { type Life, Stage } from '../transfers/stage.fixture.js';
import { Fsck } from './fsck.js';
import { addAll, logOf, paid } from './stage.fixture.js';

const CERTIFICATE = JSON.stringify({ journalHash: 'a', attestation: { statement: { attestedAtMs: 1 } } });

let folder: string;
let life: Life;
let database: Database;
let transferId: string;
let other: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-fsck-rows-'));
  const stage = new Stage({ url: `sqlite:${join(folder, 'test.db')}` });
  life = await stage.life('one');
  database = life.database;
  transferId = await paid(stage, life);
  other = (await life.submitted(stage.cast.request('7'))).transferId;
  const body = stage.cast.entries.at(-1)?.body;
  if (!body) throw new Error('no entry');
  const proposal = entryHash(body);
  await database.transaction(async (db) => {
    await run(
      db,
      `INSERT INTO governance_proposals VALUES ('${proposal}', ${body.sequence}, ?, '[]', 'ada', 1, null)`,
      [JSON.stringify(body)],
    );
    await run(db, `INSERT INTO governance_acts VALUES ('${proposal}', 'proposed', 'ada', null, null, 1)`);
    for (const [ordinal, outcome] of [
      [1, 'signed'],
      [2, 'begun'],
      [3, 'begun'],
    ] as const)
      await run(db, 'INSERT INTO certificates VALUES (?, ?, ?, 0)', [ordinal, outcome, CERTIFICATE]);
    await run(db, "UPDATE certificates SET outcome = 'ended' WHERE ordinal = 2");
  });
  await addAll(logOf(stage, life));
});

afterAll(async () => {
  await life.end();
  rmSync(folder, { recursive: true });
});

class Undone extends Error {}

/** What is found after an edit, by which table or kind and column, which is then undone. */
async function foundAfter(...statements: readonly string[]): Promise<string[]> {
  let found: string[] = [];
  const checked = database.transaction(async (db) => {
    for (const statement of statements) await run(db, statement);
    const { findings } = await new Fsck(db, nativeVerifier, []).run();
    found = findings.map((one) =>
      one.kind === 'row-differs'
        ? `${one.table}.${one.column}`
        : `${one.kind} ${'source' in one ? one.source : ''}`,
    );
    throw new Undone();
  });
  await expect(checked).rejects.toThrow(Undone);
  return [...new Set(found)];
}

/** With the triggers of its table away. */
const past = (table: string, ...statements: readonly string[]) => [
  `DROP TRIGGER ${table}_no_update`,
  `DROP TRIGGER ${table}_no_delete`,
  ...statements,
];

it('finds nothing where nobody has edited anything', async () => {
  expect(await foundAfter()).toEqual([]);
});

it.each([
  [
    'what was asked for',
    'request = replace(request, \'"amount":"1\', \'"amount":"9\')',
    ['transfers.request'],
  ],
  ['a request that is none', "request = 'x'", ['transfers.request']],
  ['a customer', "customer = 'mallory'", ['transfers.customer']],
  ['a requester', "requester = 'mallory'", ['transfers.requester']],
  ['a wallet', "wallet_id = 'cold'", ['record-differs transition', 'transfers.wallet_id']],
  ['a chain', "chain = 'eip155:9'", ['transfers.chain']],
  ['an end', 'expires_at_ms = 1', ['transfers.expires_at_ms']],
  ['a digest', "request_digest = 'x'", ['transfers.request_digest']],
  ['a state', "state = 'refused', reason = 'because'", ['transfers.state', 'transfers.reason']],
  ['facts', `facts = '{"a":1}'`, ['transfers.facts']],
])('names a transfer with %s that is another', async (_what, change, columns) => {
  expect(await foundAfter(`UPDATE transfers SET ${change} WHERE transfer_id = '${transferId}'`)).toEqual(
    columns,
  );
});

it.each([
  ['signed bytes', "signed_hex = '00' || signed_hex", ['transactions.signed_hex']],
  ['no signed bytes', 'signed_hex = null', ['transactions.signed_hex']],
  ['certificate', "certificate = replace(certificate, 'hot', 'hit')", ['transactions.certificate']],
  ['no certificate', 'certificate = null', ['transactions.certificate']],
  ['id', "transaction_id = 'x'", ['transactions.transaction_id']],
])('names a signed transaction with %s that is another', async (_what, change, columns) => {
  expect(await foundAfter(`UPDATE transactions SET ${change}`)).toEqual(columns);
});

it.each([
  ['says another one', () => `UPDATE transaction_transfers SET transfer_id = '${other}'`],
  ['is gone', () => 'DELETE FROM transaction_transfers'],
  [
    'has another beside it',
    () =>
      `INSERT INTO transaction_transfers SELECT transaction_key, position + 1, '${other}' FROM transaction_transfers`,
  ],
])('names a signed transaction whose transfer %s', async (_what, statement) => {
  const found = await foundAfter(...past('transaction_transfers', statement()));
  expect(found).toEqual(['transaction_transfers.transfer_id']);
});

it.each([
  ['a word of its body', "body = replace(body, 'portcullis', 'portculliz')", 'body'],
  ['a body that is none', "body = 'x'", 'body'],
  ['a drafter', "proposed_by = 'bob'", 'proposed_by'],
  ['a place', 'sequence = sequence + 1', 'sequence'],
])('names a proposal with %s that is another', async (_what, change, column) => {
  const found = await foundAfter(
    ...past('governance_proposals', `UPDATE governance_proposals SET ${change}`),
  );
  expect(found).toEqual([`governance_proposals.${column}`]);
});

it.each([
  ['edited', "UPDATE certificates SET certificate = certificate || ' ' WHERE ordinal = 1", 'record-differs'],
  ['said to be begun only', "UPDATE certificates SET outcome = 'begun' WHERE ordinal = 2", 'record-differs'],
  ['deleted', 'DELETE FROM certificates WHERE ordinal = 2', 'record-missing'],
])('names a certificate that is %s', async (_what, statement, kind) => {
  const triggers = ['DROP TRIGGER certificates_ended_to_audit'];
  expect(await foundAfter(...past('certificates', ...triggers, statement))).toEqual([`${kind} certificate`]);
});

it('names a certificate that never came into the log', async () => {
  const insert = `INSERT INTO certificates VALUES (4, 'signed', '${CERTIFICATE}', 0)`;
  expect(await foundAfter('DROP TRIGGER certificates_to_audit', insert)).toEqual([
    'record-not-logged certificate',
  ]);
});

it('names a proposal that is gone, and one that nobody made', async () => {
  const gone = past(
    'governance_proposals',
    'PRAGMA defer_foreign_keys = ON',
    'DELETE FROM governance_proposals',
  );
  expect(await foundAfter(...gone)).toEqual(['governance_proposals.body']);
  const made =
    "INSERT INTO governance_proposals SELECT 'x', sequence, body, said, 'bob', 1, null FROM governance_proposals";
  expect(await foundAfter(made)).toEqual(['governance_proposals.body']);
});
