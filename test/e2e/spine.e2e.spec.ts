// The main job, end to end: signed requests over HTTP, officers' approvals, signatures from the token, payments in the
// chains, books that agree with them, and certificates that anybody can check.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ETHER, Rig } from './rig.js';

let rig: Rig;

beforeAll(async () => {
  rig = await Rig.start();
  rig.chains.startMining();
});
afterAll(() => rig?.stop());

describe('three withdrawals that two officers approve', () => {
  it('settle', async () => {
    const { alice, bob, carol } = rig.deployment;
    const bitcoin = rig.request({ asset: 'BTC', amount: 5_000_000n });
    const ether = rig.request({ asset: 'ETH', amount: ETHER });
    const token = rig.request({ asset: 'USDX', amount: 1_000n * ETHER });
    const ids = await Promise.all([bitcoin, ether, token].map((request) => rig.taken(request)));
    for (const id of ids) await rig.approve(id, [alice, bob]);
    const settled = await rig.settled(ids);
    expect(settled.map((t) => t.state)).toEqual(['settled', 'settled', 'settled']);
  });
});
