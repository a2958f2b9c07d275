// Transfers that nobody approves need a governor's word about the head of governance: they wait at the signer until
// there is one, and the newest goes with what is asked for.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { refused } from '../../core/fault.js';
import type { SignedHead } from '../../core/governance/fresh-head.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { Heads } from '../governance/heads.js';
import { type Life, Stage } from './stage.fixture.js';

const DAY_MS = 24 * 3_600_000;

let folder: string;
let stage: Stage;
let life: Life;
let heads: Heads;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-vouched-'));
  stage = new Stage({ url: `sqlite:${join(folder, 'test.db')}` });
  life = await stage.life('one');
  heads = new Heads(life.database, life.governance, nativeVerifier, stage);
});

afterEach(async () => {
  await life.end();
  rmSync(folder, { recursive: true });
});

const codeOf = async (signed: SignedHead) => {
  const outcome = await heads.take(signed);
  return outcome.kind === 'refused' ? outcome.code : outcome.kind;
};

describe('a transfer that nobody approves', () => {
  it.each(['head-missing', 'head-stale', 'head-unknown'] as const)(
    'waits where the signer says %s, and is paid once it does not',
    async (code) => {
      const { transferId } = await life.submitted(stage.cast.request('1'));
      for (let count = 0; count < 20; count += 1) stage.signer.script.push(() => refused(code));
      await life.live(10);
      expect(await life.view(transferId)).toMatchObject({ state: 'built', waitingFor: code });
      stage.signer.script.length = 0;
      await life.live(5);
      expect(await life.view(transferId)).toMatchObject({ state: 'settled', waitingFor: null });
    },
  );

  it('goes to the signer with the newest word', async () => {
    expect(await codeOf(stage.cast.head('alice'))).toBe('accepted');
    stage.pass(1_000);
    const newest = stage.cast.head('bob', stage.nowMs());
    expect(await codeOf(newest)).toBe('accepted');
    expect(await codeOf(stage.cast.head('alice', stage.nowMs() - 500))).toBe('accepted');
    await life.submitted(stage.cast.request('1'));
    await life.live(5);
    expect(stage.signer.orders.map(({ head }) => head)).toEqual([newest]);
  });

  it('goes with an older word that counts, where a newer one is of somebody who is no governor any more', async () => {
    const good = stage.cast.head('alice');
    expect(await codeOf(good)).toBe('accepted');
    // More than are looked at in one go, each newer than the one before; then who said them is out.
    for (let at = 1; at <= 60; at++) {
      expect(await codeOf(stage.cast.head('bob', stage.nowMs() + at))).toBe('accepted');
    }
    stage.cast.amend({ kind: 'group-set', group: { groupId: 'governors', members: ['alice', 'carol'] } });
    await life.governance.refresh();
    expect(await heads.newest()).toEqual(good);
    await life.submitted(stage.cast.request('1'));
    await life.live(5);
    expect(stage.signer.orders.map(({ head }) => head)).toEqual([good]);
    expect(await heads.standing()).toEqual({
      credentialId: 'alice-piv',
      untilMs: good.statement.createdAtMs + DAY_MS,
    });
    stage.pass(DAY_MS);
    expect((await heads.newest())?.credentialId).toBe('bob-piv');
    expect(await heads.standing()).toBeUndefined();
  });

  it('goes without where no governor has said anything', async () => {
    await life.submitted(stage.cast.request('1'));
    await life.live(5);
    expect(stage.signer.orders.map(({ head }) => head)).toEqual([undefined]);
  });
});

describe("a governor's word", () => {
  it('is refused from who is no governor, when it is old, or when it is about nothing here', async () => {
    expect(await codeOf(stage.cast.head('carol'))).toBe('head-signer-not-governor');
    expect(await codeOf({ ...stage.cast.head('alice'), credentialId: 'bob-piv' })).toBe(
      'head-signature-invalid',
    );
    expect(await codeOf(stage.cast.head('alice', stage.nowMs() - DAY_MS))).toBe('head-stale');
    expect(await codeOf(stage.cast.head('alice', stage.nowMs() + DAY_MS))).toBe('head-unknown');
    stage.cast.amend({ kind: 'frozen', scope: { kind: 'everything' }, why: 'drill' });
    expect(await codeOf(stage.cast.head('alice'))).toBe('head-unknown');
    expect(await heads.newest()).toBeUndefined();
  });

  it('is not kept out by that of another about the same, at the same moment', async () => {
    const [one, other] = [stage.cast.head('alice'), stage.cast.head('bob')];
    expect(one.statement).toEqual(other.statement);
    expect(await codeOf(one)).toBe('accepted');
    expect(await codeOf(other)).toBe('accepted');
    expect(await life.database.read((db) => db.count('governance_heads'))).toBe(2);
  });

  it('is kept once, however often it is handed in, and never changed', async () => {
    const word = stage.cast.head('alice');
    expect(await codeOf(word)).toBe('accepted');
    expect(await codeOf(word)).toBe('accepted');
    expect(await life.database.read((db) => db.count('governance_heads'))).toBe(1);
    await expect(
      life.database.transaction((db) => db.query('UPDATE governance_heads SET created_at_ms = 0')),
    ).rejects.toThrow('append-only');
  });
});
