// The chain driver of the Bitcoin family: plans on the wallets' own coins, builds PSBTs, broadcasts and follows. It decides
// nothing about transfers, holds no key, and is not believed by the signer.

import { Transaction } from 'bitcoinjs-lib';
import type { EntityManager } from 'typeorm';
import type { Clock } from '../../../core/clock.js';
import { Fault } from '../../../core/fault.js';
import type { Wallet } from '../../../core/governance/entry.js';
import type { Randomness } from '../../../core/randomness.js';
import type { RestoredWallet } from '../../../core/recovery/restore.js';
import type { DatabaseDoor } from '../../database/database.js';
import type {
  BroadcastResult,
  CancelResult,
  ChainDriver,
  NodeReport,
  Observation,
  Payable,
  PlannedTransaction,
  RefreshResult,
  ReserveResult,
  RestoreFacts,
  SignedTransaction,
  UnsignedTransaction,
  WalletBalance,
} from '../chain-driver.js';
import type { BitcoinFaultCode } from './bitcoin.errors.js';
import type { BitcoinChain } from './bitcoin-chain.js';
import { readCursor, storePrevious } from './blocks.store.js';
import * as coins from './coins.store.js';
import { Follower } from './follower.js';
import { parsePlan } from './plan.js';
import { type BitcoinOutlook, Planner } from './planner.js';
import { psbtOf, transactionIdOf } from './psbt.js';
import { rawWithoutWitness } from './raw-block.js';
import { rivalsOfFamily, SelfPayer } from './self-payer.js';

export class BitcoinDriver implements ChainDriver<BitcoinOutlook> {
  readonly family = 'bitcoin';
  private readonly chains: ReadonlyMap<string, BitcoinChain>;
  private readonly planner: Planner;
  private readonly selfPayer: SelfPayer;
  private readonly follower: Follower;

  constructor(
    chains: readonly BitcoinChain[],
    private readonly database: DatabaseDoor,
    clock: Clock,
    randomness: Randomness,
  ) {
    this.chains = new Map(chains.map((chain) => [chain.chain, chain]));
    this.planner = new Planner(clock, randomness);
    this.selfPayer = new SelfPayer(this.planner);
    this.follower = new Follower(database);
  }

  /** Throws `chain-not-served`, `chain-unavailable`. */
  async outlook(wallet: Wallet): Promise<BitcoinOutlook> {
    return this.planner.outlook(this.chainOf(wallet.chain));
  }

  async reserve(
    db: EntityManager,
    wallet: Wallet,
    payables: readonly Payable[],
    outlook: BitcoinOutlook,
  ): Promise<ReserveResult> {
    return this.planner.reserve(db, this.chainOf(wallet.chain), wallet, payables, outlook);
  }

  /** Throws `plan-malformed`, `previous-transaction-missing`. */
  async build(
    db: EntityManager,
    _wallet: Wallet,
    transaction: PlannedTransaction,
  ): Promise<UnsignedTransaction> {
    const plan = parsePlan(transaction.plan);
    const txids = plan.inputs.map((input) => input.txid);
    const previous = await coins.previousTransactions(db, transaction.chain, txids);
    return { kind: 'psbt', base64: psbtOf(plan, previous) };
  }

  /** Other plans never depend on an unsigned one, so none becomes invalid. */
  async release(db: EntityManager, transaction: PlannedTransaction): Promise<readonly string[]> {
    const stored = await coins.transactionOf(db, transaction.transactionKey);
    if (stored !== undefined && stored.signedHex === undefined) await coins.dropPlan(db, stored);
    return [];
  }

  /** Throws `plan-unknown`, and `signed-transaction-mismatch` when the bytes are not those of the plan. */
  async signed(db: EntityManager, transaction: SignedTransaction): Promise<void> {
    const stored = await coins.transactionOf(db, transaction.transactionKey);
    if (stored === undefined) {
      throw new Fault<BitcoinFaultCode>('plan-unknown', 'a transaction was signed that was never planned', {
        facts: { transactionKey: transaction.transactionKey },
      });
    }
    const bytes = decoded(transaction.signedHex);
    if (bytes?.getId() !== stored.txid || transaction.transactionId !== stored.txid) {
      throw new Fault<BitcoinFaultCode>(
        'signed-transaction-mismatch',
        'what was signed is not what was planned',
        { facts: { transactionKey: transaction.transactionKey, planned: stored.txid } },
      );
    }
    await coins.markSigned(db, stored.transactionKey, transaction.signedHex);
    for (const [vout, { script, amountSats, transferId }] of stored.plan.outputs.entries()) {
      if (transferId !== null) continue;
      const { chain, walletId, txid } = stored;
      await storePrevious(db, chain, txid, rawWithoutWitness(bytes));
      await coins.addChange(db, chain, walletId, { txid, vout, script, amountSats });
    }
  }

  async broadcast(transaction: SignedTransaction): Promise<BroadcastResult> {
    return this.follower.broadcast(this.chainOf(transaction.chain), transaction);
  }

  async observe(transaction: SignedTransaction): Promise<Observation> {
    return this.follower.observe(this.chainOf(transaction.chain), transaction);
  }

  async replace(
    db: EntityManager,
    wallet: Wallet,
    transaction: SignedTransaction,
    payables: readonly Payable[],
    outlook: BitcoinOutlook,
  ): Promise<ReserveResult> {
    const chain = this.chainOf(wallet.chain);
    if (payables.length > 0) {
      return this.planner.replace(db, chain, wallet, transaction, payables, outlook);
    }
    const { feeBoundSats } = parsePlan(transaction.plan);
    const rivals = await rivalsOfFamily(db, transaction.transactionKey);
    const result =
      feeBoundSats === undefined
        ? undefined
        : await this.selfPayer.cancel(db, chain, wallet, rivals, feeBoundSats, outlook);
    return result?.kind === 'planned' ? result : { kind: 'wait', reason: 'nothing-to-pay' };
  }

  signerKey({ plan }: Pick<PlannedTransaction, 'plan'>): string {
    return `bitcoin:${transactionIdOf(parsePlan(plan))}`;
  }

  async cancel(
    db: EntityManager,
    wallet: Wallet,
    rivals: readonly PlannedTransaction[],
    maxFee: bigint,
    outlook: BitcoinOutlook,
  ): Promise<CancelResult> {
    return this.selfPayer.cancel(db, this.chainOf(wallet.chain), wallet, rivals, maxFee, outlook);
  }

  async buried(db: EntityManager, dead: readonly PlannedTransaction[]): Promise<void> {
    return this.selfPayer.buried(db, dead);
  }

  /** Throws `chain-unavailable`, `coins-too-many`. */
  async restoreFacts(wallet: Wallet): Promise<RestoreFacts> {
    const chain = this.chainOf(wallet.chain);
    const outlook = await this.planner.outlook(chain);
    return this.database.transaction((db) => this.selfPayer.restoreFacts(db, chain, wallet, outlook));
  }

  async refresh(
    db: EntityManager,
    wallet: Wallet,
    restored: RestoredWallet,
    given: { readonly maxFee: bigint; readonly abandoned: readonly PlannedTransaction[] },
    outlook: BitcoinOutlook,
  ): Promise<RefreshResult> {
    if (restored.family !== 'bitcoin') return { kind: 'other-wallet', reason: 'family' };
    return this.selfPayer.refresh(db, this.chainOf(wallet.chain), wallet, restored, given, outlook);
  }

  /** As far as was scanned; no node is asked. Throws `chain-not-served`. */
  async balance(wallet: Wallet): Promise<readonly WalletBalance[]> {
    const chain = this.chainOf(wallet.chain);
    const { availableSats, pendingSats, reservedSats } = await this.database.read((db) =>
      this.planner.spendable(db, chain, wallet.walletId, 'look'),
    );
    return [
      {
        contract: 'native',
        symbol: 'BTC',
        decimals: 8,
        available: availableSats,
        pending: pendingSats,
        reserved: reservedSats,
      },
    ];
  }

  async nodes(): Promise<readonly NodeReport[]> {
    const reports = await Promise.all(
      [...this.chains.values()].map(async (chain) => {
        const cursor = await this.database.read((db) => readCursor(db, chain.chain));
        const scanned = cursor?.stopped ?? `scanned to ${cursor?.height ?? 'nothing yet'}`;
        return (await chain.node.reports()).map((report) => ({
          ...report,
          healthy: report.healthy && cursor?.stopped === undefined,
          detail: report.height === cursor?.height ? report.detail : (report.detail ?? scanned),
        }));
      }),
    );
    return reports.flat();
  }

  private chainOf(id: string): BitcoinChain {
    const chain = this.chains.get(id);
    if (chain === undefined) {
      throw new Fault<BitcoinFaultCode>('chain-not-served', 'the configuration has no such Bitcoin chain', {
        facts: { chain: id },
      });
    }
    return chain;
  }
}

function decoded(hex: string): Transaction | undefined {
  try {
    return Transaction.fromHex(hex);
  } catch {
    // No transaction at all: as much a mismatch as another one.
    return undefined;
  }
}
