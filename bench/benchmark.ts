// What a benchmark is. A subject and a baseline are measured in turn within one run, so that whatever else the machine
// does falls on both; what counts is their ratio. Not a profiler, and no statement about another machine.

/** One measurement, in the benchmark's unit. */
export type Take = () => number | Promise<number>;

/** The two sides, ready to be measured, and what has to be put away afterwards. */
export interface Contest {
  readonly subject: Take;
  readonly baseline: Take;
  close?(): void | Promise<void>;
}

export interface Benchmark {
  /** What people type: lower case with dashes. */
  readonly name: string;
  readonly unit: string;
  /** What is compared with what, in a few words. */
  readonly says: string;
  /** How many times each side is measured. */
  readonly samples: number;
  open(): Contest | Promise<Contest>;
}

/** What is written to the JSON file, one per benchmark. `value` and `baseline` are medians in `unit`. */
export interface Result {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly baseline: number;
  /** `value` divided by `baseline`. */
  readonly ratio: number;
  /** Every measurement of the subject, in the order taken. */
  readonly samples: readonly number[];
}

/** Measures one benchmark: a warm-up of both sides, then subject and baseline in turn. */
export async function measure(benchmark: Benchmark): Promise<Result> {
  const contest = await benchmark.open();
  const samples: number[] = [];
  const baselines: number[] = [];
  try {
    await contest.subject();
    await contest.baseline();
    for (let i = 0; i < benchmark.samples; i += 1) {
      samples.push(await contest.subject());
      baselines.push(await contest.baseline());
    }
  } finally {
    await contest.close?.();
  }
  const value = median(samples);
  const baseline = median(baselines);
  return { name: benchmark.name, value, unit: benchmark.unit, baseline, ratio: value / baseline, samples };
}

/** Calls `work` again and again for about `forMs` milliseconds; answers calls per second. */
export function callsPerSecond(work: () => void, forMs = 200): number {
  const started = performance.now();
  let calls = 0;
  let elapsedMs = 0;
  while (elapsedMs < forMs) {
    for (let i = 0; i < 100; i += 1) work();
    calls += 100;
    elapsedMs = performance.now() - started;
  }
  return (calls * 1000) / elapsedMs;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
