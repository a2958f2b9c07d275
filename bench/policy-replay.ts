// policy-replay: a hundred thousand signed transfers decided again under a draft, for each transfer against ten thousand: a ratio
// of 1 says that time grows with the past, and no faster.

import { type PastDecision, replayPast } from '../src/core/policy/replay-past.js';
import { type Benchmark, measure, type Report, type Settings } from './benchmark.js';
import { mostOf, policySetOf, situationOf } from './rig/equal-rules.js';

/** Half of them let small amounts pass, each for its own customer; 20 limits for each customer. */
const RULES = 100;
const START_MS = 1_760_000_000_000;
/** Two thousand a day: also the shorter past is longer than any window. */
const BETWEEN_MS = 43_200;
const NOBODY: ReadonlySet<string> = new Set();
const ASKED: ReadonlySet<string> = new Set(['payouts']);

/** One transfer in ten is above what its rule lets pass. */
function pastOf(count: number): readonly PastDecision[] {
  return Array.from({ length: count }, (_, at) => {
    const customer = at % (RULES / 2);
    const amount = mostOf(customer) + (at % 10 === 0 ? 1n : 0n);
    return {
      transferId: `tr-${at}`,
      atMs: START_MS + at * BETWEEN_MS,
      situation: situationOf(customer, amount, RULES),
      unsure: [],
      rule: `pass-0/pass-${customer}`,
      effect: { kind: 'allow' },
      approvers: NOBODY,
      by: new Map(),
      groups: new Map(),
      excluded: ASKED,
    };
  });
}

async function runPolicyReplay({ quick }: Settings): Promise<Report> {
  const count = quick ? 10_000 : 100_000;
  const set = policySetOf(RULES);
  const microseconds = (past: readonly PastDecision[]) => {
    const before = performance.now();
    const { changed, decisions } = replayPast(set, past);
    const taken = performance.now() - before;
    if (decisions !== past.length || changed.length !== past.length / 10)
      throw new Error(`${changed.length} of ${decisions} changed`);
    return (taken * 1_000) / past.length;
  };
  const [long, short] = [pastOf(count), pastOf(count / 10)];
  const result = await measure({
    name: 'policy-replay',
    unit: 'µs',
    samples: quick ? 1 : 3,
    subject: () => microseconds(long),
    baseline: () => microseconds(short),
  });
  const seconds = (result.value * count) / 1e6;
  return {
    results: [result],
    notes: [`all ${count.toLocaleString('en')} took ${seconds.toFixed(1)} s (median)`],
  };
}

export const policyReplayBenchmark: Benchmark = {
  name: 'policy-replay',
  says: 'one of 100,000 past transfers under a draft with 100 rules and 20 limits, against one of 10,000',
  run: runPolicyReplay,
};
