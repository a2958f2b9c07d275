// Which persons have validly approved a transfer. Whether they are enough is the policy's question, not asked here.

import { accepted, type Outcome, refused } from '../fault.js';
import { isSignedBy } from '../governance/quorum.js';
import { type GovernanceState, holderOf } from '../governance/state.js';
import {
  type Approval,
  approvalBytes,
  givenApprovalDigest,
  matchStatement,
  type StatementMismatchCode,
  type TransferStatement,
} from '../statements/approval.js';
import { type Follows, NOBODY_FOLLOWS } from '../policy/steps.js';
import type { SignatureVerifier } from '../statements/signature.js';
import type { KnownContent, VerifiedRequest } from './requests.js';

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
  | 'approval-follows-unknown'
  | 'approval-signature-invalid';

/** Persons who can never approve a request: who asked for it, and whoever else its key speaks for. */
export function excludedApprovers(request: Pick<KnownContent, 'statement' | 'key'>): ReadonlySet<string> {
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
  const bytes = approvalBytes(approval.verdict, statement, approval.follows);
  if (!isSignedBy(holder.credential, bytes, approval.signature, verifier)) {
    return refused('approval-signature-invalid', about);
  }
  const { personId } = holder.person;
  if (excludedApprovers(request).has(personId))
    return refused('approver-is-requester', { ...about, personId });
  return accepted(personId);
}

/** Valid approvals over one statement, by the person behind each. */
export type ApprovedBy = ReadonlyMap<string, Approval>;

/**
 * Whose approvals each of these follows. Refuses `approval-follows-unknown` for one that names anything but one of these: of
 * what is not there nobody can say what it was.
 */
export function followsAmong(
  { transferId }: VerifiedRequest,
  statement: TransferStatement,
  approvedBy: ApprovedBy,
): Outcome<Follows, 'approval-follows-unknown'> {
  const found = new Map<string, ReadonlySet<string>>();
  if ([...approvedBy.values()].every(({ follows }) => follows === undefined)) return accepted(found);
  const personOf = new Map(
    [...approvedBy].map(([personId, given]) => [givenApprovalDigest(given, statement), personId]),
  );
  for (const [personId, { follows = [] }] of approvedBy) {
    const persons = new Set<string>();
    for (const digest of follows) {
      const followed = personOf.get(digest);
      if (followed === undefined)
        return refused('approval-follows-unknown', { transferId, personId, digest });
      persons.add(followed);
    }
    found.set(personId, persons);
  }
  return accepted(found);
}

export interface Approvals {
  /** The distinct persons who approved. */
  readonly persons: ReadonlySet<string>;
  readonly follows: Follows;
}

/**
 * Who approved, and after whom. One bad approval refuses all: whoever sends it is mistaken or up to something,
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
): Outcome<Approvals, ApprovalRefusalCode> {
  const { transferId } = request;
  const approvedBy = new Map<string, Approval>();
  if (statement === null) {
    return approvals.length === 0
      ? accepted({ persons: new Set<string>(), follows: NOBODY_FOLLOWS })
      : refused('approval-without-statement', { transferId });
  }
  const verified = verifyStatement(state, request, statement, nowMs, pastExpiry);
  if (verified.kind === 'refused') return verified;
  for (const approval of approvals) {
    const person = verifyApproval(state, request, statement, approval, verifier);
    if (person.kind === 'refused') return person;
    if (approval.verdict !== 'approve')
      return refused('approval-is-rejection', { transferId, personId: person.value });
    if (approvedBy.has(person.value))
      return refused('approver-duplicate', { transferId, personId: person.value });
    approvedBy.set(person.value, approval);
  }
  const follows = followsAmong(request, statement, approvedBy);
  if (follows.kind === 'refused') return follows;
  return accepted({ persons: new Set(approvedBy.keys()), follows: follows.value });
}
