// Part of the instrumented copies of our programs that tests start, and of nothing else: kills the process at a boundary that
// its plan names, and holds it up for a moment at others.

import { AsyncLocalStorage } from 'node:async_hooks';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Environment variable: path of a JSON file, read once. Without it nobody is killed. */
export const PLAN_VARIABLE = 'PORTCULLIS_TEST_PLAN';

export interface Plan {
  /** Receives the name of a boundary, on a line of its own, before a process dies there. */
  readonly killed: string;
  /** Where to die: a process dies at the first of them that it comes to and that nobody has died at yet. */
  readonly kills: readonly string[];
  /** Milliseconds to wait right before a call, or right after a database transaction, by name: for what happens in between. */
  readonly pauses: Readonly<Record<string, number>>;
}

const NEVER_MS = 60_000;
const path = process.env[PLAN_VARIABLE];
const plan = path === undefined ? undefined : (JSON.parse(readFileSync(path, 'utf8')) as Plan);
const dangerous = new Set(plan && killsOf(plan));

function killsOf({ killed, kills }: Plan): string[] {
  const before = existsSync(killed) ? readFileSync(killed, 'utf8').split('\n') : [];
  return kills.filter((one) => !before.includes(one));
}

function reach(boundary: string): void {
  if (!plan || !dangerous.has(boundary)) return;
  appendFileSync(plan.killed, `${boundary}\n`);
  process.kill(process.pid, 'SIGKILL');
  // Not a line more, should the signal take a moment.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, NEVER_MS);
}

/** Steps that were written in the database transaction under way. */
const written = new AsyncLocalStorage<Set<string>>();

export const boundary = {
  /** Whatever the work gives, at once or later; only what gives it later can be held up. */
  call<T>(name: string, work: () => T): T {
    reach(`${name}:before`);
    const pauseMs = plan?.pauses[name];
    const result = pauseMs === undefined ? work() : (sleep(pauseMs).then(work) as T);
    if (!(result instanceof Promise)) {
      reach(`${name}:after`);
      return result;
    }
    return result.then((value: unknown) => {
      reach(`${name}:after`);
      return value;
    }) as T;
  },

  async commit<T>(name: string, work: () => Promise<T>): Promise<T> {
    reach(`${name}:before`);
    const steps = new Set<string>();
    const result = await written.run(steps, work);
    reach(`${name}:committed`);
    for (const step of steps) reach(`${step}:committed`);
    const pauseMs = plan?.pauses[name];
    if (pauseMs !== undefined) await sleep(pauseMs);
    return result;
  },

  async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    const result = await work();
    written.getStore()?.add(name);
    reach(`${name}:written`);
    return result;
  },
};
