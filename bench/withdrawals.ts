// withdrawals-sqlite and withdrawals-postgres: from an HTTP request to a signed transaction, through both programs, with
// a hundred times as many withdrawals in the books and in the journal as in the baseline. Flat is the goal: a ratio of 1.
//
// Ethereum withdrawals small enough to leave unattended. Each of the sixteen askers waits until its withdrawal is signed
// before it asks for the next; the database is looked into for that every five milliseconds, for all of them at once.

import {
  type Benchmark,
  percentile,
  type Report,
  type Result,
  resultOf,
  type Settings,
} from './benchmark.js';
import { type DatabaseKind, Stack } from './rig/stack.js';

const ASKERS = 16;

interface Take {
  readonly perSecond: number;
  readonly latenciesMs: readonly number[];
}

export async function takeWithdrawals(stack: Stack, count: number): Promise<Take> {
  const latenciesMs: number[] = [];
  let asked = 0;
  const ask = async () => {
    while (asked < count) {
      asked += 1;
      const started = performance.now();
      await stack.withdraw();
      latenciesMs.push(performance.now() - started);
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: ASKERS }, ask));
  return { perSecond: (count * 1000) / (performance.now() - started), latenciesMs };
}

function rowsOf(name: string, many: readonly Take[], few: readonly Take[]): Result[] {
  const row = (suffix: string, unit: string, of: (take: Take) => number) =>
    resultOf(`${name}${suffix}`, unit, many.map(of), few.map(of));
  return [
    row('', 'withdrawals/s', (take) => take.perSecond),
    row('/p50', 'ms', (take) => percentile(take.latenciesMs, 0.5)),
    row('/p99', 'ms', (take) => percentile(take.latenciesMs, 0.99)),
  ];
}

async function runWithdrawals(database: DatabaseKind, { quick }: Settings): Promise<Report> {
  const stored = quick ? { few: 100, many: 2_000 } : { few: 1_000, many: 100_000 };
  const count = quick ? 48 : 100;
  const stacks: Stack[] = [];
  try {
    const few = await Stack.start({ database, stored: stored.few });
    stacks.push(few);
    const many = await Stack.start({ database, stored: stored.many });
    stacks.push(many);
    const takes: { few: Take[]; many: Take[] } = { few: [], many: [] };
    for (const stack of stacks) await takeWithdrawals(stack, count / 2);
    for (let sample = 0; sample < (quick ? 2 : 5); sample += 1) {
      takes.many.push(await takeWithdrawals(many, count));
      takes.few.push(await takeWithdrawals(few, count));
    }
    return {
      results: rowsOf(`withdrawals-${database}`, takes.many, takes.few),
      notes: [
        `${stored.many.toLocaleString('en')} finished withdrawals in books and journal against ${stored.few.toLocaleString('en')}; ${count} in each sample, ${ASKERS} askers`,
      ],
    };
  } finally {
    for (const stack of stacks) await stack.stop();
  }
}

export const withdrawalsSqliteBenchmark: Benchmark = {
  name: 'withdrawals-sqlite',
  says: 'HTTP request to signed transaction on SQLite, with a long past against a short one',
  run: (settings) => runWithdrawals('sqlite', settings),
};

export const withdrawalsPostgresBenchmark: Benchmark = {
  name: 'withdrawals-postgres',
  says: 'HTTP request to signed transaction on PostgreSQL, with a long past against a short one',
  run: (settings) => runWithdrawals('postgres', settings),
};
