// One Ethereum chain as far as transfers need it: accounts, nonces, a pool with its replacement rule, blocks with a base fee, an
// ERC-20 token, reorganisations. Transactions are decoded and their signatures recovered by ethers, so that what the
// programs sign is judged by somebody else's code. It knows nothing of transfers.

import { getAddress, Interface, keccak256, Transaction, toUtf8Bytes } from 'ethers';
import type { Chance } from './chance.js';
import { TOKEN_CONTRACT } from './people.js';

export const GWEI = 10n ** 9n;
const CHAIN_ID = 31_337n;
const TRANSFER_GAS = 21_000n;
const TOKEN_GAS = 52_000n;
const TRANSFER_TOPIC = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';
const erc20 = new Interface(['function transfer(address to, uint256 amount)']);

export interface Pending {
  readonly hash: string;
  readonly hex: string;
  readonly from: string;
  readonly nonce: number;
  readonly to: string;
  readonly value: bigint;
  readonly data: string;
  readonly gasLimit: bigint;
  readonly maxFee: bigint;
  readonly tip: bigint;
}

export interface TokenLog {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
}

export interface Mined extends Pending {
  readonly blockHash: string;
  readonly blockNumber: number;
  readonly ok: boolean;
  readonly gasUsed: bigint;
  readonly price: bigint;
  readonly logs: readonly TokenLog[];
}

/** State after a block: coins, nonces and token units by address in lower case. */
interface State {
  readonly balances: Map<string, bigint>;
  readonly nonces: Map<string, number>;
  readonly units: Map<string, bigint>;
}

export interface EthereumBlock {
  readonly number: number;
  readonly hash: string;
  readonly timestamp: number;
  readonly baseFee: bigint;
  readonly transactions: readonly Mined[];
  readonly state: State;
}

function copied(state: State): State {
  return {
    balances: new Map(state.balances),
    nonces: new Map(state.nonces),
    units: new Map(state.units),
  };
}

function add(to: Map<string, bigint>, address: string, amount: bigint): void {
  to.set(address, (to.get(address) ?? 0n) + amount);
}

function least(one: bigint, other: bigint): bigint {
  if (one < other) return one;
  return other;
}

function topicOf(address: string): string {
  return `0x${address.slice(2).padStart(64, '0')}`;
}

export class EthereumChain {
  readonly blocks: EthereumBlock[];
  readonly pool = new Map<string, Pending>();
  /** All that any node ever took in: a miner may still have it. */
  readonly everTaken = new Map<string, Pending>();
  private branches = 0;
  /** Fees fall; otherwise they wander. */
  calm = false;
  /** Recovering who signed is slow, and the same is sent again and again. */
  private readonly decoded = new Map<string, Pending | undefined>();

  constructor(
    private readonly chance: Chance,
    funded: { readonly address: string; readonly wei: bigint; readonly units: bigint },
    nowMs: number,
  ) {
    const address = funded.address.toLowerCase();
    const state: State = {
      balances: new Map([[address, funded.wei]]),
      nonces: new Map(),
      units: new Map([[address, funded.units]]),
    };
    this.blocks = [this.block(0, nowMs, 5n * GWEI, [], state)];
  }

  get head(): EthereumBlock {
    const head = this.blocks.at(-1);
    if (!head) throw new RangeError('a chain has a genesis block');
    return head;
  }

  /** Takes a signed transaction into the pool, or says why not in a node's words. */
  submit(hex: string): { readonly hash: string } | { readonly error: string } {
    const decoded = this.decoded.get(hex) ?? decodedOf(hex);
    this.decoded.set(hex, decoded);
    if (decoded === undefined) return { error: 'rlp: malformed transaction' };
    const { hash, from, nonce, value, gasLimit, maxFee, tip } = decoded;
    if (this.pool.has(hash)) return { error: 'already known' };
    const { state } = this.head;
    if (nonce < (state.nonces.get(from) ?? 0)) return { error: 'nonce too low' };
    if ((state.balances.get(from) ?? 0n) < value + gasLimit * maxFee) {
      return { error: 'insufficient funds for gas * price + value' };
    }
    const rival = [...this.pool.values()].find((one) => one.from === from && one.nonce === nonce);
    if (rival) {
      const enough = (now: bigint, before: bigint) => now * 10n >= before * 11n;
      if (!enough(maxFee, rival.maxFee) || !enough(tip, rival.tip)) {
        return { error: 'replacement transaction underpriced' };
      }
      this.pool.delete(rival.hash);
    }
    this.pool.set(hash, decoded);
    this.everTaken.set(hash, decoded);
    return { hash };
  }

  /** One more block: some of what waits, by nonce; sometimes an older version of it that only the miner has. */
  mine(nowMs: number, willing: number): EthereumBlock {
    const { number, baseFee, state: before } = this.head;
    const state = copied(before);
    const height = number + 1;
    const offered = [...this.pool.values()].toSorted((a, b) => a.nonce - b.nonce);
    const hash = this.hashOf(height, nowMs);
    const mined: Mined[] = [];
    for (const waiting of offered) {
      if (!this.chance.hit(willing)) break;
      const one = this.versionOf(waiting);
      const result = this.apply(one, state, baseFee, hash, height);
      if (result) mined.push(result);
    }
    const block = this.block(height, nowMs, this.nextBaseFee(), mined, state, hash);
    this.blocks.push(block);
    for (const one of this.pool.values()) {
      if (one.nonce < (state.nonces.get(one.from) ?? 0)) this.pool.delete(one.hash);
    }
    return block;
  }

  private versionOf(waiting: Pending): Pending {
    if (!this.chance.hit(150)) return waiting;
    const versions = [...this.everTaken.values()].filter(
      (one) => one.from === waiting.from && one.nonce === waiting.nonce,
    );
    return versions.length > 1 ? this.chance.pick(versions) : waiting;
  }

  private apply(
    one: Pending,
    { balances, nonces, units }: State,
    baseFee: bigint,
    blockHash: string,
    blockNumber: number,
  ): Mined | undefined {
    const isToken = one.to === TOKEN_CONTRACT.toLowerCase();
    const tipped = baseFee + one.tip;
    const price = least(tipped, one.maxFee);
    const worth = balances.get(one.from) ?? 0n;
    const fits =
      one.nonce === (nonces.get(one.from) ?? 0) &&
      one.maxFee >= baseFee &&
      worth >= one.value + one.gasLimit * one.maxFee;
    if (!fits) return undefined;
    let gasUsed = isToken ? TOKEN_GAS : TRANSFER_GAS;
    let ok = gasUsed <= one.gasLimit;
    const logs: TokenLog[] = [];
    if (ok && isToken) {
      const [to, amount] = erc20.decodeFunctionData('transfer', one.data) as unknown as [string, bigint];
      ok = (units.get(one.from) ?? 0n) >= amount;
      if (ok) {
        add(units, one.from, -amount);
        add(units, to.toLowerCase(), amount);
        const data = `0x${amount.toString(16).padStart(64, '0')}`;
        const topics = [TRANSFER_TOPIC, topicOf(one.from), topicOf(to.toLowerCase())];
        logs.push({ address: one.to, topics, data });
      }
    }
    if (gasUsed > one.gasLimit) gasUsed = one.gasLimit;
    nonces.set(one.from, one.nonce + 1);
    add(balances, one.from, -gasUsed * price);
    if (ok) {
      add(balances, one.from, -one.value);
      add(balances, one.to, one.value);
    }
    return { ...one, blockHash, blockNumber, ok, gasUsed, price, logs };
  }

  /** Replaces the newest `depth` blocks by `depth + 1` others; what they held waits again, or is lost. */
  reorganise(depth: number, nowMs: number, keep: number, willing: number): void {
    const gone = this.blocks.splice(Math.max(1, this.blocks.length - depth));
    this.branches += 1;
    for (const { transactions } of gone) {
      for (const { hash } of transactions) {
        const one = this.everTaken.get(hash);
        const taken = [...this.pool.values()].some(
          (other) => other.from === one?.from && other.nonce === one.nonce,
        );
        if (one && !taken && this.chance.hit(keep)) this.pool.set(hash, one);
      }
    }
    for (let count = 0; count <= gone.length; count += 1) this.mine(nowMs, willing);
  }

  mined(hash: string): Mined | undefined {
    for (const { transactions } of this.blocks) {
      const found = transactions.find((one) => one.hash === hash);
      if (found) return found;
    }
    return undefined;
  }

  private nextBaseFee(): bigint {
    const now = this.head.baseFee;
    const next = (now * BigInt(1_000 + this.chance.between(-125, this.calm ? -60 : 125))) / 1_000n;
    return next < GWEI ? GWEI : next > 40n * GWEI ? 40n * GWEI : next;
  }

  private hashOf(number: number, nowMs: number): string {
    return keccak256(toUtf8Bytes(`${number}/${this.branches}/${nowMs}/${this.blocks?.at(-1)?.hash ?? ''}`));
  }

  private block(
    number: number,
    nowMs: number,
    baseFee: bigint,
    transactions: readonly Mined[],
    state: State,
    hash = this.hashOf(number, nowMs),
  ): EthereumBlock {
    return { number, hash, timestamp: Math.floor(nowMs / 1_000), baseFee, transactions, state };
  }
}

function decodedOf(hex: string): Pending | undefined {
  try {
    const one = Transaction.from(hex);
    if (one.type !== 2 || one.chainId !== CHAIN_ID || one.from === null || one.to === null) return undefined;
    const { hash, maxFeePerGas, maxPriorityFeePerGas } = one;
    if (hash === null || maxFeePerGas === null || maxPriorityFeePerGas === null) return undefined;
    return {
      hash,
      hex,
      from: getAddress(one.from).toLowerCase(),
      nonce: one.nonce,
      to: one.to.toLowerCase(),
      value: one.value,
      data: one.data,
      gasLimit: one.gasLimit,
      maxFee: maxFeePerGas,
      tip: maxPriorityFeePerGas,
    };
  } catch {
    // Not a transaction: a node refuses it, whatever is wrong with it.
    return undefined;
  }
}
