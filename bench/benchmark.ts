// What a benchmark is. A subject and a baseline are measured in turn within one run, so that whatever else the machine
// does falls on both; what counts is their ratio. Not a profiler, and no statement about another machine.

/** One measurement, in the benchmark's unit. */
export type Take = () => number | Promise<number>;

export interface Settings {
  /** Fewer and shorter samples: shows that everything works, and little more. */
  readonly quick: boolean;
}

export interface Benchmark {
  /** What people type: lower case with dashes. */
  readonly name: string;
  /** What is compared with what, in a few words. */
  readonly says: string;
  /** What a row is to reach on an idle machine, by the row's name, in words that are printed beside it. Nothing fails by it. */
  readonly aims?: Readonly<Record<string, string>>;
  run(settings: Settings): Promise<Report>;
}

export interface Report {
  /** The benchmark's own row first; further rows are named after it, `NAME/WHAT`. */
  readonly results: readonly Result[];
  /** What a reader has to know about this very run, a line each. */
  readonly notes?: readonly string[];
}

/** What is written to the JSON file, one per row. `value` and `baseline` are medians in `unit`. */
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

/** Two sides, ready to be measured. */
export interface Contest {
  readonly name: string;
  readonly unit: string;
  /** How many times each side is measured. */
  readonly samples: number;
  readonly subject: Take;
  readonly baseline: Take;
}

/** Measures a contest: a warm-up of both sides, then subject and baseline in turn. */
export async function measure(contest: Contest): Promise<Result> {
  const samples: number[] = [];
  const baselines: number[] = [];
  await contest.subject();
  await contest.baseline();
  for (let i = 0; i < contest.samples; i += 1) {
    samples.push(await contest.subject());
    baselines.push(await contest.baseline());
  }
  return resultOf(contest.name, contest.unit, samples, baselines);
}

/** A row from what was measured on both sides. */
export function resultOf(
  name: string,
  unit: string,
  samples: readonly number[],
  baselines: readonly number[],
): Result {
  const value = median(samples);
  const baseline = median(baselines);
  return { name, value, unit, baseline, ratio: value / baseline, samples };
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

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** By linear interpolation between the nearest two. `share` from 0 to 1. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}
