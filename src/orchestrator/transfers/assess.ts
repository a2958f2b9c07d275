// What governance and policy say of a transfer at one moment: may it go on, whose approvals count, whose are missing.
// Pure. It is asked again before every step that rests on it, since governance may have changed; and the signer asks
// the same questions of the decoded bytes, whatever the answer here.

import {
  excludedApprovers,
  followsAmong,
  verifyApproval,
  verifyStatement,
} from '../../core/authorization/approvals.js';
import { checkKinds, type KindRefusalCode } from '../../core/authorization/kinds.js';
import {
  type KnownContent,
  type RequestRefusalCode,
  type VerifiedRequest,
  verifyRequest,
} from '../../core/authorization/requests.js';
import { type Asked, situationOf } from '../../core/authorization/situation.js';
import { type KnownFacts, NO_FACTS } from '../../core/facts/verify.js';
import { accepted, type Facts, type Outcome, refused } from '../../core/fault.js';
import { classesHeld, type GovernanceState, groupsAt } from '../../core/governance/state.js';
import { scriptOfAddress } from '../../core/intents/bitcoin/address.js';
import { ethereumAddress } from '../../core/intents/ethereum/address.js';
import {
  approvalRequirement,
  countsFor,
  isReachable,
  missingApprovals,
} from '../../core/policy/approvals.js';
import { spanOf } from '../../core/policy/counter.js';
import { chargesOf, decide, type Explanation, explain, factsFor } from '../../core/policy/decide.js';
import { isOrdered } from '../../core/policy/steps.js';
import type {
  ApprovalRequirement,
  Decision,
  Known,
  LimitCharge,
  LimitUsage,
  PolicyRefusalCode,
  Situation,
} from '../../core/policy/types.js';
import type { Approval, TransferStatement } from '../../core/statements/approval.js';
import type { SignedRequest } from '../../core/statements/request.js';
import type { SignatureVerifier } from '../../core/statements/signature.js';
import type { Governance } from '../governance/governance.service.js';
import type { StoredDecision, TransferRow } from './transfer.entity.js';

export type Permission = Exclude<Decision, { readonly kind: 'refuse' }>;

/** An approval whose person was known when it came. */
export interface HeldApproval extends Approval {
  readonly personId: string;
}

export interface Assessment {
  readonly request: VerifiedRequest;
  readonly decision: Permission;
  /** False when officers have to sign and there is no statement, or not one that is in force. */
  readonly statementInForce: boolean;
  /** Those that count now: over the statement in force, by people who are still in the roster. */
  readonly approvals: readonly HeldApproval[];
  readonly missing: readonly ApprovalRequirement[];
}

export type AssessmentRefusalCode = PolicyRefusalCode;

export type DestinationRefusalCode = 'destination-invalid' | KindRefusalCode;

/** Is this a destination on its chain, written as it must be, and one for a transfer of this kind? Input is hostile. */
export function checkDestination(
  state: GovernanceState,
  request: AskedAbout,
): Outcome<undefined, DestinationRefusalCode> {
  const { chain, statement } = request;
  const { destination } = statement;
  const written =
    chain.family === 'bitcoin' ? scriptOfAddress(destination, chain.network) : ethereumAddress(destination);
  return written.kind === 'refused' ? written : checkKinds(state, [{ request, destination }]);
}

/** A verified request; or what somebody imagines, which is no transfer and has no id. */
export type AskedAbout = KnownContent & Partial<Pick<VerifiedRequest, 'transferId'>>;

/** What the bytes of its transaction will have to do. */
function movementOf(request: KnownContent): Asked {
  const { asset, amount, destination } = request.statement;
  return {
    request,
    contract: asset.kind === 'native' ? 'native' : asset.contract.toLowerCase(),
    amount: BigInt(amount),
    destination,
  };
}

/** What this side knows beside request and governance. */
export interface Knowledge {
  readonly known: Known | undefined;
  readonly facts: KnownFacts;
}

function situationFor(
  { state, policies }: Governance,
  request: KnownContent,
  { known, facts }: Knowledge,
): Situation {
  return situationOf(movementOf(request), state, policies, () => known, facts);
}

/** Subjects of the facts that policy could ask for about a transfer. */
export function factsWanted(governance: Governance, request: KnownContent): readonly string[] {
  return factsFor(
    governance.policies,
    situationFor(governance, request, { known: undefined, facts: NO_FACTS }),
  );
}

/** The counters that a transfer would charge. */
export function chargesFor(
  governance: Governance,
  request: KnownContent,
  knowledge: Knowledge,
): readonly LimitCharge[] {
  return chargesOf(governance.policies, situationFor(governance, request, knowledge));
}

/** The decision that `assess` rests on, with what led to it. */
export function explained(
  governance: Governance,
  request: KnownContent,
  knowledge: Knowledge,
  usage: LimitUsage,
): Explanation {
  return explain(governance.policies, situationFor(governance, request, knowledge), usage);
}

/** Verifies a request and its destination. Input is hostile. */
export function verifyTransfer(
  governance: Governance,
  request: SignedRequest,
  verifier: SignatureVerifier,
  nowMs: number,
  isSigned = false,
): Outcome<VerifiedRequest, RequestRefusalCode | DestinationRefusalCode> {
  const verified = verifyRequest(governance.state, request, verifier, nowMs, () => isSigned);
  if (verified.kind === 'refused') return verified;
  const { transferId } = verified.value;
  const destination = checkDestination(governance.state, verified.value);
  return destination.kind === 'refused'
    ? refused(destination.code, { ...destination.facts, transferId })
    : verified;
}

/** Verifies what lay in the database: the request of a row must still be the one that made the row. */
export function verifyRow(
  governance: Governance,
  row: Pick<TransferRow, 'request' | 'transferId'>,
  verifier: SignatureVerifier,
  nowMs: number,
  isSigned = false,
): Outcome<VerifiedRequest, RequestRefusalCode | DestinationRefusalCode | 'request-altered'> {
  const verified = verifyTransfer(governance, row.request, verifier, nowMs, isSigned);
  if (verified.kind === 'refused' || verified.value.transferId === row.transferId) return verified;
  return refused('request-altered', { transferId: row.transferId, found: verified.value.transferId });
}

export interface Held {
  readonly statement: TransferStatement | null;
  readonly approvals: readonly HeldApproval[];
}

/** Assesses a verified request. `held` comes from the database and is not trusted: what does not verify does not count. */
export function assess(
  governance: Governance,
  request: VerifiedRequest,
  held: Held,
  knowledge: Knowledge,
  usage: LimitUsage,
  verifier: SignatureVerifier,
  nowMs: number,
): Outcome<Assessment, AssessmentRefusalCode> {
  const decision = decide(governance.policies, situationFor(governance, request, knowledge), usage);
  if (decision.kind === 'refuse') {
    const facts: Facts = {
      ...decision.facts,
      ...(decision.rule === undefined ? {} : { rule: decision.rule }),
    };
    return refused(decision.code, facts);
  }
  if (decision.requirements.length === 0) {
    return accepted({ request, decision, statementInForce: true, approvals: [], missing: [] });
  }
  const { requirements } = decision;
  const { statement } = held;
  const isAlive =
    statement !== null && verifyStatement(governance.state, request, statement, nowMs).kind === 'accepted';
  const counted = isAlive
    ? countApprovals(governance, request, { ...held, statement }, requirements, verifier, nowMs)
    : undefined;
  return accepted({
    request,
    decision,
    statementInForce: counted !== undefined,
    approvals: counted?.approvals ?? [],
    missing: counted?.missing ?? requirements,
  });
}

/** Approvals that count over the statement in force, and who is still missing. */
export type Counted = Pick<Assessment, 'approvals' | 'missing'>;

/**
 * Undefined where steps are asked for and one of the approvals counts for none of them any more, since what it follows does
 * not: its officer can sign again only over another statement.
 */
export function countApprovals(
  governance: Governance,
  request: VerifiedRequest,
  { statement, approvals: held }: Held & { readonly statement: TransferStatement },
  requirements: readonly ApprovalRequirement[],
  verifier: SignatureVerifier,
  nowMs: number,
): Counted | undefined {
  const approvals = held.filter((approval) => counts(governance, request, statement, approval, verifier));
  const follows = followsAmong(
    request,
    statement,
    new Map(approvals.map(({ personId, ...approval }) => [personId, approval])),
  );
  if (follows.kind === 'refused') return undefined;
  const persons = new Set(approvals.map((approval) => approval.personId));
  const given: Parameters<typeof missingApprovals> = [
    requirements,
    persons,
    groupsAt(governance.state, nowMs),
    excludedApprovers(request),
    classesHeld(
      governance.state,
      approvals.map(({ credentialId }) => credentialId),
    ),
    follows.value,
  ];
  const isLost = (person: string) => countsFor(person, ...given).length === 0;
  if (isOrdered(requirements) && [...persons].some(isLost)) return undefined;
  return { approvals, missing: missingApprovals(...given) };
}

/** Are there people enough whose approvals would do, where these have approved with what they did, and others may with whatever they hold? */
export function canStillBeMet(
  { state }: Governance,
  request: VerifiedRequest,
  requirements: readonly ApprovalRequirement[],
  given: readonly HeldApproval[],
  nowMs: number,
): boolean {
  const used = classesHeld(
    state,
    given.map(({ credentialId }) => credentialId),
  );
  const approved = given.map(({ personId }) => personId);
  const by = new Map(
    [...classesHeld(state)].map(([person, held]) => [
      person,
      approved.includes(person) ? (used.get(person) ?? held) : held,
    ]),
  );
  const everybody = new Set(state.persons.keys());
  return isReachable(requirements, everybody, groupsAt(state, nowMs), excludedApprovers(request), by);
}

/** The held approvals of a transfer that the signer would count, whatever the time: what goes into a signing order. */
export function validApprovals(
  governance: Governance,
  row: Pick<TransferRow, 'request' | 'transferId'>,
  statement: TransferStatement | null,
  approvals: readonly HeldApproval[],
  verifier: SignatureVerifier,
): readonly HeldApproval[] {
  const verified = verifyRow(governance, row, verifier, row.request.statement.createdAtMs, true);
  // The signer is asked all the same, and says what is wrong with the request.
  if (statement === null || verified.kind === 'refused') return approvals;
  return approvals.filter((approval) => counts(governance, verified.value, statement, approval, verifier));
}

function counts(
  { state }: Governance,
  request: VerifiedRequest,
  statement: TransferStatement,
  approval: HeldApproval,
  verifier: SignatureVerifier,
): boolean {
  if (approval.verdict !== 'approve') return false;
  const person = verifyApproval(state, request, statement, approval, verifier);
  return person.kind === 'accepted' && person.value === approval.personId;
}

export function storedOf(decision: Permission): StoredDecision {
  return {
    kind: decision.kind,
    rule: decision.rule,
    policyHash: decision.policyHash,
    requirements: decision.requirements.map((requirement) => approvalRequirement.parse(requirement)),
    ...(decision.holdMs !== undefined && { holdMs: decision.holdMs }),
    limits: decision.limits.map((limit) => ({
      limitId: limit.limitId,
      key: limit.key,
      ...spanOf(limit),
      amount: limit.amount.toString(),
      usedBefore: limit.usedBefore.toString(),
      usedAfter: limit.usedAfter.toString(),
      max: limit.max.toString(),
    })),
  };
}
