// Checkpoints of a log that grows, with a signer that asks for proof; and what happens when an answer is lost or wrong.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { auditKey } from '../../core/audit/audit.fixture.js';
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

const PACE = { entries: 1_000, ms: 60_000 };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-checkpoints-'));
  stage = new Stage({ url: `sqlite:${join(folder, 'test.db')}` });
  life = await stage.life('one');
  log = logOf(stage, life);
  signer = new ScriptedCheckpoints();
  checkpoints = checkpointsWith(auditKey);
});

afterEach(async () => {
  await life.end();
  rmSync(folder, { recursive: true });
});

function checkpointsWith(key: typeof auditKey | undefined): Checkpoints {
  const { database } = life;
  return new Checkpoints({ database, signer, clock: stage, verifier: nativeVerifier, key: () => key }, PACE);
}

const checked = () => life.database.read((db) => new Fsck(db, nativeVerifier, [auditKey]).run());

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
    auditKey,
    nativeVerifier,
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
    expect(await checkpointsWith(undefined).signIfDue()).toBe(false);
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
    const found = (keys: NoteKey[]) => life.database.read((db) => new Fsck(db, nativeVerifier, keys).run());
    expect((await found([next])).findings).toMatchObject([{ kind: 'checkpoint-invalid' }]);
    expect((await found([auditKey, next])).findings).toEqual([]);
  });

  it('that somebody has put there for a larger log stop nothing, and are named', async () => {
    await paid(stage, life);
    await addAll(log);
    await edited(
      life.database,
      "INSERT INTO audit_checkpoints (size, note, signed_at_ms) VALUES (900000, 'x', 9000000000000)",
    );
    expect(await checkpoints.newest()).toBeUndefined();
    expect(await checkpoints.signIfDue()).toBe(true);
    expect((await checked()).findings).toMatchObject([{ kind: 'checkpoint-invalid', size: 900_000 }]);
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
      { kind: 'checkpoint-invalid', size: signer.size, code: expect.any(String) },
    ]);
  });
});
