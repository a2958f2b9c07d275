// What a person can do about a transfer whose outcome no program can know.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Fault, refused } from '../../core/fault.js';
import { certain, type Life, reasonsOf, Stage } from './stage.fixture.js';

const HOUR_MS = 3_600_000;
const ALICE = 'person:alice';

let folder: string;
let stage: Stage;
let life: Life;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-resolving-'));
  stage = new Stage({ url: `sqlite:${join(folder, 'orchestrator.db')}` });
  life = await stage.life('worker');
});
afterEach(async () => {
  await life.end();
  rmSync(folder, { recursive: true });
});

const silent = () => {
  throw new Fault('signer-unreachable', 'silent');
};

/** Keeps the signer silent until the worker leaves the transfers to a person; then it answers again. */
async function silenced(count = 1): Promise<void> {
  for (let times = 0; times < 50 * count; times += 1) stage.signer.script.push(silent);
  await life.live(3);
  stage.pass(25 * HOUR_MS);
  await life.live(2);
  stage.signer.script.length = 0;
}

const askSigner = (transferId: string) => life.transfers.resolve(transferId, { how: 'ask-signer' }, ALICE);

describe('a person who has the signer asked again', () => {
  it('learns that it was never signed: all is given back, and the wallet goes on', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await silenced();
    expect((await life.view(transferId)).state).toBe('indeterminate');
    expect(certain(await askSigner(transferId))).toMatchObject({
      state: 'built',
      reason: { code: 'signer-asked-again' },
    });
    await life.work();
    const view = await life.view(transferId);
    expect(view).toMatchObject({
      state: 'expired',
      reason: { code: 'request-expired' },
      spendable: { is: 'no' },
      transactions: [{ state: 'released' }],
    });
    expect(view.transitions.find(({ reason }) => reason.code === 'signer-asked-again')?.by).toBe(ALICE);

    const next = await life.submitted(
      stage.cast.request('2', { createdAtMs: stage.nowMs(), expiresAtMs: stage.nowMs() + HOUR_MS }),
    );
    await life.live(6);
    expect((await life.view(next.transferId)).state).toBe('settled');
  });

  it('has it paid when it was signed and the answer had been lost', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    // It signs, and nobody hears of it.
    stage.signer.script.push((order) => {
      const silence = stage.signer.script.splice(0);
      stage.signer.sign(order);
      stage.signer.script.push(...silence);
      return silent();
    });
    await silenced();
    expect((await life.view(transferId)).spendable).toEqual({ is: 'maybe', transactionIds: [] });
    certain(await askSigner(transferId));
    await life.live(6);
    expect(await life.view(transferId)).toMatchObject({
      state: 'settled',
      transactions: [{ state: 'final' }],
    });
    expect([...stage.chain.payments().values()]).toEqual([1]);
  });

  it('has all of a batch asked for, not one of it', async () => {
    const ids = await life.batchOf(3);
    await silenced(3);
    for (const id of ids) expect((await life.view(id)).state).toBe('indeterminate');
    certain(await askSigner(ids[1] ?? ''));
    await life.live(3);
    for (const id of ids) expect((await life.view(id)).state).toBe('expired');
  });

  it('does not hear from a signer whose store was lost that it was never signed, whatever the clocks say', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    // By this host's clock it was planned long after the restore; but it was offered before.
    const facts = { transferId, createdAtMs: 0, deadUpToMs: 300_000 };
    const beganAgain = () => refused('request-before-restore', facts);
    stage.signer.script.push(silent, beganAgain);
    await life.live(3);
    expect(await life.view(transferId)).toMatchObject({
      state: 'indeterminate',
      reason: { code: 'request-before-restore' },
    });
    stage.signer.script.push(beganAgain);
    certain(await askSigner(transferId));
    await life.work();
    expect(await life.view(transferId)).toMatchObject({
      state: 'indeterminate',
      reason: { code: 'request-before-restore' },
    });
  });

  it('gets it back when the signer is still silent', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await silenced();
    for (let times = 0; times < 5; times += 1) stage.signer.script.push(silent);
    certain(await askSigner(transferId));
    await life.work();
    const view = await life.view(transferId);
    expect(view.state).toBe('indeterminate');
    expect(reasonsOf(view).slice(-3)).toEqual(['signer-silent', 'signer-asked-again', 'signer-silent']);
  });
});

describe('a person who has found out', () => {
  it.each([
    ['paid', 'settled'],
    ['not-paid', 'failed'],
  ] as const)('records it as %s, with their name and how they know', async (how, state) => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await silenced();
    const note = 'looked at the chain with bob';
    certain(await life.transfers.resolve(transferId, { how, note }, ALICE));
    await life.live(2);
    const view = await life.view(transferId);
    expect(view).toMatchObject({
      state,
      reason: { code: `recorded-as-${how}`, facts: { note } },
      // The books say what was found out; a signature may be out all the same.
      spendable: { is: 'maybe' },
    });
    expect(view.transitions.at(-1)?.by).toBe(ALICE);
    expect(await askSigner(transferId)).toMatchObject({ code: 'transfer-not-indeterminate' });
  });

  it('about one of a batch ends asking for the others', async () => {
    const ids = await life.batchOf(2);
    await silenced(2);
    certain(await life.transfers.resolve(ids[0] ?? '', { how: 'not-paid', note: 'seen' }, ALICE));
    expect(await askSigner(ids[1] ?? '')).toMatchObject({ code: 'transfer-nothing-to-ask' });
  });
});

describe('resolving is refused', () => {
  it('for any transfer that goes on by itself, or has come to an end (transfer-not-indeterminate)', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    const resolve = () => askSigner(transferId);
    expect(await resolve()).toMatchObject({
      code: 'transfer-not-indeterminate',
      facts: { state: 'requested' },
    });
    await life.live(6);
    expect(await resolve()).toMatchObject({
      code: 'transfer-not-indeterminate',
      facts: { state: 'settled' },
    });
    expect(await askSigner(`tr-${'0'.repeat(40)}`)).toMatchObject({ code: 'transfer-unknown' });
  });

  it('for what is signed already, as far as asking goes (transfer-nothing-to-ask)', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    const late = await stage.life('late');
    const { promise: asked, resolve: nowAsked } = Promise.withResolvers<void>();
    const { promise: goOn, resolve: answer } = Promise.withResolvers<void>();
    const sign = late.pipeline.signer.sign.bind(late.pipeline.signer);
    late.pipeline.signer.sign = async (order) => {
      nowAsked();
      await goOn;
      return sign(order);
    };
    const working = late.work();
    await asked;
    stage.pass(61_000);
    stage.signer.script.push(() => refused('request-key-unknown', { transferId }));
    await life.work();
    answer();
    await working;
    await late.end();
    expect((await life.view(transferId)).spendable.is).toBe('yes');
    expect(await askSigner(transferId)).toMatchObject({ code: 'transfer-nothing-to-ask' });
    const paid = await life.transfers.resolve(transferId, { how: 'paid', note: 'sent by hand' }, ALICE);
    expect(paid).toMatchObject({ kind: 'accepted', value: { state: 'settled' } });
  });

  it('for what is signed and lost its nonce to something unknown, as far as asking goes (transfer-nothing-to-ask)', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.work();
    const thief = { wallet: 'hot-eth', number: 0, fee: 99, transfers: [] };
    stage.chain.mined.set(Buffer.from(JSON.stringify(thief)).toString('hex'), stage.chain.height);
    stage.chain.mempool.clear();
    await life.live(6);
    expect((await life.view(transferId)).state).toBe('indeterminate');
    expect(await askSigner(transferId)).toMatchObject({ code: 'transfer-nothing-to-ask' });
  });
});
