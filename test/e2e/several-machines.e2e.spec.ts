// Three orchestrators on one PostgreSQL, on hosts whose clocks are a minute apart each way: what each claims is its own
// until its lease is over, whoever dies or hangs in the middle is taken over then, and one that wakes up too late writes
// nothing. The database's own clock is the judge.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { expectBooksAgree, expectPaidOnce, type Wanted } from './books.js';
import { LeaseAuditor } from './leases.js';
import { ETHER, eventually, Rig } from './rig.js';

const MINUTE_MS = 60_000;
const LEASE_MS = 3_000;
/** From the end of a lease until somebody has taken the work over. */
const TAKEN_OVER_WITHIN_MS = 5_000;
/** The right one is asked for everything that a test wants to know, and so lives until the end. */
const NAMES = ['right', 'ahead', 'behind'] as const;
const RIGHT = 0;
const AHEAD = 1;
const BEHIND = 2;

let rig: Rig;
let auditor: LeaseAuditor;

beforeAll(async () => {
  const clocks = [0, MINUTE_MS, -MINUTE_MS];
  rig = await Rig.start({
    programs: true,
    orchestrators: 3,
    database: 'postgres',
    each: NAMES.map((name, index) => ({
      clockAheadMs: clocks[index] ?? 0,
      workers: { name, leaseMs: LEASE_MS },
    })),
  });
  auditor = await LeaseAuditor.watch(rig.databaseUrl);
  rig.chains.startMining();
});
afterEach(async () => {
  expect(await auditor.stolen()).toEqual([]);
});
afterAll(async () => {
  await auditor?.end();
  await rig?.stop();
});

/** Small withdrawals on both chains, asked of these orchestrators in turn. */
async function submit(count: number, asked: readonly number[]): Promise<readonly Wanted[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index): Promise<Wanted> => {
      const asset = index % 2 === 0 ? 'BTC' : 'ETH';
      const amount = asset === 'BTC' ? 100_000n + BigInt(index) : ETHER / 200n + BigInt(index);
      const request = rig.request({ asset, amount, feeCeiling: asset === 'BTC' ? 5_000n : ETHER / 1000n });
      const id = await rig.taken(request, rig.orchestrators[asked[index % asked.length] ?? RIGHT]);
      return { asset, amount, id, destination: request.statement.destination };
    }),
  );
}

describe('three orchestrators, clocks a minute apart', () => {
  it('pay 30 withdrawals once, all three of them at work, and none waits for a clock', async () => {
    const wanted = await submit(30, [RIGHT, AHEAD, BEHIND]);
    await expectPaidOnce(rig, wanted, 60_000);
    await expectBooksAgree(rig);
    expect(await auditor.movers()).toEqual(new Set(NAMES));
    expect(await auditor.longest()).toBeLessThan(MINUTE_MS);
  }, 90_000);

  it('say in their logs that the clock of their host is wrong', () => {
    const warned = rig.orchestrators.map((one) => one.logs().includes('"clocks apart"'));
    expect(warned).toEqual([false, true, true]);
  });
});

describe('an orchestrator with a living lease', () => {
  it('hangs, is taken over when the lease is over, and writes nothing when it wakes up', async () => {
    // The signer keeps its answers until the orchestrator hangs, so that there is one to be late with.
    rig.signalSigner('SIGSTOP');
    const wanted = await submit(8, [RIGHT]);
    await auditor.until('behind', 'transaction');
    rig.program(BEHIND).signal('SIGSTOP');
    // What it held a moment ago, it may have given back before it was stopped.
    const held = await auditor.heldBy('behind');
    expect(held.length).toBeGreaterThan(0);
    rig.signalSigner('SIGCONT');
    await expectPaidOnce(rig, wanted, 60_000);
    await eventually('somebody else has had it', async () => {
      const fences = await Promise.all(held.map((work) => auditor.fence(work)));
      return held.every(({ fence }, index) => (fences[index] ?? 0n) > BigInt(fence));
    });
    await expectBooksAgree(rig);

    const before = await auditor.record();
    rig.program(BEHIND).signal('SIGCONT');
    const { url } = rig.program(BEHIND);
    await eventually('it answers again', async () => (await fetch(`${url}/readyz`)).ok);
    await sleep(1_500);
    expect(await auditor.record()).toEqual(before);
    await expectBooksAgree(rig);
  }, 120_000);

  it('is killed, and its work waits for the end of the lease, and hardly longer', async () => {
    rig.signalSigner('SIGSTOP');
    const wanted = await submit(8, [RIGHT]);
    await auditor.until('ahead', 'transaction');
    await rig.program(AHEAD).kill();
    const left = await auditor.heldBy('ahead');
    rig.signalSigner('SIGCONT');
    expect(left.length).toBeGreaterThan(0);
    const longest = Math.max(...left.map(({ leftMs }) => leftMs));
    expect(longest).toBeLessThanOrEqual(LEASE_MS);
    const since = performance.now();
    await eventually('somebody else has it', async () => {
      const fences = await Promise.all(left.map((work) => auditor.fence(work)));
      return left.every(({ fence }, index) => (fences[index] ?? 0n) > BigInt(fence));
    });
    expect(performance.now() - since).toBeLessThan(longest + TAKEN_OVER_WITHIN_MS);
    await expectPaidOnce(rig, wanted, 60_000);
    await expectBooksAgree(rig);
  }, 120_000);
});
