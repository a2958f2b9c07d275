// The log over the records of a pipeline that really ran, and what is found when somebody edits the database beneath it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { parseAuditEntry } from '../../core/audit/entry.js';
import { leafHash } from '../../core/audit/merkle.js';
import { proveInclusion } from '../../core/audit/prove.js';
import { verifyInclusion } from '../../core/audit/verify-proof.js';
import type { SigningOrder } from '../../core/authorization/signing-order.js';
import { refused } from '../../core/fault.js';
import type { Burial } from '../../core/recovery/burial.js';
import { requestDigest, transferIdOf } from '../../core/statements/request.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { Database } from '../database/database.js';
import { run } from '../database/sql.js';
import { certain, type Life, Stage } from '../transfers/stage.fixture.js';
import { Heads } from '../governance/heads.js';
import { Burials } from '../ways-out/burials.js';
import { Cancels } from '../ways-out/cancels.js';
import { WaysOut } from '../ways-out/ways-out.service.js';
import { AuditEntryRow } from './audit.entity.js';
import { AuditLog } from './audit.log.js';
import { searchAudit } from './audit.search.js';
import { Fsck } from './fsck.js';
import { addAll, randomness, refusals } from './stage.fixture.js';
import { storedLog } from './stored-tiles.js';

const ETH = '000000000000000000';
let folder: string;
let stage: Stage;
let life: Life;
let database: Database;
let log: AuditLog;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-audit-'));
  stage = new Stage({ url: `sqlite:${join(folder, 'test.db')}` });
  life = await stage.life('one');
  database = life.database;
  log = new AuditLog(database, randomness, stage.cast.deploymentId);
});

afterEach(async () => {
  await life.end();
  rmSync(folder, { recursive: true });
});

const everything = () => database.read((db) => db.find(AuditEntryRow, { order: { sequence: 'ASC' } }));
const checked = () => database.read((db) => new Fsck(db, nativeVerifier, []).run());
/** As somebody would who owns the database. */
const edited = (...statements: string[]) =>
  database.transaction(async (db) => {
    for (const statement of statements) await run(db, statement);
  });

async function settled(): Promise<string> {
  const { transferId } = await life.submitted(stage.cast.request(`1${ETH}`));
  await life.live(5);
  while ((await log.add()) > 0);
  return transferId;
}

/** Sent, cancelled on the chain, and buried there by the quorum. */
async function buried(): Promise<{ readonly transferId: string; readonly burial: Burial }> {
  const { transferId } = await life.submitted(stage.cast.request('5'));
  await life.work();
  certain(await new Cancels(life.pipeline).cancel(transferId, 'person:alice'));
  await life.live(6);
  stage.chain.mine(64);
  const { burial: statement } = certain(await new WaysOut(life.pipeline).show(transferId));
  if (!statement) throw new Error('no draft');
  const burial = { statement, signatures: [{ credentialId: 'alice-piv', signature: '0'.repeat(128) }] };
  certain(await new Burials(life.pipeline).bury(burial, 'person:alice'));
  await life.live(6);
  return { transferId, burial };
}

function lastOf({ transfers }: SigningOrder): string {
  return transfers.map(({ request }) => transferIdOf(requestDigest(request.statement))).at(-1) ?? '';
}

describe('a check of the log', () => {
  it('reads each page of it by an index, so that twice as long a log takes twice as long', async () => {
    await edited(`INSERT INTO certificates VALUES (1, 'signed', '{"journalHash":"a"}', 0)`);
    await settled();
    const asked = new Map<string, readonly unknown[]>();
    await database.read((db) => {
      const query = db.query.bind(db);
      jest.spyOn(db, 'query').mockImplementation((text, parameters) => {
        asked.set(text, Array.isArray(parameters) ? parameters : []);
        return query(text, parameters);
      });
      return new Fsck(db, nativeVerifier, []).run();
    });
    // Without governance, which has few entries, whose numbers are not in their keys' form.
    const pages = [...asked].filter(
      ([text]) => /BETWEEN|^WITH k|row_key > /.test(text) && !/ governance_(?:entries|proposals) /.test(text),
    );
    expect(pages.length).toBeGreaterThan(4);
    const plans = await database.read(async (db) => {
      const found: string[] = [];
      for (const [text, parameters] of pages) {
        const plan: unknown = await db.query(`EXPLAIN QUERY PLAN ${text}`, [...parameters]);
        found.push(
          ...z
            .array(z.object({ detail: z.string() }))
            .parse(plan)
            .map(({ detail }) => detail),
        );
      }
      return found;
    });
    const whole = plans.filter((detail) => /^SCAN (?!k$|\d+ CONSTANT ROWS?$|CONSTANT ROW$)/.test(detail));
    expect(whole).toEqual([]);
  });
});

describe('the audit log', () => {
  it('has every governance entry, and every state that a transfer went through, in order', async () => {
    const transferId = await settled();
    const entries = (await everything()).map((row) => {
      const parsed = parseAuditEntry(utf8ToBytes(row.entry), row.sequence);
      if (parsed.kind === 'refused') throw new Error(parsed.code);
      return parsed.value;
    });
    expect(entries.filter(({ kind }) => kind === 'governance')).toHaveLength(stage.cast.entries.length);
    const about = entries.filter(({ subjects }) => subjects.some(({ id }) => id === transferId));
    expect(about.map(({ kind, what }) => `${kind} ${what}`)).toEqual([
      'transition requested',
      'transition screened',
      'transition decided',
      'decision approved',
      'decision reserved',
      'transition built',
      'decision signature',
      'transition signed',
      'transition broadcast',
      'transition confirming',
      'transition settled',
    ]);
    expect(JSON.stringify(entries)).not.toContain('customer');
  });

  it('has what orchestrator and signer decided by which rule, with limits before and after', async () => {
    await settled();
    const { items } = await database.read((db) =>
      searchAudit(db, { subjects: [], kind: 'decision', limit: 10 }),
    );
    const said = items.toReversed().map(({ entry, record }) => ({
      what: entry.what,
      policies: entry.subjects.filter(({ kind }) => kind === 'policy').length,
      says: JSON.parse(record) as string[],
    }));
    expect(said.map(({ what, policies }) => [what, policies])).toEqual([
      ['approved', 1],
      ['reserved', 1],
      ['signature', 1],
    ]);
    const [approved, reserved, signature] = said.map(({ says }) => says);
    for (const decision of [approved?.at(-1), reserved?.at(-1)]) {
      expect(JSON.parse(decision ?? '')).toMatchObject({
        kind: 'allow',
        rule: 'hot-ethereum/small',
        limits: [
          // With the thousandth of an ether that it may cost.
          {
            amount: '1001000000000000000',
            usedBefore: '0',
            usedAfter: '1001000000000000000',
            max: expect.any(String),
          },
          { amount: '1', usedBefore: '0', usedAfter: '1', max: '60' },
        ],
      });
    }
    expect(signature?.[8]).toMatch(/^[0-9a-f]{64}$/);
  });

  it("has the signer's no, with its code, where the transfer is planned anew and where it ends", async () => {
    stage.signer.script.push(() => refused('signer-of-another-mind', { why: 'test' }));
    const { transferId } = await life.submitted(stage.cast.request(`1${ETH}`));
    await life.live(5);
    stage.signer.script.push((order) => refused('destination-mismatch', { transferId: lastOf(order) }));
    await life.submitted(stage.cast.request(`1${ETH}`));
    await life.live(5);
    await addAll(log);
    const { items } = await database.read((db) =>
      searchAudit(db, { subjects: [], kind: 'refusal', limit: 10 }),
    );
    expect(items.map(({ entry }) => entry.what)).toEqual(['destination-mismatch', 'signer-of-another-mind']);
    expect(items.map(({ record }) => record.includes('refusedBy'))).toEqual([true, true]);
    expect(items.at(-1)?.entry.subjects).toContainEqual({ kind: 'transfer', id: transferId });
  });

  it('has what people did to what was signed: cancels that they asked for, burials that a quorum signed', async () => {
    const { transferId, burial } = await buried();
    await addAll(log);
    const { items } = await database.read((db) =>
      searchAudit(db, { subjects: [{ kind: 'transfer', id: transferId }], limit: 50 }),
    );
    const said = items.map(({ entry, person }) => [entry.kind, entry.what, person ?? '']);
    expect(said).toContainEqual(['transition', 'cancel-asked', 'alice']);
    expect(said).toContainEqual(['approval', 'buried', 'alice']);
    // The payment, the cancel of it, and the payment anew.
    expect(said.filter(([, what]) => what === 'signature')).toHaveLength(3);
    const { records, findings } = await checked();
    expect(findings).toEqual([]);
    expect(records).toBe((await log.head()).size);
    const byHand = items.find(({ entry }) => entry.what === 'buried');
    expect(byHand?.entry.subjects).toContainEqual({ kind: 'credential', id: 'alice-piv' });
    expect(JSON.parse(byHand?.record ?? '')[1]).toBe(JSON.stringify(burial));
  });

  it("has governors' words about the head of governance", async () => {
    const heads = new Heads(database, life.governance, nativeVerifier, stage);
    certain(await heads.take(stage.cast.head('alice')));
    await addAll(log);
    const { items } = await database.read((db) =>
      searchAudit(db, { subjects: [], kind: 'approval', limit: 5 }),
    );
    expect(items.map(({ entry }) => entry.what)).toEqual(['head-vouched']);
    expect(items[0]?.entry.subjects.map(({ kind }) => kind)).toEqual(['governance-entry', 'credential']);
    expect((await checked()).findings).toEqual([]);
    await edited(
      'DROP TRIGGER governance_heads_no_update',
      "UPDATE governance_heads SET signed = replace(signed, 'portcullis/head/v1', 'portcullis/head/v2')",
    );
    expect((await checked()).findings.map(({ kind }) => kind)).toEqual(['record-differs']);
  });

  it.each([
    ['burials', "UPDATE burials SET handed_in_by = 'person:bob'", 'record-differs'],
    ['transaction_cancels', 'DELETE FROM transaction_cancels', 'record-missing'],
    ['signatures', "UPDATE signatures SET decisions = '[1]'", 'record-differs'],
    ['transitions', "UPDATE transitions SET decision = NULL WHERE to_state = 'reserved'", 'record-differs'],
  ])('and nobody edits %s unseen', async (table, statement, kind) => {
    await buried();
    await addAll(log);
    await expect(edited(statement)).rejects.toThrow(/append-only/);
    await edited(`DROP TRIGGER ${table}_no_update`, `DROP TRIGGER ${table}_no_delete`, statement);
    expect((await checked()).findings.map((finding) => finding.kind)).toContain(kind);
  });

  it('proves that an entry is in it, and grows from where another orchestrator left it', async () => {
    await settled();
    log = new AuditLog(database, randomness, stage.cast.deploymentId);
    await settled();
    const { size, root } = await log.head();
    const row = (await everything())[7];
    const proof = await database.read((db) => proveInclusion(storedLog(db, size), 7, size));
    if (proof.kind === 'refused' || !row) throw new Error('no proof');
    const verified = verifyInclusion(leafHash(utf8ToBytes(row.entry)), proof.value, Buffer.from(root, 'hex'));
    expect(verified.kind).toBe('accepted');
    expect(await checked()).toMatchObject({ entries: size, records: size, waiting: 0, findings: [] });
  });

  it('keeps what comes in while it is not added, and loses nothing of it', async () => {
    await life.submitted(stage.cast.request(`1${ETH}`));
    await life.live(5);
    const before = await checked();
    expect(before).toMatchObject({ entries: 0, findings: [] });
    expect(before.waiting).toBeGreaterThan(10);
    while ((await log.add()) > 0);
    expect(await checked()).toMatchObject({ entries: before.waiting, waiting: 0, findings: [] });
  });

  it('goes past 256 entries, with tiles that lead to its root', async () => {
    for (let count = 0; count < 280; count += 1) {
      await edited(
        `INSERT INTO audit_calls (call_id, kind, what, operation, principal, at_ms) VALUES ('c-${count}', 'refusal', 'officers-only', 'getStatus', 'person:ada', 5)`,
      );
    }
    while ((await log.add()) > 0);
    const { size, root } = await log.head();
    expect(size).toBeGreaterThan(280);
    // Read back from the database alone.
    const again = new AuditLog(database, randomness, stage.cast.deploymentId);
    await settled();
    expect(await again.add()).toBe(0);
    expect(root).not.toBe((await log.head()).root);
    expect((await checked()).findings).toEqual([]);
  });
});

const CALL =
  "INSERT INTO audit_calls (call_id, kind, what, operation, principal, at_ms) VALUES ('c', 'refusal', 'officers-only', 'getStatus', null, 5)";

describe('what an owner of the database does is found', () => {
  const drop = (table: string) => [`DROP TRIGGER ${table}_no_update`, `DROP TRIGGER ${table}_no_delete`];

  it.each([
    [
      'a transition says something else',
      [...drop('transitions'), "UPDATE transitions SET facts = '{}' WHERE to_state = 'reserved'"],
      'record-differs',
    ],
    [
      'a transition is gone',
      [...drop('transitions'), "DELETE FROM transitions WHERE to_state = 'approved'"],
      'record-missing',
    ],
    [
      'an entry is edited',
      [
        ...drop('audit_entries'),
        "UPDATE audit_entries SET entry = replace(entry, 'approved', 'refused') WHERE kind = 'decision'",
      ],
      'root-differs',
    ],
    [
      'an entry is gone',
      [
        ...drop('audit_entries'),
        ...drop('audit_subjects'),
        'DELETE FROM audit_subjects WHERE sequence = 3',
        'DROP TRIGGER audit_sealed_notes_stay',
        'DELETE FROM audit_sealed WHERE sequence = 3',
        'DELETE FROM audit_entries WHERE sequence = 3',
      ],
      'entry-missing',
    ],
    [
      'two entries have changed places',
      [
        ...drop('audit_entries'),
        'UPDATE audit_entries SET entry = (SELECT entry FROM audit_entries WHERE sequence = 2) WHERE sequence = 1',
      ],
      'entry-malformed',
    ],
    [
      'a record was written past the trigger',
      [
        'DROP TRIGGER audit_calls_to_audit',
        "INSERT INTO audit_calls (call_id, kind, what, operation, principal, at_ms) VALUES ('c', 'refusal', 'officers-only', 'getStatus', null, 5)",
      ],
      'record-not-logged',
    ],
    [
      'the salt of a record is gone, and the record edited',
      [
        'DROP TRIGGER audit_sealed_notes_stay',
        "DELETE FROM audit_sealed WHERE name = 'note'",
        ...drop('transitions'),
        "UPDATE transitions SET reason = 'because'",
      ],
      'sealed-missing',
    ],
    [
      'an unlogged record is hidden by an entry at no place',
      [
        'DROP TRIGGER audit_calls_to_audit',
        CALL,
        'PRAGMA ignore_check_constraints = ON',
        "INSERT INTO audit_entries (sequence, source, key_a, key_b, key_c, kind, at_ms, entry) VALUES (-1, 'call', 'c', 'refusal', '', 'refusal', 5, '{}')",
      ],
      'record-not-logged',
    ],
    [
      'an entry is found by somebody else',
      ["INSERT INTO audit_sealed (sequence, name, salt, value) VALUES (3, 'person', 'ab', 'mallory')"],
      'sealed-differs',
    ],
    [
      'an entry is not found any more',
      [...drop('audit_subjects'), "DELETE FROM audit_subjects WHERE kind = 'transfer'"],
      'subjects-differ',
    ],
    ...["kind = 'zzz'", "source = 'zzz'", 'at_ms = 9223372036854775807', "entry = 'no JSON'"].map(
      (edit): [string, string[], string] => [
        `an entry's row has ${edit}`,
        [...drop('audit_entries'), `UPDATE audit_entries SET ${edit} WHERE sequence = 3`],
        'entry-malformed',
      ],
    ),
    [
      'the head says that there are more entries than there will ever be',
      ['UPDATE audit_head SET size = 9000000000000000'],
      'root-differs',
    ],
    [
      'a checkpoint is of more entries than there can be',
      [
        "INSERT INTO audit_checkpoints (origin, size, note, signed_at_ms) VALUES ('x', 9007199254740993, 'x', 1)",
      ],
      'checkpoint-invalid',
    ],
    ['the head says another root', ["UPDATE audit_head SET root = 'ab'"], 'root-differs'],
  ])('%s', async (_what, statements, kind) => {
    await settled();
    await edited(...statements);
    expect((await checked()).findings.map((finding) => finding.kind)).toContain(kind);
  });

  it.each([
    ['at its end, for a record that is to come', 0],
    ['far beyond its end', 1_000],
  ])('and nothing is added to a log that has an entry %s (audit-entry-beyond-end)', async (_where, after) => {
    await settled();
    const { size } = await log.head();
    await edited(
      `INSERT INTO audit_entries (sequence, source, key_a, key_b, key_c, kind, at_ms, entry) VALUES (${size + after}, 'call', 'late-0', 'refusal', '', 'refusal', 1, '{}')`,
    );
    await refusals(life.database, 'late', 1);
    await expect(log.add()).rejects.toMatchObject({
      code: 'audit-entry-beyond-end',
      facts: { size, sequence: size + after },
    });
    // The record stays in line, and fsck names the entry.
    const { waiting, findings } = await checked();
    expect(waiting).toBe(1);
    expect(findings).toEqual([{ kind: 'entry-malformed', sequence: `${size + after}` }]);
    await edited(...drop('audit_entries'), `DELETE FROM audit_entries WHERE sequence = ${size + after}`);
    await addAll(log);
    expect(await checked()).toMatchObject({ entries: size + 1, waiting: 0, findings: [] });
  });

  it('and a record that was put in line before it is there is in the log when it comes', async () => {
    await settled();
    const early =
      "INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('call', 'late-0', 'refusal', '')";
    await edited(early, early);
    await addAll(log);
    await edited(early);
    await addAll(log);
    await refusals(life.database, 'late', 1);
    await edited(early);
    await addAll(log);
    const whats = (await everything()).slice(-3).map(({ entry }) => JSON.parse(entry).what);
    expect(whats).toEqual(['record-missing', 'record-missing', 'officers-only']);
    expect(await checked()).toMatchObject({ waiting: 0, findings: [] });
  });

  it('and nothing is added to a log that does not lead to its root', async () => {
    await settled();
    await edited("UPDATE audit_head SET root = 'ab'");
    await life.submitted(stage.cast.request(`1${ETH}`));
    await expect(log.add()).rejects.toMatchObject({ code: 'audit-log-damaged' });
  });

  it.each([
    [
      'the same record in line twice, and again once it was logged',
      [
        "INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('governance', '0', '', '')",
        "INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('governance', '0', '', '')",
      ],
    ],
    [
      'what is no record of any table',
      ["INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('x', 'y', '', '')"],
    ],
    [
      'a tile before its time',
      ["INSERT INTO audit_tiles (level, position, hashes, root) VALUES (0, 0, 'x', 'y')"],
    ],
  ])('and the log goes on over %s', async (_what, statements) => {
    await settled();
    const before = (await log.head()).size;
    await edited(...statements, CALL);
    await refusals(database, 'more', 300);
    await addAll(log);
    expect((await log.head()).size).toBe(before + 301);
    const { waiting, findings } = await checked();
    expect(waiting).toBe(0);
    expect(findings.every(({ kind }) => kind === 'tile-differs')).toBe(true);
  });

  it('and nobody is called the doer of what another hash stands for', async () => {
    const transferId = await settled();
    await edited(
      "INSERT INTO audit_sealed (sequence, name, salt, value) SELECT sequence, 'person', '" +
        `${'ab'.repeat(32)}', 'mallory' FROM audit_subjects WHERE id = '${transferId}'`,
    );
    const { items } = await database.read((db) =>
      searchAudit(db, { subjects: [], person: 'mallory', limit: 50 }),
    );
    expect(items.map(({ person }) => person)).toEqual(items.map(() => null));
    expect(items.length).toBeGreaterThan(0);
  });

  it('a record that makes no sense, or is gone before it was logged, is in the log as such', async () => {
    await edited(
      "INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('approval', 'tr-1', 'x', 'ada')",
      "INSERT INTO audit_calls (call_id, kind, what, operation, principal, at_ms) VALUES ('c', 'party', 'x y', 'z', null, -1)",
    );
    while ((await log.add()) > 0);
    const said = (await everything()).map(({ entry }) => JSON.parse(entry).what);
    expect(said.slice(-2)).toEqual(['record-missing', 'record-malformed']);
    expect((await checked()).findings).toEqual([]);
  });

  it('its tables refuse to be changed', async () => {
    await settled();
    for (const table of ['audit_entries', 'audit_subjects', 'audit_sealed']) {
      await expect(edited(`UPDATE ${table} SET sequence = sequence + 1000`)).rejects.toThrow(/append-only/);
    }
    await expect(edited('DELETE FROM audit_entries')).rejects.toThrow(/append-only/);
  });

  it('whom a salted hash stands for can be forgotten, and then cannot be told any more', async () => {
    await edited(
      "INSERT INTO audit_calls (call_id, kind, what, operation, principal, at_ms) VALUES ('c', 'refusal', 'officers-only', 'getStatus', 'person:ada', 5)",
    );
    while ((await log.add()) > 0);
    await edited("DELETE FROM audit_sealed WHERE name = 'person'");
    expect(await checked()).toMatchObject({ findings: [], forgotten: 1 });
    // Not within a hash, whose hex may have the letters by chance.
    expect((await everything()).at(-1)?.entry).not.toMatch(/[^0-9a-f]ada/);
  });
});
