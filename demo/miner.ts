// Makes blocks while there is something to confirm, and none while there is nothing: what takes minutes on a real chain
// takes a moment here, and a chain that nobody uses does not grow.

import { setTimeout as sleep } from 'node:timers/promises';
import { isList } from '../devnet/json-rpc.js';
import { BITCOIN_CONFIRMATIONS, ETHEREUM_CONFIRMATIONS, type Nodes } from './programs.js';

const EVERY_MS = 300;

export class Miner {
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();
  private bitcoinOwed = 0;
  private ethereumOwed = 0;
  private ethereumSeen = 0;

  constructor(private readonly nodes: Nodes) {}

  async start(): Promise<void> {
    this.ethereumSeen = await this.nodes.ethereum.blockNumber();
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      // A node that is away for a moment is looked at again; whoever waits for a block has a deadline of their own.
      await Promise.allSettled([this.mineBitcoin(), this.mineEthereum()]);
      await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async mineBitcoin(): Promise<void> {
    const waiting = await this.nodes.bitcoin.call('getrawmempool');
    if (isList(waiting) && waiting.length > 0) this.bitcoinOwed = BITCOIN_CONFIRMATIONS;
    if (this.bitcoinOwed === 0) return;
    await this.nodes.bitcoin.mine();
    this.bitcoinOwed -= 1;
  }

  /** The node makes a block for every transaction by itself; those on top of it are made here. */
  private async mineEthereum(): Promise<void> {
    const height = await this.nodes.ethereum.blockNumber();
    if (height > this.ethereumSeen) this.ethereumOwed = ETHEREUM_CONFIRMATIONS;
    this.ethereumSeen = height;
    if (this.ethereumOwed === 0) return;
    await this.nodes.ethereum.mine();
    this.ethereumSeen = height + 1;
    this.ethereumOwed -= 1;
  }
}
