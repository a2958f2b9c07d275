// Many seeds in one test run, how a failing one is told (with the command that replays it), and that what they are for has
// happened in them.

import { describe, expect, it } from '@jest/globals';
import { BOUNDARIES } from './boundaries.js';
import { DEFAULT_STEPS, targeting } from './settings.js';
import { type Report, simulate } from './simulation.js';
import { emptyTally, LEAST_OF_HALF, MISCHIEF, rarer, type Tally, undied, unlisted } from './tally.js';

const AT_ONCE = 25;
const MOPPING_UP = 40;
const TIMEOUT_MS = 600_000;

/** Fails with the command that replays it. */
function counted({ seed, violations, counts, steps }: Report, how: string, tally: Tally): void {
  const replay = `npm run simulate -- --seed ${seed}${how} --trace`;
  expect(violations.map(({ code, about }) => `${code}: ${about}\nreplay: ${replay}`)).toEqual([]);
  tally.turns += steps;
  for (const [kind, count] of counts) tally.counts.set(kind, (tally.counts.get(kind) ?? 0) + count);
}

/** Runs seeds `first` to `last` and fails at the first violation. */
async function runSeeds(first: number, last: number, tally: Tally): Promise<void> {
  for (let seed = first; seed <= last; seed += 1) {
    counted(await simulate({ seed, steps: DEFAULT_STEPS }), '', tally);
    tally.seeds += 1;
  }
}

/** Runs seeds that are to see a death at a boundary which luck has spared, until one does. */
async function killAt(target: string, first: number, tally: Tally): Promise<void> {
  const change = targeting(target);
  for (let seed = first; seed < first + MOPPING_UP && undied(tally, [target]).length > 0; seed += 1) {
    const how = ` --target ${JSON.stringify(target)}`;
    counted(await simulate({ seed, steps: DEFAULT_STEPS, change }), how, tally);
  }
}

/** One half of the seeds that every test run simulates; the other half runs beside it. */
export function describeHalf(first: number, seeds: number): void {
  const tally = emptyTally();
  describe('signer, orchestrators and both chains in one simulated world', () => {
    for (let from = first; from < first + seeds; from += AT_ONCE) {
      const to = from + AT_ONCE - 1;
      it(
        `seeds ${from} to ${to}: pay nothing twice, keep every limit, and their books balance`,
        async () => {
          await runSeeds(from, to, tally);
        },
        TIMEOUT_MS,
      );
    }

    it(
      'has killed programs at every boundary that they come past, and knows all of them',
      async () => {
        expect(tally.seeds).toBe(seeds);
        expect(unlisted(tally, BOUNDARIES)).toEqual([]);
        for (const boundary of undied(tally, BOUNDARIES)) await killAt(boundary, first, tally);
        expect(undied(tally, BOUNDARIES)).toEqual([]);
      },
      TIMEOUT_MS,
    );

    it('has lost and restored stores, buried, voided, cancelled and replaced, and done all other mischief, often enough', () => {
      expect(rarer(tally, LEAST_OF_HALF)).toEqual([]);
      expect(MISCHIEF.filter((kind) => !tally.counts.has(kind))).toEqual([]);
    });
  });
}
