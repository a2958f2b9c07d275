// One kill at every durable boundary of the orchestrator where transfers wait for a thaw. Officers freeze at the signer's own
// host, so that the orchestrator is told by the signer's refusal, and thaw over the API.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { codeOf, SocketClient } from '../../devnet/socket-client.js';
import type { FreezeScope } from '../../src/core/governance/entry.js';
import { ETHER, type Rig, type Wish } from '../e2e/rig.js';
import { BoundaryPart } from './boundary-part.js';
import type { Workload } from './workload.js';

const SCOPES: readonly FreezeScope[] = [
  { kind: 'everything' },
  { kind: 'wallet', walletId: 'hot-btc' },
  { kind: 'wallet', walletId: 'hot-eth' },
];
const WISHES: readonly Wish[] = [
  { asset: 'BTC', amount: 150_000n },
  { asset: 'ETH', amount: ETHER / 100n },
];
/** Longer than the orchestrator takes to follow the log, and to look again. */
const FROZEN_MS = 7_000;
const THAWED_MS = 1_000;

const part = new BoundaryPart('frozen');
let rig: Rig;

beforeAll(async () => {
  rig = await part.start({ coins: 50n });
  rig.chains.startMining();
}, 60_000);
afterAll(() => part.stop());

/** With one officer's signature and no orchestrator. */
async function freezeAtTheDoor(scope: FreezeScope): Promise<void> {
  const { deployment } = rig;
  const { listen } = deployment.config();
  const client = await SocketClient.connect(listen.kind === 'unix' ? listen.path : '');
  try {
    const entry = deployment.entry({ kind: 'frozen', scope, why: 'drill' }, [deployment.carol]);
    expect(codeOf(await client.ask({ verb: 'governance-append', entry }))).toBe('done');
    deployment.log.push(entry);
  } finally {
    client.close();
  }
}

/** Over an orchestrator that may be dead at the moment. */
async function thaw(scope: FreezeScope): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    try {
      return await rig.govern({ kind: 'thawed', scope });
    } catch (error) {
      if (tries === 99) throw error;
      await sleep(200);
    }
  }
}

async function drills(work: Workload, isOver: () => boolean): Promise<void> {
  for (let drill = 0; !isOver(); drill += 1) {
    const scope = SCOPES[drill % SCOPES.length] ?? { kind: 'everything' };
    const before = WISHES.map((wish) => work.take(wish));
    await sleep(100);
    await freezeAtTheDoor(scope);
    await Promise.all([...before, ...WISHES.map((wish) => work.take(wish))]);
    await sleep(FROZEN_MS);
    await thaw(scope);
    await sleep(THAWED_MS);
  }
}

describe('a kill at every durable boundary where transfers wait for a thaw', () => {
  it('leaves each withdrawal in the chain once, as the books say, and none stuck after the thaw', async () => {
    const work = part.workload();
    let isOver = false;
    const drilling = drills(work, () => isOver);
    await part.killAtEach('orchestrator').finally(() => {
      isOver = true;
    });
    await drilling;
    await part.finish(work);
    expect(work.asked.length).toBeGreaterThan(WISHES.length);
  }, 480_000);
});
