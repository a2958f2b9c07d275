// Steps that follow one another at once: one worker does them under one lease, no longer than it may, and a wallet's step
// plans all that it has assessed. What each step writes and when is the same as if another worker had done it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Fault } from '../../core/fault.js';
import { rows, sqlInteger } from '../database/sql.js';
import type { PipelineSettings } from './pipeline.js';
import { type Life, Stage, statesOf } from './stage.fixture.js';
import type { WorkKind } from './work.store.js';

const workRow = z.object({ fence: sqlInteger, due: sqlInteger.nullable(), lease: sqlInteger });
const STEPS = 3;

let folder: string;
let stage: Stage;
let life: Life;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-steps-'));
});

afterEach(async () => {
  await life.end();
  rmSync(folder, { recursive: true });
});

async function begin(settings: Partial<PipelineSettings> = {}): Promise<void> {
  stage = new Stage({ url: `sqlite:${join(folder, 'test.db')}`, settings });
  life = await stage.life('one');
}

function work(kind: WorkKind): Promise<z.infer<typeof workRow>[]> {
  return life.database.read((db) =>
    rows(
      db,
      workRow,
      'SELECT fence, due_at_ms AS due, lease_until_ms AS lease FROM work WHERE kind = ? ORDER BY subject',
      [kind],
    ),
  );
}

/** Ethereum transfers that are all approved before the first plan is made. */
async function approved(count: number): Promise<string[]> {
  const ids: string[] = [];
  life.drivers[0].wait = 'node-behind';
  for (let each = 0; each < count; each += 1) {
    ids.push((await life.submitted(stage.cast.request('1'))).transferId);
  }
  await life.work();
  life.drivers[0].wait = undefined;
  stage.pass(60_000);
  return ids;
}

describe('a worker', () => {
  it('takes a transaction from its plan until it is sent, claiming it once', async () => {
    await begin();
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.work();
    expect((await life.view(transferId)).state).toBe('broadcast');
    expect(await work('transaction')).toMatchObject([{ fence: 1, lease: 0 }]);
  });

  it('gives it back after as many steps as one lease is for, and takes it on with the next', async () => {
    await begin({ stepsPerLease: STEPS });
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.work();
    const view = await life.view(transferId);
    expect(view.state).toBe('broadcast');
    expect(new Set(statesOf(view)).size).toBe(statesOf(view).length);
    // Building, committing and signing; then sending.
    expect(await work('transaction')).toMatchObject([{ fence: 2, lease: 0 }]);
  });

  it('that is told to stop gives back what it has begun, due at once for another one', async () => {
    await begin();
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.workers.stop();
    while ((await life.view(transferId)).state !== 'built') expect(await life.workers.runOne()).toBe(true);
    expect(await work('transaction')).toEqual([{ fence: 1, due: stage.nowMs(), lease: 0 }]);
  });

  it('holds what it goes on with for as long as a new lease', async () => {
    await begin();
    await life.submitted(stage.cast.request('1'));
    let leases: number[] = [];
    stage.signer.script.push(() => {
      throw new Fault('signer-timeout', 'no answer');
    });
    const { signer, settings } = life.pipeline;
    const ask = signer.sign.bind(signer);
    signer.sign = async (order) => {
      leases = (await work('transaction')).map(({ lease }) => lease);
      return ask(order);
    };
    const { database } = life.pipeline;
    const transaction = database.transaction.bind(database);
    // Time goes by between the steps.
    database.transaction = async (write) => {
      stage.pass(1_000);
      return transaction(write);
    };
    await life.workers.runOne();
    await life.workers.runOne();
    await life.workers.runOne();
    expect(leases).toEqual([stage.nowMs() + settings.leaseMs - 2_000]);
  });
});

describe('workers that find nothing due', () => {
  const LONG_MS = 60_000;

  it('are woken by what a step of another one leaves behind, and end at once when they are told to stop', async () => {
    await begin({ concurrency: 2, pollMs: LONG_MS });
    const ids = await approved(2);
    const { signer } = life.pipeline;
    const ask = signer.sign.bind(signer);
    const { promise: bothAsked, resolve } = Promise.withResolvers<void>();
    let asked = 0;
    signer.sign = async (order) => {
      asked += 1;
      if (asked === 2) resolve();
      return ask(order);
    };
    const [ethereum] = life.drivers;
    const send = ethereum.broadcast.bind(ethereum);
    // Who has signed the first one is held up until another one has the second one signed.
    ethereum.broadcast = async (transaction) => {
      await bothAsked;
      return send(transaction);
    };
    life.workers.start();
    await bothAsked;
    await life.workers.stop();
    expect(life.failures).toEqual([]);
    await life.live(6);
    for (const id of ids) expect((await life.view(id)).state).toBe('settled');
  }, 20_000);
});

describe('the step of a wallet', () => {
  it('plans one transaction after the other for what it has assessed, each transfer charged once', async () => {
    await begin();
    const ids = await approved(3);
    const before = (await work('wallet')).map(({ fence }) => fence);
    await life.step();
    await life.step();
    const plans = await Promise.all(ids.map(async (id) => (await life.view(id)).transactions));
    expect(plans.map((of) => of.length)).toEqual([1, 1, 1]);
    expect(new Set(plans.flat().map((plan) => plan.transactionKey)).size).toBe(3);
    expect((await work('wallet')).map(({ fence }) => fence)).toEqual(before.map((fence) => fence + 1));
    const [counter] = await life.database.read((db) =>
      rows(
        db,
        z.object({ counter: z.string() }),
        "SELECT counter FROM limit_counters WHERE limit_id = 'everything/all-per-hour'",
      ),
    );
    const buckets = z.array(z.tuple([z.int(), z.string()])).parse(JSON.parse(counter?.counter ?? ''));
    expect(buckets.reduce((sum, [, amount]) => sum + BigInt(amount), 0n)).toBe(3n);
    await life.live(6);
    for (const id of ids) expect((await life.view(id)).state).toBe('settled');
    expect([...stage.chain.payments().values()]).toEqual([1, 1, 1]);
  });
});

describe('a plan that waits for an earlier one', () => {
  it('is due at once when that is signed, and not looked at before', async () => {
    await begin();
    const ids = await approved(3);
    stage.signer.script.push(() => {
      throw new Fault('signer-timeout', 'no answer');
    });
    await life.work();
    expect(stage.signer.orders).toHaveLength(1);
    for (const id of ids) expect((await life.view(id)).state).toBe('built');
    // The signer is asked again before any of the others looks by itself.
    stage.pass(1_000);
    await life.work();
    for (const id of ids) expect((await life.view(id)).state).toBe('broadcast');
    const [first, ...others] = await work('transaction');
    expect(first).toMatchObject({ fence: 2 });
    expect(others).toMatchObject([{ fence: 2 }, { fence: 2 }]);
  });
});
