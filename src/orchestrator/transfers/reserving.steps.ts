// The step of a wallet: plans transactions for its approved transfers. Policy, limits, inputs or nonce, the plans, and the
// moves of all their transfers are ONE database transaction, under the wallet's lock; only the look at the chain happens
// before it.

import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import type { Wallet } from '../../core/governance/entry.js';
import { freezeOf } from '../../core/governance/state.js';
import type { LimitCharge } from '../../core/policy/types.js';
import {
  type ChainDriver,
  PAYABLES_EXAMINED,
  type Payable,
  type PlannedTransaction,
  type ReserveResult,
} from '../chains/chain-driver.js';
import { forUpdate, rows, sqlInteger } from '../database/sql.js';
import type { Governance } from '../governance/governance.service.js';
import { heldApprovals } from './approval.store.js';
import { type Assessment, assess, chargesFor, storedOf, verifyRow } from './assess.js';
import { backoffMs } from './backoff.js';
import { gatherFor, knowledgeOf } from './knowledge.js';
import { Limits, usageFor } from './limit.store.js';
import { type PipelineParts, servedWallet } from './pipeline.js';
import { TRANSFER_HELD, WALLET_FROZEN } from './signer-refusals.js';
import { TransactionRow, TransactionTransferRow, TransferRow } from './transfer.entity.js';
import { type Move, moveTransfer, noteWaiting } from './transfer.store.js';
import { type Claim, finish, hold, keep, type Lease, wake } from './work.store.js';

/** A transfer that may be paid now, and what that would charge. */
interface Candidate {
  readonly row: TransferRow;
  readonly assessment: Assessment;
}

interface Choice {
  readonly payable: readonly Candidate[];
  /** How many may be paid, but not beside these. */
  readonly left: number;
  /** The counters of all of them, taken. */
  readonly limits: Limits;
}

/** Transactions that one step plans, where one transaction does not pay all: what a step assesses is assessed once for them. */
const PLANS_PER_STEP = 16;

export class ReservingSteps {
  constructor(private readonly parts: PipelineParts) {}

  /** What to go on with when there is more to plan at once. */
  async run(lease: Lease): Promise<Claim | undefined> {
    const { database, clock, governance, settings } = this.parts;
    const { wallet, driver } = servedWallet(this.parts, lease.subject);
    const now = governance.now();
    if (freezeOf(now.state, lease.subject) !== undefined) return this.waitForThaw(lease);
    if (this.parts.facts.isServed)
      await gatherFor(this.parts, await database.read((db) => this.approved(db, lease, false)));
    const offered = await database.read(async (db) => this.candidates(db, lease, now, clock.nowMs()));
    // Network, outside any transaction. What has changed until the reservation is left for the next round.
    const outlook = offered.length > 0 ? await this.outlook(lease, wallet, driver, offered) : undefined;
    const known = new Set(offered.map(({ row }) => row.transferId));
    return database.transaction(async (db) => {
      await hold(db, lease);
      const nowMs = clock.nowMs();
      const approved = await this.approved(db, lease, true);
      let chosen = await this.choose(db, approved, now, nowMs);
      for (let plans = 0; ; plans += 1) {
        const payables = chosen.payable.filter(({ row }) => known.has(row.transferId));
        const result: ReserveResult =
          outlook === undefined || payables.length === 0
            ? { kind: 'wait', reason: 'nothing-to-pay' }
            : await driver.reserve(db, wallet, payables.map(payableOf), outlook, nowMs);
        if (result.kind === 'planned') {
          chosen = await this.recordPlan(db, lease, result.transaction, chosen, nowMs);
          if (chosen.payable.length > 0 && plans + 1 < PLANS_PER_STEP) continue;
          if (chosen.payable.length + chosen.left > 0) return keep(db, lease, nowMs, settings.leaseMs);
          await finish(db, lease, null);
          return undefined;
        }
        // What came of the rest is recorded by a step of its own.
        if (plans > 0) return keep(db, lease, nowMs, settings.leaseMs);
        const dueAtMs = await this.record(db, lease, result, payables, chosen, nowMs);
        await finish(db, lease, dueAtMs, result.kind === 'wait');
        return undefined;
      }
    });
  }

  /** Nothing is planned for a wallet that is frozen. Each entry of governance has all that waits looked at again. */
  private async waitForThaw(lease: Lease): Promise<undefined> {
    await this.parts.database.transaction(async (db) => {
      await hold(db, lease);
      for (const row of await this.approved(db, lease, true)) await noteWaiting(db, row, WALLET_FROZEN);
      await finish(db, lease, null, true);
    });
  }

  private async outlook(
    lease: Lease,
    wallet: Wallet,
    driver: ChainDriver,
    offered: readonly Candidate[],
  ): Promise<unknown> {
    try {
      return await driver.outlook(wallet, offered.map(payableOf));
    } catch (error) {
      await this.parts.database.transaction(async (db) => {
        await hold(db, lease);
        for (const { row } of offered) await noteWaiting(db, row, 'chain-unavailable');
      });
      throw error;
    }
  }

  private because(reason: string, nowMs: number, facts: Move['facts'] = {}): Move {
    return { reason, facts, nowMs, by: this.parts.settings.worker };
  }

  /**
   * Those that no look has found waiting yet, longest-approved first; then those that wait, from another place at each look
   * in a row that comes to nothing. However many wait for funds or for lower fees, none of them keeps the others from being
   * looked at.
   */
  private async approved(db: EntityManager, lease: Lease, take: boolean): Promise<TransferRow[]> {
    const { batchSize } = this.parts.settings;
    const look = async (which: 'IS NULL' | 'IS NOT NULL', from: number, limit: number) => {
      const select = approvedOf(db, lease.subject, which)
        .orderBy('transfer.receivedAtMs', 'ASC')
        .addOrderBy('transfer.transferId', 'ASC')
        .offset(from)
        .limit(limit);
      return (take ? forUpdate(db, select) : select).getMany();
    };
    const fresh = await look('IS NULL', 0, batchSize);
    const room = batchSize - fresh.length;
    if (room === 0) return fresh;
    const waiting = await approvedOf(db, lease.subject, 'IS NOT NULL').getCount();
    const examined = Math.min(PAYABLES_EXAMINED, room);
    const from = waiting > examined ? ((lease.attempts - 1) * examined) % waiting : 0;
    const onward = await look('IS NOT NULL', from, room);
    const left = Math.min(from, room - onward.length);
    return [...fresh, ...onward, ...(left > 0 ? await look('IS NOT NULL', 0, left) : [])];
  }

  /** What would be offered if nothing changed: only for the look at the chain, which needs to know for what. */
  private async candidates(
    db: EntityManager,
    lease: Lease,
    governance: Governance,
    nowMs: number,
  ): Promise<Candidate[]> {
    const candidates: Candidate[] = [];
    for (const row of await this.approved(db, lease, false)) {
      const assessment = await this.assessed(db, row, governance, () => 0n, nowMs);
      if (assessment) candidates.push({ row, assessment });
    }
    return candidates;
  }

  private async assessed(
    db: EntityManager,
    row: TransferRow,
    governance: Governance,
    usage: Limits['usage'],
    nowMs: number,
  ): Promise<Assessment | undefined> {
    const { verifier } = this.parts;
    const verified = verifyRow(governance, row, verifier, nowMs);
    if (verified.kind === 'refused') return undefined;
    const approvals = await heldApprovals(db, row.transferId, row.statement);
    const held = { statement: row.statement, approvals };
    const knowledge = await knowledgeOf(db, this.parts, governance, verified.value, nowMs);
    const assessed = assess(
      governance,
      verified.value,
      held,
      knowledge,
      usageFor(row, usage),
      verifier,
      nowMs,
    );
    if (assessed.kind === 'refused') return undefined;
    const { statementInForce, missing } = assessed.value;
    return statementInForce && missing.length === 0 ? assessed.value : undefined;
  }

  /**
   * Those that may be paid together, the limits counting each as if those before it were paid too. What may not be paid
   * by itself is woken, to be refused, to expire, or to wait for officers again; what only does not fit beside the
   * others waits for the next round.
   */
  private async choose(
    db: EntityManager,
    approved: readonly TransferRow[],
    governance: Governance,
    nowMs: number,
  ): Promise<Choice> {
    const { verifier } = this.parts;
    const wanted: LimitCharge[] = [];
    for (const row of approved) {
      const request = verifyRow(governance, row, verifier, nowMs);
      if (request.kind === 'refused') continue;
      const knowledge = await knowledgeOf(db, this.parts, governance, request.value, nowMs);
      wanted.push(...chargesFor(governance, request.value, knowledge));
    }
    const limits = await Limits.take(db, wanted, nowMs);
    const payable: Candidate[] = [];
    let left = 0;
    for (const row of approved) {
      const usage: Limits['usage'] = (charge) =>
        payable
          .flatMap(({ row: { burials }, assessment }) => (burials > 0 ? [] : assessment.decision.limits))
          .filter(
            ({ limitId, key, windowMs }) =>
              limitId === charge.limitId && key === charge.key && windowMs === charge.windowMs,
          )
          .reduce((sum, { amount }) => sum + amount, limits.usage(charge));
      const assessment = await this.assessed(db, row, governance, usage, nowMs);
      if (assessment) payable.push({ row, assessment });
      else if (await this.assessed(db, row, governance, limits.usage, nowMs)) left += 1;
      else await wake(db, 'transfer', row.transferId, nowMs);
    }
    return { payable, left, limits };
  }

  /** Writes a plan with all that its transfers charge; what is left to pay beside it. */
  private async recordPlan(
    db: EntityManager,
    lease: Lease,
    transaction: PlannedTransaction,
    chosen: Choice,
    nowMs: number,
  ): Promise<Choice> {
    const { transactionKey, transferIds } = transaction;
    const inIt = new Set(transferIds);
    await insertPlan(db, transaction, nowMs, this.bumpAtMs(lease.subject, nowMs));
    for (const { row, assessment } of chosen.payable) {
      if (!inIt.has(row.transferId)) continue;
      if (row.burials === 0) {
        await chosen.limits.charge(db, row.transferId, assessment.decision.limits);
      }
      const { rule } = assessment.decision;
      await moveTransfer(db, row, 'reserved', this.because('reserved', nowMs, { transactionKey, rule }), {
        transactionKey,
        decision: storedOf(assessment.decision),
      });
    }
    return { ...chosen, payable: chosen.payable.filter(({ row }) => !inIt.has(row.transferId)) };
  }

  /** Writes why nothing was planned; when to look again. */
  private async record(
    db: EntityManager,
    lease: Lease,
    result: Exclude<ReserveResult, { kind: 'planned' }>,
    payables: readonly Candidate[],
    chosen: Choice,
    nowMs: number,
  ): Promise<number | null> {
    switch (result.kind) {
      case 'impossible': {
        const impossible = new Set(result.transferIds);
        for (const { row } of payables.filter(({ row: { transferId } }) => impossible.has(transferId))) {
          await moveTransfer(db, row, 'refused', this.because(result.reason, nowMs));
        }
        return chosen.payable.length + chosen.left > impossible.size ? nowMs : null;
      }
      case 'wait': {
        for (const { row } of payables) await noteWaiting(db, row, result.reason);
        // Payable, but not yet when the chain was looked at: look again at once, now for those too.
        const newcomers = chosen.payable.length > payables.length;
        if (newcomers) return nowMs;
        return payables.length === 0 ? null : nowMs + backoffMs(this.parts, lease.attempts);
      }
    }
  }

  private bumpAtMs(walletId: string, nowMs: number): number {
    const { driver } = servedWallet(this.parts, walletId);
    return nowMs + this.parts.settings.bumpAfterMs[driver.family];
  }
}

function approvedOf(db: EntityManager, walletId: string, waits: 'IS NULL' | 'IS NOT NULL') {
  return db
    .createQueryBuilder(TransferRow, 'transfer')
    .where('transfer.walletId = :walletId', { walletId })
    .andWhere('transfer.state = :state', { state: 'approved' })
    .andWhere(`transfer.waitingFor ${waits}`)
    .andWhere('(transfer.waitingFor IS NULL OR transfer.waitingFor <> :held)', { held: TRANSFER_HELD });
}

function payableOf({ row, assessment }: Candidate): Payable {
  return {
    transferId: row.transferId,
    request: row.request.statement,
    feeCaps: assessment.decision.feeCaps,
  };
}

/** Inserts a plan with its links, and makes it due. The caller holds the wallet's lock, which makes the ordinal safe. */
export async function insertPlan(
  db: EntityManager,
  plan: PlannedTransaction,
  nowMs: number,
  bumpAtMs: number,
): Promise<void> {
  const [last] = await rows(
    db,
    z.object({ ordinal: sqlInteger.nullable() }),
    'SELECT max(ordinal) AS ordinal FROM transactions WHERE wallet_id = ?',
    [plan.walletId],
  );
  const { transactionKey } = plan;
  await db.insert(TransactionRow, {
    transactionKey,
    walletId: plan.walletId,
    chain: plan.chain,
    ordinal: (last?.ordinal ?? 0) + 1,
    state: 'planned',
    plan: plan.plan,
    maxFee: plan.maxFee,
    replaces: plan.replaces ?? null,
    unsigned: null,
    signedHex: null,
    transactionId: null,
    certificate: null,
    feePaid: null,
    blockHash: null,
    blockHeight: null,
    confirmations: 0,
    reason: null,
    facts: {},
    version: 1,
    plannedAtMs: nowMs,
    signedAtMs: null,
    broadcastAtMs: null,
    bumpAtMs,
    updatedAtMs: nowMs,
  });
  for (const [position, transferId] of plan.transferIds.entries()) {
    await db.insert(TransactionTransferRow, { transactionKey, position, transferId });
  }
  await wake(db, 'transaction', transactionKey, nowMs);
}
