// Many seeds in one test run, and how a failing one is told: with the command that replays it.

import { expect } from '@jest/globals';
import { DEFAULT_STEPS } from './settings.js';
import { simulate } from './simulation.js';

export interface Tally {
  seeds: number;
  turns: number;
  readonly counts: Map<string, number>;
}

export function emptyTally(): Tally {
  return { seeds: 0, turns: 0, counts: new Map() };
}

/** Runs seeds `first` to `last` and fails at the first violation. */
export async function runSeeds(first: number, last: number, tally: Tally): Promise<void> {
  for (let seed = first; seed <= last; seed += 1) {
    const { violations, counts, steps } = await simulate({ seed, steps: DEFAULT_STEPS });
    const told = violations.map(
      ({ code, about }) => `${code}: ${about}\nreplay: npm run simulate -- --seed ${seed} --trace`,
    );
    expect(told).toEqual([]);
    tally.seeds += 1;
    tally.turns += steps;
    for (const [kind, count] of counts) tally.counts.set(kind, (tally.counts.get(kind) ?? 0) + count);
  }
}
