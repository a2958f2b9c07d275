// Plans on stored coins: which transfers one transaction pays, or how one that waits is replaced. Network reads happen in
// `outlook`; everything else runs inside the pipeline's database transaction.

import type { EntityManager } from 'typeorm';
import type { Clock } from '../../../core/clock.js';
import { Fault } from '../../../core/fault.js';
import type { Wallet } from '../../../core/governance/entry.js';
import { dustSats, p2wpkhScript } from '../../../core/intents/bitcoin/address.js';
import type { Randomness } from '../../../core/randomness.js';
import type { Payable, ReserveResult, SignedTransaction } from '../chain-driver.js';
import { compareBigints, greater, lesser } from './bigints.js';
import type { BitcoinFaultCode } from './bitcoin.errors.js';
import type { BitcoinChain } from './bitcoin-chain.js';
import type { NodeTip } from './bitcoin-node.js';
import { blockTimeMs, readCursor, watchedScripts } from './blocks.store.js';
import {
  addPlan,
  coinsAt,
  inputsOf,
  ownTransactions,
  type StoredTransaction,
  signedWithTxids,
  takeCoins,
  transactionOf,
  transactionsOfFamily,
  unspentCoins,
} from './coins.store.js';
import { standingOf } from './family.js';
import { paymentOf } from './payments-of.js';
import {
  antiSnipingLockTime,
  type BitcoinPlan,
  maxFeeOf,
  type Payment,
  type PlanCoin,
  type PlanTask,
  planPayments,
  planText,
} from './plan.js';
import { transactionIdOf } from './psbt.js';
import { planReplacement } from './replacement.js';
import type { RandomBelow } from './selection-searches.js';
import { type SpendableCoins, spendableCoins } from './spendable.js';
import { feeAt, INPUT_VBYTES } from './weight.js';

/** What was read from the nodes before a reservation. Fee rates in satoshi per 1,000 vbytes. */
export interface BitcoinOutlook {
  readonly tip: NodeTip;
  readonly feeRate: bigint;
  /** The node takes nothing in below this. */
  readonly floorFeeRate: bigint;
  /** What a replacement must pay above the replaced one. */
  readonly incrementalFeeRate: bigint;
}

type Wait = Extract<ReserveResult, { kind: 'wait' }>;

/** What all plans of one call have in common. */
type Terms = Omit<PlanTask, 'payments' | 'coins'>;

export class Planner {
  constructor(
    private readonly clock: Clock,
    private readonly randomness: Randomness,
  ) {}

  async outlook(chain: BitcoinChain): Promise<BitcoinOutlook> {
    const { settings, node } = chain;
    const tip = await node.tip();
    const { estimate, floor, incremental } = await node.fees(settings.feeTargetBlocks);
    const wanted = greater(estimate ?? settings.fallbackFeeRate, floor);
    return {
      tip,
      feeRate: lesser(wanted, settings.ceilingFeeRate),
      floorFeeRate: floor,
      incrementalFeeRate: incremental,
    };
  }

  async reserve(
    db: EntityManager,
    chain: BitcoinChain,
    wallet: Wallet,
    payables: readonly Payable[],
    outlook: BitcoinOutlook,
  ): Promise<ReserveResult> {
    const judged = judge(payables, wallet, chain);
    if (judged.kind === 'impossible') return judged;
    const terms = await this.terms(db, chain, wallet, outlook);
    if (terms.kind === 'wait') return terms;
    const spendable = await this.spendable(db, chain, wallet.walletId, 'lock');
    const result = planPayments({
      ...terms.terms,
      payments: judged.payments,
      coins: spendable.coins,
    });
    if (result.kind === 'wait') {
      return result.reason === 'insufficient-funds' && spendable.chainTooLong
        ? { kind: 'wait', reason: 'too-many-unconfirmed' }
        : result;
    }
    const key = this.newKey();
    return this.record(db, chain, wallet, result.plan, result.payments, {
      key,
      family: key,
      replaces: undefined,
    });
  }

  async replace(
    db: EntityManager,
    chain: BitcoinChain,
    wallet: Wallet,
    transaction: SignedTransaction,
    payables: readonly Payable[],
    outlook: BitcoinOutlook,
  ): Promise<ReserveResult> {
    const original = await transactionOf(db, transaction.transactionKey);
    if (original === undefined) throw unknownPlan(transaction.transactionKey);
    const family = await transactionsOfFamily(db, original.family);
    const judged = judge(payables, wallet, chain);
    if (judged.kind === 'impossible') return judged;
    checkSameTransfers(original.plan, judged.payments);
    // One that is not signed yet must be signed or released first; a second would compete with it.
    if (family.some(({ signedHex }) => signedHex === undefined)) return wait('nothing-to-pay');
    const own = await ownTransactions(db, chain.chain, family);
    const settled = family.some(({ txid }) => {
      const signed = own.signed.get(txid);
      return signed !== undefined && standingOf(signed, own).kind !== 'unconfirmed';
    });
    if (settled) return wait('nothing-to-pay');
    if (await hasDescendants(db, chain.chain, family)) return wait('has-descendants');
    const terms = await this.terms(db, chain, wallet, outlook);
    if (terms.kind === 'wait') return terms;

    // The dearest is the one that nodes hold, and holds all inputs of the others.
    const replaced = family.toSorted((a, b) => compareBigints(b.plan.feeSats, a.plan.feeSats))[0] ?? original;
    const kept = await coinsAt(db, chain.chain, inputsOf(replaced.plan));
    const spendable = await this.spendable(db, chain, wallet.walletId, 'lock');
    const result = planReplacement(
      {
        ...terms.terms,
        payments: judged.payments,
        coins: spendable.coins,
        replaced: replaced.plan,
        kept: kept.map((coin): PlanCoin => ({ ...coin, confirmed: coin.height !== undefined })),
        incrementalFeeRate: outlook.incrementalFeeRate,
        ceilingFeeRate: chain.settings.ceilingFeeRate,
      },
      judged.payments,
    );
    if (result.kind === 'wait') return result;
    return this.record(db, chain, wallet, result.plan, result.payments, {
      key: this.newKey(),
      family: original.family,
      replaces: transaction.transactionKey,
    });
  }

  async spendable(
    db: EntityManager,
    chain: BitcoinChain,
    walletId: string,
    lock: 'lock' | 'look',
  ): Promise<SpendableCoins> {
    const { settings } = chain;
    const cursor = await readCursor(db, chain.chain);
    const unspent = await unspentCoins(db, chain.chain, walletId, lock);
    const unconfirmed = unspent.filter((coin) => coin.height === undefined && coin.reservedBy === undefined);
    const makers = await signedWithTxids(
      db,
      chain.chain,
      unconfirmed.map((coin) => coin.txid),
    );
    return spendableCoins(unspent, await ownTransactions(db, chain.chain, makers), {
      height: cursor?.height ?? -1,
      foreignConfirmations: settings.foreignCoinConfirmations ?? settings.finalConfirmations,
      maxUnconfirmedChain: settings.maxUnconfirmedChain,
    });
  }

  /** What every plan on this chain has in common today, or why there is none. */
  async terms(
    db: EntityManager,
    chain: BitcoinChain,
    wallet: Wallet,
    outlook: BitcoinOutlook,
  ): Promise<Wait | { readonly kind: 'terms'; readonly terms: Terms }> {
    const { settings } = chain;
    const cursor = await readCursor(db, chain.chain, 'hold');
    if (cursor === undefined || cursor.stopped !== undefined || outlook.tip.behind)
      return wait('node-behind');
    if (Math.abs(outlook.tip.height - cursor.height) > settings.maxLagBlocks) return wait('node-behind');
    const scripts = await watchedScripts(db, chain.chain);
    const own = scriptsOf(wallet);
    // A coin may look unspent as long as later blocks were not searched for its script.
    if (own.some((script) => (scripts.get(script)?.scannedHeight ?? -2) < cursor.height)) {
      return wait('node-behind');
    }
    if (outlook.floorFeeRate > settings.ceilingFeeRate) return wait('fee-above-ceiling');
    const [changeScript] = own;
    if (changeScript === undefined) return wait('insufficient-funds');
    const random = randomBelow(this.randomness);
    const minedAtMs = (await blockTimeMs(db, chain.chain, cursor.height)) ?? 0;
    const height = Math.min(cursor.height, outlook.tip.height);
    return {
      kind: 'terms',
      terms: {
        changeScript,
        // Change that costs more to spend than it is worth is no use either.
        minChangeSats: greater(dustSats(changeScript), feeAt(settings.longTermFeeRate, INPUT_VBYTES)),
        feeRate: outlook.feeRate,
        longTermFeeRate: settings.longTermFeeRate,
        maxBatch: settings.maxBatch,
        maxInputs: settings.maxInputs,
        lockTime: antiSnipingLockTime(height, this.clock.nowMs() - minedAtMs, random),
        random,
      },
    };
  }

  async record(
    db: EntityManager,
    chain: BitcoinChain,
    wallet: Wallet,
    plan: BitcoinPlan,
    payments: readonly Payment[],
    place: { readonly key: string; readonly family: string; readonly replaces: string | undefined },
  ): Promise<Extract<ReserveResult, { kind: 'planned' }>> {
    const stored: StoredTransaction = {
      transactionKey: place.key,
      chain: chain.chain,
      walletId: wallet.walletId,
      family: place.family,
      txid: transactionIdOf(plan),
      plan,
      signedHex: undefined,
    };
    await takeCoins(db, chain.chain, plan, place.family);
    await addPlan(db, stored);
    const most = payments.length === 0 ? (plan.feeBoundSats ?? 0n) : maxFeeOf(payments);
    if (plan.feeSats > most) {
      throw new Fault<BitcoinFaultCode>('plan-malformed', 'a plan costs more than its transfers allow');
    }
    return {
      kind: 'planned',
      transaction: {
        transactionKey: place.key,
        walletId: wallet.walletId,
        chain: chain.chain,
        transferIds: payments.map((payment) => payment.transferId),
        replaces: place.replaces,
        plan: planText(plan),
        maxFee: plan.feeSats,
      },
    };
  }

  newKey(): string {
    return `btc-${Buffer.from(this.randomness.bytes(16)).toString('hex')}`;
  }
}

function scriptsOf(wallet: Wallet): string[] {
  return wallet.keys.map((key) => p2wpkhScript(key.publicKey));
}

function judge(
  payables: readonly Payable[],
  wallet: Wallet,
  chain: BitcoinChain,
):
  | Extract<ReserveResult, { kind: 'impossible' }>
  | { readonly kind: 'payments'; readonly payments: Payment[] } {
  const paying = {
    walletId: wallet.walletId,
    chain: wallet.chain,
    network: chain.network,
    ownScripts: new Set(scriptsOf(wallet)),
  };
  const payments: Payment[] = [];
  const impossible: { readonly transferId: string; readonly reason: string }[] = [];
  for (const payable of payables) {
    const payment = paymentOf(payable, paying);
    if (payment.kind === 'accepted') payments.push(payment.value);
    else impossible.push({ transferId: payable.transferId, reason: payment.code });
  }
  const [first] = impossible;
  if (first === undefined) return { kind: 'payments', payments };
  // One reason at a time: the others come up when the rest is tried again.
  const same = impossible.filter(({ reason }) => reason === first.reason);
  return {
    kind: 'impossible',
    transferIds: same.map(({ transferId }) => transferId),
    reason: first.reason,
  };
}

function checkSameTransfers(plan: BitcoinPlan, payments: readonly Payment[]): void {
  const planned = plan.outputs.flatMap(({ transferId }) => transferId ?? []).toSorted();
  const given = payments.map(({ transferId }) => transferId).toSorted();
  if (planned.length === given.length && planned.every((id, index) => id === given[index])) return;
  throw new Fault<BitcoinFaultCode>('plan-malformed', 'a replacement must pay what the replaced one pays', {
    facts: { planned: planned.length, given: given.length },
  });
}

/** True when change of the family is an input of something planned or signed, which a replacement would make impossible. */
export async function hasDescendants(
  db: EntityManager,
  chain: string,
  family: readonly StoredTransaction[],
): Promise<boolean> {
  const change = family.flatMap(({ txid, plan }) =>
    plan.outputs.flatMap(({ transferId }, vout) => (transferId === null ? [`${txid}:${vout}`] : [])),
  );
  const coins = await coinsAt(db, chain, change);
  return coins.some((coin) => coin.reservedBy !== undefined || coin.spentBy !== undefined);
}

function wait(reason: Wait['reason']): Wait {
  return { kind: 'wait', reason };
}

function unknownPlan(transactionKey: string): Fault<BitcoinFaultCode> {
  return new Fault('plan-unknown', 'no such Bitcoin plan is stored', { facts: { transactionKey } });
}

/** Uniform below `bound`: values of the uneven rest at the end of the range are thrown away. */
export function randomBelow(randomness: Randomness): RandomBelow {
  return (bound) => {
    const fair = 2 ** 32 - (2 ** 32 % bound);
    for (;;) {
      const value = Buffer.from(randomness.bytes(4)).readUInt32BE();
      if (value < fair) return value % bound;
    }
  };
}
