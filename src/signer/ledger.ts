// What follows from the journal: which requests, outpoints and nonces are used, what each limit has left. Projected entry
// by entry, live and at every start by the same code. It answers questions; it decides nothing.

import type Database from 'better-sqlite3';
import type { TransferPast } from '../core/authorization/authorize.js';
import {
  BEFORE_FIRST_RESERVATION,
  type Reservation,
  type ReservationEnd,
} from '../core/certificates/reservation.js';
import { subjectOf } from '../core/facts/fact.js';
import { factDigest } from '../core/facts/fact-bytes.js';
import { Fault } from '../core/fault.js';
import { entryHash } from '../core/governance/entry.js';
import { spelledAddress } from '../core/governance/known-addresses.js';
import type { GovernanceState } from '../core/governance/state.js';
import type { Moment } from '../core/policy/calendar.js';
import {
  chargedAt,
  counterFrom,
  counterText,
  emptyCounter,
  type LimitCounter,
  type Span,
  spanned,
  usedAt,
} from '../core/policy/counter.js';
import { lookOf } from '../core/policy/looks.js';
import type { LimitCharge } from '../core/policy/types.js';
import { type GovernanceEnd, refreshable, restoreCutoffMs } from '../core/recovery/restore.js';
import { requestDigest } from '../core/statements/request.js';
import type { JournalEntry, Restored, Voided, VouchedHead } from './journal.js';
import { type KeyRow, ledgerQueries, type TransactionRow } from './ledger-queries.js';
import { PROJECTION_SCHEMA } from './schema.js';
import type { Instant } from './signer-clock.js';
import type { StoreFaultCode } from './store-file.js';

export interface KnownTransaction {
  readonly transactionKey: string;
  readonly walletId: string;
  readonly reservedSequence: number;
  readonly signedSequence: number | undefined;
  /** As explorers show it; undefined while it is not signed. */
  readonly transactionId: string | undefined;
  /** Sorted; empty for a cancel. */
  readonly transferIds: readonly string[];
  readonly feeCeiling: bigint;
  /** What its transfers move in the chain's own coin; undefined when a token is among it. */
  readonly moved: bigint | undefined;
  /** `void`: it was never signed and never will be. `dead`: a quorum says that it can never be mined. */
  readonly ended: 'void' | 'dead' | undefined;
}

/** What a restore says of something that may be spent within its wallet alone. */
export interface RestoredSpend {
  readonly walletId: string;
  /** For one transaction, in base units of the chain's coin. */
  readonly feeCeiling: bigint;
}

function known(row: TransactionRow): KnownTransaction {
  return {
    transactionKey: row.transaction_key,
    walletId: row.wallet_id,
    reservedSequence: row.reserved_sequence,
    signedSequence: row.signed_sequence ?? undefined,
    transactionId: row.transaction_id ?? undefined,
    transferIds: row.transfers === '' ? [] : row.transfers.split(' '),
    feeCeiling: BigInt(row.fee_ceiling),
    moved: row.moved === null ? undefined : BigInt(row.moved),
    ended: row.ended ?? undefined,
  };
}

/** A limit's counter as it is held, under a name that no other has: no limit's id has a line break. */
interface Held {
  readonly limitId: string;
  readonly key: string;
  readonly windowMs: number;
  readonly counter: LimitCounter;
}

function nameOf(limitId: string, key: string): string {
  return `${limitId}\n${key}`;
}

/** What an entry changes of what is held outside the database. */
interface Change {
  readonly counters?: ReadonlyMap<string, Held>;
  readonly nonce?: readonly [walletId: string, next: bigint];
  readonly checkpoint?: VouchedHead;
  readonly reservation?: ReservationEnd;
  readonly governance?: GovernanceEnd;
}

/** Transfers of a transaction as one text: sorted, so that equal sets are equal texts. */
export function transferSet(transferIds: readonly string[]): string {
  return [...transferIds].sort().join(' ');
}

function movedBy({ order }: Reservation): string | null {
  const statements = order.transfers.map(({ request }) => request.statement);
  if (statements.some(({ asset }) => asset.kind !== 'native')) return null;
  return statements.reduce((sum, { amount }) => sum + BigInt(amount), 0n).toString();
}

/** Each checkpoint is an entry of the journal for good, so there is one in this time on average. */
export const CHECKPOINT_EVERY_MS = 2_000;

/** `chain/address` of each, with a blank between them; neither has one. */
function paidBy({ order }: Reservation): string {
  return order.transfers
    .map(
      ({ request: { statement } }) =>
        `${statement.chain}/${spelledAddress(statement.chain, statement.destination)}`,
    )
    .join(' ');
}

const MOST_COUNTERS_HELD = 1_000;
/** So many entries are projected in one transaction: what a commit costs grows with the pages that it finds changed. */
const ENTRIES_PER_COMMIT = 256;

export class Ledger {
  /** Up to when requests are dead, and until when limits are exhausted; of the restore that this journal began with. */
  private restoredAt: { readonly cutoffMs: number; readonly measuredMs: number } | undefined;
  private instant: Instant = { wallMs: 0, measuredMs: 0 };
  /** Hardly any journal has a burial, and each transfer is asked for its own several times. */
  private hasBurials = false;
  /** Newer than their rows, which are written when there are too many of them. */
  private readonly counters = new Map<string, Held>();
  /** By wallet. */
  private readonly nonces = new Map<string, bigint>();
  private newest: VouchedHead | undefined;
  private checkpointsMs = 0;
  private reserved: ReservationEnd | undefined;
  private governed: GovernanceEnd | undefined;
  /** Of the first reservation that this journal has or will have. */
  private firstOrdinal = 1;
  private readonly statements: ReturnType<typeof ledgerQueries>;
  private readonly begin: Database.Statement;
  private readonly end: Database.Statement;
  private readonly projectWhole: (entry: JournalEntry, write: () => void) => Change;
  private uncommitted = 0;

  /** `db` is an empty database of its own, which nothing needs to outlive. */
  constructor(private readonly db: Database.Database) {
    db.exec(PROJECTION_SCHEMA);
    this.statements = ledgerQueries(db);
    this.begin = db.prepare('BEGIN');
    this.end = db.prepare('COMMIT');
    // Within the transaction that is open, this is a savepoint.
    this.projectWhole = db.transaction((entry: JournalEntry, write: () => void) => {
      const change = this.project(entry);
      write();
      return change;
    });
  }

  /**
   * Projects an entry while `write` puts it into the journal: when this throws before `write` has come to its end, nothing
   * of the entry holds here.
   */
  apply(entry: JournalEntry, write: () => void): void {
    if (!this.db.inTransaction) this.begin.run();
    const { counters, nonce, checkpoint, reservation, governance } = this.projectWhole(entry, write);
    for (const held of counters?.values() ?? []) this.hold(held);
    if (nonce) this.nonces.set(...nonce);
    this.newest = checkpoint ?? this.newest;
    this.reserved = reservation ?? this.reserved;
    this.governed = governance ?? this.governed;
    const { body } = entry;
    if (body.kind === 'checkpointed')
      this.checkpointsMs = Math.max(this.checkpointsMs, body.at.measuredMs) + CHECKPOINT_EVERY_MS;
    if ('at' in body) {
      this.instant = {
        wallMs: Math.max(this.instant.wallMs, body.at.wallMs),
        measuredMs: Math.max(this.instant.measuredMs, body.at.measuredMs),
      };
    }
    this.uncommitted++;
    if (this.uncommitted < ENTRIES_PER_COMMIT) return;
    this.end.run();
    this.uncommitted = 0;
  }

  /** False when an error has ended the transaction, and with it what entries before had brought. */
  isWhole(): boolean {
    return this.uncommitted === 0 || this.db.inTransaction;
  }

  private project({ sequence, hash, body }: JournalEntry): Change {
    const put = this.statements;
    switch (body.kind) {
      case 'genesis':
      case 'governance':
        put.governance.run(body.entry.body.sequence, sequence);
        return { governance: { sequence: body.entry.body.sequence, hash: entryHash(body.entry.body) } };
      case 'reserved':
        return { ...this.reserve(sequence, body), reservation: this.count(sequence, hash, body) };
      case 'signed':
        put.signed.run(sequence, body.transactionId, body.transactionKey);
        this.pay(sequence, body.transactionKey);
        break;
      case 'voided':
        this.void(sequence, body);
        break;
      case 'buried':
        this.hasBurials = true;
        for (const transactionKey of body.burial.statement.dead) put.end.run('dead', transactionKey);
        for (const transferId of body.burial.statement.transferIds) {
          put.burial.run(transferId, body.burial.statement.conflicting.transactionKey, sequence);
        }
        break;
      case 'held':
        put.hold.run(body.transferId, body.rule, body.policyHash, sequence, body.at.measuredMs, body.keyId);
        break;
      case 'checkpointed': {
        const { kind, at, ...checkpoint } = body;
        return { checkpoint };
      }
      case 'restored':
        this.restore(body);
        this.firstOrdinal = (body.reservation?.ordinal ?? 0) + 1;
        return {
          ...(body.checkpoint && { checkpoint: body.checkpoint }),
          ...(body.reservation && { reservation: body.reservation }),
        };
    }
    return {};
  }

  /** Whatever was begun for it and for others with it is never signed any more: what it spends is free again. */
  private void(sequence: number, { transferId, request }: Voided): void {
    const put = this.statements;
    put.void.run(transferId, sequence);
    put.voidedRequest.run(request.statement.requestId, requestDigest(request.statement), transferId);
    for (const { transactionKey, signedSequence, ended } of this.transactionsOf(transferId)) {
      if (signedSequence === undefined && ended === undefined) put.end.run('void', transactionKey);
    }
  }

  /** Whom it pays was paid by its wallet from now on, whatever becomes of it. */
  private pay(sequence: number, transactionKey: string): void {
    const { pays = '', wallet_id: walletId = '' } = this.statements.readPays.get(transactionKey) ?? {};
    for (const paid of pays === '' ? [] : pays.split(' ')) {
      const slash = paid.lastIndexOf('/');
      const [chain, address] = [paid.slice(0, slash), paid.slice(slash + 1)];
      this.statements.destination.run(walletId, chain, address, lookOf(address), sequence);
    }
  }

  private restore({ restore: { statement }, at }: Restored): void {
    const put = this.statements;
    this.restoredAt = { cutoffMs: restoreCutoffMs(at.wallMs), measuredMs: at.measuredMs };
    for (const wallet of statement.wallets) {
      for (const spend of refreshable(wallet)) {
        put.restoredSpend.run(spend, wallet.walletId, wallet.refreshFeeCeiling);
      }
      if (wallet.family === 'ethereum') this.nonces.set(wallet.walletId, BigInt(wallet.nextNonce));
    }
  }

  /** Throws `store-corrupt` for a reservation that does not follow the one before it. */
  private count(sequence: number, hash: string, { ordinal, previous }: Reservation): ReservationEnd {
    const next = this.nextReservation();
    if (ordinal !== next.ordinal || previous !== next.previous) {
      throw new Fault<StoreFaultCode>('store-corrupt', 'a reservation does not follow the one before it', {
        facts: { sequence, ordinal, expected: next.ordinal },
      });
    }
    this.statements.reservation.run(ordinal, sequence);
    return { ordinal, hash };
  }

  private reserve(sequence: number, body: Reservation): Change {
    const put = this.statements;
    const transferIds = body.transfers.map((transfer) => transfer.decision.transferId);
    const ceiling = body.transfers.reduce((sum, transfer) => sum + BigInt(transfer.feeCeiling), 0n);
    put.transaction.run(
      body.transactionKey,
      body.walletId,
      sequence,
      transferSet(transferIds),
      ceiling.toString(),
      movedBy(body),
      paidBy(body),
    );
    if (transferIds.length === 0) {
      const cancelled = new Set(this.payersOf(body.spends).flatMap((user) => user.transferIds));
      for (const transferId of cancelled) put.cancel.run(transferId, body.transactionKey);
    }
    for (const spend of body.spends) put.spend.run(spend, body.transactionKey);
    const counters = new Map<string, Held>();
    for (const transfer of body.transfers) {
      const { transferId } = transfer.decision;
      put.request.run(transfer.requestId, transfer.requestDigest, transferId);
      put.transferTransaction.run(transferId, body.transactionKey);
      for (const { limitId, key, amount, ...span } of transfer.charges) {
        const name = nameOf(limitId, key);
        const before = counters.get(name)?.counter ?? this.counter(limitId, key, span);
        const counter = chargedAt(before, body.at, BigInt(amount));
        counters.set(name, { limitId, key, windowMs: span.windowMs, counter });
      }
    }
    for (const { statement } of body.order.facts ?? []) {
      put.fact.run(statement.keyId, subjectOf(statement.content), statement.sequence, factDigest(statement));
    }
    const nonce = body.nonce === null ? undefined : BigInt(body.nonce);
    return nonce === this.nextNonce(body.walletId)
      ? { counters, nonce: [body.walletId, nonce + 1n] }
      : { counters };
  }

  /** A policy that changes a limit's rolling window goes on with what was counted under the old one. */
  private counter(limitId: string, key: string, span: Span): LimitCounter {
    const counter = this.counters.get(nameOf(limitId, key))?.counter ?? this.readCounter(limitId, key, span);
    return counter ? spanned(counter, span) : emptyCounter(span);
  }

  private readCounter(limitId: string, key: string, { calendar }: Span): LimitCounter | undefined {
    const row = this.statements.readCounter.get(limitId, key);
    return row && counterFrom({ windowMs: row.window_ms, ...(calendar && { calendar }) }, row.counter);
  }

  private hold(held: Held): void {
    if (this.counters.size >= MOST_COUNTERS_HELD) {
      for (const { limitId, key, windowMs, counter } of this.counters.values()) {
        this.statements.counter.run(limitId, key, windowMs, counterText(counter));
      }
      this.counters.clear();
    }
    this.counters.set(nameOf(held.limitId, held.key), held);
  }

  /** How much of a limit is used up. After a restore, all of it for one window: what the lost journal charged is not known. */
  usage({ limitId, key, max, ...span }: Omit<LimitCharge, 'amount'>, at: Moment): bigint {
    const used = usedAt(this.counter(limitId, key, span), at);
    const isExhausted =
      this.restoredAt !== undefined && at.measuredMs - this.restoredAt.measuredMs <= span.windowMs;
    return isExhausted && used < max ? max : used;
  }

  /** Requests created up to this time are dead; undefined when no store was ever lost. */
  cutoffMs(): number | undefined {
    return this.restoredAt?.cutoffMs;
  }

  /** Of whichever audit log; what a lost journal vouched for counts. Undefined when none was ever signed. */
  newestCheckpoint(): VouchedHead | undefined {
    return this.newest;
  }

  /** The newest fact of a key about a subject that anything was reserved with. */
  newestFact(
    keyId: string,
    subject: string,
  ): { readonly sequence: number; readonly digest: string } | undefined {
    return this.statements.readFact.get(keyId, subject);
  }

  /** Measured: until when the checkpoints so far would last, were there one in `CHECKPOINT_EVERY_MS`. */
  checkpointsUntilMs(): number {
    return this.checkpointsMs;
  }

  /** What a lost journal counted is counted. Undefined when nothing was ever reserved. */
  newestReservation(): ReservationEnd | undefined {
    return this.reserved;
  }

  /** Undefined only before the genesis. A restored journal has the whole log again. */
  newestGovernance(): GovernanceEnd | undefined {
    return this.governed;
  }

  /** The place of the next reservation in their chain. */
  nextReservation(): Pick<Reservation, 'ordinal' | 'previous'> {
    const { ordinal, hash } = this.reserved ?? { ordinal: 0, hash: BEFORE_FIRST_RESERVATION };
    return { ordinal: ordinal + 1, previous: hash };
  }

  /** Reservations before it were lost with a store. */
  keptFromOrdinal(): number {
    return this.firstOrdinal;
  }

  /** Where the journal has the reservations from an ordinal on, at most `limit`. */
  reservationSequences(fromOrdinal: number, limit: number): number[] {
    return this.statements.readReservations.all(fromOrdinal, limit).map((row) => row.journal_sequence);
  }

  /** The ordinal of the last reservation that the journal has before one of its entries; 0 for none. */
  newestReservationBefore(journalSequence: number): number {
    const ordinal = this.statements.readReservationBefore.get(journalSequence)?.ordinal;
    // Those of a lost store all came before this journal.
    return ordinal ?? this.firstOrdinal - 1;
  }

  restoredSpend(spend: string): RestoredSpend | undefined {
    const row = this.statements.readRestoredSpend.get(spend);
    return row && { walletId: row.wallet_id, feeCeiling: BigInt(row.fee_ceiling) };
  }

  lastInstant(): Instant {
    return this.instant;
  }

  governanceSequences(fromSequence: number, limit: number): number[] {
    return this.statements.readGovernance.all(fromSequence, limit).map((row) => row.journal_sequence);
  }

  /**
   * Since when, in measured time, a transfer waits under a rule of policies of this hash, which are in force since an entry of
   * governance: what it waited before that counts for nothing.
   */
  heldSinceMs(
    transferId: string,
    rule: string,
    { policyHash, policiesSince }: Pick<GovernanceState, 'policyHash' | 'policiesSince'>,
  ): number | undefined {
    const [since] = this.governanceSequences(policiesSince, 1);
    if (since === undefined) return undefined;
    return this.statements.readHold.get(transferId, rule, policyHash, since)?.measured_ms;
  }

  /** How many holds a request key has begun after this measured time. */
  holdsBegun(keyId: string, afterMs: number): number {
    return this.statements.countHolds.get(keyId, afterMs)?.holds ?? 0;
  }

  /** Was anything of this wallet ever signed that pays this address, in its one spelling? */
  wasPaid(walletId: string, chain: string, address: string): boolean {
    return this.statements.readDestination.get(walletId, chain, address) !== undefined;
  }

  /** The first addresses of this look that were ever paid: by this wallet, and by any. */
  earliestPaid(walletId: string, chain: string, look: string): readonly string[] {
    const found = [
      this.statements.readLookOfWallet.get(walletId, chain, look),
      this.statements.readLook.get(chain, look),
    ];
    return found.flatMap((row) => row?.address ?? []);
  }

  /** Digest of the request that has used this id, whatever became of it. */
  requestDigestOf(requestId: string): string | undefined {
    return this.statements.readRequest.get(requestId)?.digest;
  }

  transaction(transactionKey: string): KnownTransaction | undefined {
    const row = this.statements.readTransaction.get(transactionKey);
    return row && known(row);
  }

  transactionsOf(transferId: string): KnownTransaction[] {
    return this.transactionsBy(this.statements.readPayingKeys.all(transferId));
  }

  /** Transactions that were reserved to cancel what pays a transfer. */
  cancelsOf(transferId: string): KnownTransaction[] {
    return this.transactionsBy(this.statements.readCancelKeys.all(transferId));
  }

  /**
   * Each once, oldest first. Found one by one: most lookups find none or one, and to join and to sort in SQLite costs five
   * times as much as to find out that there is nothing.
   */
  private transactionsBy(rows: readonly KeyRow[]): KnownTransaction[] {
    const keys = new Set(rows.map((row) => row.transaction_key));
    const found = [...keys].flatMap((transactionKey) => this.transaction(transactionKey) ?? []);
    return found.sort((one, other) => one.reservedSequence - other.reservedSequence);
  }

  /**
   * What was ever reserved to pay or to cancel a transfer and may still be mined or signed, as far as is known: without
   * what is void or dead, and without what a burial of this transfer found in the chain.
   */
  livingOf(transferId: string): KnownTransaction[] {
    const buried = new Set(this.burialsOf(transferId).map((one) => one.transactionKey));
    return [...this.transactionsOf(transferId), ...this.cancelsOf(transferId)].filter(
      ({ transactionKey, ended }) => ended === undefined && !buried.has(transactionKey),
    );
  }

  /** Where the journal says that a transfer is void. */
  voidSequenceOf(transferId: string): number | undefined {
    return this.statements.readVoid.get(transferId)?.journal_sequence;
  }

  /** Burials that a transfer is part of, by what was found in the chain. */
  burialsOf(transferId: string): { readonly transactionKey: string; readonly journalSequence: number }[] {
    if (!this.hasBurials) return [];
    return this.statements.readBurials
      .all(transferId)
      .map((row) => ({ transactionKey: row.transaction_key, journalSequence: row.journal_sequence }));
  }

  /** Transactions that were reserved over an outpoint or nonce. */
  usersOf(spend: string): KnownTransaction[] {
    return this.usersOfAny([spend]);
  }

  /**
   * Transactions over any of these that pay somebody: what a cancel ends. Where all of them are void and a cancel of them
   * may still be mined, the void ones: that cancel needs a way to be bumped.
   */
  payersOf(spends: readonly string[]): KnownTransaction[] {
    const users = this.usersOfAny(spends);
    const paying = users.filter(({ transferIds }) => transferIds.length > 0);
    const living = paying.filter(({ ended }) => ended === undefined);
    const isCancelled = users.some(
      ({ transferIds, ended }) => transferIds.length === 0 && ended === undefined,
    );
    return living.length === 0 && isCancelled ? paying.filter(({ ended }) => ended === 'void') : living;
  }

  /** Transactions that were reserved over any of these: each once, however many of them it shares. */
  usersOfAny(spends: readonly string[]): KnownTransaction[] {
    return this.transactionsBy(spends.flatMap((spend) => this.statements.readUserKeys.all(spend)));
  }

  spendsOf(transactionKey: string): string[] {
    return this.statements.readSpends.all(transactionKey).map((row) => row.spend);
  }

  nextNonce(walletId: string): bigint {
    return this.nonces.get(walletId) ?? 0n;
  }

  pastOf(transferId: string): TransferPast {
    const transactions = this.transactionsOf(transferId);
    if (transactions.length === 0) return 'unseen';
    const living = transactions.filter(({ ended }) => ended === undefined);
    if (living.some(({ signedSequence }) => signedSequence !== undefined)) return 'signed';
    return transactions.some(({ ended }) => ended === 'dead') ? 'dead' : 'reserved';
  }
}
