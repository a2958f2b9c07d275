// What is signed is sent and followed until it is final, or until something that conflicts with it is. Sending again what
// was sent before is harmless. Nothing here gives anything back: a signed transaction stays spendable until it cannot be.
//
// What is final is looked at now and then until it is buried: a reorganisation may be deeper than what counts as final.
// What one drops is on its way again, and is sent again; nothing is ever planned in its place.

import type { EntityManager } from 'typeorm';
import { Fault } from '../../core/fault.js';
import type {
  BlockPlace,
  BroadcastResult,
  Observation,
  Payable,
  SignedTransaction,
} from '../chains/chain-driver.js';
import { assess, verifyRow } from './assess.js';
import { backoffMs } from './backoff.js';
import { factsOf, knownOf, knownThen } from './knowledge.js';
import { longestWatchMs, type PipelineParts, servedWallet } from './pipeline.js';
import { insertPlan } from './reserving.steps.js';
import { ALIVE, cancelTheSame, hasReplacement, isWanted } from './rivals.js';
import { TransactionRow, type TransferRow } from './transfer.entity.js';
import type { TransferFaultCode } from './transfer.errors.js';
import {
  type Move,
  moveTransaction,
  moveTransfer,
  required,
  transactionForUpdate,
  transactionsOf,
  transfersOf,
  transfersOfForUpdate,
} from './transfer.store.js';
import {
  isDecided,
  isFinished,
  statesUpTo,
  type TransactionState,
  type TransferState,
} from './transfer-states.js';
import { finish, hold, type Lease, lock, nudge } from './work.store.js';

/** A node had it and has it no more: it is sent again at the next look. */
const EVICTED = 'evicted';

/** As drivers take it. Throws `transfer-inconsistent` for one that is not signed. */
export function signedOf(row: TransactionRow): SignedTransaction {
  const { transactionKey, walletId, chain, plan } = row;
  const signedHex = required(row.signedHex, { transactionKey, what: 'signature' });
  const transactionId = required(row.transactionId, { transactionKey, what: 'transaction id' });
  return { transactionKey, walletId, chain, transactionId, signedHex, plan, seenIn: placeOf(row) };
}

/** Where it was seen last, or what it is in conflict with. */
function placeOf({ state, blockHash, blockHeight, facts }: TransactionRow): BlockPlace | undefined {
  if (blockHash !== null && blockHeight !== null) return { blockHash, blockHeight };
  if (state !== 'conflicted') return undefined;
  const { blockHash: hash, blockHeight: height } = facts;
  return typeof hash === 'string' && typeof height === 'number'
    ? { blockHash: hash, blockHeight: height }
    : undefined;
}

/** Reasons that persons' records carry. */
const RECORDED = 'recorded-as-';

/** The state of its transfers that falls with a transaction's own. */
const UNDONE_WITH: Partial<Record<TransactionState, TransferState>> = {
  mined: 'confirming',
  final: 'settled',
  failed: 'failed',
  conflicted: 'replaced',
};

/** The older a final transaction, the less a reorganisation reaches it: the next look is after this part of its age. */
const WATCH_AGE_PART = 4;
/** In looks at what is not final yet: so far apart at least are the looks at what is. */
const SHORTEST_WATCH_LOOKS = 5;

export class FollowingSteps {
  constructor(
    private readonly parts: PipelineParts,
    /** Told when the chain takes back what was settled: whoever was told so has to know. */
    private readonly alarm: (fault: Fault) => void = () => undefined,
  ) {}

  /** One look at a transaction that is `signed`, `broadcast` or `mined`, or that the chain has decided. */
  async run(lease: Lease, row: TransactionRow): Promise<void> {
    const { driver } = servedWallet(this.parts, row.walletId);
    const signed = signedOf(row);
    if (isDecided(row.state)) return this.recordWatched(lease, await driver.observe(signed));
    if (row.state === 'signed' || row.reason === EVICTED) {
      const result = await driver.broadcast(signed);
      if (result.kind === 'accepted' || result.kind === 'already-known') return this.recordSent(lease);
      // Perhaps it is in the chain already, or something else is: the observation says more than the rejection.
      await this.recordObserved(lease, await driver.observe(signed), result);
    } else {
      await this.recordObserved(lease, await driver.observe(signed));
    }
    await this.bumpIfStuck(lease, row.transactionKey);
  }

  private because(reason: string, nowMs: number, facts: Move['facts'] = {}): Move {
    return { reason, facts, nowMs, by: this.parts.settings.worker };
  }

  private async recordSent(lease: Lease): Promise<void> {
    const { database, clock } = this.parts;
    await database.transaction(async (db) => {
      await hold(db, lease);
      const row = await transactionForUpdate(db, lease.subject);
      const nowMs = clock.nowMs();
      if (row.state === 'signed' || row.state === 'broadcast') {
        const first =
          row.broadcastAtMs === null ? { broadcastAtMs: nowMs, bumpAtMs: this.bumpAtMs(row, nowMs) } : {};
        await moveTransaction(db, row, 'broadcast', nowMs, { ...first, reason: null, facts: {} });
        await this.advance(db, row, 'broadcast', 'accepted-by-node', nowMs);
      }
      await finish(db, lease, nowMs + this.followMs(row));
    });
  }

  /** Counted from when it was sent: what approvals and signing took is no reason for a higher fee. */
  private bumpAtMs(row: TransactionRow, nowMs: number): number {
    const { driver } = servedWallet(this.parts, row.walletId);
    return nowMs + this.parts.settings.bumpAfterMs[driver.family];
  }

  private followMs(row: TransactionRow): number {
    return this.parts.settings.followMs[servedWallet(this.parts, row.walletId).driver.family];
  }

  /** Takes its transfers as far along as `to`, each through all states between. Those that have come to an end stay. */
  private async advance(
    db: EntityManager,
    row: TransactionRow,
    to: TransferState,
    reason: string,
    nowMs: number,
    facts: Move['facts'] = {},
  ): Promise<void> {
    for (const transfer of await transfersOfForUpdate(db, row.transactionKey)) {
      if (isFinished(transfer.state)) continue;
      for (const state of statesUpTo(transfer.state, to)) {
        await moveTransfer(
          db,
          transfer,
          state,
          this.because(reason, nowMs, { ...facts, transactionId: row.transactionId ?? '' }),
        );
      }
    }
  }

  private async recordObserved(
    lease: Lease,
    observation: Observation,
    rejection?: Exclude<BroadcastResult, { kind: 'accepted' | 'already-known' }>,
  ): Promise<void> {
    const { database, clock } = this.parts;
    await database.transaction(async (db) => {
      await hold(db, lease);
      const row = await transactionForUpdate(db, lease.subject);
      const nowMs = clock.nowMs();
      await this.apply(db, row, observation, nowMs);
      if (isDecided(row.state)) return finish(db, lease, nowMs + this.watchMs(row, nowMs));
      const over = !['signed', 'broadcast', 'mined'].includes(row.state);
      const stuck = !over && (rejection !== undefined || observation.kind === 'unknown');
      if (stuck) await this.note(db, row, observation, rejection, nowMs);
      const dueAtMs = stuck ? nowMs + backoffMs(this.parts, lease.attempts) : nowMs + this.followMs(row);
      await finish(db, lease, over ? null : dueAtMs, stuck);
    });
  }

  private async note(
    db: EntityManager,
    row: TransactionRow,
    observation: Observation,
    rejection: Exclude<BroadcastResult, { kind: 'accepted' | 'already-known' }> | undefined,
    nowMs: number,
  ): Promise<void> {
    // An evicted one keeps that mark, so that it is sent again.
    if (row.reason === EVICTED || row.state === 'mined') return;
    const reason = rejection ? `broadcast-${rejection.kind}` : 'observation-unknown';
    const detail = rejection?.reason ?? (observation.kind === 'unknown' ? observation.reason : '');
    if (row.reason === reason && row.facts.detail === detail) return;
    await moveTransaction(db, row, row.state, nowMs, { reason, facts: { detail: detail.slice(0, 300) } });
  }

  private async apply(
    db: EntityManager,
    row: TransactionRow,
    seen: Observation,
    nowMs: number,
  ): Promise<void> {
    if (!['signed', 'broadcast', 'mined'].includes(row.state)) return;
    switch (seen.kind) {
      case 'unknown':
        return;
      case 'unseen':
        if (row.state === 'mined') await this.reorganised(db, row, nowMs);
        if (row.state === 'broadcast' && row.reason !== EVICTED && (await isWanted(db, row))) {
          await moveTransaction(db, row, 'broadcast', nowMs, { reason: EVICTED, facts: {} });
        }
        return;
      case 'pending':
        if (row.state === 'mined') await this.reorganised(db, row, nowMs);
        if (row.state === 'signed') await this.sighted(db, row, nowMs);
        return;
      case 'mined':
        return this.mined(db, row, seen, nowMs);
      case 'failed':
        return this.failed(db, row, seen, nowMs);
      case 'conflicted':
        if (seen.final) await this.conflicted(db, row, seen, nowMs);
        else if (row.reason !== 'conflicted') {
          await moveTransaction(db, row, row.state, nowMs, { reason: 'conflicted', facts: { by: seen.by } });
        }
    }
  }

  private async sighted(db: EntityManager, row: TransactionRow, nowMs: number): Promise<void> {
    await moveTransaction(db, row, 'broadcast', nowMs, { broadcastAtMs: nowMs, reason: null, facts: {} });
    await this.advance(db, row, 'broadcast', 'seen-by-node', nowMs);
  }

  /** The chain holds it no more, decided or not. What a person has recorded of a transfer stays. */
  private async reorganised(db: EntityManager, row: TransactionRow, nowMs: number): Promise<void> {
    const undone = UNDONE_WITH[row.state];
    const { blockHash = '' } = placeOf(row) ?? {};
    const facts = { blockHash };
    const gone = { blockHash: null, blockHeight: null, confirmations: 0, feePaid: null };
    const move = { ...gone, reason: 'reorganised', facts };
    await moveTransaction(db, row, 'broadcast', nowMs, move, 'reorganisation');
    for (const transfer of await transfersOfForUpdate(db, row.transactionKey)) {
      if (transfer.state !== undone || transfer.reason.startsWith(RECORDED)) continue;
      const because = this.because('reorganised', nowMs, facts);
      await moveTransfer(db, transfer, 'broadcast', because, {}, 'reorganisation');
      // Others that pay it may be what the chain has in its place now.
      for (const other of await transactionsOf(db, transfer.transferId)) {
        if (other.transactionKey !== row.transactionKey)
          await nudge(db, 'transaction', other.transactionKey, nowMs);
      }
    }
  }

  /** One look at what the chain has decided: does it still say so? */
  private async recordWatched(lease: Lease, seen: Observation): Promise<void> {
    const { database, clock } = this.parts;
    const undone = await database.transaction(async (db) => {
      await hold(db, lease);
      const row = await transactionForUpdate(db, lease.subject);
      const nowMs = clock.nowMs();
      const { state } = row;
      if (!isDecided(state)) {
        await finish(db, lease, nowMs);
        return undefined;
      }
      const facts = { transactionKey: row.transactionKey, transactionId: row.transactionId ?? '', state };
      const holds = seen.kind === 'unknown' || this.decisionOf(seen) === state;
      if (holds) await this.confirmed(db, row, seen, nowMs);
      else {
        await this.reorganised(db, row, nowMs);
        await this.apply(db, row, seen, nowMs);
      }
      const buried = holds && 'buried' in seen && seen.buried;
      const againMs = isDecided(row.state) ? this.watchMs(row, nowMs) : this.followMs(row);
      await finish(db, lease, buried ? null : nowMs + againMs);
      return holds || state === 'conflicted' ? undefined : { ...facts, seen: seen.kind };
    });
    if (undone) {
      const words = 'the chain took back what it had settled';
      this.alarm(new Fault<TransferFaultCode>('settled-reorganised', words, { facts: undone }));
    }
  }

  private decisionOf(seen: Observation): TransactionState | undefined {
    if (!('final' in seen) || !seen.final) return undefined;
    return seen.kind === 'mined' ? 'final' : seen.kind;
  }

  /** Still so, though perhaps in another block. Transfers that another transaction left open when it was undone are closed. */
  private async confirmed(
    db: EntityManager,
    row: TransactionRow,
    seen: Observation,
    nowMs: number,
  ): Promise<void> {
    if (!('final' in seen)) return;
    const { blockHash, blockHeight } = seen;
    const place = placeOf(row);
    if (place?.blockHash !== blockHash || place.blockHeight !== blockHeight) {
      const patch =
        seen.kind === 'conflicted'
          ? { facts: { by: seen.by, blockHash, blockHeight } }
          : { blockHash, blockHeight, feePaid: seen.feePaid };
      await moveTransaction(db, row, row.state, nowMs, patch);
    }
    if (seen.kind === 'mined') {
      const { confirmations, feePaid } = seen;
      const facts = { blockHash, blockHeight, confirmations, feePaid: feePaid.toString() };
      await this.advance(db, row, 'settled', 'final', nowMs, facts);
    }
  }

  private watchMs(row: TransactionRow, nowMs: number): number {
    const { driver } = servedWallet(this.parts, row.walletId);
    const { settings } = this.parts;
    const part = Math.floor((nowMs - row.updatedAtMs) / WATCH_AGE_PART);
    return Math.min(
      Math.max(part, SHORTEST_WATCH_LOOKS * settings.followMs[driver.family]),
      longestWatchMs(settings, driver.family),
    );
  }

  private async mined(
    db: EntityManager,
    row: TransactionRow,
    seen: Extract<Observation, { kind: 'mined' }>,
    nowMs: number,
  ): Promise<void> {
    const { blockHash, blockHeight, confirmations, feePaid, final } = seen;
    const block = { blockHash, blockHeight, confirmations, feePaid, reason: null, facts: {} };
    const facts = { blockHash, blockHeight };
    if (row.state !== 'mined' || row.blockHash !== blockHash || row.confirmations !== confirmations) {
      await moveTransaction(db, row, 'mined', nowMs, block);
    }
    await this.advance(db, row, 'confirming', 'in-a-block', nowMs, facts);
    if (!final) return;
    await moveTransaction(db, row, 'final', nowMs, block);
    const settled = { ...facts, confirmations, feePaid: feePaid.toString() };
    await this.advance(db, row, 'settled', 'final', nowMs, settled);
  }

  private async failed(
    db: EntityManager,
    row: TransactionRow,
    seen: Extract<Observation, { kind: 'failed' }>,
    nowMs: number,
  ): Promise<void> {
    const { blockHash, blockHeight, feePaid, reason } = seen;
    const facts = { blockHash, blockHeight, feePaid: feePaid.toString() };
    await this.advance(db, row, 'confirming', 'in-a-block', nowMs, facts);
    const block = { blockHash, blockHeight, feePaid, reason, facts: {} };
    await moveTransaction(db, row, seen.final ? 'failed' : 'mined', nowMs, block);
    if (!seen.final) return;
    for (const transfer of await transfersOfForUpdate(db, row.transactionKey)) {
      if (isFinished(transfer.state)) continue;
      await moveTransfer(db, transfer, 'failed', this.because(reason, nowMs, facts));
    }
  }

  /** Something else is buried that spends what this one spends: it can never be mined any more. */
  private async conflicted(
    db: EntityManager,
    row: TransactionRow,
    { by, blockHash, blockHeight }: Extract<Observation, { kind: 'conflicted' }>,
    nowMs: number,
  ): Promise<void> {
    const facts = { by, blockHash, blockHeight };
    // Its own block, if it had one, is not where the other one is.
    const gone = { blockHash: null, blockHeight: null, confirmations: 0, feePaid: null };
    await moveTransaction(db, row, 'conflicted', nowMs, { ...gone, reason: 'conflicted', facts });
    const winner = await db.findOneBy(TransactionRow, { transactionId: by, walletId: row.walletId });
    for (const transfer of await transfersOfForUpdate(db, row.transactionKey)) {
      if (isFinished(transfer.state)) continue;
      const others = await transactionsOf(db, transfer.transferId);
      // The winner pays it, or another one may yet: their own steps say what becomes of the transfer.
      const open = others.some((one) => one.transactionId === by || ALIVE.includes(one.state));
      if (open) continue;
      const [to, reason] = winner
        ? (['replaced', 'replaced-by-other'] as const)
        : (['indeterminate', 'conflicted-by-unknown'] as const);
      await moveTransfer(db, transfer, to, this.because(reason, nowMs, { by }));
    }
  }

  /** Plans a replacement with a higher fee for what has waited too long. One at a time replaces one. */
  private async bumpIfStuck(lease: Lease, transactionKey: string): Promise<void> {
    const { database, clock, settings } = this.parts;
    const found = await database.read(async (db) => {
      const row = await db.findOneBy(TransactionRow, { transactionKey });
      const waiting = row !== null && (row.state === 'signed' || row.state === 'broadcast');
      if (!waiting || row.bumpAtMs === null || row.bumpAtMs > clock.nowMs()) return undefined;
      // A higher fee for what nobody waits for any more, since people have closed it, would be spent against their word.
      if (!(await isWanted(db, row)) || (await hasReplacement(db, transactionKey))) return undefined;
      const transfers = await transfersOf(db, transactionKey);
      return { row, transfers, payables: await this.payables(db, row, transfers, clock.nowMs()) };
    });
    if (!found) return;
    const { wallet, driver } = servedWallet(this.parts, found.row.walletId);
    const { payables } = found;
    // Without transfers it pays the wallet itself, within the bound that it was planned with.
    const mayGoOn = payables.length > 0 || found.transfers.length === 0;
    const outlook = mayGoOn ? await driver.outlook(wallet, payables) : undefined;
    await database.transaction(async (db) => {
      // The lease was given back with the observation; the lock and the state decide who is first.
      await lock(db, 'transaction', lease.subject);
      await lock(db, 'wallet', wallet.walletId);
      const row = await transactionForUpdate(db, transactionKey);
      const nowMs = clock.nowMs();
      const waiting = row.state === 'signed' || row.state === 'broadcast';
      if (!waiting || (await hasReplacement(db, transactionKey))) return;
      const bumpAtMs = nowMs + settings.bumpAfterMs[driver.family];
      await moveTransaction(db, row, row.state, nowMs, { bumpAtMs });
      if (outlook === undefined) return;
      const result = await driver.replace(db, wallet, signedOf(row), payables, outlook);
      if (result.kind !== 'planned') return;
      const { transaction } = result;
      await insertPlan(db, { ...transaction, replaces: transactionKey }, nowMs, bumpAtMs);
      await cancelTheSame(db, transactionKey, transaction.transactionKey);
    });
  }

  /** All its transfers, or none when policy would not let one of them pass today: a replacement pays exactly the same. */
  private async payables(
    db: EntityManager,
    { certificate }: TransactionRow,
    transfers: readonly TransferRow[],
    nowMs: number,
  ): Promise<Payable[]> {
    const { governance, verifier } = this.parts;
    const payables: Payable[] = [];
    for (const transfer of transfers) {
      const verified = verifyRow(governance.now(), transfer, verifier, nowMs, true);
      if (verified.kind === 'refused') return [];
      const held = { statement: null, approvals: [] };
      const known =
        (certificate && knownThen(certificate, transfer.transferId)) ??
        (await knownOf(db, governance.now(), verified.value, nowMs));
      const knowledge = { known, facts: factsOf(this.parts, governance.now(), verified.value) };
      const assessed = assess(governance.now(), verified.value, held, knowledge, () => 0n, verifier, nowMs);
      if (assessed.kind === 'refused') return [];
      const { feeCaps } = assessed.value.decision;
      payables.push({ transferId: transfer.transferId, request: transfer.request.statement, feeCaps });
    }
    return payables;
  }
}
