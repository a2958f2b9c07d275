// One kill at every durable boundary of the orchestrator, on the ways out. See boundary-part.ts.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BoundaryPart } from './boundary-part.js';

const part = new BoundaryPart('ways-out');

beforeAll(async () => {
  // So few coins that payments hang on each other before they are in a block.
  const rig = await part.start({ coins: 2n });
  rig.chains.startMining();
}, 60_000);
afterAll(() => part.stop());

describe('a kill at every durable boundary of the orchestrator, on the ways out', () => {
  it('leaves each withdrawal in the chain once or not at all, as the books say, and none stuck', async () => {
    const work = await part.everything();
    await part.killAtEach('orchestrator');
    await part.finish(work);
    expect(work.asked.length).toBeGreaterThan(0);
  }, 480_000);
});
