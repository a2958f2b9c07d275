// limits-10m: what a decision costs with its limits after ten million transfers were counted, against after ten. A decision here
// is what the signer does with it in memory: decide, and charge what the decision says. Not what it costs to write that down.

import { Session } from 'node:inspector/promises';
import type { Moment } from '../src/core/policy/calendar.js';
import { chargedAt, emptyCounter, type LimitCounter, type Span, usedAt } from '../src/core/policy/counter.js';
import { decide } from '../src/core/policy/decide.js';
import type { LimitCharge, PolicyAsset, PolicySet } from '../src/core/policy/types.js';

import { USUAL_BUCKETS } from '../src/core/policy/window.js';
import { type Benchmark, type Report, resultOf, type Settings } from './benchmark.js';
import { customerOf, situationOf } from './rig/equal-rules.js';

const HOUR_MS = 3_600_000;
const WINDOW_MS = 24 * HOUR_MS;
/** Everything that is counted beforehand lies in these hours: three windows, so that two of them are forgotten again. */
const FILLED_MS = 3 * WINDOW_MS;
const START_MS = 1_760_000_000_000;
const SPAN: Span = { windowMs: WINDOW_MS };
const CUSTOMERS = 100;
const AMOUNT = 1_000n;
const NO_DESTINATION_OF_A_RULE = 999_999;
/** Between two decisions that are measured: so little that all of a sample falls into one part of a window, or two. */
const STEP_MS = 20;

const BTC: PolicyAsset = { ...situationOf(0, 1n, 0), symbol: 'BTC', decimals: 8 };
const SET: PolicySet = {
  hash: 'ab'.repeat(32),
  policies: [
    {
      name: 'hot',
      appliesTo: { kind: 'wallets', wallets: ['hot-btc'] },
      feeCaps: { absoluteMax: 1_000n, relativeMaxBasisPoints: 500n },
      limits: [
        {
          id: 'hot/day',
          scope: 'wallet',
          windowMs: WINDOW_MS,
          measure: { kind: 'amount', asset: BTC, max: 10n ** 18n },
        },
        {
          id: 'hot/customer-day',
          scope: 'customer',
          windowMs: WINDOW_MS,
          measure: { kind: 'count', max: 10n ** 12n },
        },
      ],
      rules: [{ id: 'any', when: [{ kind: 'asset', asset: BTC }], effect: { kind: 'allow' } }],
    },
  ],
};

/** One for each customer. */
const SITUATIONS = Array.from({ length: CUSTOMERS }, (_, customer) =>
  situationOf(customer, AMOUNT, NO_DESTINATION_OF_A_RULE),
);

/** Both clocks go alike. */
const momentOf = (nowMs: number): Moment => ({ wallMs: nowMs, measuredMs: nowMs });

type Named = Pick<LimitCharge, 'limitId' | 'key'>;

/** Counters as the signer holds them. */
class Counters {
  private readonly byName = new Map<string, LimitCounter>();
  private nowMs = START_MS;
  private transfers = 0;

  /** Counts so many transfers, evenly over the hours before the measured ones, without deciding about them. */
  static after(transfers: number): Counters {
    const counters = new Counters();
    for (let at = 1; at <= transfers; at += 1) {
      const nowMs = START_MS + Math.floor((at * FILLED_MS) / transfers);
      counters.charge({ limitId: 'hot/day', key: 'hot-btc' }, AMOUNT, nowMs);
      counters.charge({ limitId: 'hot/customer-day', key: customerOf(at % CUSTOMERS) }, 1n, nowMs);
    }
    counters.nowMs = START_MS + FILLED_MS;
    return counters;
  }

  private charge(named: Named, amount: bigint, nowMs: number): void {
    const name = `${named.limitId}\n${named.key}`;
    this.byName.set(name, chargedAt(this.byName.get(name) ?? emptyCounter(SPAN), momentOf(nowMs), amount));
  }

  /** The next transfer: decided, and charged. */
  decide(): void {
    this.transfers += 1;
    this.nowMs += STEP_MS;
    const situation = SITUATIONS[this.transfers % CUSTOMERS];
    if (!situation) throw new Error('there is no such customer');
    const decision = decide(SET, situation, ({ limitId, key }) => {
      const counter = this.byName.get(`${limitId}\n${key}`);
      return counter ? usedAt(counter, momentOf(this.nowMs)) : 0n;
    });
    if (decision.kind !== 'allow') throw new Error(`the limits are too narrow: ${decision.kind}`);
    for (const limit of decision.limits) this.charge(limit, limit.amount, this.nowMs);
  }
}

/** Microseconds for one decision and its charges. */
function microseconds(counters: Counters, decisions: number): number {
  const before = performance.now();
  for (let at = 0; at < decisions; at += 1) counters.decide();
  return ((performance.now() - before) * 1_000) / decisions;
}

/** Bytes of heap that each of these counters keeps. */
async function bytesEach(count: number, make: (at: number) => LimitCounter): Promise<number> {
  const session = new Session();
  session.connect();
  try {
    await session.post('HeapProfiler.collectGarbage');
    const before = process.memoryUsage().heapUsed;
    const made = Array.from({ length: count }, (_, at) => make(at));
    await session.post('HeapProfiler.collectGarbage');
    const after = process.memoryUsage().heapUsed;
    return (after - before) / made.length;
  } finally {
    session.disconnect();
  }
}

/** Each part of its window charged, with amounts that are not all the same object. */
function fullCounter(at: number): LimitCounter {
  const partMs = WINDOW_MS / USUAL_BUCKETS;
  let counter = emptyCounter(SPAN);
  for (let part = 0; part < USUAL_BUCKETS; part += 1) {
    counter = chargedAt(counter, momentOf(START_MS + part * partMs), AMOUNT + BigInt(at + part));
  }
  return counter;
}

async function runLimits({ quick }: Settings): Promise<Report> {
  const many = quick ? 100_000 : 10_000_000;
  const some = quick ? 10_000 : 100_000;
  const rounds = quick ? 2 : 15;
  const decisions = quick ? 1_000 : 10_000;
  const began = performance.now();
  const afterMany = Counters.after(many);
  const filledSeconds = (performance.now() - began) / 1_000;
  const afterSome = Counters.after(some);
  microseconds(afterMany, decisions);
  microseconds(afterSome, decisions);
  microseconds(Counters.after(10), decisions);
  const samples = Array.from({ length: rounds }, () => ({
    many: microseconds(afterMany, decisions),
    some: microseconds(afterSome, decisions),
    ten: microseconds(Counters.after(10), decisions),
  }));
  const valuesOf = (what: 'many' | 'some' | 'ten') => samples.map((sample) => sample[what]);
  const counters = quick ? 200 : 2_000;
  const full = await bytesEach(counters, fullCounter);
  const fresh = await bytesEach(counters, (at) =>
    chargedAt(emptyCounter(SPAN), momentOf(START_MS), AMOUNT + BigInt(at)),
  );
  return {
    results: [
      resultOf('limits-10m', 'µs', valuesOf('many'), valuesOf('ten')),
      resultOf('limits-10m/full', 'µs', valuesOf('many'), valuesOf('some')),
      resultOf('limits-10m/bytes', 'bytes', [full], [fresh]),
    ],
    notes: [
      `to count ${many.toLocaleString('en')} transfers for two limits each took ${filledSeconds.toFixed(1)} s; limits-10m/full: against ${some.toLocaleString('en')} over the same time`,
    ],
  };
}

export const limitsBenchmark: Benchmark = {
  name: 'limits-10m',
  says: 'one decision and its charges to two limits after 10,000,000 transfers, against after 10; bytes of a full counter, against one with one charge',
  aims: { 'limits-10m': 'ratio 1: flat', 'limits-10m/full': 'ratio 1: flat' },
  run: runLimits,
};
