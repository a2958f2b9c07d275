// From transfers and coins to the plan of one transaction: who is paid, with which coins, at what fee. Pure. A plan holds
// all that the bytes need; it is NOT trusted by the signer, which decodes the bytes and judges again.
//
// Outputs and inputs stand in random order rather than sorted (BIP-69): both hide which output is the change, but few
// programs sort, so sorting would tell observers which transactions are ours.

import { z } from 'zod';
import { Fault } from '../../../core/fault.js';
import { isP2wpkh } from '../../../core/intents/bitcoin/address.js';
import type { FeeCaps } from '../../../core/policy/types.js';
import { identifier, sha256Hex } from '../../../core/statements/fields.js';
import { compareBigints, lesser } from './bigints.js';
import type { BitcoinFaultCode } from './bitcoin.errors.js';
import { effectiveCoins, leastFee, type SelectionTask, selectCoins } from './coin-selection.js';
import type { Coin, RandomBelow } from './selection-searches.js';
import { shuffled } from './selection-searches.js';
import { feeAt, outputVbytes, transactionVbytes } from './weight.js';

/** Replaceable by fee (BIP-125), and the lock time counts. The only sequence that the signer takes. */
export const SEQUENCE = 0xfffffffd;
export const TRANSACTION_VERSION = 2;

const satsText = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,15})$/)
  .transform((text) => BigInt(text));
const scriptHex = z.string().regex(/^(?:[0-9a-f]{2}){22,34}$/);

const plannedInput = z.strictObject({
  txid: sha256Hex,
  vout: z.int().min(0).max(0xffffffff),
  amountSats: satsText,
  script: scriptHex.refine(isP2wpkh),
});
const plannedOutput = z.strictObject({
  script: scriptHex,
  amountSats: satsText,
  /** Null for change. */
  transferId: identifier.nullable(),
});

const bitcoinPlan = z.strictObject({
  format: z.literal(1),
  lockTime: z.int().min(0).max(499_999_999),
  inputs: z.array(plannedInput).min(1).max(250),
  outputs: z.array(plannedOutput).min(1).max(250),
  feeSats: satsText,
  feeRate: satsText,
  vbytes: satsText,
  /** Only in payments of the wallet to itself: what they and those that replace them may cost. */
  feeBoundSats: satsText.exactOptional(),
});
/** Amounts in satoshi, the fee rate in satoshi per 1,000 vbytes, inputs and outputs in the order of the transaction. */
export type BitcoinPlan = z.infer<typeof bitcoinPlan>;

/** JSON text of a plan, as the pipeline keeps it. */
export function planText(plan: BitcoinPlan): string {
  return JSON.stringify(plan, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

/** Throws `plan-malformed`. */
export function parsePlan(text: string): BitcoinPlan {
  try {
    return bitcoinPlan.parse(JSON.parse(text));
  } catch (cause) {
    throw new Fault<BitcoinFaultCode>('plan-malformed', 'a stored Bitcoin plan cannot be read', { cause });
  }
}

/** A coin with what a plan needs to know of it. */
export interface PlanCoin extends Coin {
  readonly txid: string;
  readonly vout: number;
  readonly script: string;
  /** Bytes of the transaction that made it, all of which the PSBT will carry. */
  readonly previousBytes: number;
  readonly confirmed: boolean;
}

export interface Payment {
  readonly transferId: string;
  readonly script: string;
  readonly amountSats: bigint;
  readonly feeCeilingSats: bigint;
  readonly feeCaps: FeeCaps;
}

export interface PlanTask {
  /** The oldest first; those who come first are dropped last when the money does not suffice. */
  readonly payments: readonly Payment[];
  /** All that may be spent, unconfirmed change included. */
  readonly coins: readonly PlanCoin[];
  readonly changeScript: string;
  readonly minChangeSats: bigint;
  readonly feeRate: bigint;
  readonly longTermFeeRate: bigint;
  readonly maxBatch: number;
  readonly maxInputs: number;
  readonly lockTime: number;
  readonly random: RandomBelow;
}

export type PlanResult =
  | { readonly kind: 'planned'; readonly plan: BitcoinPlan; readonly payments: readonly Payment[] }
  | { readonly kind: 'wait'; readonly reason: 'insufficient-funds' | 'fee-above-ceiling' | 'nothing-to-pay' };

/** The most that one transaction for all these may cost: the sum of their ceilings, below the caps of every one's policy. */
export function maxFeeOf(payments: readonly Payment[]): bigint {
  const ceilings = payments.reduce((sum, payment) => sum + payment.feeCeilingSats, 0n);
  const moved = payments.reduce((sum, payment) => sum + payment.amountSats, 0n);
  return payments.reduce((least, { feeCaps }) => {
    const relative = (moved * feeCaps.relativeMaxBasisPoints) / 10_000n;
    return lesser(least, lesser(feeCaps.absoluteMax, relative));
  }, ceilings);
}

/**
 * Plans one transaction for as many of the payments as can be paid together. Those whose inclusion takes more money than
 * there is, or lifts the fee above what ceilings and caps allow, are left out for another time.
 */
export function planPayments(task: PlanTask): PlanResult {
  if (task.payments.length === 0) return { kind: 'wait', reason: 'nothing-to-pay' };
  // Once, not for every payment: a stranger can make a wallet's coins very many.
  const richest = effectiveCoins(task.coins, task.feeRate).slice(0, task.maxInputs);
  let batch = payable(task, richest);
  if (batch.length === 0) return { kind: 'wait', reason: 'insufficient-funds' };
  const others: Payment[] = [];
  for (;;) {
    const result = leastFeeOf(task, batch, richest) <= maxFeeOf(batch) ? planExactly(task, batch) : TOO_DEAR;
    if (result.kind === 'planned') return result;
    const weakest = batch.toSorted((a, b) => compareBigints(headroom(a, task), headroom(b, task)))[0];
    if (weakest === undefined || batch.length === 1) {
      return result.reason === 'fee-above-ceiling' ? oneOf(task, others, richest) : result;
    }
    others.unshift(weakest);
    batch = batch.filter((payment) => payment !== weakest);
  }
}

const TOO_DEAR = { kind: 'wait', reason: 'fee-above-ceiling' } as const;
/** How many payments are tried alone when none can be paid together. */
const MAX_ALONE = 10;

/** The last resort: the one that was left may need many inputs, while another could be paid by itself. */
function oneOf(task: PlanTask, payments: readonly Payment[], richest: readonly Coin[]): PlanResult {
  for (const payment of payments.slice(0, MAX_ALONE)) {
    if (leastFeeOf(task, [payment], richest) > maxFeeOf([payment])) continue;
    const result = planExactly(task, [payment]);
    if (result.kind === 'planned') return result;
  }
  return TOO_DEAR;
}

/** Payments in their order, without those that do not fit into what the coins can pay. */
function payable(task: PlanTask, richest: readonly Coin[]): Payment[] {
  const batch: Payment[] = [];
  for (const payment of task.payments) {
    if (batch.length === task.maxBatch) break;
    const selection = selectionTask(task, [...batch, payment]);
    if (leastFee(richest, selection) !== undefined) batch.push(payment);
  }
  return batch;
}

/** What a payment adds to the fee that is allowed, less what its output costs. The least one is the first to go. */
function headroom(payment: Payment, task: PlanTask): bigint {
  const { absoluteMax, relativeMaxBasisPoints } = payment.feeCaps;
  const relative = (payment.amountSats * relativeMaxBasisPoints) / 10_000n;
  const allowed = lesser(payment.feeCeilingSats, lesser(absoluteMax, relative));
  return allowed - feeAt(task.feeRate, outputVbytes(payment.script));
}

/** `richest`: the greatest coins, as many as a transaction takes; the fewest inputs are always among them. */
function leastFeeOf(task: PlanTask, payments: readonly Payment[], richest: readonly Coin[]): bigint {
  return leastFee(richest, selectionTask(task, payments)) ?? 0n;
}

function selectionTask(task: PlanTask, payments: readonly Payment[]): SelectionTask {
  return {
    targetSats: payments.reduce((sum, payment) => sum + payment.amountSats, 0n),
    fixedVbytes: transactionVbytes(
      0,
      payments.map((payment) => payment.script),
    ),
    feeRate: task.feeRate,
    longTermFeeRate: task.longTermFeeRate,
    maxFeeSats: maxFeeOf(payments),
    maxInputs: task.maxInputs,
    minChangeSats: task.minChangeSats,
  };
}

/** Below the signer's bound on a PSBT, with room for everything that is not a previous transaction. */
export const MAX_PREVIOUS_BYTES = 3_500_000;
const MAX_LIGHTENINGS = 5;

/** One transaction that pays exactly these, with `kept` coins among its inputs if any are given. */
export function planExactly(
  task: PlanTask,
  payments: readonly Payment[],
  kept: readonly PlanCoin[] = [],
): PlanResult {
  const selection = selectionTask(task, payments);
  let heavy: ReadonlySet<string> = new Set();
  for (let round = 0; round < MAX_LIGHTENINGS; round += 1) {
    const light = task.coins.filter((coin) => !heavy.has(coin.outpoint));
    const confirmed = light.filter((coin) => coin.confirmed);
    const first = selectCoins(confirmed, selection, task.random, kept);
    const result =
      first.kind === 'selected' || confirmed.length === light.length
        ? first
        : selectCoins(light, selection, task.random, kept);
    if (result.kind !== 'selected') return { kind: 'wait', reason: result.kind };
    const known = new Map([...kept, ...light].map((coin) => [coin.outpoint, coin]));
    const coins = result.selection.coins.flatMap((coin) => known.get(coin.outpoint) ?? []);
    heavy = new Set([...heavy, ...tooHeavy(coins, kept)]);
    if (coins.every((coin) => !heavy.has(coin.outpoint))) {
      return {
        kind: 'planned',
        payments,
        plan: assemble(task, payments, coins, result.selection.changeSats),
      };
    }
  }
  return { kind: 'wait', reason: 'insufficient-funds' };
}

/** Outpoints to do without, the heaviest first, when together the coins' previous transactions are too large. */
function tooHeavy(coins: readonly PlanCoin[], kept: readonly PlanCoin[]): string[] {
  let bytes = coins.reduce((sum, coin) => sum + coin.previousBytes, 0);
  if (bytes <= MAX_PREVIOUS_BYTES) return [];
  const excluded: string[] = [];
  const keptOutpoints = new Set(kept.map((coin) => coin.outpoint));
  for (const coin of coins.toSorted((a, b) => b.previousBytes - a.previousBytes)) {
    if (keptOutpoints.has(coin.outpoint)) continue;
    excluded.push(coin.outpoint);
    bytes -= coin.previousBytes;
    if (bytes <= MAX_PREVIOUS_BYTES / 2) break;
  }
  return excluded;
}

function assemble(
  task: PlanTask,
  payments: readonly Payment[],
  coins: readonly PlanCoin[],
  changeSats: bigint,
): BitcoinPlan {
  const paid = payments.map(({ script, amountSats, transferId }) => ({ script, amountSats, transferId }));
  const change =
    changeSats > 0n ? [{ script: task.changeScript, amountSats: changeSats, transferId: null }] : [];
  const outputs = shuffled([...paid, ...change], task.random);
  const inputs = shuffled(coins, task.random).map(({ txid, vout, amountSats, script }) => ({
    txid,
    vout,
    amountSats,
    script,
  }));
  const sum = (items: readonly { readonly amountSats: bigint }[]) =>
    items.reduce((total, item) => total + item.amountSats, 0n);
  return {
    format: 1,
    lockTime: task.lockTime,
    inputs,
    outputs,
    feeSats: sum(inputs) - sum(outputs),
    feeRate: task.feeRate,
    vbytes: transactionVbytes(
      inputs.length,
      outputs.map((output) => output.script),
    ),
  };
}

/** Beyond this a node that is out of touch would date our transactions by a height of its own. */
const STALE_TIP_MS = 8 * 3_600_000;

/**
 * Lock time that keeps miners from gaining by mining the last block again: the tip's height, and in one of ten cases up
 * to 99 blocks earlier, so that transactions which were held back for a while do not stand out. As Bitcoin Core.
 */
export function antiSnipingLockTime(tipHeight: number, tipAgeMs: number, random: RandomBelow): number {
  if (tipAgeMs > STALE_TIP_MS) return 0;
  const earlier = random(10) === 0 ? random(100) : 0;
  return Math.max(0, tipHeight - earlier);
}
