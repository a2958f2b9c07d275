// The last of them: was there a kill at every durable boundary that the sources have now? The list is made anew; where the parts
// killed they have written down, each after it had found everything in order.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { partOf } from './division.js';
import { keptParts } from './kill-list.js';
import { KILLABLE, type Killable, Killer } from './killer.js';

const killer = new Killer();

beforeAll(async () => {
  await killer.compile('src/signer/main.ts');
  await killer.compile('src/orchestrator/main.ts');
  await killer.compile('src/watcher/main.ts');
}, 60_000);
afterAll(() => killer.remove());

/** Killed at in the programs as they are compiled now. */
function killedIn(program: Killable): ReadonlySet<string> {
  const build = killer.builds.get(program === 'token' ? 'signer' : program);
  const parts = [...keptParts().values()].filter(({ builds }) => Object.values(builds).includes(build ?? ''));
  return new Set(parts.flatMap(({ killedAt }) => killedAt));
}

describe('every durable boundary', () => {
  it('was killed at by a part of this test that found everything in order', () => {
    const missing = KILLABLE.flatMap((program) => {
      const killed = killedIn(program);
      return [...killer.boundaries[program]].filter((one) => !killed.has(one));
    });
    for (const [part, { killedAt, seconds }] of keptParts()) {
      process.stdout.write(`${part}: ${killedAt.length} boundaries, ${seconds} s\n`);
    }
    const all = KILLABLE.reduce((sum, program) => sum + killer.boundaries[program].size, 0);
    process.stdout.write(`boundaries in the sources: ${all}, killed at: ${all - missing.length}\n`);
    expect(missing.map((one) => `${partOf(one)}: ${one}`)).toEqual([]);
    expect(all).toBeGreaterThan(200);
  });
});
