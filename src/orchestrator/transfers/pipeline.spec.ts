// The pipeline against a scripted signer and a scripted chain: the way of a transfer, and what becomes of it when the
// parts around it say no, say nothing, or say something else than before.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Fault, refused } from '../../core/fault.js';
import { START_MS } from './cast.fixture.js';
import { certain, type Life, Stage } from './stage.fixture.js';
import type { TransferPage, TransferView } from './transfer.view.js';

const ETH = '000000000000000000';
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

/** Bitcoin transfers that are all approved before the first plan is made, so that one plan holds them all. */
async function batchOf(size: number): Promise<string[]> {
  const ids: string[] = [];
  life.drivers[1].wait = 'node-behind';
  for (let count = 0; count < size; count += 1) {
    ids.push((await life.submitted(stage.cast.bitcoinRequest('1000'))).transferId);
  }
  await life.work();
  life.drivers[1].wait = undefined;
  stage.pass(60_000);
  return ids;
}

const statesOf = (view: TransferView) => view.transitions.map((transition) => transition.to);
const reasonsOf = (view: TransferView) => view.transitions.map((transition) => transition.reason.code);

describe('the way of a transfer', () => {
  it('goes from request to settled through every state when the policy allows it', async () => {
    const { transferId } = await life.submitted(stage.cast.request(`1${ETH}`));
    await life.live(5);
    const view = await life.view(transferId);
    expect(statesOf(view)).toEqual([
      'requested',
      'screened',
      'decided',
      'approved',
      'reserved',
      'built',
      'signed',
      'broadcast',
      'confirming',
      'settled',
    ]);
    expect(view.transactions).toMatchObject([
      { state: 'final', feePaid: '10', certified: true, confirmations: 3 },
    ]);
    expect(view.rule).toBe('hot-ethereum/small');
    expect(view.limits).toContainEqual({
      limitId: 'hot-ethereum/day',
      key: 'hot-eth',
      windowMs: 24 * HOUR_MS,
      amount: `1${ETH}`,
      usedBefore: '0',
      usedAfter: `1${ETH}`,
      max: `10${ETH}`,
    });
    expect(stage.chain.payments()).toEqual(new Map([[transferId, 1]]));
    expect(life.failures).toEqual([]);
  });

  it('waits for the officers that the policy names, and goes on when the last one has signed', async () => {
    const { transferId } = await life.submitted(stage.cast.request(`2${ETH}`));
    await life.work();
    const { statement, missing } = certain(await life.approvals.statementFor(transferId));
    expect(missing).toEqual([{ group: 'treasury', quorum: 2 }]);
    expect(statement).toMatchObject({ amount: `2${ETH}`, transferId });
    const one = await life.approved(transferId, stage.cast.verdict('alice', statement));
    expect(one.state).toBe('awaiting-approvals');
    expect(one.approvals.missing).toEqual([{ group: 'treasury', quorum: 1 }]);
    const two = await life.approved(transferId, stage.cast.verdict('bob', statement));
    expect(two.state).toBe('approved');
    await life.live(5);
    expect((await life.view(transferId)).state).toBe('settled');
    expect(stage.signer.orders[0]?.transfers[0]?.approvals).toHaveLength(2);
  });

  it('pays many Bitcoin transfers with one transaction', async () => {
    const ids = await batchOf(5);
    await life.live(5);
    for (const id of ids) expect((await life.view(id)).state).toBe('settled');
    expect(stage.signer.signed.size).toBe(1);
    expect([...stage.chain.payments().values()]).toEqual([1, 1, 1, 1, 1]);
  });

  it('hands out the nonces of an Ethereum wallet in order, one for each transfer', async () => {
    for (let count = 0; count < 5; count += 1) await life.submitted(stage.cast.request(`1${ETH}`));
    await life.live(8);
    expect([...stage.signer.signed.values()].map((one) => one.number)).toEqual([0, 1, 2, 3, 4]);
    expect([...stage.chain.payments().values()]).toEqual([1, 1, 1, 1, 1]);
  });
});

describe('requests', () => {
  it('gives the same transfer for the same request, also after it has expired', async () => {
    const request = stage.cast.request(`1${ETH}`);
    const first = await life.submitted(request);
    stage.pass(48 * HOUR_MS);
    const second = await life.submitted(request);
    expect(second.transferId).toBe(first.transferId);
    expect(second.transitions).toHaveLength(1);
  });

  it('refuses another request under a used request id', async () => {
    const request = stage.cast.request(`1${ETH}`);
    await life.submitted(request);
    const other = stage.cast.signed({ ...request.statement, amount: '7' });
    expect(await life.transfers.submit(other)).toMatchObject({ kind: 'refused', code: 'request-id-used' });
  });

  it.each([
    ['request-signature-invalid', () => stage.cast.foreign(stage.cast.request('1'))],
    ['request-expired', () => stage.cast.request('1', { expiresAtMs: START_MS + 1 })],
    ['request-other-deployment', () => stage.cast.request('1', { deploymentId: 'ab'.repeat(32) })],
    ['request-key-unknown', () => stage.cast.request('1', { keyId: 'nobody' })],
    ['requester-not-owner', () => stage.cast.request('1', { requester: 'mallory' })],
    ['wallet-unknown', () => stage.cast.request('1', { wallet: 'cold-eth' })],
    ['chain-mismatch', () => stage.cast.request('1', { wallet: 'hot-btc' })],
    [
      'destination-invalid',
      () => stage.cast.request('1', { destination: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8' }),
    ],
    [
      'destination-invalid',
      () => stage.cast.bitcoinRequest('1', { destination: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4' }),
    ],
  ])('refuses with %s and keeps nothing', async (code, request) => {
    expect(await life.transfers.submit(request())).toMatchObject({ kind: 'refused', code });
    expect(certain(await life.transfers.list({})).items).toEqual([]);
  });

  it('keeps nothing of a request when what was to happen alongside fails', async () => {
    const request = stage.cast.request('1');
    const submitted = life.transfers.submit(request, async () => {
      throw new Fault('alongside', 'no');
    });
    await expect(submitted).rejects.toMatchObject({ code: 'alongside' });
    expect(await life.transfers.submit(request)).toMatchObject({ kind: 'accepted' });
  });

  it('ends a transfer whose request was changed in the database', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.database.transaction((db) =>
      db.query(`UPDATE transfers SET request = replace(request, '"amount":"1"', '"amount":"2"')`),
    );
    await life.work();
    expect(await life.view(transferId)).toMatchObject({
      state: 'refused',
      reason: { code: 'request-signature-invalid' },
    });
  });
});

describe('decisions', () => {
  it('refuses what the policy refuses, and what exceeds a limit', async () => {
    const large = await life.submitted(stage.cast.request(`6${ETH}`));
    for (let count = 0; count < 10; count += 1) await life.submitted(stage.cast.request(`1${ETH}`));
    stage.pass(1);
    const last = await life.submitted(stage.cast.request('1'));
    await life.live(12);
    expect(await life.view(large.transferId)).toMatchObject({
      state: 'refused',
      reason: { code: 'policy-refused' },
    });
    expect(await life.view(last.transferId)).toMatchObject({
      state: 'refused',
      reason: { code: 'limit-exceeded', facts: { limit: 'hot-ethereum/day' } },
    });
    expect(stage.chain.payments().size).toBe(10);
  });

  it('says what a transfer waits for, and goes on when it is there', async () => {
    life.drivers[0].wait = 'insufficient-funds';
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.live(3);
    expect(await life.view(transferId)).toMatchObject({
      state: 'approved',
      waitingFor: 'insufficient-funds',
    });
    life.drivers[0].wait = undefined;
    stage.pass(60_000);
    await life.live(6);
    expect(await life.view(transferId)).toMatchObject({ state: 'settled', waitingFor: null });
  });

  it('refuses what the chain can never do, and pays the others', async () => {
    const request = stage.cast.request('1');
    life.drivers[0].impossible = request.statement.requestId;
    const dust = await life.submitted(request);
    const other = await life.submitted(stage.cast.request('1'));
    await life.live(6);
    expect(await life.view(dust.transferId)).toMatchObject({
      state: 'refused',
      reason: { code: 'amount-below-dust' },
    });
    expect((await life.view(other.transferId)).state).toBe('settled');
  });

  it('expires what nobody approved in time', async () => {
    const { transferId } = await life.submitted(stage.cast.request(`2${ETH}`));
    await life.work();
    stage.pass(25 * HOUR_MS);
    await life.work();
    expect(await life.view(transferId)).toMatchObject({
      state: 'expired',
      reason: { code: 'request-expired' },
    });
  });

  it('asks anew when another policy comes into force, and drops the approvals given before', async () => {
    const { transferId } = await life.submitted(stage.cast.request(`2${ETH}`));
    await life.work();
    const { statement } = certain(await life.approvals.statementFor(transferId));
    await life.approved(transferId, stage.cast.verdict('alice', statement));
    stage.cast.amend(stage.cast.policiesWith('5 ETH', '4 ETH'));
    await life.governance.refresh();
    expect(await life.approvals.submit(transferId, stage.cast.verdict('bob', statement))).toMatchObject({
      code: 'policy-not-in-force',
    });
    await life.work();
    const view = await life.view(transferId);
    expect(view).toMatchObject({ state: 'awaiting-approvals', approvals: { given: [] } });
    expect(reasonsOf(view)).toContain('policy-changed');
    const renewed = certain(await life.approvals.statementFor(transferId)).statement;
    await life.approved(transferId, stage.cast.verdict('alice', renewed));
    await life.approved(transferId, stage.cast.verdict('bob', renewed));
    await life.live(5);
    expect((await life.view(transferId)).state).toBe('settled');
  });

  it('waits for officers again when one who approved has left the roster', async () => {
    life.drivers[0].wait = 'insufficient-funds';
    const { transferId } = await life.submitted(stage.cast.request(`2${ETH}`));
    await life.work();
    const { statement } = certain(await life.approvals.statementFor(transferId));
    await life.approved(transferId, stage.cast.verdict('alice', statement));
    await life.approved(transferId, stage.cast.verdict('bob', statement));
    stage.cast.amend({ kind: 'group-set', group: { groupId: 'treasury', members: ['alice', 'carol'] } });
    await life.governance.refresh();
    await life.work();
    const view = await life.view(transferId);
    expect(view.state).toBe('awaiting-approvals');
    expect(reasonsOf(view)).toContain('approvals-withdrawn');
    expect(view.approvals.missing).toEqual([{ group: 'treasury', quorum: 1 }]);
  });
});

describe('approvals', () => {
  async function waiting(): Promise<{ transferId: string; sign: (typeof stage.cast)['verdict'] }> {
    const { transferId } = await life.submitted(stage.cast.request(`2${ETH}`));
    await life.work();
    return { transferId, sign: (of, statement, verdict) => stage.cast.verdict(of, statement, verdict) };
  }
  const statementOf = async (transferId: string) =>
    certain(await life.approvals.statementFor(transferId)).statement;

  it('refuses approver-duplicate when one officer signs twice', async () => {
    const { transferId, sign } = await waiting();
    const statement = await statementOf(transferId);
    await life.approved(transferId, sign('alice', statement));
    expect(await life.approvals.submit(transferId, sign('alice', statement))).toMatchObject({
      code: 'approver-duplicate',
    });
    expect((await life.view(transferId)).approvals.given).toHaveLength(1);
  });

  it('refuses approver-is-requester when an owner of the request key signs', async () => {
    const { transferId, sign } = await waiting();
    const approval = sign('carol', await statementOf(transferId));
    expect(await life.approvals.submit(transferId, approval)).toMatchObject({
      code: 'approver-is-requester',
    });
  });

  it('refuses a signature over another statement', async () => {
    const { transferId, sign } = await waiting();
    const statement = await statementOf(transferId);
    const approval = sign('alice', { ...statement, amount: '1' });
    expect(await life.approvals.submit(transferId, approval)).toMatchObject({
      code: 'approval-signature-invalid',
    });
  });

  it('refuses approver-not-in-roster for a credential that nobody has', async () => {
    const { transferId, sign } = await waiting();
    const approval = { ...sign('alice', await statementOf(transferId)), credentialId: 'mallory-piv' };
    expect(await life.approvals.submit(transferId, approval)).toMatchObject({
      code: 'approver-not-in-roster',
    });
  });

  it('refuses an approval that comes too late', async () => {
    const { transferId, sign } = await waiting();
    const approval = sign('alice', await statementOf(transferId));
    stage.pass(24 * HOUR_MS);
    expect(await life.approvals.submit(transferId, approval)).toMatchObject({ code: 'request-expired' });
  });

  it('refuses an approval for a transfer that waits for none', async () => {
    const { transferId, sign } = await waiting();
    const statement = await statementOf(transferId);
    await life.approved(transferId, sign('alice', statement, 'reject'));
    expect(await life.approvals.submit(transferId, sign('bob', statement))).toMatchObject({
      code: 'transfer-not-awaiting-approvals',
    });
  });

  it('ends a transfer that an officer rejects, and never lets a rejection count as an approval', async () => {
    const { transferId, sign } = await waiting();
    const statement = await statementOf(transferId);
    const rejection = sign('alice', statement, 'reject');
    expect(await life.approvals.submit(transferId, { ...rejection, verdict: 'approve' })).toMatchObject({
      code: 'approval-signature-invalid',
    });
    const view = await life.approved(transferId, rejection);
    expect(view).toMatchObject({
      state: 'refused',
      reason: { code: 'rejected-by-officer', facts: { personId: 'alice' } },
    });
  });
});

describe('cancelling', () => {
  it('ends a transfer before it is reserved', async () => {
    const { transferId } = await life.submitted(stage.cast.request(`2${ETH}`));
    await life.work();
    const view = certain(await life.transfers.cancel(transferId, 'request-key:backend'));
    expect(view).toMatchObject({ state: 'cancelled', reason: { code: 'cancelled-by-caller' } });
    await life.live(3);
    expect(stage.signer.orders).toEqual([]);
  });

  it('gives up a plan that is not being signed, and plans the others anew without it', async () => {
    const [first = '', ...others] = await batchOf(3);
    while ((await life.view(first)).state !== 'built') await life.workers.runOne();
    const view = certain(await life.transfers.cancel(first, 'request-key:backend'));
    expect(view.state).toBe('cancelled');
    await life.live(5);
    for (const id of others) expect((await life.view(id)).state).toBe('settled');
    expect(stage.chain.payments().get(first)).toBeUndefined();
  });

  it('refuses transfer-being-signed once the signer may have been asked', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    stage.signer.script.push(() => {
      throw new Fault('signer-timeout', 'no answer');
    });
    await life.work();
    expect(await life.transfers.cancel(transferId, 'request-key:backend')).toMatchObject({
      code: 'transfer-being-signed',
    });
    stage.pass(10_000);
    await life.live(5);
    expect((await life.view(transferId)).state).toBe('settled');
    expect(await life.transfers.cancel(transferId, 'request-key:backend')).toMatchObject({
      code: 'transfer-not-cancellable',
    });
  });
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
    const [first = '', ...others] = await batchOf(3);
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
    for (let count = 0; count < 10; count += 1) await life.submitted(stage.cast.request(`1${ETH}`));
    await life.live(15);
    expect(stage.chain.payments().size).toBe(10);
  });

  it('leaves a transfer to a person when it refuses one that it has begun to sign', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    stage.signer.script.push(() => refused('request-expired', { transferId }));
    stage.signer.recordsScript = (id) => ({ transferId: id, state: 'reserved', transactionIds: [] });
    await life.live(5);
    expect(await life.view(transferId)).toMatchObject({
      state: 'indeterminate',
      reason: { code: 'refused-though-begun' },
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

describe('lists', () => {
  it('gives every transfer once over pages, newest first, and filters', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 7; count += 1) {
      ids.unshift((await life.submitted(stage.cast.request('1', { customer: `c-${count % 2}` }))).transferId);
      if (count % 3 === 0) stage.pass(1);
    }
    const found: string[] = [];
    let cursor: string | null = null;
    do {
      const page: TransferPage = certain(
        await life.transfers.list({ limit: 3, ...(cursor === null ? {} : { cursor }) }),
      );
      found.push(...page.items.map((item) => item.transferId));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(found.toSorted()).toEqual(ids.toSorted());
    expect(new Set(found).size).toBe(7);
    expect(certain(await life.transfers.list({ customer: 'c-1' })).items).toHaveLength(3);
    expect(certain(await life.transfers.list({ state: 'settled' })).items).toHaveLength(0);
    expect(certain(await life.transfers.list({ requesters: [] })).items).toHaveLength(0);
  });

  it('refuses a cursor that is none of its own', async () => {
    for (const cursor of ['', 'abc', Buffer.from('[1,"x"]').toString('base64url')]) {
      expect(await life.transfers.list({ cursor })).toMatchObject({ code: 'cursor-invalid' });
    }
  });
});
