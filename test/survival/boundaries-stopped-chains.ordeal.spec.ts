// One kill at every durable boundary of what stops a chain or a wallet until a person has looked: a reorganisation that is deeper
// than anybody thought possible, and somebody else who has the wallet's key.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BITCOIN } from '../../devnet/deployment.js';
import { ETHER, eventually, type Rig } from '../e2e/rig.js';
import { BoundaryPart } from './boundary-part.js';
import type { Workload } from './workload.js';

const REORG_DEPTH = 3;
const MOST = 60;
const GWEI = 10n ** 9n;

const part = new BoundaryPart('stopped-chains');
let rig: Rig;

beforeAll(async () => {
  rig = await part.start({ settings: { bitcoin: { reorgDepth: REORG_DEPTH } } });
}, 60_000);
afterAll(() => part.stop());

/** The thief pays the wallet itself: what the test counts in the end is then still the wallet's. */
async function useForeignKey(nonce: number): Promise<void> {
  const { ethereum } = rig.chains;
  const from = rig.ethereumAddress;
  const hex = (value: bigint) => `0x${value.toString(16)}`;
  await ethereum.call('anvil_impersonateAccount', [from]);
  await ethereum.call('eth_sendTransaction', [
    {
      from,
      to: from,
      value: '0x0',
      nonce: hex(BigInt(nonce)),
      gas: hex(21_000n),
      maxFeePerGas: hex(500n * GWEI),
      maxPriorityFeePerGas: hex(400n * GWEI),
    },
  ]);
  await ethereum.call('anvil_stopImpersonatingAccount', [from]);
}

async function settledOf(work: Workload, asset: 'BTC' | 'ETH', amount: bigint): Promise<string> {
  const id = await work.take({ asset, amount });
  expect(await work.state(id, ['settled'])).toBe('settled');
  return id;
}

describe('a kill at every durable boundary of what stops a chain', () => {
  it('leaves it stopped until a person has looked, and each withdrawal in the chain once or not at all', async () => {
    const work = part.workload();
    rig.chains.startMining();
    const before = await settledOf(work, 'BTC', 150_000n);
    await rig.chains.stopMining();
    await rig.program(0).stop();
    await rig.chains.bitcoin.reorg(2 * REORG_DEPTH);
    await part.killAtEach('orchestrator', part.boundariesOf('orchestrator', /Scanner/));
    await eventually('it says that the chain has stopped', async () => {
      const { text } = await rig.client(rig.deployment.alice).get('/v1/status');
      return text.includes('reorg-too-deep');
    });
    // Nothing is planned on coins that may not be there.
    const waiting = await work.take({ asset: 'BTC', amount: 250_000n });
    expect(await work.state(waiting, ['reserved', 'built', 'signed', 'broadcast'], 2_000)).toBeUndefined();
    // A person has looked at the chain, and believes it.
    rig.program(0).reconfigure(['chains', 'bitcoin', BITCOIN, 'reorgDepth'], MOST);
    await rig.program(0).stop();
    await rig.program(0).start();
    rig.chains.startMining();
    for (const id of [before, waiting]) expect(await work.state(id, ['settled'])).toBe('settled');

    await settledOf(work, 'ETH', ETHER / 100n);
    await rig.chains.stopMining();
    const outdone = await work.take({ asset: 'ETH', amount: ETHER / 70n });
    expect(await work.state(outdone, ['broadcast'])).toBe('broadcast');
    await rig.program(0).stop();
    await useForeignKey((await rig.chains.ethereumPayments(rig.ethereumAddress)).length);
    rig.chains.startMining();
    await part.killAtEach('orchestrator', part.boundariesOf('orchestrator', /EthereumDriver/));
    expect(await work.state(outdone, ['indeterminate'])).toBe('indeterminate');
    expect((await rig.transfer(outdone)).reason.code).toBe('conflicted-by-unknown');
    // Whoever has the key could take whatever is planned next: the wallet plans nothing any more.
    const later = await work.take({ asset: 'ETH', amount: ETHER / 80n });
    expect(await work.state(later, ['reserved', 'built', 'signed', 'broadcast'], 2_000)).toBeUndefined();
    await work.cancel(later);
    await settledOf(work, 'BTC', 160_000n);
    await work.resolve(outdone, { how: 'not-paid', note: 'the nonce went to somebody else' });
    await part.finish(work);
    expect((await rig.transfer(later)).state).toBe('cancelled');
  }, 480_000);
});
