// What becomes of a transfer when the signer or the chain says no, says nothing, or says something else than before.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Fault, refused } from '../../core/fault.js';
import { type Life, reasonsOf, Stage, statesOf } from './stage.fixture.js';

const ETH = '000000000000000000';
/** What takes 1 ETH from a limit, with the 0.001 ETH that it may cost. */
const WITHOUT_FEE = '999000000000000000';
const HOUR_MS = 3_600_000;

let folder: string;
let stage: Stage;
let life: Life;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-pipeline-'));
  stage = new Stage({ url: `sqlite:${join(folder, 'test.db')}` });
  life = await stage.life('one');
});

afterEach(async () => {
  await life.end();
  rmSync(folder, { recursive: true });
});

describe('the signer', () => {
  it('is asked for the same bytes again when its answer was lost', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    stage.signer.script.push((order) => {
      stage.signer.sign(order);
      throw new Fault('signer-connection-lost', 'lost');
    });
    await life.live(6);
    expect((await life.view(transferId)).state).toBe('settled');
    expect(stage.signer.orders.map((order) => order.transaction)).toEqual(
      Array.from({ length: stage.signer.orders.length }, () => stage.signer.orders[0]?.transaction),
    );
    expect(stage.chain.payments()).toEqual(new Map([[transferId, 1]]));
  });

  it('ends one transfer of a batch with its code, and has the others paid without it', async () => {
    const [first = '', ...others] = await life.batchOf(3);
    stage.signer.script.push(() => refused('limit-exceeded', { transferId: first }));
    await life.live(6);
    expect(await life.view(first)).toMatchObject({ state: 'refused', reason: { code: 'limit-exceeded' } });
    for (const id of others) {
      const view = await life.view(id);
      expect(view.state).toBe('settled');
      expect(reasonsOf(view)).toContain('batch-released');
    }
    expect(stage.signer.orders[0]?.transfers).toHaveLength(3);
    expect([...stage.chain.payments().values()]).toEqual([1, 1]);
  });

  it('is not asked for ever when it refuses a plan as a whole', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    for (let count = 0; count < 5; count += 1) {
      stage.signer.script.push(() => refused('fee-above-absolute-cap', { maxFee: '10' }));
    }
    await life.live(6);
    expect(await life.view(transferId)).toMatchObject({
      state: 'refused',
      reason: { code: 'fee-above-absolute-cap' },
    });
    expect(stage.signer.orders).toHaveLength(3);
  });

  it('gives back limits of what it refused, and of nothing else', async () => {
    const { transferId } = await life.submitted(stage.cast.request(`1${ETH}`));
    stage.signer.script.push(() => refused('limit-exceeded', { transferId }));
    await life.work();
    for (let count = 0; count < 10; count += 1) await life.submitted(stage.cast.request(WITHOUT_FEE));
    await life.live(15);
    expect(stage.chain.payments().size).toBe(10);
  });

  it('leaves a transfer to a person when it refuses one that it has begun to sign', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    stage.signer.script.push(() => refused('request-expired', { transferId }));
    stage.signer.recordsScript = (id) => ({
      transferId: id,
      state: 'reserved',
      transactionIds: [],
      transactions: [],
    });
    await life.live(5);
    expect(await life.view(transferId)).toMatchObject({
      state: 'indeterminate',
      reason: { code: 'refused-though-begun' },
      spendable: { is: 'maybe', transactionIds: [] },
      transactions: [{ state: 'indeterminate' }],
    });
    expect(await life.transfers.cancel(transferId, 'person:alice')).toMatchObject({
      code: 'transfer-not-cancellable',
    });
  });

  it('leaves a transfer to a person when it stays silent past the expiry', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    for (let count = 0; count < 100; count += 1) {
      stage.signer.script.push(() => {
        throw new Fault('signer-unreachable', 'silent');
      });
    }
    await life.live(3);
    expect(await life.view(transferId)).toMatchObject({ state: 'built', waitingFor: 'signer-unreachable' });
    stage.pass(24 * HOUR_MS);
    await life.live(2);
    expect((await life.view(transferId)).state).toBe('built');
    stage.pass(HOUR_MS);
    await life.live(2);
    expect(await life.view(transferId)).toMatchObject({
      state: 'indeterminate',
      reason: { code: 'signer-silent' },
    });
  });

  it('has a signature that comes after all was given up kept, and left to a person', async () => {
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
    expect(await life.view(transferId)).toMatchObject({
      state: 'refused',
      transactions: [{ state: 'released' }],
    });
    answer();
    await working;
    expect(await life.view(transferId)).toMatchObject({
      state: 'indeterminate',
      reason: { code: 'signed-after-release' },
      spendable: { is: 'yes', transactionIds: [expect.any(String)] },
      transactions: [{ state: 'indeterminate', certified: true }],
    });
    await late.end();
  });

  it('expires a transfer that it never saw, when it says so', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    stage.signer.script.push(() => {
      throw new Fault('signer-unreachable', 'silent');
    });
    await life.work();
    stage.pass(24 * HOUR_MS);
    await life.live(2);
    expect(await life.view(transferId)).toMatchObject({
      state: 'expired',
      reason: { code: 'request-expired' },
      transactions: [{ state: 'released' }],
    });
  });
});

describe('the chain', () => {
  it('gets a transaction again that its nodes have forgotten', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.work();
    expect((await life.view(transferId)).state).toBe('broadcast');
    stage.chain.mempool.clear();
    await life.live(8);
    expect((await life.view(transferId)).state).toBe('settled');
  });

  it('takes a transfer back to broadcast when a reorganisation takes its block away', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.work();
    stage.chain.mine();
    stage.pass(5_000);
    await life.work();
    expect((await life.view(transferId)).state).toBe('confirming');
    stage.chain.reorganise(1);
    stage.pass(5_000);
    await life.work();
    const view = await life.view(transferId);
    expect(view.state).toBe('broadcast');
    await life.live(8);
    expect(statesOf(await life.view(transferId)).slice(-4)).toEqual([
      'confirming',
      'broadcast',
      'confirming',
      'settled',
    ]);
    expect(stage.chain.payments()).toEqual(new Map([[transferId, 1]]));
  });

  it('is asked again before a reservation when it did not answer, and the transfer says so meanwhile', async () => {
    const [driver] = life.drivers;
    const outlook = driver.outlook.bind(driver);
    driver.outlook = async () => {
      throw new Fault('chain-unavailable', 'no node');
    };
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.live(2);
    expect(await life.view(transferId)).toMatchObject({
      state: 'approved',
      waitingFor: 'chain-unavailable',
    });
    expect(life.failures.map((failure) => failure.code)).toContain('chain-unavailable');
    driver.outlook = outlook;
    stage.pass(60_000);
    await life.live(6);
    expect((await life.view(transferId)).state).toBe('settled');
  });

  it('is tried again when no node answers', async () => {
    stage.chain.unreachable = true;
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.live(3);
    expect(await life.view(transferId)).toMatchObject({
      state: 'signed',
      transactions: [{ state: 'signed', reason: { code: 'broadcast-unreachable' } }],
    });
    stage.chain.unreachable = false;
    stage.pass(60_000);
    await life.live(6);
    expect((await life.view(transferId)).state).toBe('settled');
  });

  it('gets a replacement with a higher fee for what is stuck, and pays once', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.work();
    stage.pass(4 * 60_000);
    await life.work();
    stage.pass(5_000);
    await life.work();
    await life.live(8);
    const view = await life.view(transferId);
    expect(view.state).toBe('settled');
    expect(view.transactions.map((one) => one.state)).toEqual(['conflicted', 'final']);
    expect(view.transactions[1]).toMatchObject({
      replaces: view.transactions[0]?.transactionKey,
      feePaid: '20',
    });
    expect(stage.chain.payments()).toEqual(new Map([[transferId, 1]]));
  });

  it('keeps following the first transaction when the signer refuses its replacement', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.work();
    stage.pass(4 * 60_000);
    stage.signer.script.push(() => refused('fee-above-absolute-cap', {}));
    await life.work();
    await life.live(8);
    const view = await life.view(transferId);
    expect(view.state).toBe('settled');
    expect(view.transactions.map((one) => one.state)).toEqual(['final', 'released']);
  });

  it('ends as failed what was mined and did not do what it should', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.work();
    const [sent] = (await life.view(transferId)).transactions;
    stage.chain.failing.add(sent?.transactionId ?? '');
    await life.live(5);
    expect(await life.view(transferId)).toMatchObject({
      state: 'failed',
      reason: { code: 'status-0' },
      transactions: [{ state: 'failed', feePaid: '10' }],
    });
  });

  it('leaves a transfer to a person when something unknown has spent its nonce', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.work();
    const thief = { wallet: 'hot-eth', number: 0, fee: 99, transfers: [] };
    stage.chain.mined.set(Buffer.from(JSON.stringify(thief)).toString('hex'), stage.chain.height);
    stage.chain.mempool.clear();
    await life.live(6);
    expect(await life.view(transferId)).toMatchObject({
      state: 'indeterminate',
      reason: { code: 'conflicted-by-unknown' },
      transactions: [{ state: 'conflicted' }],
    });
  });
});
