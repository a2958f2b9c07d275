// Officers' approvals: what they are asked to sign, and taking what they signed. Whether a transfer has enough of them
// is the policy's question; the signer asks it again for itself.

import type { EntityManager } from 'typeorm';
import {
  type ApprovalRefusalCode,
  verifyApproval,
  verifyStatement,
} from '../../core/authorization/approvals.js';
import type { RequestRefusalCode, VerifiedRequest } from '../../core/authorization/requests.js';
import { accepted, type Outcome, type Refusal, refused } from '../../core/fault.js';
import { groupsAt } from '../../core/governance/state.js';
import { approvalWords, candidatesFor } from '../../core/policy/approvals.js';
import { isOrdered } from '../../core/policy/steps.js';
import type { ApprovalRequirement } from '../../core/policy/types.js';
import {
  type Approval,
  givenApprovalDigest,
  statementDigest,
  type TransferStatement,
} from '../../core/statements/approval.js';
import type { SignedRequest } from '../../core/statements/request.js';
import type { Alongside } from '../database/alongside.js';
import type { Governance } from '../governance/governance.service.js';
import { approvalOf, approvalRows, heldApprovals } from '../transfers/approval.store.js';
import { assess, canStillBeMet, countApprovals, type HeldApproval, verifyRow } from '../transfers/assess.js';
import { gatherFor, knowledgeOf } from '../transfers/knowledge.js';
import type { PipelineParts } from '../transfers/pipeline.js';
import { ApprovalRow, TransferRow } from '../transfers/transfer.entity.js';
import { viewOf } from '../transfers/transfer.reader.js';
import { moveTransfer, transferForUpdate } from '../transfers/transfer.store.js';
import type { TransferView } from '../transfers/transfer.view.js';
import { wake } from '../transfers/work.store.js';

export type ApprovalServiceRefusalCode =
  | ApprovalRefusalCode
  | RequestRefusalCode
  | 'request-altered'
  | 'destination-invalid'
  | 'kind-contradicted'
  | 'transfer-unknown'
  | 'transfer-not-awaiting-approvals'
  | 'approver-not-in-group'
  /** The step for which it could count is not due, or not by the approvals that it names. */
  | 'approval-out-of-turn'
  /** With this key of theirs nobody is left who could approve with the class that is wanted. */
  | 'approval-class-wanted';

/** What an officer is shown and signs. */
export interface StatementToSign {
  readonly statement: TransferStatement;
  /** What the backend signed, so that the officer's own program can build the statement again and verify both. */
  readonly request: SignedRequest;
  /** SHA-256 over the bytes to sign for `approve`, hex: to compare between screens. */
  readonly statementDigest: string;
  /** Those given so far, which an approval names where the rule has steps; else none. */
  readonly follows: readonly Approval[];
  readonly required: readonly ApprovalRequirement[];
  readonly missing: readonly ApprovalRequirement[];
}

type Result = Outcome<TransferView, ApprovalServiceRefusalCode>;

/** A transfer that waits for officers, with what its approvals are judged by. */
interface Waiting {
  readonly row: TransferRow;
  readonly statement: TransferStatement;
  readonly request: VerifiedRequest;
}

/** Told apart from other ends of a transfer: it is what an officer who comes late has to know. */
function tooLate({ transferId, statement, expiresAtMs }: TransferRow): Refusal<'approval-expired'> {
  return refused('approval-expired', { transferId, expiresAtMs: statement?.expiresAtMs ?? expiresAtMs });
}

export class ApprovalService {
  constructor(private readonly parts: PipelineParts) {}

  /** The one statement of a transfer that all its officers sign. Refuses `transfer-not-awaiting-approvals`. */
  async statementFor(
    transferId: string,
  ): Promise<
    Outcome<StatementToSign, 'transfer-unknown' | 'transfer-not-awaiting-approvals' | 'approval-expired'>
  > {
    const { state } = this.parts.governance.now();
    return this.parts.database.read(async (db) => {
      const row = await db.findOneBy(TransferRow, { transferId });
      if (!row) return refused('transfer-unknown', { transferId });
      if (row.state === 'expired') return tooLate(row);
      if (row.state !== 'awaiting-approvals' || row.statement === null) {
        return refused('transfer-not-awaiting-approvals', { transferId, state: row.state });
      }
      const { approvals } = await viewOf(db, row, state);
      const isInSteps = isOrdered(approvals.required);
      const given = isInSteps ? await approvalRows(db, transferId, row.statement) : [];
      return accepted({
        statement: row.statement,
        request: row.request,
        statementDigest: statementDigest(row.statement),
        follows: given.map(approvalOf),
        required: approvals.required,
        missing: approvals.missing,
      });
    });
  }

  /**
   * Takes one officer's verdict over the transfer's statement. The approval is hostile. An approval that completes what
   * the policy asks for moves the transfer to `approved`; one valid rejection ends it (`refused`, `rejected-by-officer`).
   * `alongside` runs in the transaction that stores the verdict.
   */
  async submit(transferId: string, approval: Approval, alongside?: Alongside): Promise<Result> {
    const { database, governance, clock } = this.parts;
    const now = governance.now();
    if (this.parts.facts.isServed)
      await gatherFor(this.parts, await database.read((db) => db.findBy(TransferRow, { transferId })));
    return database.transaction(async (db): Promise<Result> => {
      const nowMs = clock.nowMs();
      const waiting = await this.waiting(db, transferId, now, nowMs);
      if (waiting.kind === 'refused') return waiting;
      const { row, statement, request } = waiting.value;
      const person = verifyApproval(now.state, request, statement, approval, this.parts.verifier);
      if (person.kind === 'refused') return person;
      const personId = person.value;
      const stored = await this.store(db, waiting.value, approval, personId, now, nowMs);
      if (stored.kind === 'refused') return stored;
      if (approval.verdict === 'reject') {
        const { credentialId } = approval;
        const by = `person:${personId}`;
        const move = { reason: 'rejected-by-officer', facts: { personId, credentialId }, nowMs, by };
        await moveTransfer(db, row, 'refused', move);
      } else {
        await this.approveIfComplete(db, waiting.value, personId, now, nowMs);
      }
      await alongside?.(db);
      return accepted(await viewOf(db, row, now.state));
    });
  }

  private async waiting(
    db: EntityManager,
    transferId: string,
    now: Governance,
    nowMs: number,
  ): Promise<Outcome<Waiting, ApprovalServiceRefusalCode>> {
    const row = await transferForUpdate(db, transferId);
    if (!row) return refused('transfer-unknown', { transferId });
    const { statement } = row;
    if (row.state === 'expired') return tooLate(row);
    if (row.state !== 'awaiting-approvals' || statement === null) {
      return refused('transfer-not-awaiting-approvals', { transferId, state: row.state });
    }
    const request = verifyRow(now, row, this.parts.verifier, nowMs);
    // The workers will end such a transfer; until they do, nobody's approval counts for it.
    if (request.kind === 'refused') return request;
    const verified = verifyStatement(now.state, request.value, statement, nowMs);
    if (verified.kind === 'refused') return verified;
    return accepted({ row, statement, request: request.value });
  }

  /** Keeps a verified verdict. One a person for each statement, of people whom the policy asks, and in their turn. */
  private async store(
    db: EntityManager,
    waiting: Waiting,
    approval: Approval,
    personId: string,
    now: Governance,
    nowMs: number,
  ): Promise<
    Outcome<
      string,
      | 'approver-not-in-group'
      | 'approver-duplicate'
      | 'approval-follows-unknown'
      | 'approval-out-of-turn'
      | 'approval-class-wanted'
    >
  > {
    const { row, statement, request } = waiting;
    const { transferId } = row;
    const requirements = row.decision?.requirements ?? [];
    if (!requirements.some((one) => candidatesFor(one, groupsAt(now.state, nowMs)).includes(personId))) {
      const groups = [...new Set(requirements.map(({ group }) => group))].join(', ');
      return refused('approver-not-in-group', { transferId, personId, groups });
    }
    const key = { transferId, statementDigest: statementDigest(statement), personId };
    if (await db.existsBy(ApprovalRow, key)) return refused('approver-duplicate', { transferId, personId });
    if (approval.verdict === 'approve' && (isOrdered(requirements) || approval.follows !== undefined)) {
      const turn = await this.checkTurn(db, waiting, { ...approval, personId }, requirements, now, nowMs);
      if (turn.kind === 'refused') return turn;
    }
    if (approval.verdict === 'approve' && requirements.some((one) => one.with)) {
      const held = await heldApprovals(db, transferId, statement);
      const given = held.filter(({ verdict }) => verdict === 'approve');
      const isOpen = (approvals: readonly HeldApproval[]) =>
        canStillBeMet(now, request, requirements, approvals, nowMs);
      // A person approves once: with another key of theirs they would be missing where theirs is the one that is wanted.
      if (isOpen(given) && !isOpen([...given, { ...approval, personId }])) {
        const wanted = approvalWords(requirements).slice(0, 200);
        return refused('approval-class-wanted', { transferId, personId, wanted });
      }
    }
    const { credentialId, verdict, signature, follows = null } = approval;
    await db.insert(ApprovalRow, { ...key, credentialId, verdict, signature, follows, receivedAtMs: nowMs });
    return accepted(personId);
  }

  /** Does it name only what is here, and count for something that is still missing? A person approves once: not too early. */
  private async checkTurn(
    db: EntityManager,
    { row, statement, request }: Waiting,
    approval: HeldApproval,
    requirements: readonly ApprovalRequirement[],
    now: Governance,
    nowMs: number,
  ): Promise<Outcome<string, 'approval-follows-unknown' | 'approval-out-of-turn'>> {
    const { transferId } = row;
    const { personId, follows = [] } = approval;
    const held = await heldApprovals(db, transferId, statement);
    const missingWith = (approvals: readonly HeldApproval[]) =>
      countApprovals(now, request, { statement, approvals }, requirements, this.parts.verifier, nowMs)
        ?.missing;
    const known = held
      .filter(({ verdict }) => verdict === 'approve')
      .map((one) => givenApprovalDigest(approvalOf(one), statement));
    const unknown = follows.find((digest) => !known.includes(digest));
    if (unknown !== undefined)
      return refused('approval-follows-unknown', { transferId, personId, digest: unknown });
    const before = missingWith(held) ?? requirements;
    const after = missingWith([...held, approval]);
    if (after === undefined || JSON.stringify(after) === JSON.stringify(before)) {
      const missing = approvalWords(before).slice(0, 200);
      return refused('approval-out-of-turn', { transferId, personId, follows: follows.length, missing });
    }
    return accepted(personId);
  }

  private async approveIfComplete(
    db: EntityManager,
    { row, statement, request }: Waiting,
    personId: string,
    now: Governance,
    nowMs: number,
  ): Promise<void> {
    const approvals = await heldApprovals(db, row.transferId, statement);
    const held = { statement, approvals };
    const knowledge = await knowledgeOf(db, this.parts, now, request, nowMs);
    const assessed = assess(now, request, held, knowledge, () => 0n, this.parts.verifier, nowMs);
    // Facts may want others to approve by now, or be missing: the step that looks at it next finds that out.
    if (this.parts.facts.isServed) await wake(db, 'transfer', row.transferId, nowMs);
    if (assessed.kind === 'refused' || assessed.value.missing.length > 0) return;
    const facts = {
      approvers: assessed.value.approvals
        .map((one) => one.personId)
        .join(', ')
        .slice(0, 500),
    };
    const move = { reason: 'approvals-complete', facts, nowMs, by: `person:${personId}` };
    await moveTransfer(db, row, 'approved', move);
    await wake(db, 'wallet', row.walletId, nowMs);
  }
}
