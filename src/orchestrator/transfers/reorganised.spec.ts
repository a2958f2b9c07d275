// A chain that takes back what counted as final: it is noticed, told, sent again, and never planned anew.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Life, reasonsOf, Stage, statesOf } from './stage.fixture.js';

const HOUR_MS = 3_600_000;
const BUMP_MS = 4 * 60_000;

let folder: string;
let stage: Stage;
let life: Life;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-reorganised-'));
  stage = new Stage({ url: `sqlite:${join(folder, 'test.db')}` });
  life = await stage.life('one');
});

afterEach(async () => {
  await life.end();
  rmSync(folder, { recursive: true });
});

async function settled(): Promise<string> {
  const { transferId } = await life.submitted(stage.cast.request('1'));
  await life.live(5);
  expect((await life.view(transferId)).state).toBe('settled');
  return transferId;
}

/** Lets the workers look, however seldom they do, without a block. */
async function look(rounds = 4): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    stage.pass(60_000);
    await life.work();
  }
}

describe('a transfer that was settled', () => {
  it('is on its way again when its block is gone, somebody is told, and it settles by the same transaction', async () => {
    const transferId = await settled();
    const [before] = (await life.view(transferId)).transactions;
    stage.chain.reorganise(5);
    stage.pass(60_000);
    await life.work();
    expect(await life.view(transferId)).toMatchObject({
      state: 'broadcast',
      reason: { code: 'reorganised', facts: { blockHash: before?.blockHash } },
      spendable: { is: 'yes', transactionIds: [before?.transactionId] },
      transactions: [{ state: 'broadcast', blockHash: null, confirmations: 0 }],
    });
    expect(life.alarms.map(({ code, facts }) => ({ code, ...facts }))).toEqual([
      expect.objectContaining({ code: 'settled-reorganised', state: 'final', seen: 'unseen' }),
    ]);
    await life.live(8);
    const after = await life.view(transferId);
    expect(statesOf(after).slice(-4)).toEqual(['settled', 'broadcast', 'confirming', 'settled']);
    expect(after.transactions.map((one) => one.transactionId)).toEqual([before?.transactionId]);
    expect(stage.chain.payments()).toEqual(new Map([[transferId, 1]]));
    expect(stage.signer.signed.size).toBe(1);
  });

  it('is confirming again when it is in a newer block now', async () => {
    const transferId = await settled();
    const hex = [...stage.chain.mined.keys()][0] ?? '';
    stage.chain.mined.set(hex, stage.chain.height);
    await look(1);
    expect(await life.view(transferId)).toMatchObject({
      state: 'confirming',
      transactions: [{ state: 'mined', blockHeight: stage.chain.height, confirmations: 1 }],
    });
    await life.live(6);
    expect((await life.view(transferId)).state).toBe('settled');
  });

  it('stays settled, with its new place, when it is as deep in another block', async () => {
    const transferId = await settled();
    const hex = [...stage.chain.mined.keys()][0] ?? '';
    const height = (stage.chain.mined.get(hex) ?? 0) + 1;
    stage.chain.mined.set(hex, height);
    await look(1);
    const view = await life.view(transferId);
    expect(view).toMatchObject({ state: 'settled', transactions: [{ state: 'final', blockHeight: height }] });
    expect(reasonsOf(view)).not.toContain('reorganised');
  });

  it('stays settled while no node answers, and is looked at again afterwards', async () => {
    const transferId = await settled();
    stage.chain.unreachable = true;
    await look();
    expect((await life.view(transferId)).state).toBe('settled');
    stage.chain.unreachable = false;
    stage.chain.reorganise(5);
    await look();
    expect((await life.view(transferId)).state).toBe('broadcast');
  });

  it('is looked at no more once it is buried', async () => {
    const transferId = await settled();
    await life.live(10, 60_000);
    // The transfer's own row wakes once more, at its expiry.
    stage.pass(1_000 * HOUR_MS);
    await life.work();
    stage.pass(1_000 * HOUR_MS);
    expect(await life.workers.runOne()).toBe(false);
    expect((await life.view(transferId)).state).toBe('settled');
  });

  it('is settled by its replacement when the new chain took that one instead', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.work();
    stage.pass(BUMP_MS);
    await life.work();
    const [first, second] = stage.signer.signed.keys();
    if (first === undefined || second === undefined) throw new Error('no replacement was signed');
    // The cheap one is mined first, and the dear one after the reorganisation.
    stage.chain.mempool.delete(second);
    await life.live(5);
    expect((await life.view(transferId)).transactions.map(({ state }) => state)).toEqual([
      'final',
      'conflicted',
    ]);
    stage.chain.reorganise(8);
    stage.chain.mined.set(second, stage.chain.height);
    await life.live(8, 30_000);
    const view = await life.view(transferId);
    expect(view.transactions.map(({ state }) => state)).toEqual(['conflicted', 'final']);
    expect(view.state).toBe('settled');
    expect(statesOf(view).filter((state) => state === 'settled')).toHaveLength(2);
    expect(stage.chain.payments()).toEqual(new Map([[transferId, 1]]));
  });
});

describe('a transfer that had failed on the chain', () => {
  it('is paid after all when the new chain has it do what it should', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.work();
    const id = (await life.view(transferId)).transactions[0]?.transactionId ?? '';
    stage.chain.failing.add(id);
    await life.live(5);
    expect((await life.view(transferId)).state).toBe('failed');
    stage.chain.reorganise(6);
    stage.chain.failing.clear();
    await look(2);
    expect((await life.view(transferId)).state).toBe('broadcast');
    await life.live(8);
    expect((await life.view(transferId)).state).toBe('settled');
    expect(life.alarms.map(({ facts }) => facts.state)).toEqual(['failed']);
  });
});

describe('what a person has recorded', () => {
  it('stays when the chain takes back what they looked at, and nothing is sent again by itself', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.work();
    const hex = [...stage.signer.signed.keys()][0] ?? '';
    const thief = { wallet: 'hot-eth', number: 0, fee: 99, transfers: [] };
    stage.chain.mined.set(Buffer.from(JSON.stringify(thief)).toString('hex'), stage.chain.height);
    stage.chain.mempool.clear();
    await life.live(5);
    expect((await life.view(transferId)).state).toBe('indeterminate');
    const resolution = { how: 'not-paid', note: 'paid by hand' } as const;
    await life.transfers.resolve(transferId, resolution, 'person:alice');
    stage.chain.reorganise(8);
    await look();
    expect(await life.view(transferId)).toMatchObject({
      state: 'failed',
      spendable: { is: 'yes' },
      transactions: [{ state: 'broadcast', reason: { code: 'reorganised' } }],
    });
    expect(stage.chain.mempool.has(hex)).toBe(false);
    expect(stage.signer.signed.size).toBe(1);
  });
});
