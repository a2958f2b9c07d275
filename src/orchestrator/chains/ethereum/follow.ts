// Follows one signed transaction on the chain: broadcast it, and say where it is. Everything that decides is read from
// as many nodes as the settings demand; what they do not agree on is `unknown`, never a guess. No database.

import type { BlockPlace, BroadcastResult, Observation } from '../chain-driver.js';
import { judgeBroadcastError } from './broadcast-errors.js';
import { describe, type EthereumRpc, hexQuantity, type NamedAnswer } from './ethereum-rpc.js';
import { minedNoncesAt } from './outlook.js';
import type { EthereumPlan } from './plan.js';
import {
  type Block,
  blockOfTransactions,
  hash32,
  type Receipt,
  receiptOrNone,
  transactionOrNone,
} from './rpc-answers.js';
import type { EthereumSettings } from './settings.js';
import { failureOf, feePaidOf } from './settlement.js';

/** Another transaction that is in the chain at our nonce. */
export interface NonceUse extends BlockPlace, Depth {
  readonly transactionId: string;
  readonly ours: boolean;
}

interface Depth {
  readonly final: boolean;
  readonly buried: boolean;
}

export type Sighting =
  | { readonly kind: 'seen'; readonly observation: Observation }
  | { readonly kind: 'nonce-used'; readonly use: NonceUse };

export async function broadcast(
  rpc: EthereumRpc,
  transactionId: string,
  signedHex: string,
): Promise<BroadcastResult> {
  const answers = await rpc.everyone({
    method: 'eth_sendRawTransaction',
    params: [`0x${signedHex}`],
    schema: hash32,
  });
  const votes = answers.map((answer) => judgeAnswer(answer, transactionId));
  if (votes.some((vote) => vote.kind === 'accepted')) return { kind: 'accepted' };
  if (votes.some((vote) => vote.kind === 'already-known')) return { kind: 'already-known' };
  const rejections = votes.flatMap((vote) => (vote.kind === 'rejected' ? [vote.reason] : []));
  if (rejections.includes('nonce-too-low')) {
    // The usual cause is that it is in a block already: nodes forget a mined transaction and say this of a resend.
    const receipt = await receiptOf(rpc, transactionId);
    if (receipt) return { kind: 'already-known' };
  }
  const [reason] = rejections;
  if (reason !== undefined && rejections.length >= rpc.believed) return { kind: 'rejected', reason };
  const reasons = votes.flatMap((vote) => ('reason' in vote ? [vote.reason] : []));
  return { kind: 'unreachable', reason: reasons.join('; ').slice(0, 300) };
}

type Vote = BroadcastResult | { readonly kind: 'later'; readonly reason: string };

function judgeAnswer({ name, answer }: NamedAnswer<string>, transactionId: string): Vote {
  if (answer.kind === 'answered') {
    return answer.value === transactionId
      ? { kind: 'accepted' }
      : { kind: 'unreachable', reason: `${name}: answered with another transaction's id` };
  }
  const { failure } = answer;
  if (failure.kind !== 'node-error') return { kind: 'unreachable', reason: describe({ name, failure }) };
  return judgeBroadcastError(failure);
}

/**
 * Where a transaction is; `siblings` are the ids of our other signed transactions at its nonce, `seenIn` is where one of
 * them was in the chain before. Throws `chain-unavailable`.
 */
export async function sight(
  rpc: EthereumRpc,
  settings: EthereumSettings,
  plan: EthereumPlan,
  transactionId: string,
  siblings: readonly string[],
  seenIn: BlockPlace | undefined,
): Promise<Sighting> {
  const head = await rpc.head();
  const receipt = await canonicalReceipt(rpc, transactionId);
  if (receipt) return seen(await judged(rpc, settings, plan, head, receipt));
  const minedNonces = await minedNoncesAt(rpc, plan.from, head.number);
  if (minedNonces <= plan.nonce) {
    if (seenIn && !(await isGone(rpc, head, seenIn))) {
      return seen({ kind: 'unknown', reason: 'not shown any more, but no other block is in its place' });
    }
    return seen(await inPool(rpc, transactionId));
  }
  for (const sibling of siblings) {
    const other = await canonicalReceipt(rpc, sibling);
    if (!other) continue;
    const depth = await depthOf(rpc, settings, head, other.blockNumber);
    const { blockHash, blockNumber: blockHeight } = other;
    return {
      kind: 'nonce-used',
      use: { transactionId: sibling, blockHash, blockHeight, ...depth, ours: true },
    };
  }
  const user = await userOfNonce(rpc, plan, head);
  // Its receipt may not be indexed yet, or no longer: whoever cannot name the other transaction does not call it gone.
  if (user === undefined)
    return seen({ kind: 'unknown', reason: 'nonce used by a transaction that no node shows' });
  if (user.transactionId === transactionId) {
    return seen({ kind: 'unknown', reason: 'mined, but no node shows its receipt' });
  }
  const depth = await depthOf(rpc, settings, head, user.blockHeight);
  return { kind: 'nonce-used', use: { ...user, ...depth, ours: siblings.includes(user.transactionId) } };
}

function seen(observation: Observation): Sighting {
  return { kind: 'seen', observation };
}

async function judged(
  rpc: EthereumRpc,
  settings: EthereumSettings,
  plan: EthereumPlan,
  head: Block,
  receipt: Receipt,
): Promise<Observation> {
  const common = {
    blockHash: receipt.blockHash,
    blockHeight: receipt.blockNumber,
    ...(await depthOf(rpc, settings, head, receipt.blockNumber)),
    feePaid: feePaidOf(receipt),
  };
  const reason = failureOf(plan, receipt);
  if (reason !== undefined) return { kind: 'failed', ...common, reason };
  return { kind: 'mined', ...common, confirmations: confirmationsOf(head, receipt.blockNumber) };
}

/** Its own block counts as the first. */
function confirmationsOf(head: Block, height: number): number {
  return Math.max(head.number - height + 1, 1);
}

async function depthOf(
  rpc: EthereumRpc,
  { confirmations, reorgDepth }: EthereumSettings,
  head: Block,
  height: number,
): Promise<Depth> {
  const deep = confirmationsOf(head, height);
  const final =
    confirmations.by === 'depth'
      ? deep >= confirmations.depth
      : (await rpc.taggedHeight(confirmations.tag)) >= height;
  return { final, buried: final && deep > reorgDepth };
}

/** A node that has not come so far, or does not know the height, says nothing. */
async function isGone(rpc: EthereumRpc, head: Block, seenIn: BlockPlace): Promise<boolean> {
  if (head.number < seenIn.blockHeight) return false;
  const block = await rpc.blockAt(seenIn.blockHeight);
  return block !== null && block !== undefined && block.hash !== seenIn.blockHash;
}

function receiptOf(rpc: EthereumRpc, transactionId: string): Promise<Receipt | null> {
  return rpc.agreed({
    method: 'eth_getTransactionReceipt',
    params: [transactionId],
    schema: receiptOrNone,
  });
}

/** A receipt only counts while its block is the one at its height: after a reorganisation nodes may still know it. */
async function canonicalReceipt(rpc: EthereumRpc, transactionId: string): Promise<Receipt | undefined> {
  const receipt = await receiptOf(rpc, transactionId);
  if (receipt?.transactionHash !== transactionId) return undefined;
  const canonical = await rpc.blockAt(receipt.blockNumber);
  return canonical?.hash === receipt.blockHash ? receipt : undefined;
}

async function inPool(rpc: EthereumRpc, transactionId: string): Promise<Observation> {
  const answers = await rpc.everyone({
    method: 'eth_getTransactionByHash',
    params: [transactionId],
    schema: transactionOrNone,
  });
  const answered = answers.flatMap(({ answer }) => (answer.kind === 'answered' ? [answer.value] : []));
  if (answered.some((found) => found?.hash === transactionId)) return { kind: 'pending' };
  if (answered.length >= rpc.believed) return { kind: 'unseen' };
  return { kind: 'unknown', reason: 'too few nodes say whether they know it' };
}

/**
 * The transaction that used the plan's nonce: the block is searched by halves between the plan's height and the head.
 * Undefined when nodes no longer have the state of those blocks.
 */
async function userOfNonce(
  rpc: EthereumRpc,
  plan: EthereumPlan,
  head: Block,
): Promise<(BlockPlace & { readonly transactionId: string }) | undefined> {
  let below = plan.plannedAtHeight;
  let at = head.number;
  while (at - below > 1) {
    const middle = below + Math.floor((at - below) / 2);
    if ((await minedNoncesAt(rpc, plan.from, middle)) > plan.nonce) at = middle;
    else below = middle;
  }
  const block = await rpc.agreed({
    method: 'eth_getBlockByNumber',
    params: [hexQuantity(at), true],
    schema: blockOfTransactions,
  });
  const from = plan.from.toLowerCase();
  const found = block?.transactions.find((one) => one.from === from && one.nonce === plan.nonce);
  if (!block || !found) return undefined;
  return { transactionId: found.hash, blockHash: block.hash, blockHeight: at };
}
