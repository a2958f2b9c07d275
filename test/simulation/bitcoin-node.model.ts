// Bitcoin nodes over the simulated chain: the RPC calls that the driver uses, answered as Bitcoin Core would, behind the tip
// or untrue about the mempool when the node's mood is so. Blocks it cannot lie about: they carry their own proof.

import type { BitcoinChain, ModelBlock } from './bitcoin.model.js';
import { GENESIS_HASH } from './bitcoin.model.js';
import type { Chance } from './chance.js';
import {
  type Answer,
  carry,
  errorText,
  type HttpText,
  healthy,
  type Mood,
  resultText,
} from './node-moods.js';
import type { Process, Scheduler } from './scheduler.js';
import type { Trace } from './trace.js';

export class BitcoinNodes {
  readonly moods = new Map<string, Mood>();
  /** What nodes estimate, BTC for 1,000 vbytes. */
  feeRate = '0.00002000';

  constructor(
    readonly chain: BitcoinChain,
    names: readonly string[],
    private readonly chance: Chance,
    private readonly trace: Trace,
  ) {
    for (const name of names) this.moods.set(name, healthy());
  }

  post(process: Process, scheduler: Scheduler, url: string, body: string): Promise<HttpText> {
    const mood = this.moods.get(new URL(url).hostname) ?? healthy();
    const { chance, trace } = this;
    return carry({ process, scheduler, chance, trace }, mood, this.answer, body);
  }

  private blocks(mood: Mood): readonly ModelBlock[] {
    const { blocks } = this.chain;
    return mood.behind === 0 ? blocks : blocks.slice(0, Math.max(1, blocks.length - mood.behind));
  }

  private readonly answer: Answer = (mood, method, [first]) => {
    const blocks = this.blocks(mood);
    switch (method) {
      case 'getblockchaininfo': {
        const height = blocks.length;
        const bestblockhash = blocks.at(-1)?.hash ?? GENESIS_HASH;
        const headers = this.chain.height;
        return resultText({ blocks: height, headers, bestblockhash, initialblockdownload: false });
      }
      case 'getblockhash': {
        if (first === 0) return resultText(GENESIS_HASH);
        const block = blocks[Number(first) - 1];
        return block ? resultText(block.hash) : errorText(-8, 'Block height out of range');
      }
      case 'getblock': {
        const block = this.chain.blocks.find(({ hash }) => hash === first);
        return block ? resultText(block.hex) : errorText(-5, 'Block not found');
      }
      case 'getmempoolentry': {
        const waiting = this.chain.mempool.get(String(first));
        const denied = this.chance.hit(mood.lies);
        if (waiting && !denied) return resultText({ vsize: waiting.vbytes });
        return errorText(-5, 'Transaction not in mempool');
      }
      case 'estimatesmartfee':
        return `"result":{"feerate":${this.feeRate},"blocks":6}`;
      case 'getmempoolinfo':
        return '"result":{"mempoolminfee":0.00001000,"minrelaytxfee":0.00001000}';
      case 'getnetworkinfo':
        return '"result":{"incrementalfee":0.00001000}';
      case 'testmempoolaccept':
        return errorText(-32_601, 'Method not found');
      case 'sendrawtransaction': {
        if (this.chance.hit(mood.lies)) {
          this.trace.count('node lie');
          return errorText(-27, 'Transaction already in block chain');
        }
        const taken = this.chain.submit(String(first));
        return 'txid' in taken ? resultText(taken.txid) : errorText(taken.code, taken.words);
      }
      default:
        return errorText(-32_601, 'Method not found');
    }
  };
}
