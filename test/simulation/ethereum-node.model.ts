// Ethereum nodes over the simulated chain: the JSON-RPC methods that the driver uses, answered as geth would, behind the
// head or with lies when the node's mood is so.

import { Interface } from 'ethers';
import type { HttpAnswer } from '../../src/orchestrator/chains/ethereum/rpc-endpoint.js';
import type { Chance } from './chance.js';
import { type EthereumBlock, type EthereumChain, GWEI, type Mined } from './ethereum.model.js';
import { type Answer, carry, errorText, healthy, type Mood, resultText } from './node-moods.js';
import { TOKEN_CODE, TOKEN_CONTRACT } from './people.js';
import type { Process, Scheduler } from './scheduler.js';
import type { Trace } from './trace.js';

const balanceOf = new Interface(['function balanceOf(address) view returns (uint256)']);
const hex = (value: bigint | number) => `0x${value.toString(16)}`;

export class EthereumNodes {
  readonly moods = new Map<string, Mood>();

  constructor(
    readonly chain: EthereumChain,
    names: readonly string[],
    private readonly chance: Chance,
    private readonly trace: Trace,
  ) {
    for (const name of names) this.moods.set(name, healthy());
  }

  async post(process: Process, scheduler: Scheduler, target: URL, body: string): Promise<HttpAnswer> {
    const mood = this.moods.get(target.hostname) ?? healthy();
    const { chance, trace } = this;
    const said = await carry({ process, scheduler, chance, trace }, mood, this.answer, body);
    return { ...said, retryAfter: null };
  }

  private readonly answer: Answer = (mood, method, params) => {
    if (this.chance.hit(mood.lies)) {
      const lie = this.lie(method, params);
      if (lie !== undefined) {
        this.trace.count('node lie');
        return lie;
      }
    }
    return this.truth(mood, method, params);
  };

  private head(mood: Mood): number {
    return Math.max(0, this.chain.head.number - mood.behind);
  }

  private blockOf(mood: Mood, tag: unknown): EthereumBlock | undefined {
    const head = this.head(mood);
    if (tag === 'latest') return this.chain.blocks[head];
    const number = Number.parseInt(String(tag), 16);
    return number > head ? undefined : this.chain.blocks[number];
  }

  private truth(mood: Mood, method: string, params: readonly unknown[]): string {
    const [first, second] = params;
    switch (method) {
      case 'eth_chainId':
        return resultText(hex(31_337));
      case 'eth_getBlockByNumber':
        return resultText(blockText(this.blockOf(mood, first), second === true));
      case 'eth_getTransactionCount':
        return this.at(mood, second, ({ state }) => hex(state.nonces.get(lower(first)) ?? 0));
      case 'eth_getBalance':
        return this.at(mood, second, ({ state }) => hex(state.balances.get(lower(first)) ?? 0n));
      case 'eth_getCode':
        return this.at(mood, second, () => (first === TOKEN_CONTRACT ? TOKEN_CODE : '0x'));
      case 'eth_call':
        return this.at(mood, second, ({ state }) => {
          const { data } = first as { readonly data: string };
          const [owner] = balanceOf.decodeFunctionData('balanceOf', data) as unknown as [string];
          return `0x${(state.units.get(owner.toLowerCase()) ?? 0n).toString(16).padStart(64, '0')}`;
        });
      case 'eth_maxPriorityFeePerGas':
        return resultText(hex(GWEI + BigInt(this.chance.below(2)) * GWEI));
      case 'eth_estimateGas':
        return resultText(hex(52_000));
      case 'eth_sendRawTransaction': {
        const taken = this.chain.submit(String(first));
        return 'hash' in taken ? resultText(taken.hash) : errorText(-32_000, taken.error);
      }
      case 'eth_getTransactionByHash': {
        const known = this.chain.pool.has(String(first)) || this.seen(mood, String(first)) !== undefined;
        return resultText(known ? { hash: first } : null);
      }
      case 'eth_getTransactionReceipt':
        return resultText(receiptOf(this.seen(mood, String(first))));
      default:
        return errorText(-32_601, `the method ${method} does not exist`);
    }
  }

  /** A mined transaction, as far as this node has come. */
  private seen(mood: Mood, hash: string): Mined | undefined {
    const mined = this.chain.mined(hash);
    return mined && mined.blockNumber <= this.head(mood) ? mined : undefined;
  }

  private at(mood: Mood, tag: unknown, read: (block: EthereumBlock) => string): string {
    const block = this.blockOf(mood, tag);
    return block ? resultText(read(block)) : errorText(-32_000, 'header not found');
  }

  /** Well-formed, and wrong. Undefined for what cannot be lied about to any effect. */
  private lie(method: string, params: readonly unknown[]): string | undefined {
    const [first] = params;
    const { head } = this.chain;
    switch (method) {
      case 'eth_getBlockByNumber': {
        const far = { ...head, number: head.number + 100, hash: `0x${'ab'.repeat(32)}` };
        return resultText(first === 'latest' ? blockText(far, false) : null);
      }
      case 'eth_getTransactionCount':
        return resultText(hex(this.chance.below(12)));
      case 'eth_getBalance':
        return resultText(hex(this.chance.pick([0n, 10n ** 24n])));
      case 'eth_getCode':
        return resultText(this.chance.pick(['0x', '0x6000']));
      case 'eth_sendRawTransaction':
        // "Already known", and it is not: it goes nowhere.
        return errorText(-32_000, this.chance.pick(['already known', 'nonce too low', 'internal error']));
      case 'eth_getTransactionByHash':
        return resultText(this.chance.pick([null, { hash: first }]));
      case 'eth_getTransactionReceipt': {
        const waiting = this.chain.pool.get(String(first));
        if (!waiting || !this.chance.hit(500)) return resultText(null);
        const { hash: blockHash, number: blockNumber } = head;
        const made = {
          blockHash,
          blockNumber,
          ok: this.chance.hit(500),
          gasUsed: 21_000n,
          price: GWEI,
          logs: [],
        };
        return resultText(receiptOf({ ...waiting, ...made }));
      }
      default:
        return undefined;
    }
  }
}

function lower(address: unknown): string {
  return String(address).toLowerCase();
}

function blockText(block: EthereumBlock | undefined, whole: boolean): unknown {
  if (!block) return null;
  const { number, hash, timestamp, baseFee, transactions } = block;
  return {
    number: hex(number),
    hash,
    timestamp: hex(timestamp),
    baseFeePerGas: hex(baseFee),
    transactions: whole
      ? transactions.map(({ hash: id, from, nonce }) => ({ hash: id, from, nonce: hex(nonce) }))
      : transactions.map((one) => one.hash),
  };
}

function receiptOf(mined: Mined | undefined): unknown {
  if (!mined) return null;
  return {
    transactionHash: mined.hash,
    blockHash: mined.blockHash,
    blockNumber: hex(mined.blockNumber),
    status: mined.ok ? '0x1' : '0x0',
    gasUsed: hex(mined.gasUsed),
    effectiveGasPrice: hex(mined.price),
    logs: mined.logs,
  };
}
