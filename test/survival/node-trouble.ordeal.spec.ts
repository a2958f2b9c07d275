// Nodes that are down, silent, broken, or behind: nothing is paid twice, nothing is taken for lost, and everything goes on by
// itself when they are themselves again.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ETHER, eventually, Rig } from '../e2e/rig.js';
import { type Asked, expectAllInOrder } from './audit.js';
import { FaultyNode, TROUBLES } from './faulty-node.js';
import { type Nodes, Workload } from './workload.js';

const EACH_TROUBLE_MS = 600;
const SPOILT_ANSWERS = 3;
const DOWN_MS = 4_000;
const LOOKS_MS = 2_500;

let rig: Rig;
let nodes: Nodes;
/** What all tests of this file had paid: fees and balances are those of all of it. */
const everything: Asked[] = [];

beforeAll(async () => {
  rig = await Rig.start({
    settingsFor: async (chains) => {
      nodes = {
        bitcoin: await FaultyNode.before(chains.bitcoin.rpcUrl),
        ethereum: await FaultyNode.before(chains.ethereum.rpcUrl),
      };
      return {
        bitcoin: { nodes: [{ url: nodes.bitcoin.url }], timeoutMs: 500 },
        ethereum: { providers: [{ name: 'faulty', url: nodes.ethereum.url }], timeoutMs: 500 },
      };
    },
  });
  rig.chains.startMining();
});
afterAll(async () => {
  await rig?.stop();
  await nodes?.bitcoin.stop();
  await nodes?.ethereum.stop();
});

describe('both nodes', () => {
  it(`in every kind of trouble, one after the other (${TROUBLES.join(', ')}): all is paid once`, async () => {
    const work = new Workload(rig, nodes);
    const kinds = [
      { asset: 'BTC', amount: 150_000n },
      { asset: 'ETH', amount: ETHER / 100n },
      { asset: 'BTC', amount: 160_000n },
      { asset: 'USDX', amount: ETHER },
    ] as const;
    work.every(350, async (count) => {
      await work.take(kinds[count % kinds.length] ?? kinds[0]);
    });
    for (const trouble of TROUBLES) {
      await nodes.bitcoin.become(trouble);
      await nodes.ethereum.become(trouble);
      await sleep(EACH_TROUBLE_MS);
      await eventually(`both nodes have spoilt some answers (${trouble})`, async () =>
        [nodes.bitcoin, nodes.ethereum].every(({ spoilt }) => (spoilt.get(trouble) ?? 0) >= SPOILT_ANSWERS),
      );
      await nodes.bitcoin.become('none');
      await nodes.ethereum.become('none');
      await sleep(EACH_TROUBLE_MS / 2);
    }
    await work.finish();
    everything.push(...work.asked);
    expect(work.asked.length).toBeGreaterThan(15);
    const { byState } = await expectAllInOrder(rig, everything);
    expect(byState).toEqual({ settled: everything.length });
  }, 120_000);

  it(`down for ${DOWN_MS / 1_000} s: what is asked for meanwhile says why it waits, and is paid afterwards`, async () => {
    const work = new Workload(rig, nodes);
    const sent = await Promise.all([
      work.take({ asset: 'BTC', amount: 170_000n }),
      work.take({ asset: 'ETH', amount: ETHER / 80n }),
    ]);
    await nodes.bitcoin.become('down');
    await nodes.ethereum.become('down');
    const waiting = await Promise.all([
      work.take({ asset: 'BTC', amount: 180_000n }),
      work.take({ asset: 'ETH', amount: ETHER / 70n }),
    ]);
    for (const id of waiting) {
      await eventually('it says what it waits for', async () => {
        const { state, waitingFor } = await rig.transfer(id);
        return state === 'approved' && waitingFor === 'chain-unavailable';
      });
    }
    await sleep(DOWN_MS);
    for (const id of sent) expect((await rig.transfer(id)).spendable.is).not.toBe('maybe');
    await work.finish();
    everything.push(...work.asked);
    const { byState } = await expectAllInOrder(rig, everything);
    expect(byState).toEqual({ settled: everything.length });
  }, 60_000);

  it('behind by more blocks than a payment is deep: what was settled stays so', async () => {
    const work = new Workload(rig, nodes);
    const settled = await Promise.all([
      work.take({ asset: 'BTC', amount: 190_000n }),
      work.take({ asset: 'ETH', amount: ETHER / 60n }),
    ]);
    await rig.settled(settled);
    await nodes.bitcoin.become('stale', 8);
    await nodes.ethereum.become('stale', 8);
    // Looks at what is young are as far apart as looks at what is under way.
    await sleep(LOOKS_MS);
    for (const id of settled) {
      const { state, transitions } = await rig.transfer(id);
      expect(state).toBe('settled');
      expect(transitions.map(({ reason }) => reason.code)).not.toContain('reorganised');
    }
    expect(nodes.ethereum.spoilt.get('stale')).toBeGreaterThan(0);
    await work.finish();
  }, 60_000);
});
