// Half of the seeds that every test run simulates; the other half runs beside it.

import { describe, expect, it } from '@jest/globals';
import { emptyTally, runSeeds, type Tally } from './seeds.js';

const FIRST = 1;
const SEEDS = 500;
const AT_ONCE = 25;
const TIMEOUT_MS = 600_000;

const tally: Tally = emptyTally();

describe('signer, orchestrators and both chains in one simulated world', () => {
  for (let from = FIRST; from < FIRST + SEEDS; from += AT_ONCE) {
    const to = from + AT_ONCE - 1;
    it(
      `seeds ${from} to ${to}: pay nothing twice, keep every limit, and their books balance`,
      async () => {
        await runSeeds(from, to, tally);
      },
      TIMEOUT_MS,
    );
  }

  it('has killed programs at every boundary that they come past, and done all other mischief too', () => {
    const { counts } = tally;
    expect(tally.seeds).toBe(SEEDS);
    const boundaries = [...counts.keys()].filter((kind) => kind.startsWith('boundary '));
    expect(boundaries.length).toBeGreaterThanOrEqual(13);
    const survived = boundaries.filter((kind) => !counts.has(kind.replace('boundary', 'died')));
    expect(survived).toEqual([]);
    const mischief = [
      'lost',
      'doubled',
      'reordered',
      'reorganisation',
      'reorganisation deeper than final',
    ].concat(
      ['evicted', 'node lie', 'node error', 'node answer lost', 'node question doubled', 'clock', 'link'],
      ['token-fault', 'token-indeterminate', 'disk-full', 'database-fails', 'tail-lost', 'record-lost'],
      ['thief altered: a signature', 'thief own: a signature', 'thief own: limit-exceeded'],
      ['thief own: transfer-already-signed', 'thief own: outpoint-used', 'thief own: nonce-used'],
    );
    expect(mischief.filter((kind) => !counts.has(kind))).toEqual([]);
  });
});
