// The way of a transfer against a scripted signer and a scripted chain: through all its states, past the policy, and out
// of it when somebody cancels.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Fault } from '../../core/fault.js';
import { START_MS } from './cast.fixture.js';
import { defaultPipelineSettings } from './pipeline.js';
import { certain, type Life, reasonsOf, Stage, statesOf } from './stage.fixture.js';

const ETH = '000000000000000000';
/** What 1 ETH takes from a limit, whose request lets it cost 0.001 ETH; and what takes 1 ETH. */
const WITH_FEE = '1001000000000000000';
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
      amount: WITH_FEE,
      usedBefore: '0',
      usedAfter: WITH_FEE,
      max: `10${ETH}`,
    });
    expect(stage.chain.payments()).toEqual(new Map([[transferId, 1]]));
    expect(life.failures).toEqual([]);
  });

  it('charges the limits of the rule that decides, and refuses what they have no room for', async () => {
    stage.cast.amend(
      stage.cast.policiesWith(
        '"1 ETH" }',
        '"1 ETH" }\n    limits: [{ id: day, per: rule, asset: ETH, window: 24h, max: "1.001 ETH" }]',
      ),
    );
    await life.governance.refresh();
    const first = await life.submitted(stage.cast.request(`1${ETH}`));
    const middle = await life.submitted(stage.cast.request(`2${ETH}`));
    await life.live(5);
    const view = await life.view(first.transferId);
    expect(view.state).toBe('settled');
    expect(view.limits.map(({ limitId, usedAfter }) => [limitId, usedAfter])).toContainEqual([
      'hot-ethereum/small/day',
      WITH_FEE,
    ]);
    expect((await life.view(middle.transferId)).limits.map(({ limitId }) => limitId)).not.toContain(
      'hot-ethereum/small/day',
    );
    const second = await life.submitted(stage.cast.request('1'));
    await life.work();
    expect(await life.view(second.transferId)).toMatchObject({
      state: 'refused',
      reason: { code: 'limit-exceeded', facts: { limit: 'hot-ethereum/small/day' } },
    });
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
    const ids = await life.batchOf(5);
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

describe('decisions', () => {
  it('refuses what the policy refuses, and what exceeds a limit', async () => {
    const large = await life.submitted(stage.cast.request(`6${ETH}`));
    for (let count = 0; count < 10; count += 1) await life.submitted(stage.cast.request(WITHOUT_FEE));
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

  it('expires what waits for officers when the time of their statement is over, before that of the request', async () => {
    const expiresAtMs = START_MS + 72 * HOUR_MS;
    const { transferId } = await life.submitted(stage.cast.request(`2${ETH}`, { expiresAtMs }));
    await life.work();
    stage.pass(defaultPipelineSettings.approvalTtlMs + 1);
    await life.work();
    expect(await life.view(transferId)).toMatchObject({
      state: 'expired',
      reason: { code: 'approval-expired' },
    });
  });

  it('expires what is planned when the time of its request is over, without a word to the signer (request-expired)', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1', { expiresAtMs: START_MS + HOUR_MS }));
    while ((await life.view(transferId)).state !== 'built') await life.step();
    stage.pass(HOUR_MS);
    await life.work();
    expect(await life.view(transferId)).toMatchObject({
      state: 'expired',
      reason: { code: 'request-expired' },
    });
    expect(stage.signer.orders).toEqual([]);
  });

  it('expires what is planned when the time of its statement is over, without a word to the signer (approval-expired)', async () => {
    const expiresAtMs = START_MS + 72 * HOUR_MS;
    const { transferId } = await life.submitted(stage.cast.request(`2${ETH}`, { expiresAtMs }));
    await life.work();
    const { statement } = certain(await life.approvals.statementFor(transferId));
    for (const id of ['alice', 'bob'] as const) {
      await life.approved(transferId, stage.cast.verdict(id, statement));
    }
    while ((await life.view(transferId)).state !== 'built') await life.step();
    stage.pass(defaultPipelineSettings.approvalTtlMs + 1);
    await life.work();
    expect(await life.view(transferId)).toMatchObject({
      state: 'expired',
      reason: { code: 'approval-expired' },
    });
    expect(stage.signer.orders).toEqual([]);
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
    const [first = '', ...others] = await life.batchOf(3);
    while ((await life.view(first)).state !== 'built') await life.step();
    const view = certain(await life.transfers.cancel(first, 'request-key:backend'));
    expect(view.state).toBe('cancelled');
    await life.live(5);
    for (const id of others) expect((await life.view(id)).state).toBe('settled');
    expect(stage.chain.payments().get(first)).toBeUndefined();
  });

  it('refuses transfer-being-signed when it is planned in that very moment, and the plan stands', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    const { database } = life.pipeline;
    const read = database.read.bind(database);
    database.read = async (work) => {
      database.read = read;
      const seen = await read(work);
      while ((await life.view(transferId)).state !== 'built') await life.step();
      return seen;
    };
    expect(await life.transfers.cancel(transferId, 'request-key:backend')).toMatchObject({
      code: 'transfer-being-signed',
    });
    await life.live(6);
    expect((await life.view(transferId)).state).toBe('settled');
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
