// The two chains of the end-to-end tests: real nodes, tokens on one of them, blocks now and then, and an auditor who
// counts payments in raw blocks and receipts. It asks the nodes alone, and believes nothing that Portcullis says.

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Block } from 'bitcoinjs-lib';
import { getAddress, keccak256 } from 'ethers';
import { type BitcoinDevnet, startBitcoinDevnet } from '../../devnet/bitcoin-node.js';
import { ETHEREUM } from '../../devnet/deployment.js';
import { type EthereumDevnet, startEthereumDevnet } from '../../devnet/ethereum-node.js';
import { isList, isRecord, type JsonValue, jsonRpcText } from '../../devnet/json-rpc.js';
import type { Erc20Token } from '../../src/core/governance/entry.js';
import { addressOfScript, scriptOfAddress } from '../../src/core/intents/bitcoin/address.js';
import { FALSE_TOKEN, FEE_TAKING_TOKEN } from '../orchestrator/evm-tokens.js';

const BLOCK_EVERY_MS = 400;
/** keccak256 of `Transfer(address,address,uint256)`. */
const TRANSFER_TOPIC = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';
/** Contracts that do not behave, at addresses of their own. */
const ODD_TOKENS = [
  { symbol: 'LIES', contract: getAddress(`0x${'fa15e'.repeat(8)}`), code: FALSE_TOKEN },
  { symbol: 'SKIM', contract: getAddress(`0x${'5c13'.repeat(10)}`), code: FEE_TAKING_TOKEN },
] as const;

/** A transaction of the wallet in a block of the Ethereum node. */
export interface EthereumPayment {
  readonly hash: string;
  readonly nonce: number;
  readonly to: string;
  readonly value: bigint;
  readonly feeWei: bigint;
}

export class Chains {
  private miner: Promise<void> | undefined;
  private mining = new AbortController();

  private constructor(
    readonly bitcoin: BitcoinDevnet,
    readonly ethereum: EthereumDevnet,
    /** USDX, which behaves, then LIES and SKIM, which do not. */
    readonly tokens: readonly Erc20Token[],
    /** Bitcoin blocks below this pay nobody that matters here. */
    readonly firstHeight: number,
  ) {}

  static async start(folder: string): Promise<Chains> {
    const [bitcoin, ethereum] = await Promise.all([
      startBitcoinDevnet({ logFile: `${folder}/bitcoin.log` }),
      startEthereumDevnet({ logFile: `${folder}/ethereum.log` }),
    ]);
    const usdx = await ethereum.deployToken({ name: 'Dollar', symbol: 'USDX', supply: 10n ** 27n });
    const tokens = [await registered(ethereum, 'USDX', usdx)];
    for (const { symbol, contract, code } of ODD_TOKENS) {
      await ethereum.call('anvil_setCode', [contract, code]);
      tokens.push(await registered(ethereum, symbol, contract));
    }
    return new Chains(bitcoin, ethereum, tokens, (await bitcoin.height()) + 1);
  }

  token(symbol: string): Erc20Token {
    const token = this.tokens.find((one) => one.symbol === symbol);
    if (!token) throw new RangeError(`no token ${symbol}`);
    return token;
  }

  /** Blocks on both chains from time to time, until `stopMining`. */
  startMining(everyMs = BLOCK_EVERY_MS): void {
    if (this.miner !== undefined) return;
    this.mining = new AbortController();
    this.miner = this.mineUntil(this.mining.signal, everyMs);
  }

  async stopMining(): Promise<void> {
    this.mining.abort();
    await this.miner;
    this.miner = undefined;
  }

  async stop(): Promise<void> {
    await this.stopMining();
    await Promise.all([this.bitcoin.stop(), this.ethereum.stop()]);
  }

  private async mineUntil(signal: AbortSignal, everyMs: number): Promise<void> {
    while (!signal.aborted) {
      await Promise.all([this.bitcoin.mine(1), this.ethereum.mine(1)]);
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** What the blocks pay to a Bitcoin address: one amount in satoshi for each output, with its transaction. */
  async bitcoinOutputs(
    address: string,
  ): Promise<readonly { readonly txid: string; readonly sats: bigint }[]> {
    const script = scriptOfAddress(address, 'regtest');
    if (script.kind === 'refused') throw new RangeError(`no address: ${address}`);
    const found: { txid: string; sats: bigint }[] = [];
    for (const { transactions = [] } of await this.bitcoinBlocks()) {
      for (const transaction of transactions) {
        for (const output of transaction.outs) {
          if (Buffer.from(output.script).toString('hex') !== script.value) continue;
          found.push({ txid: transaction.getId(), sats: output.value });
        }
      }
    }
    return found;
  }

  /** All blocks since the tests began, as the node gives their bytes. */
  async bitcoinBlocks(): Promise<readonly Block[]> {
    const blocks: Block[] = [];
    const tip = await this.bitcoin.height();
    for (let height = this.firstHeight; height <= tip; height += 1) {
      const hash = await this.bitcoin.blockHash(height);
      blocks.push(Block.fromHex(await jsonRpcText(this.bitcoin.rpcUrl, 'getblock', [hash, 0])));
    }
    return blocks;
  }

  /** What a script's unspent outputs are worth in the chain, from the raw blocks. */
  async bitcoinBalance(address: string): Promise<bigint> {
    const script = scriptOfAddress(address, 'regtest');
    if (script.kind === 'refused') throw new RangeError(`no address: ${address}`);
    const unspent = new Map<string, bigint>();
    for (const { transactions = [] } of await this.bitcoinBlocks()) {
      for (const transaction of transactions) {
        for (const { hash, index } of transaction.ins) {
          unspent.delete(`${Buffer.from(hash.toReversed()).toString('hex')}:${index}`);
        }
        for (const [vout, output] of transaction.outs.entries()) {
          if (Buffer.from(output.script).toString('hex') !== script.value) continue;
          unspent.set(`${transaction.getId()}:${vout}`, output.value);
        }
      }
    }
    return [...unspent.values()].reduce((sum, sats) => sum + sats, 0n);
  }

  /** Every transaction from an address in a block, in order. */
  async ethereumPayments(from: string): Promise<readonly EthereumPayment[]> {
    const payments: EthereumPayment[] = [];
    const tip = await this.ethereum.blockNumber();
    for (let height = 0; height <= tip; height += 1) {
      const block = await this.ethereum.call('eth_getBlockByNumber', [`0x${height.toString(16)}`, true]);
      const transactions = isRecord(block) && isList(block.transactions) ? block.transactions : [];
      for (const transaction of transactions) {
        if (textOf(transaction, 'from').toLowerCase() !== from.toLowerCase()) continue;
        const hash = textOf(transaction, 'hash');
        const receipt = await this.ethereum.call('eth_getTransactionReceipt', [hash]);
        payments.push({
          hash,
          nonce: Number.parseInt(textOf(transaction, 'nonce'), 16),
          to: getAddress(textOf(transaction, 'to')),
          value: BigInt(textOf(transaction, 'value')),
          feeWei: BigInt(textOf(receipt, 'gasUsed')) * BigInt(textOf(receipt, 'effectiveGasPrice')),
        });
      }
    }
    return payments;
  }

  /** Amounts of the Transfer logs of a token to an address. */
  async tokenPayments(contract: string, to: string): Promise<readonly bigint[]> {
    const topics = [TRANSFER_TOPIC, null, `0x${to.slice(2).toLowerCase().padStart(64, '0')}`];
    const filter = { fromBlock: '0x0', toBlock: 'latest', address: contract, topics };
    const logs = await this.ethereum.call('eth_getLogs', [filter]);
    return isList(logs) ? logs.map((log) => BigInt(textOf(log, 'data'))) : [];
  }
}

async function registered(node: EthereumDevnet, symbol: string, contract: string): Promise<Erc20Token> {
  const code = await jsonRpcText(node.rpcUrl, 'eth_getCode', [contract, 'latest']);
  return {
    chain: ETHEREUM,
    contract: getAddress(contract),
    symbol,
    decimals: 18,
    codeHash: keccak256(code).slice(2),
  };
}

function textOf(value: JsonValue | undefined, name: string): string {
  const field = isRecord(value) ? value[name] : undefined;
  if (typeof field !== 'string') throw new TypeError(`the node gave no ${name}`);
  return field;
}

/** Bitcoin address that nobody holds the key of, and that nobody was ever paid at. */
export function freshBitcoinAddress(): string {
  return addressOfScript(`0014${randomBytes(20).toString('hex')}`, 'regtest') ?? '';
}

export function freshEthereumAddress(): string {
  return getAddress(`0x${randomBytes(20).toString('hex')}`);
}
