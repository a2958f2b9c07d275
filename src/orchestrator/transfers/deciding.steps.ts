// The steps before anything is reserved: verify the request and ask the policy, wait for officers, notice that time or
// governance has moved on. Database work only; each step is one transaction.

import type { EntityManager } from 'typeorm';
import { approvalWords } from '../../core/policy/approvals.js';
import { isOrdered } from '../../core/policy/steps.js';
import { statementOf, type TransferStatement } from '../../core/statements/approval.js';
import type { Governance } from '../governance/governance.service.js';
import { heldApprovals } from './approval.store.js';
import { assess, chargesFor, type Permission, storedOf, verifyRow } from './assess.js';
import { gatherFor, knowledgeOf } from './knowledge.js';
import { Limits, usageFor } from './limit.store.js';
import type { PipelineParts } from './pipeline.js';
import { heldUntilMs, waitsForFacts } from './signer-refusals.js';
import { TransferRow } from './transfer.entity.js';
import { type Move, moveTransfer, noteWaiting, transferForUpdate } from './transfer.store.js';
import { finish, hold, type Lease, wake } from './work.store.js';

/** Reasons that stand for "too late", as the state `expired`. */
const EXPIRIES: readonly string[] = ['request-expired', 'approval-expired'];

/** Between two looks at what waits for a fact. */
const LOOK_AGAIN_MS = 5_000;

/** Facts have changed, and with them whose approvals are wanted. */
function isOtherThan({ decision }: TransferRow, now: Permission): boolean {
  return JSON.stringify(decision?.requirements) !== JSON.stringify(storedOf(now).requirements);
}

export class DecidingSteps {
  constructor(private readonly parts: PipelineParts) {}

  async run(lease: Lease): Promise<void> {
    const { database, clock, governance, facts } = this.parts;
    const now = governance.now();
    // Network, outside any transaction.
    if (facts.isServed) {
      const { subject: transferId } = lease;
      await gatherFor(this.parts, await database.read((db) => db.findBy(TransferRow, { transferId })));
    }
    await database.transaction(async (db) => {
      await hold(db, lease);
      const row = await transferForUpdate(db, lease.subject);
      const nowMs = clock.nowMs();
      const dueAtMs = row ? await this.step(db, row, now, nowMs) : null;
      await finish(db, lease, dueAtMs);
    });
  }

  private async step(
    db: EntityManager,
    row: TransferRow,
    governance: Governance,
    nowMs: number,
  ): Promise<number | null> {
    switch (row.state) {
      case 'requested':
        return this.screen(db, row, governance, nowMs);
      case 'screened':
      case 'decided':
        return this.decide(db, row, governance, nowMs);
      case 'awaiting-approvals':
      case 'approved':
        return this.review(db, row, governance, nowMs);
      default:
        // Whatever else there is to do belongs to its wallet or its transaction.
        return null;
    }
  }

  private because(reason: string, nowMs: number, facts: Move['facts'] = {}): Move {
    return { reason, facts, nowMs, by: this.parts.settings.worker };
  }

  /** The request was verified when it came in; since then it lay in a database. */
  private async screen(
    db: EntityManager,
    row: TransferRow,
    governance: Governance,
    nowMs: number,
  ): Promise<number | null> {
    const verified = verifyRow(governance, row, this.parts.verifier, nowMs);
    if (verified.kind === 'refused') return this.end(db, row, verified, nowMs);
    await moveTransfer(db, row, 'screened', this.because('request-verified', nowMs));
    return this.decide(db, row, governance, nowMs);
  }

  /** Asks the policy, and on: `decided`, then `approved` or `awaiting-approvals` with the statement that officers sign. */
  private async decide(
    db: EntityManager,
    row: TransferRow,
    governance: Governance,
    nowMs: number,
    keep: TransferStatement | null = null,
  ): Promise<number | null> {
    const { verifier, settings } = this.parts;
    const verified = verifyRow(governance, row, verifier, nowMs);
    if (verified.kind === 'refused') return this.end(db, row, verified, nowMs);
    const request = verified.value;
    const knowledge = await knowledgeOf(db, this.parts, governance, request, nowMs);
    const limits = await Limits.read(db, chargesFor(governance, request, knowledge), nowMs);
    const assessed = assess(
      governance,
      request,
      { statement: null, approvals: [] },
      knowledge,
      usageFor(row, limits.usage),
      verifier,
      nowMs,
    );
    if (assessed.kind === 'refused') return this.end(db, row, assessed, nowMs);
    const { decision } = assessed.value;
    const { rule, policyHash } = decision;
    if (row.state !== 'decided')
      await moveTransfer(db, row, 'decided', this.because('rule-matched', nowMs, { rule, policyHash }));
    const decided = { decision: storedOf(decision), statement: null };
    if (decision.kind === 'allow') {
      await moveTransfer(db, row, 'approved', this.because('allowed-by-rule', nowMs, { rule }), decided);
      await wake(db, 'wallet', row.walletId, nowMs);
      return row.expiresAtMs;
    }
    const { head, policyHash: inForce } = governance.state;
    // Officers have as long as ever; what they signed has to outlive the hold.
    const expiresAtMs = Math.min(row.expiresAtMs, nowMs + settings.approvalTtlMs + (decision.holdMs ?? 0));
    const statement =
      keep ??
      statementOf(row.request.statement, {
        policyHash: inForce,
        governanceHead: head,
        // Never the very statement from before: what was signed over that one is not to count for this.
        expiresAtMs: expiresAtMs === row.statement?.expiresAtMs ? expiresAtMs - 1 : expiresAtMs,
      });
    const needs = approvalWords(decision.requirements);
    await moveTransfer(
      db,
      row,
      'awaiting-approvals',
      this.because('approvals-needed', nowMs, { rule, needs }),
      {
        ...decided,
        statement,
      },
    );
    return statement.expiresAtMs;
  }

  /** Looks at what waits for officers or for its turn: has it expired, has governance changed under it? */
  private async review(
    db: EntityManager,
    row: TransferRow,
    governance: Governance,
    nowMs: number,
  ): Promise<number | null> {
    const { verifier } = this.parts;
    const verified = verifyRow(governance, row, verifier, nowMs);
    if (verified.kind === 'refused') return this.end(db, row, verified, nowMs);
    const { statement } = row;
    if (statement !== null && statement.expiresAtMs <= nowMs) {
      const { expiresAtMs } = statement;
      return this.end(db, row, { code: 'approval-expired', facts: { expiresAtMs } }, nowMs);
    }
    if (row.decision?.policyHash !== governance.state.policyHash) {
      return this.decideAgain(db, row, 'policy-changed', governance, nowMs);
    }
    const approvals = await heldApprovals(db, row.transferId, statement);
    // While officers are asked, only people are counted: a limit that is full now may be free when they have answered.
    const knowledge = await knowledgeOf(db, this.parts, governance, verified.value, nowMs);
    const limits = await Limits.read(db, chargesFor(governance, verified.value, knowledge), nowMs);
    const usage = row.state === 'approved' ? usageFor(row, limits.usage) : () => 0n;
    const held = { statement, approvals };
    const assessed = assess(governance, verified.value, held, knowledge, usage, verifier, nowMs);
    if (assessed.kind === 'refused') return this.end(db, row, assessed, nowMs);
    const { statementInForce, missing, decision } = assessed.value;
    if (row.state === 'awaiting-approvals' && statementInForce && isOtherThan(row, decision)) {
      // Where steps are asked for now, nobody has signed yet after whom.
      const keep = isOrdered(decision.requirements) ? null : statement;
      return this.decideAgain(db, row, 'requirements-changed', governance, nowMs, keep);
    }
    if (row.state === 'awaiting-approvals' && statementInForce && missing.length === 0) {
      // The last approval came while a fact was missing.
      await moveTransfer(db, row, 'approved', this.because('approvals-complete', nowMs));
    }
    if (!statementInForce) return this.decideAgain(db, row, 'statement-not-in-force', governance, nowMs);
    if (row.state === 'approved' && missing.length > 0) {
      return this.decideAgain(db, row, 'approvals-withdrawn', governance, nowMs, statement);
    }
    const expiresAtMs = Math.min(row.expiresAtMs, statement?.expiresAtMs ?? row.expiresAtMs);
    const untilMs = heldUntilMs(row);
    if (untilMs !== undefined && untilMs > nowMs) return Math.min(expiresAtMs, untilMs);
    // The signer is asked again; it may say that it still waits.
    if (untilMs !== undefined) await noteWaiting(db, row, null);
    if (row.state === 'approved') await wake(db, 'wallet', row.walletId, nowMs);
    return expiresAtMs;
  }

  private async decideAgain(
    db: EntityManager,
    row: TransferRow,
    reason: string,
    governance: Governance,
    nowMs: number,
    keep: TransferStatement | null = null,
  ): Promise<number | null> {
    const { policyHash, head } = governance.state;
    await moveTransfer(db, row, 'decided', this.because(reason, nowMs, { policyHash, governanceHead: head }));
    return this.decide(db, row, governance, nowMs, keep);
  }

  /** Ends a transfer for which nothing is reserved, unless it only lacks what watchers may say in a moment. */
  private async end(
    db: EntityManager,
    row: TransferRow,
    refusal: { readonly code: string; readonly facts: Move['facts'] },
    nowMs: number,
  ): Promise<number | null> {
    if (waitsForFacts(refusal.code)) {
      await noteWaiting(db, row, refusal.code);
      return nowMs + LOOK_AGAIN_MS;
    }
    const to = EXPIRIES.includes(refusal.code) ? 'expired' : 'refused';
    await moveTransfer(db, row, to, this.because(refusal.code, nowMs, refusal.facts));
    return null;
  }
}
