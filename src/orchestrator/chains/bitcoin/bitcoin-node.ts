// A chain's nodes as one: each question goes to the first node that gives a usable answer. An answer that cannot be used
// never stops the others from being asked. A node is asked nothing before it has shown the genesis block of the chain.

import { z } from 'zod';
import { Fault } from '../../../core/fault.js';
import { sha256Hex } from '../../../core/statements/fields.js';
import type { NodeReport } from '../chain-driver.js';
import { greater } from './bigints.js';
import type { BitcoinFaultCode } from './bitcoin.errors.js';
import { BitcoinRpc, type Post, RPC, type RpcAnswer } from './bitcoin-rpc.js';
import { satsOfBtc } from './btc-decimal.js';
import { type Verdict, verdictOf, verdictOfWords } from './rejection.js';
import type { BitcoinSettings } from './settings.js';

export interface NodeTip {
  readonly height: number;
  readonly hash: string;
  /** The node is still catching up with its peers. */
  readonly behind: boolean;
}

/** Fee rates in satoshi per 1,000 vbytes. */
export interface NodeFees {
  /** Undefined when the node knows too little. */
  readonly estimate: bigint | undefined;
  /** Below it the node takes nothing in at present. */
  readonly floor: bigint;
  /** What a replacement must pay above the replaced one. */
  readonly incremental: bigint;
}

export type Submission =
  | { readonly kind: 'accepted' }
  | Verdict
  | { readonly kind: 'unreachable'; readonly reason: string };

const height = z
  .string()
  .regex(/^[0-9]{1,8}$/)
  .transform((digits) => Number.parseInt(digits, 10));
const btc = z.string().transform((digits, context) => {
  try {
    return satsOfBtc(digits);
  } catch {
    context.addIssue({ code: 'custom', message: 'no exact amount' });
    return z.NEVER;
  }
});
const rawHex = z
  .string()
  .max(16_000_000)
  .regex(/^[0-9a-f]+$/);

const chainInfo = z.object({
  blocks: height,
  headers: height,
  bestblockhash: sha256Hex,
  initialblockdownload: z.boolean(),
});
/** bcoin and old nodes answer -1 for "I do not know": whatever is no amount means that. */
const feeEstimate = z.object({ feerate: btc.optional().catch(undefined) });
const mempoolInfo = z.object({ mempoolminfee: btc, minrelaytxfee: btc.optional() });
const networkInfo = z.object({ incrementalfee: btc });
const mempoolEntry = z.object({ vsize: height });
const acceptance = z
  .array(z.object({ allowed: z.boolean().optional(), 'reject-reason': z.string().optional() }))
  .length(1);

type Params = Parameters<BitcoinRpc['call']>[1];

const REPORT_TIMEOUT_MS = 2_000;

/** 1 sat/vB: what most of the network demands of a replacement, whatever the own node says. */
const COMMON_INCREMENT = 1_000n;

/** 0.1 sat/vB: below it no node passes a transaction on, whatever one of them says. What pays nothing is signed, and stuck. */
const LEAST_RELAYED = 100n;

export class BitcoinNode {
  private readonly nodes: readonly BitcoinRpc[];
  /** Nodes that have shown the right genesis block since they last gave an unusable answer. */
  private readonly verified = new Set<BitcoinRpc>();

  constructor(
    readonly chain: string,
    settings: Pick<BitcoinSettings, 'nodes' | 'timeoutMs'>,
    post?: Post,
  ) {
    this.nodes = settings.nodes.map((node) => new BitcoinRpc(node, settings.timeoutMs, post));
  }

  /** Throws `chain-unavailable`, as everything here does when no node gives a usable answer. */
  async tip(): Promise<NodeTip> {
    const { blocks, headers, bestblockhash, initialblockdownload } = await this.result(
      'getblockchaininfo',
      [],
      chainInfo,
    );
    return {
      height: blocks,
      hash: bestblockhash,
      // A fresh regtest calls itself downloading although there is nothing more to download.
      behind: initialblockdownload && headers > blocks,
    };
  }

  /** Hash of the block at a height of the node's best chain, or undefined when it has none there. */
  async blockHash(at: number): Promise<string | undefined> {
    const answer = await this.ask('getblockhash', [at], sha256Hex);
    if (answer.kind === 'result') return answer.value;
    if (answer.code === RPC.invalidParameter) return undefined;
    throw unavailable('getblockhash', answer.message);
  }

  /** Raw bytes of a block, hex, unverified. A node that has pruned it is passed over. */
  async rawBlock(hash: string): Promise<string> {
    return this.result('getblock', [hash, 0], rawHex);
  }

  /** True while the transaction waits in the mempool of a node. */
  async isWaiting(txid: string): Promise<boolean> {
    const answer = await this.ask('getmempoolentry', [txid], mempoolEntry);
    if (answer.kind === 'result') return true;
    if (answer.code === RPC.notFound) return false;
    throw unavailable('getmempoolentry', answer.message);
  }

  async fees(targetBlocks: number): Promise<NodeFees> {
    const [estimated, mempool, network] = [
      await this.ask('estimatesmartfee', [targetBlocks], feeEstimate),
      await this.ask('getmempoolinfo', [], mempoolInfo),
      await this.ask('getnetworkinfo', [], networkInfo),
    ];
    const floors =
      mempool.kind === 'result' ? [mempool.value.mempoolminfee, mempool.value.minrelaytxfee ?? 0n] : [];
    const incremental = network.kind === 'result' ? network.value.incrementalfee : 0n;
    const estimate = estimated.kind === 'result' ? estimated.value.feerate : undefined;
    return {
      // An error here is no reason not to pay, and nothing is no estimate: there is a fallback rate.
      estimate: estimate === 0n ? undefined : estimate,
      floor: floors.reduce(greater, LEAST_RELAYED),
      incremental: greater(incremental, COMMON_INCREMENT),
    };
  }

  /**
   * Hands a signed transaction to the nodes until one takes it or knows it. Where the node offers to check first
   * (`testmempoolaccept`), it is asked, because that names the reason. Never throws.
   */
  async submit(hex: string): Promise<Submission> {
    const rejections: Submission[] = [];
    const troubles: string[] = [];
    for (const node of this.nodes) {
      const submission = await this.submitTo(node, hex);
      if (submission.kind === 'accepted' || submission.kind === 'already-known') return submission;
      if (submission.kind === 'rejected') rejections.push(submission);
      else troubles.push(submission.reason);
    }
    return rejections[0] ?? { kind: 'unreachable', reason: troubles.join('; ') };
  }

  /** What each node says of itself, for people to look at. Never throws; answers within a few seconds. */
  async reports(): Promise<readonly NodeReport[]> {
    return Promise.all(
      this.nodes.map(async (node): Promise<NodeReport> => {
        const about = { chain: this.chain, node: node.name };
        const genesis = await this.genesisTrouble(node, REPORT_TIMEOUT_MS);
        const answer = genesis ?? (await node.call('getblockchaininfo', [], chainInfo, REPORT_TIMEOUT_MS));
        if (answer.kind === 'unusable') {
          return { ...about, healthy: false, height: null, detail: `${answer.trouble}: ${answer.detail}` };
        }
        if (answer.kind === 'error') {
          return { ...about, healthy: false, height: null, detail: answer.message };
        }
        const { blocks, headers } = answer.value;
        const missing = headers - blocks;
        const detail = missing > 0 ? `${missing} blocks behind its peers` : null;
        return { ...about, healthy: true, height: blocks, detail };
      }),
    );
  }

  private async submitTo(node: BitcoinRpc, hex: string): Promise<Submission> {
    const checked = await this.askOne(node, 'testmempoolaccept', [[hex]], acceptance);
    if (checked.kind === 'unusable') return { kind: 'unreachable', reason: troubleOf(node, checked) };
    if (checked.kind === 'result') {
      const [verdict] = checked.value;
      const reason = verdict?.['reject-reason'];
      if (verdict?.allowed === false && reason !== undefined) return verdictOfWords(reason);
    }
    const sent = await this.askOne(node, 'sendrawtransaction', [hex], sha256Hex);
    if (sent.kind === 'result') return { kind: 'accepted' };
    if (sent.kind === 'unusable') return { kind: 'unreachable', reason: troubleOf(node, sent) };
    return verdictOf(sent.code, sent.message);
  }

  private async result<T>(method: string, params: Params, schema: z.ZodType<T>): Promise<T> {
    const answer = await this.ask(method, params, schema, () => false);
    if (answer.kind === 'result') return answer.value;
    throw unavailable(method, answer.message);
  }

  /** The first usable answer. An error counts as one unless `isAnswer` says that another node may know better. */
  private async ask<T>(
    method: string,
    params: Params,
    schema: z.ZodType<T>,
    isAnswer: (code: number) => boolean = () => true,
  ): Promise<Exclude<RpcAnswer<T>, { kind: 'unusable' }>> {
    const troubles: string[] = [];
    for (const node of this.nodes) {
      const answer = await this.askOne(node, method, params, schema);
      if (answer.kind === 'result') return answer;
      if (answer.kind === 'error' && isAnswer(answer.code)) return answer;
      troubles.push(answer.kind === 'error' ? `${node.name}: ${answer.message}` : troubleOf(node, answer));
    }
    throw unavailable(method, troubles.join('; '));
  }

  private async askOne<T>(
    node: BitcoinRpc,
    method: string,
    params: Params,
    schema: z.ZodType<T>,
  ): Promise<RpcAnswer<T>> {
    const trouble = await this.genesisTrouble(node);
    if (trouble !== undefined) return trouble;
    const answer = await node.call(method, params, schema);
    if (answer.kind === 'unusable') this.verified.delete(node);
    return answer;
  }

  /** Why a node cannot be asked about this chain; undefined when it can. */
  private async genesisTrouble(
    node: BitcoinRpc,
    timeoutMs?: number,
  ): Promise<Extract<RpcAnswer<never>, { kind: 'unusable' }> | undefined> {
    if (this.verified.has(node)) return undefined;
    const genesis = await node.call('getblockhash', [0], sha256Hex, timeoutMs);
    if (genesis.kind === 'unusable') return genesis;
    // CAIP-2 for Bitcoin: the first 32 hex digits of the genesis block's hash.
    if (genesis.kind === 'error' || this.chain !== `bip122:${genesis.value.slice(0, 32)}`) {
      return { kind: 'unusable', trouble: 'other-chain', detail: 'its genesis block is another' };
    }
    this.verified.add(node);
    return undefined;
  }
}

function troubleOf(node: BitcoinRpc, answer: { readonly trouble: string; readonly detail: string }): string {
  return `${node.name}: ${answer.trouble} (${answer.detail})`;
}

function unavailable(method: string, why: string): Fault<BitcoinFaultCode> {
  return new Fault('chain-unavailable', `no Bitcoin node answered ${method}: ${why}`, {
    facts: { method, why: why.slice(0, 400) },
  });
}
