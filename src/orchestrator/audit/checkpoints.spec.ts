// Checkpoints of a log that grows, with a signer that asks for proof; and what happens when an answer is lost or wrong.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { auditKey, signAudit } from '../../core/audit/audit.fixture.js';
import { signCheckpoint } from '../../core/audit/checkpoint.js';
import type { NoteKey } from '../../core/audit/note.js';
import { checkPublicForm } from '../../core/audit/public-form.js';
import { HASH_LEVELS, tilePath, tilesOf } from '../../core/audit/tile-path.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { type Life, Stage } from '../transfers/stage.fixture.js';
import type { AuditLog } from './audit.log.js';
import { Checkpoints } from './checkpoints.js';
import { Fsck } from './fsck.js';
import { addAll, edited, logOf, paid, refusals, ScriptedCheckpoints } from './stage.fixture.js';
import { storedLog } from './stored-tiles.js';

let folder: string;
let stage: Stage;
let life: Life;
let log: AuditLog;
let signer: ScriptedCheckpoints;
let checkpoints: Checkpoints;
/** As governance names them now. */
let keys: readonly NoteKey[];

const PACE = { entries: 1_000, ms: 60_000 };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-checkpoints-'));
  stage = new Stage({ url: `sqlite:${join(folder, 'test.db')}` });
  life = await stage.life('one');
  log = logOf(stage, life);
  signer = new ScriptedCheckpoints();
  keys = [auditKey];
  const { database } = life;
  checkpoints = new Checkpoints(
    { database, signer, clock: stage, verifier: nativeVerifier, keys: () => keys },
    PACE,
  );
});

afterEach(async () => {
  await life.end();
  rmSync(folder, { recursive: true });
});

const checked = (known: readonly NoteKey[] = keys) =>
  life.database.read((db) => new Fsck(db, nativeVerifier, known).run());

/** What somebody gets who copies every file that the checkpoint is about. */
async function published() {
  const newest = await checkpoints.newest();
  if (!newest) throw new Error('no checkpoint');
  const { size, note } = newest;
  const names = ['entries' as const, ...HASH_LEVELS].flatMap((level) => [...tilesOf(level, size)]);
  const files = new Map<string, Uint8Array>([['checkpoint', Buffer.from(note)]]);
  await life.database.read(async (db) => {
    for (const path of names.map(tilePath)) {
      const bytes = await storedLog(db, size).readTile(path);
      if (bytes) files.set(path, bytes);
    }
  });
  return checkPublicForm(
    { paths: [...files.keys()], readTile: (path) => Promise.resolve(files.get(path)) },
    keys.at(-1) ?? auditKey,
    nativeVerifier,
  );
}

/** What somebody puts there who may insert rows. */
function planted(sizes: readonly number[]): string[] {
  return sizes.map(
    (size, at) =>
      `INSERT INTO audit_checkpoints (origin, size, note, signed_at_ms) VALUES ('${auditKey.name}', ${size}, '${at}', 9000000000000)`,
  );
}

describe('checkpoints', () => {
  it('are signed as the log grows, and its public form is what they say', async () => {
    for (const count of [1, 255, 3, 700, 40]) {
      await refusals(life.database, `${count}`, count);
      await addAll(log);
      stage.pass(PACE.ms);
      expect(await checkpoints.signIfDue()).toBe(true);
      const form = await published();
      expect(form).toMatchObject({ kind: 'accepted', value: { findings: [], beyond: [] } });
    }
    expect(signer.size).toBe((await log.head()).size);
    expect(await checked()).toMatchObject({ checkpoints: 5, findings: [] });
  });

  it('are not signed without need: before it is time, of nothing new, or where governance names no log', async () => {
    await paid(stage, life);
    await addAll(log);
    keys = [];
    expect(await checkpoints.signIfDue()).toBe(false);
    keys = [auditKey];
    expect(await checkpoints.signIfDue()).toBe(true);
    stage.pass(PACE.ms);
    expect(await checkpoints.signIfDue()).toBe(false);
    await refusals(life.database, 'few', 3);
    await addAll(log);
    expect(await checkpoints.signIfDue()).toBe(true);
    await refusals(life.database, 'more', 3);
    await addAll(log);
    expect(await checkpoints.signIfDue()).toBe(false);
    await refusals(life.database, 'many', 1_000);
    await addAll(log);
    expect(await checkpoints.signIfDue()).toBe(true);
  });

  it('go on from what the signer signed last when its answer was lost', async () => {
    await paid(stage, life);
    await addAll(log);
    signer.mishap = 'lost';
    await expect(checkpoints.signIfDue()).rejects.toThrow('lost');
    const lost = signer.size;
    await paid(stage, life);
    await addAll(log);
    expect(await checkpoints.signIfDue()).toBe(true);
    expect(signer.size).toBeGreaterThan(lost);
    expect(await checked()).toMatchObject({ checkpoints: 1, findings: [] });
  });

  it('are asked for again a little later when they came too fast for the signer, which is no trouble', async () => {
    await paid(stage, life);
    await addAll(log);
    signer.mishap = 'too-soon';
    expect(await checkpoints.signIfDue()).toBe(false);
    expect(await checkpoints.newest()).toBeUndefined();
    expect(await checkpoints.signIfDue()).toBe(true);
  });

  it('of another log than the one that was asked for are not kept', async () => {
    await paid(stage, life);
    await addAll(log);
    signer.mishap = 'another';
    await expect(checkpoints.signIfDue()).rejects.toMatchObject({ code: 'audit-checkpoint-wrong' });
    expect(await checkpoints.newest()).toBeUndefined();
  });

  it('of a log that was made anew from edited entries are not signed', async () => {
    await paid(stage, life);
    await addAll(log);
    await checkpoints.signIfDue();
    await edited(
      life.database,
      'DROP TRIGGER audit_entries_no_update',
      "UPDATE audit_entries SET entry = replace(entry, 'settled', 'failed')",
      'DROP TRIGGER audit_calls_to_audit',
    );
    // As an owner of the database would, who knows how a root is worked out.
    const forged = await life.database.read((db) => new Fsck(db, nativeVerifier, [auditKey]).run());
    expect(forged.findings.map(({ kind }) => kind)).toContain('root-differs');
    signer.root = 'ab'.repeat(32);
    stage.pass(PACE.ms);
    await paid(stage, life);
    // The edge in memory still leads to the old root: this program goes on with what it knows.
    await addAll(log);
    await expect(checkpoints.signIfDue()).rejects.toMatchObject({ code: 'audit-checkpoint-refused' });
  });

  it('stay good when the log has got another key', async () => {
    await paid(stage, life);
    await addAll(log);
    await checkpoints.signIfDue();
    const next = { ...auditKey, publicKey: new Uint8Array(32).fill(3) };
    expect((await checked([next])).findings).toMatchObject([{ kind: 'checkpoint-invalid' }]);
    expect((await checked([auditKey, next])).findings).toEqual([]);
    keys = [auditKey, next];
    expect((await checkpoints.newest())?.size).toBe(signer.size);
  });

  it('that somebody has put there for a larger log stop nothing, and are named', async () => {
    await paid(stage, life);
    await addAll(log);
    await edited(life.database, ...planted([900_000]));
    expect(await checkpoints.newest()).toBeUndefined();
    expect(await checkpoints.signIfDue()).toBe(true);
    expect((await checked()).findings).toMatchObject([{ kind: 'checkpoint-invalid', size: 900_000 }]);
  });

  it('that somebody has put in the place of the next one, or beyond it, keep none out', async () => {
    await paid(stage, life);
    await addAll(log);
    const { size } = await log.head();
    await edited(life.database, ...planted([1, size - 1, size, size]));
    expect(await checkpoints.newest()).toBeUndefined();
    expect(await checkpoints.signIfDue()).toBe(true);
    expect(await checkpoints.newest()).toMatchObject({ size, note: expect.stringContaining('audit') });
    expect(await checkpoints.signIfDue()).toBe(false);
    const { findings } = await checked();
    expect(findings.map(({ kind }) => kind)).toEqual(Array.from({ length: 4 }, () => 'checkpoint-invalid'));
  });

  it('that somebody has put there in any number keep the log from nothing but being copied', async () => {
    await refusals(life.database, 'many', 100);
    await addAll(log);
    await checkpoints.signIfDue();
    const signed = signer.size;
    await edited(life.database, ...planted(Array.from({ length: 100 }, (_, at) => signed + at)));
    await refusals(life.database, 'more', 100);
    await addAll(log);
    expect(await checkpoints.newest()).toBeUndefined();
    stage.pass(PACE.ms);
    expect(await checkpoints.signIfDue()).toBe(true);
    expect(signer.size).toBe(signed + 100);
  });

  it('of a log whose end was lost: refused for good, until a quorum names another one, which begins with what is left', async () => {
    await refusals(life.database, 'kept', 20);
    await addAll(log);
    await checkpoints.signIfDue();
    // The database is that of yesterday; what the signer signed since is lost.
    signer.size += 7;
    signer.root = 'ab'.repeat(32);
    await refusals(life.database, 'new', 20);
    await addAll(log);
    stage.pass(PACE.ms);
    await expect(checkpoints.signIfDue()).rejects.toMatchObject({ code: 'audit-checkpoint-refused' });

    const second = signer.begin('exchange.example/second');
    const all = [auditKey, second];
    keys = [second];
    expect(await checkpoints.newest()).toBeUndefined();
    expect(await checkpoints.signIfDue()).toBe(true);
    expect(await checkpoints.newest()).toMatchObject({ origin: second.name, size: 41 });
    expect(await published()).toMatchObject({ kind: 'accepted', value: { findings: [] } });
    expect(await checked(all)).toMatchObject({ checkpoints: 2, findings: [] });
    // Governance that was not believed to name the second one, or the first.
    expect((await checked([auditKey])).findings).toMatchObject([
      { kind: 'checkpoint-invalid', origin: second.name, code: 'audit-note-unsigned' },
    ]);
    expect((await checked([second])).findings).toMatchObject([
      { kind: 'checkpoint-invalid', origin: auditKey.name, code: 'audit-note-unsigned' },
    ]);
  });

  it('of a closed log that the entries do not lead to, larger ones too, are named for good', async () => {
    await refusals(life.database, 'kept', 20);
    await addAll(log);
    for (const [size, byte] of [
      [20, 1],
      [27, 2],
    ] as const) {
      const signed = { size, root: new Uint8Array(32).fill(byte) };
      const note = Buffer.from(await signCheckpoint(signed, auditKey, signAudit, nativeVerifier)).toString();
      await edited(
        life.database,
        `INSERT INTO audit_checkpoints (origin, size, note, signed_at_ms) VALUES ('${auditKey.name}', ${size}, '${note}', 1)`,
      );
    }
    const from = { kind: 'root-differs', from: 'checkpoint', origin: auditKey.name };
    expect((await checked()).findings).toEqual([{ ...from, size: 20 }]);
    const second = signer.begin('exchange.example/second');
    expect((await checked([auditKey, second])).findings).toEqual([
      { ...from, size: 20 },
      { ...from, size: 27 },
    ]);
  });

  it('that somebody changed in the database are named', async () => {
    await paid(stage, life);
    await addAll(log);
    await checkpoints.signIfDue();
    await edited(
      life.database,
      'DROP TRIGGER audit_checkpoints_no_update',
      "UPDATE audit_checkpoints SET note = replace(note, 'exchange', 'elsewhere')",
    );
    expect((await checked()).findings).toEqual([
      { kind: 'checkpoint-invalid', size: signer.size, origin: auditKey.name, code: expect.any(String) },
    ]);
  });
});
