// A seed is a whole run: the same events in the same order, to the last byte that was signed.

import { describe, expect, it } from '@jest/globals';
import { DEFAULT_STEPS } from './settings.js';
import { simulate } from './simulation.js';

const SEEDS = [3, 17, 42];
const TIMEOUT_MS = 300_000;

describe('a seed', () => {
  it.each(SEEDS)(
    '%i gives the same run twice, whatever ran in between',
    async (seed) => {
      const lines: string[][] = [[], []];
      const run = (index: number) =>
        simulate({ seed, steps: DEFAULT_STEPS, print: (line) => lines[index]?.push(line) });
      const first = await run(0);
      await simulate({ seed: seed + 1, steps: 40 });
      const second = await run(1);
      expect(lines[1]).toEqual(lines[0]);
      expect(second).toEqual(first);
      expect(first.steps).toBeGreaterThanOrEqual(DEFAULT_STEPS);
    },
    TIMEOUT_MS,
  );

  it('gives another run than any other', async () => {
    const digests = new Set<string>();
    for (const seed of SEEDS) digests.add((await simulate({ seed, steps: 60 })).digest);
    expect(digests.size).toBe(SEEDS.length);
  });
});
