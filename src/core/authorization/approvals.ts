// Which persons have validly approved a transfer. Whether they are enough is the policy's question, not asked here.

import { accepted, type Outcome, refused } from '../fault.js';
import { isSignedBy } from '../governance/quorum.js';
import { type GovernanceState, holderOf } from '../governance/state.js';
import {
  type Approval,
  approvalBytes,
  matchStatement,
  type StatementMismatchCode,
  type TransferStatement,
} from '../statements/approval.js';
import type { SignatureVerifier } from '../statements/signature.js';
import type { VerifiedRequest } from './requests.js';

export type ApprovalRefusalCode =
  | StatementMismatchCode
  | 'approval-without-statement'
  | 'policy-not-in-force'
  | 'governance-head-unknown'
  | 'approval-expired'
  | 'approval-is-rejection'
  | 'approver-not-in-roster'
  | 'approver-is-requester'
  | 'approver-duplicate'
  | 'approval-signature-invalid';

/** Persons who can never approve a request: who asked for it, and whoever else its key speaks for. */
export function excludedApprovers(request: VerifiedRequest): ReadonlySet<string> {
  return new Set([request.statement.requester, ...request.key.owners]);
}

/** Does the statement pin what is in force, and is it alive? Input is hostile. */
export function verifyStatement(
  state: GovernanceState,
  request: VerifiedRequest,
  statement: TransferStatement,
  nowMs: number,
  pastExpiry = false,
): Outcome<TransferStatement, ApprovalRefusalCode> {
  const { transferId } = request;
  const matched = matchStatement(statement, request.statement);
  if (matched.kind === 'refused') return refused(matched.code, { transferId, ...matched.facts });
  if (statement.policyHash !== state.policyHash) {
    return refused('policy-not-in-force', {
      transferId,
      statement: statement.policyHash,
      inForce: state.policyHash,
    });
  }
  // An older head is no fault by itself: whoever signed must be in the roster now, and the policy must be in force now, and
  // have been since.
  const seen = state.history.lastIndexOf(statement.governanceHead);
  if (seen < 0)
    return refused('governance-head-unknown', { transferId, statement: statement.governanceHead });
  if (seen < state.policiesSince) {
    return refused('policy-not-in-force', { transferId, statement: seen, inForceSince: state.policiesSince });
  }
  if (statement.expiresAtMs <= nowMs && !pastExpiry) {
    return refused('approval-expired', { transferId, expiresAtMs: statement.expiresAtMs, nowMs });
  }
  return accepted(statement);
}

/** The person behind one approval of a verified statement. Input is hostile. */
export function verifyApproval(
  state: GovernanceState,
  request: VerifiedRequest,
  statement: TransferStatement,
  approval: Approval,
  verifier: SignatureVerifier,
): Outcome<string, ApprovalRefusalCode> {
  const about = { transferId: request.transferId, credentialId: approval.credentialId };
  const holder = holderOf(state, approval.credentialId);
  if (!holder) return refused('approver-not-in-roster', about);
  const bytes = approvalBytes(approval.verdict, statement);
  if (!isSignedBy(holder.credential, bytes, approval.signature, verifier)) {
    return refused('approval-signature-invalid', about);
  }
  const { personId } = holder.person;
  if (excludedApprovers(request).has(personId))
    return refused('approver-is-requester', { ...about, personId });
  return accepted(personId);
}

/**
 * The distinct persons who approved. One bad approval refuses all: whoever sends it is mistaken or up to something,
 * and both are to be noticed. A person counts once, whatever credentials they hold.
 */
export function verifyApprovals(
  state: GovernanceState,
  request: VerifiedRequest,
  statement: TransferStatement | null,
  approvals: readonly Approval[],
  verifier: SignatureVerifier,
  nowMs: number,
  pastExpiry = false,
): Outcome<ReadonlySet<string>, ApprovalRefusalCode> {
  const { transferId } = request;
  const persons = new Set<string>();
  if (statement === null) {
    return approvals.length === 0 ? accepted(persons) : refused('approval-without-statement', { transferId });
  }
  const verified = verifyStatement(state, request, statement, nowMs, pastExpiry);
  if (verified.kind === 'refused') return verified;
  for (const approval of approvals) {
    const person = verifyApproval(state, request, statement, approval, verifier);
    if (person.kind === 'refused') return person;
    if (approval.verdict !== 'approve')
      return refused('approval-is-rejection', { transferId, personId: person.value });
    if (persons.has(person.value))
      return refused('approver-duplicate', { transferId, personId: person.value });
    persons.add(person.value);
  }
  return accepted(persons);
}
