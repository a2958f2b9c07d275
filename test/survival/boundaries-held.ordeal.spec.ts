// One kill at every durable boundary where the signer holds transfers, as their rule says: in its journal, and where the
// orchestrator finds that it is time to ask again.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { policiesWithOddTokens, withChange } from '../e2e/policies.js';
import { ETHER } from '../e2e/rig.js';
import { BoundaryPart } from './boundary-part.js';
import type { Workload } from './workload.js';

/** The shortest that a document can say is a minute. */
const EVERY_MS = 6_000;

const part = new BoundaryPart('held');

beforeAll(async () => {
  const shipped = await policiesWithOddTokens();
  const policies = withChange(shipped, 'hot-ethereum', 'then: allow', 'then: { hold: 1m, then: allow }');
  const rig = await part.start({ policies });
  rig.chains.startMining();
}, 60_000);
afterAll(() => part.stop());

async function payments(work: Workload, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await work.take({ asset: 'ETH', amount: ETHER / 100n });
    await sleep(EVERY_MS);
  }
}

describe('a kill at every durable boundary where transfers are held', () => {
  it('leaves each withdrawal in the chain once, as the books say, and none held for ever', async () => {
    const work = part.workload();
    let isOver = false;
    const paying = payments(work, () => isOver);
    const kills = async () => {
      await part.killAtEach('signer');
      await part.killAtEach('orchestrator');
    };
    await kills().finally(() => {
      isOver = true;
    });
    await paying;
    await part.finish(work);
    expect(work.asked.length).toBeGreaterThan(1);
  }, 480_000);
});
