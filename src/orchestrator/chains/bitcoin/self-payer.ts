// Plans payments of a wallet to itself on stored coins: cancels of what was signed, and what uses up coins after a restore of
// the signer. Runs inside the pipeline's database transaction; what is possible is computed in cancel.ts.

import type { EntityManager } from 'typeorm';
import { Fault } from '../../../core/fault.js';
import type { Wallet } from '../../../core/governance/entry.js';
import type { RestoredWallet } from '../../../core/recovery/restore.js';
import type { CancelResult, PlannedTransaction, RefreshResult, RestoreFacts } from '../chain-driver.js';
import { compareBigints, lesser } from './bigints.js';
import type { BitcoinFaultCode } from './bitcoin.errors.js';
import type { BitcoinChain } from './bitcoin-chain.js';
import { readCursor } from './blocks.store.js';
import { outbiddingFee, planSelfPayment } from './cancel.js';
import {
  coinsAt,
  dropPlan,
  freeCoins,
  inputsOf,
  ownTransactions,
  type StoredCoin,
  type StoredTransaction,
  signedWithTxids,
  transactionOf,
  transactionsOfFamily,
  unspentCoins,
} from './coins.store.js';
import { standingOf } from './family.js';
import { MAX_PREVIOUS_BYTES, parsePlan, planText } from './plan.js';
import { type BitcoinOutlook, hasDescendants, type Planner } from './planner.js';
import { feeAt, transactionVbytes } from './weight.js';

type BitcoinRestored = Extract<RestoredWallet, { family: 'bitcoin' }>;

/** What one statement of a restore may name. */
const MAX_RESTORED_COINS = 5_000;
/** What a refresh may cost, as a multiple of what it would cost now: fees rise while people sign. */
const REFRESH_MARGIN = 4n;

export class SelfPayer {
  constructor(private readonly planner: Planner) {}

  async cancel(
    db: EntityManager,
    chain: BitcoinChain,
    wallet: Wallet,
    rivals: readonly PlannedTransaction[],
    maxFeeSats: bigint,
    outlook: BitcoinOutlook,
  ): Promise<CancelResult> {
    const terms = await this.planner.terms(db, chain, wallet, outlook);
    if (terms.kind === 'wait') return terms;
    const plans = rivals.map(({ plan }) => parsePlan(plan));
    const [dearest] = plans.toSorted((a, b) => compareBigints(b.feeSats, a.feeSats));
    const newest = rivals.at(-1);
    if (!dearest || !newest) return { kind: 'impossible', reason: 'nothing-signed' };
    const key = this.planner.newKey();
    const family = await familyOf(db, rivals);
    if (family !== undefined) {
      const members = await transactionsOfFamily(db, family);
      if (members.some(({ signedHex }) => signedHex === undefined))
        return { kind: 'wait', reason: 'plan-being-signed' };
      if (await hasDescendants(db, chain.chain, members))
        return { kind: 'impossible', reason: 'has-descendants' };
    }
    const found = await coinsAt(db, chain.chain, inputsOf(dearest));
    if (found.some(({ spentHeight }) => spentHeight !== undefined)) {
      return { kind: 'impossible', reason: 'decided-by-the-chain' };
    }
    const coins = await this.spendable(db, chain, found, family);
    const spent = new Set(coins.map(({ outpoint }) => outpoint));
    if (!plans.every((plan) => inputsOf(plan).some((outpoint) => spent.has(outpoint)))) {
      return { kind: 'impossible', reason: 'coins-gone' };
    }
    const { ceilingFeeRate } = chain.settings;
    const { changeScript } = terms.terms;
    const least = outbiddingFee(
      plans,
      transactionVbytes(coins.length, [changeScript]),
      outlook.incrementalFeeRate,
    );
    const result = planSelfPayment(
      { ...terms.terms, coins: coins.map(confirmedOf), ceilingFeeRate, maxFeeSats },
      least,
    );
    if (result.kind === 'wait') return result;
    const place = { key, family: family ?? key, replaces: newest.transactionKey };
    return this.planner.record(db, chain, wallet, result.plan, [], place);
  }

  /** Those that this family may spend and that exist, as far as was scanned. */
  private async spendable(
    db: EntityManager,
    chain: BitcoinChain,
    coins: readonly StoredCoin[],
    family: string | undefined,
  ): Promise<StoredCoin[]> {
    const unconfirmed = coins.filter(({ height }) => height === undefined).map(({ txid }) => txid);
    const makers = await signedWithTxids(db, chain.chain, unconfirmed);
    const own = await ownTransactions(db, chain.chain, makers);
    return coins.filter(({ reservedBy, height, txid }) => {
      if (reservedBy !== undefined && reservedBy !== family) return false;
      if (height !== undefined) return true;
      const maker = own.signed.get(txid);
      return maker !== undefined && standingOf(maker, own).kind !== 'conflicted';
    });
  }

  /** What these alone held is free; what the transaction in their place spends is not. */
  async buried(db: EntityManager, dead: readonly PlannedTransaction[]): Promise<void> {
    const keys = new Set(dead.map(({ transactionKey }) => transactionKey));
    for (const { transactionKey } of dead) {
      const stored = await transactionOf(db, transactionKey);
      if (stored === undefined) continue;
      const others = await transactionsOfFamily(db, stored.family);
      const held = new Set(
        others.filter((one) => !keys.has(one.transactionKey)).flatMap(({ plan }) => inputsOf(plan)),
      );
      const free = inputsOf(stored.plan).filter((outpoint) => !held.has(outpoint));
      await freeCoins(db, stored.chain, stored.family, free);
    }
  }

  /** Throws `chain-unavailable`, `coins-too-many`. */
  async restoreFacts(
    db: EntityManager,
    chain: BitcoinChain,
    wallet: Wallet,
    outlook: BitcoinOutlook,
  ): Promise<RestoreFacts> {
    const terms = await this.planner.terms(db, chain, wallet, outlook);
    const cursor = await readCursor(db, chain.chain);
    if (terms.kind === 'wait' || cursor?.hash === undefined || cursor.hash === null) {
      const reason = terms.kind === 'wait' ? terms.reason : 'nothing-scanned';
      throw new Fault<BitcoinFaultCode>('chain-unavailable', 'the chain is not scanned to its tip', {
        facts: { chain: chain.chain, reason },
      });
    }
    const coins = await unspentCoins(db, chain.chain, wallet.walletId, 'look');
    // Change that no block holds yet as well: what was signed over it and withheld can be mined once it is there.
    const never = await this.neverMade(db, chain, coins);
    const unspent = coins.flatMap(({ outpoint }) => (never.has(outpoint) ? [] : [outpoint]));
    if (unspent.length > MAX_RESTORED_COINS) {
      throw new Fault<BitcoinFaultCode>('coins-too-many', 'a restore cannot name so many coins', {
        facts: { walletId: wallet.walletId, coins: unspent.length },
      });
    }
    const { settings } = chain;
    const inputs = Math.min(Math.max(unspent.length, 1), settings.maxInputs);
    const rate = lesser(outlook.feeRate * REFRESH_MARGIN, settings.ceilingFeeRate);
    const fee = feeAt(rate, transactionVbytes(inputs, [terms.terms.changeScript]));
    return {
      wallet: {
        family: 'bitcoin',
        walletId: wallet.walletId,
        chain: chain.chain,
        block: { height: cursor.height, hash: cursor.hash },
        unspent,
        refreshFeeCeiling: fee.toString(),
      },
      highestSignedNonce: null,
    };
  }

  async refresh(
    db: EntityManager,
    chain: BitcoinChain,
    wallet: Wallet,
    restored: BitcoinRestored,
    { maxFee, abandoned }: { readonly maxFee: bigint; readonly abandoned: readonly PlannedTransaction[] },
    outlook: BitcoinOutlook,
  ): Promise<RefreshResult> {
    const terms = await this.planner.terms(db, chain, wallet, outlook);
    const coins = await coinsAt(db, chain.chain, restored.unspent);
    if (coins.some(({ walletId }) => walletId !== wallet.walletId))
      return { kind: 'other-wallet', reason: 'coins' };
    let remaining = restored.unspent.length - coins.length;
    let reason = remaining > 0 ? 'coins-unknown' : undefined;
    let underWay = 0;
    const free: StoredCoin[] = [];
    const given = new Set(abandoned.map(({ transactionKey }) => transactionKey));
    const never = await this.neverMade(db, chain, coins);
    for (const coin of coins) {
      if (coin.spentHeight !== undefined || never.has(coin.outpoint)) continue;
      const standing = await this.holder(db, chain, coin, given);
      if (standing === 'signed') underWay += 1;
      else if (standing === 'held' || coin.height === undefined) {
        remaining += 1;
        reason ??= standing === 'held' ? 'plan-not-given-up' : 'coins-unconfirmed';
      } else free.push(coin);
    }
    if (terms.kind === 'wait') {
      return {
        kind: 'done',
        planned: [],
        underWay,
        remaining: remaining + free.length,
        reason: terms.reason,
      };
    }
    const planned: PlannedTransaction[] = [];
    for (const some of this.chunks(free, chain, terms.terms.changeScript, outlook.feeRate, maxFee)) {
      const result = planSelfPayment({
        ...terms.terms,
        coins: some.map(confirmedOf),
        ceilingFeeRate: chain.settings.ceilingFeeRate,
        maxFeeSats: maxFee,
      });
      if (result.kind === 'wait') {
        remaining += some.length;
        reason ??= result.reason;
        continue;
      }
      const key = this.planner.newKey();
      const place = { key, family: key, replaces: undefined };
      planned.push((await this.planner.record(db, chain, wallet, result.plan, [], place)).transaction);
      underWay += some.length;
    }
    return { kind: 'done', planned, underWay, remaining, reason };
  }

  /**
   * Who holds a coin: something signed, a plan that may be signed yet, or nobody. Abandoned plans are dropped, and what is
   * signed lets go of it where the chain has taken another transaction: nothing else would ever spend what is left.
   */
  private async holder(
    db: EntityManager,
    chain: BitcoinChain,
    { outpoint, reservedBy }: StoredCoin,
    abandoned: ReadonlySet<string>,
  ): Promise<'signed' | 'held' | 'nobody'> {
    if (reservedBy === undefined) return 'nobody';
    const members = await transactionsOfFamily(db, reservedBy);
    const signed = members.filter(({ signedHex }) => signedHex !== undefined);
    const isOpen = ({ signedHex, transactionKey }: StoredTransaction) =>
      signedHex === undefined && !abandoned.has(transactionKey);
    if (signed.length > 0) {
      const own = await ownTransactions(db, chain.chain, signed);
      const standings = signed
        .flatMap(({ txid }) => own.signed.get(txid) ?? [])
        .map((one) => standingOf(one, own));
      const isOvertaken = standings.every(({ kind }) => kind === 'conflicted');
      if (!isOvertaken || members.some(isOpen)) return 'signed';
      await freeCoins(db, chain.chain, reservedBy, [outpoint]);
      return 'nobody';
    }
    if (members.some(isOpen)) return 'held';
    for (const member of members) await dropPlan(db, member);
    return 'nobody';
  }

  /** Outpoints of change that will never be: another transaction than the one that makes it has spent what that spends. */
  private async neverMade(
    db: EntityManager,
    chain: BitcoinChain,
    coins: readonly StoredCoin[],
  ): Promise<ReadonlySet<string>> {
    const unconfirmed = coins.filter(({ height }) => height === undefined);
    const makers = await signedWithTxids(
      db,
      chain.chain,
      unconfirmed.map(({ txid }) => txid),
    );
    const own = await ownTransactions(db, chain.chain, makers);
    const isNever = ({ txid }: StoredCoin) => {
      const maker = own.signed.get(txid);
      return maker !== undefined && standingOf(maker, own).kind === 'conflicted';
    };
    return new Set(unconfirmed.filter(isNever).map(({ outpoint }) => outpoint));
  }

  /** The richest first, in transactions that are neither too large nor too dear. */
  private chunks(
    coins: readonly StoredCoin[],
    { settings }: BitcoinChain,
    changeScript: string,
    feeRate: bigint,
    maxFee: bigint,
  ): StoredCoin[][] {
    let size = settings.maxInputs;
    while (size > 1 && feeAt(feeRate, transactionVbytes(size, [changeScript])) > maxFee)
      size = Math.floor(size / 2);
    const chunks: StoredCoin[][] = [];
    let bytes = 0;
    for (const coin of coins.toSorted((a, b) => compareBigints(b.amountSats, a.amountSats))) {
      const last = chunks.at(-1);
      bytes += coin.previousBytes;
      if (last && last.length < size && bytes <= MAX_PREVIOUS_BYTES) last.push(coin);
      else {
        chunks.push([coin]);
        bytes = coin.previousBytes;
      }
    }
    return chunks;
  }
}

function confirmedOf(coin: StoredCoin) {
  return { ...coin, confirmed: coin.height !== undefined };
}

/** Replacements are of one family; a plan that was given up before its signature turned up is of none any more. */
async function familyOf(
  db: EntityManager,
  rivals: readonly PlannedTransaction[],
): Promise<string | undefined> {
  for (const { transactionKey } of rivals.toReversed()) {
    const stored = await transactionOf(db, transactionKey);
    if (stored !== undefined) return stored.family;
  }
  return undefined;
}

/** The plans of a family as rivals of what is to replace them all. */
export async function rivalsOfFamily(
  db: EntityManager,
  transactionKey: string,
): Promise<PlannedTransaction[]> {
  const stored = await transactionOf(db, transactionKey);
  const members = stored === undefined ? [] : await transactionsOfFamily(db, stored.family);
  const sorted = [
    ...members.filter((one) => one.transactionKey !== transactionKey),
    ...(stored ? [stored] : []),
  ];
  return sorted.map(({ transactionKey: key, walletId, chain, plan }) => ({
    transactionKey: key,
    walletId,
    chain,
    transferIds: [],
    replaces: undefined,
    plan: planText(plan),
    maxFee: plan.feeSats,
  }));
}
