// governance-replay: a governance log of ten thousand entries replayed, for each entry against one of a thousand: a ratio of 1
// says that time grows with the log, and no faster. Replayed as every program does it, with Node.js's own verifier.

import type { GovernanceEntry } from '../src/core/governance/entry.js';
import { replayLog } from '../src/core/governance/replay.js';
import { nativeVerifier } from '../src/platform/native-verifier.js';
import { type Benchmark, type Report, type Result, resultOf, type Settings } from './benchmark.js';
import { governanceLogOf } from './rig/governance-log.js';

/** Milliseconds for one entry. */
function milliseconds(log: readonly GovernanceEntry[]): number {
  const before = performance.now();
  const outcome = replayLog(log, nativeVerifier);
  const taken = performance.now() - before;
  if (outcome.kind === 'refused' || outcome.value.sequence !== log.length - 1)
    throw new Error(
      `the log is not what it should be: ${outcome.kind === 'refused' ? outcome.code : outcome.value.sequence}`,
    );
  return taken / log.length;
}

function runOne(name: string, changes: 'groups' | 'persons', { quick }: Settings): Result {
  const entries = quick ? 1_000 : 10_000;
  const long = governanceLogOf(entries, changes);
  const short = long.slice(0, entries / 10);
  milliseconds(short);
  // The long one takes ten seconds or more: once has to do.
  const baselines = Array.from({ length: 3 }, () => milliseconds(short));
  return resultOf(name, 'ms', [milliseconds(long)], baselines);
}

async function runGovernanceReplay(settings: Settings): Promise<Report> {
  return {
    results: [
      runOne('governance-replay', 'groups', settings),
      runOne('governance-replay/persons', 'persons', settings),
    ],
  };
}

export const governanceReplayBenchmark: Benchmark = {
  name: 'governance-replay',
  says: 'one of 10,000 governance entries that set a group (/persons: that add and remove somebody), against one of the first 1,000',
  run: runGovernanceReplay,
};
