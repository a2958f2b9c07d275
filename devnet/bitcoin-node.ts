// A Bitcoin regtest node for the demo and the tests: bcoin behind Bitcoin Core's RPC (devnet/bcoin), or any node that
// already runs (`attachBitcoinDevnet`). Never production. Everything here goes through RPC verbs that Bitcoin Core has
// too, `evict` apart.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Fault } from '../src/core/fault.js';
import { type BlockParent, buildBlock } from './bitcoin-blocks.js';
import { type PurseCoin, payFromPurse, purseAddress, purseFee, purseScript } from './bitcoin-purse.js';
import { isList, isRecord, type JsonValue, jsonRpc, jsonRpcText } from './json-rpc.js';
import { repositoryRoot } from './paths.js';
import { onFreePort, type Program, startProgram } from './process.js';

export type BitcoinDevnetFaultCode = 'purse-empty' | 'block-refused' | 'unexpected-answer';

export interface BitcoinDevnetOptions {
  /** Receives the node's output. */
  readonly logFile: string;
  /** Keeps chain and waiting transactions. Without it all is forgotten. */
  readonly dataFolder?: string;
  /** A free one unless given. */
  readonly port?: number;
}

/** bcoin's regtest switches segwit on by BIP-9 at height 432; by then hundreds of rewards are spendable. */
const INITIAL_BLOCKS = 440;
const COINBASE_MATURITY = 100;
const MAX_PURSE_INPUTS = 50;
const RPC_USER = 'devnet';

/** Starts the node; on its first start mines the initial blocks to the devnet's purse. */
export async function startBitcoinDevnet(options: BitcoinDevnetOptions): Promise<BitcoinDevnet> {
  const password = randomBytes(16).toString('hex');
  const start = async (port: number): Promise<BitcoinDevnet> => {
    const rpcUrl = `http://${RPC_USER}:${password}@127.0.0.1:${port}/`;
    const server = join(repositoryRoot, 'devnet', 'bcoin', 'server.cjs');
    const data = options.dataFolder === undefined ? [] : ['--data', options.dataFolder];
    const program = await startProgram({
      name: 'the Bitcoin node',
      command: process.execPath,
      args: ['--no-deprecation', server, '--port', `${port}`, ...data],
      env: { PATH: process.env.PATH, BITCOIN_RPC_USER: RPC_USER, BITCOIN_RPC_PASSWORD: password },
      logFile: options.logFile,
      ready: async () => (await jsonRpc(rpcUrl, 'getblockcount')) !== null,
    });
    return new BitcoinDevnet(rpcUrl, program);
  };
  const devnet = await (options.port === undefined ? onFreePort(start) : start(options.port));
  await devnet.prepare();
  return devnet;
}

/** Uses a regtest node that somebody else started, for example Bitcoin Core. `rpcUrl` carries user and password. */
export async function attachBitcoinDevnet(rpcUrl: string): Promise<BitcoinDevnet> {
  const devnet = new BitcoinDevnet(rpcUrl, null);
  await devnet.prepare();
  return devnet;
}

/** A running regtest node with what tests and the demo do to it. Amounts are satoshi, hashes as displayed. */
export class BitcoinDevnet {
  #nextReward = 1;
  #spare: PurseCoin[] = [];
  #lastPayment: Promise<unknown> = Promise.resolve();

  constructor(
    /** With user and password in it. */
    readonly rpcUrl: string,
    /** Null when the node is somebody else's. */
    readonly program: Program | null,
  ) {}

  call(method: string, params: readonly unknown[] = []): Promise<JsonValue> {
    return jsonRpc(this.rpcUrl, method, params);
  }

  /** Mines what a fresh chain lacks until segwit is active and the purse can pay. */
  async prepare(): Promise<void> {
    const missing = INITIAL_BLOCKS - (await this.height());
    if (missing > 0) await this.mine(missing);
  }

  async height(): Promise<number> {
    const height = await this.call('getblockcount');
    if (typeof height !== 'number') throw unexpected('getblockcount');
    return height;
  }

  blockHash(height: number): Promise<string> {
    return jsonRpcText(this.rpcUrl, 'getblockhash', [height]);
  }

  /** Pays from the devnet's purse. The payment waits in the mempool until somebody mines. Payments queue up one by one. */
  fund(
    to: string,
    sats: bigint,
  ): Promise<{ readonly txid: string; readonly vout: number; readonly hex: string }> {
    const payment = this.#lastPayment.then(
      () => this.pay(to, sats),
      () => this.pay(to, sats),
    );
    this.#lastPayment = payment;
    return payment;
  }

  /** Mines `count` blocks with whatever waits; returns their hashes. */
  async mine(count = 1): Promise<readonly string[]> {
    const hashes = await this.call('generatetoaddress', [count, purseAddress]);
    if (!isList(hashes)) throw unexpected('generatetoaddress');
    return hashes.map(String);
  }

  /** Mines one block on the tip with exactly these raw transactions; what else waits goes on waiting. Returns its hash. */
  async mineBlock(transactions: readonly string[] = []): Promise<string> {
    return this.extend(await this.parentAt(await this.height()), 1, transactions);
  }

  /**
   * Replaces the last `depth` blocks by `depth + 1` others in one step: the tip jumps to the longer fork. The first new
   * block holds `transactions`, the others none. What the replaced blocks held waits in the mempool again, unless the
   * fork conflicts with it. Returns the new tip's hash.
   */
  async reorg(depth: number, transactions: readonly string[] = []): Promise<string> {
    const parent = await this.parentAt((await this.height()) - depth);
    return this.extend(parent, depth + 1, transactions);
  }

  /** Drops a waiting transaction and its descendants, as a node does under pressure. Bitcoin Core has no such verb. */
  async evict(txid: string): Promise<void> {
    await this.call('devnet_evict', [txid]);
  }

  async stop(): Promise<void> {
    await this.program?.stop();
  }

  private async extend(parent: BlockParent, count: number, transactions: readonly string[]): Promise<string> {
    let { hash, height } = parent;
    // Every block one second later than the last keeps each above the median of the eleven before it.
    const start = Math.max(Math.floor(Date.now() / 1000), parent.medianTime + 1);
    for (let i = 0; i < count; i += 1) {
      const block = buildBlock({ ...parent, hash, height }, i === 0 ? transactions : [], start + i);
      const refusal = await this.call('submitblock', [block.toHex()]);
      // Bitcoin Core says "inconclusive" of a block on a fork that is not (yet) the longest.
      if (refusal !== null && refusal !== 'inconclusive') {
        const reason = JSON.stringify(refusal);
        throw new Fault<BitcoinDevnetFaultCode>('block-refused', `the node refused the block: ${reason}`, {
          facts: { reason },
        });
      }
      hash = block.getId();
      height += 1;
    }
    if ((await jsonRpcText(this.rpcUrl, 'getbestblockhash')) !== hash) {
      throw new Fault<BitcoinDevnetFaultCode>('block-refused', 'the node did not follow the longer chain');
    }
    return hash;
  }

  private async parentAt(height: number): Promise<BlockParent> {
    const header = record(
      await this.call('getblockheader', [await this.blockHash(height)]),
      'getblockheader',
    );
    const { hash, mediantime, bits } = header;
    if (typeof hash !== 'string' || typeof mediantime !== 'number' || typeof bits !== 'string') {
      throw unexpected('getblockheader');
    }
    return { hash, height, medianTime: mediantime, bits };
  }

  private async pay(to: string, sats: bigint): Promise<{ txid: string; vout: number; hex: string }> {
    const coins: PurseCoin[] = [];
    let total = 0n;
    while (total < sats + purseFee(coins.length)) {
      const coin =
        coins.length < MAX_PURSE_INPUTS ? ((await this.nextReward()) ?? this.#spare.shift()) : undefined;
      if (coin === undefined) {
        this.#spare.push(...coins);
        throw new Fault<BitcoinDevnetFaultCode>(
          'purse-empty',
          'the purse has too few coins: mine more blocks',
        );
      }
      coins.push(coin);
      total += coin.sats;
    }
    const payment = payFromPurse(coins, to, sats);
    await this.call('sendrawtransaction', [payment.hex]);
    if (payment.change !== null) this.#spare.push(payment.change);
    return { txid: payment.txid, vout: 0, hex: payment.hex };
  }

  /** The next mature block reward of the purse that is unspent, or null. */
  private async nextReward(): Promise<PurseCoin | null> {
    const last = (await this.height()) - COINBASE_MATURITY;
    while (this.#nextReward <= last) {
      const block = record(
        await this.call('getblock', [await this.blockHash(this.#nextReward), 1]),
        'getblock',
      );
      this.#nextReward += 1;
      const [txid] = isList(block.tx) ? block.tx : [];
      if (typeof txid !== 'string') throw unexpected('getblock');
      const output = await this.call('gettxout', [txid, 0, true]);
      if (output === null) continue;
      const { value, scriptPubKey } = record(output, 'gettxout');
      if (record(scriptPubKey ?? null, 'gettxout').hex !== purseScript || typeof value !== 'number') continue;
      // Bitcoin Core's RPC gives decimal BTC; eight digits make it exact again.
      return { txid, vout: 0, sats: BigInt(value.toFixed(8).replace('.', '')) };
    }
    return null;
  }
}

function record(value: JsonValue, method: string): { readonly [key: string]: JsonValue } {
  if (!isRecord(value)) throw unexpected(method);
  return value;
}

function unexpected(method: string): Fault<BitcoinDevnetFaultCode> {
  return new Fault('unexpected-answer', `${method} answered with something else`);
}
