// Part of the instrumented copies of our programs that tests start, and of nothing else: notes each boundary that the
// process comes to, and kills the process at the one that its plan names.

import { AsyncLocalStorage } from 'node:async_hooks';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** Environment variable: path of a JSON file, read once. Without it nothing is noted and nobody is killed. */
export const PLAN_VARIABLE = 'PORTCULLIS_TEST_PLAN';

export interface Plan {
  /** Receives a line for each boundary at its first passage in a process, and `KILLED name` before a kill. */
  readonly hits: string;
  /** Where to die, one after the other: a process dies at the first one that is not in `hits` yet. */
  readonly kills: readonly string[];
}

const NEVER_MS = 60_000;
const path = process.env[PLAN_VARIABLE];
const plan = path === undefined ? undefined : (JSON.parse(readFileSync(path, 'utf8')) as Plan);
const doomedAt = plan && nextKill(plan);
const passed = new Set<string>();

function nextKill({ hits, kills }: Plan): string | undefined {
  const noted = existsSync(hits) ? readFileSync(hits, 'utf8').split('\n') : [];
  return kills.find((one) => !noted.includes(`KILLED ${one}`));
}

function reach(boundary: string): void {
  if (!plan) return;
  if (!passed.has(boundary)) {
    passed.add(boundary);
    appendFileSync(plan.hits, `${boundary}\n`);
  }
  if (doomedAt !== boundary) return;
  appendFileSync(plan.hits, `KILLED ${boundary}\n`);
  process.kill(process.pid, 'SIGKILL');
  // Not a line more, should the signal take a moment.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, NEVER_MS);
}

/** Steps that were written in the database transaction under way. */
const written = new AsyncLocalStorage<Set<string>>();

export const boundary = {
  syncCall<T>(name: string, work: () => T): T {
    reach(`${name}:before`);
    const result = work();
    reach(`${name}:after`);
    return result;
  },

  async call<T>(name: string, work: () => Promise<T>): Promise<T> {
    reach(`${name}:before`);
    const result = await work();
    reach(`${name}:after`);
    return result;
  },

  async commit<T>(name: string, work: () => Promise<T>): Promise<T> {
    reach(`${name}:before`);
    const steps = new Set<string>();
    const result = await written.run(steps, work);
    reach(`${name}:committed`);
    for (const step of steps) reach(`${step}:committed`);
    return result;
  },

  async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    const result = await work();
    written.getStore()?.add(name);
    reach(`${name}:written`);
    return result;
  },
};
