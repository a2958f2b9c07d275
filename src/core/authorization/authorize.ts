// May these bytes be signed? The signer asks this before it reserves and signs; an auditor asks it again of a
// certificate, years later, with the same code. Pure: state, time and counters are arguments, nothing is changed.
//
// Order: decode the bytes; ask whether the wallet is frozen; verify the requests; compare the bytes with them; verify
// facts and approvals; evaluate the policy on what was decoded. It does NOT know what was signed before, beyond what its caller says:
// outpoints, nonces and repeated request ids are the store's to refuse.

import { type FactRefusalCode, knownFacts, type VerifiedFact, verifyFacts } from '../facts/verify.js';
import { accepted, type Outcome, refused } from '../fault.js';
import { freshForMs, type HeadRefusalCode, verifyHead } from '../governance/fresh-head.js';
import { classesHeld, freezeOf, type GovernanceState, groupsAt } from '../governance/state.js';
import { approvalWords, missingApprovals } from '../policy/approvals.js';
import { decide, feeCapsOf } from '../policy/decide.js';
import type {
  Decision,
  FeeCaps,
  Known,
  LimitEffect,
  LimitUsage,
  PolicyRefusalCode,
  PolicySet,
} from '../policy/types.js';
import type { SignatureVerifier } from '../statements/signature.js';
import { type ApprovalRefusalCode, excludedApprovers, verifyApprovals } from './approvals.js';
import type { DecodedOrder, DecodeRefusalCode, Movement } from './decode-order.js';
import { type RequestRefusalCode, type VerifiedRequest, verifyRequest } from './requests.js';
import { checkKinds, type KindRefusalCode } from './kinds.js';
import { checkRetired, type RetirementRefusalCode } from './retired.js';
import type { SigningOrder } from './signing-order.js';
import { type Knowing, situationOf } from './situation.js';

export type FreezeRefusalCode = 'wallet-frozen';

export type AuthorizationRefusalCode =
  | FreezeRefusalCode
  | RetirementRefusalCode
  | KindRefusalCode
  | DecodeRefusalCode
  | RequestRefusalCode
  | ApprovalRefusalCode
  | FactRefusalCode
  | PolicyRefusalCode
  | HeadRefusalCode
  | 'wallet-mismatch'
  | 'transfer-duplicate'
  | 'approvals-insufficient'
  | 'fee-above-absolute-cap'
  | 'fee-above-relative-cap'
  | 'nothing-to-cancel'
  | 'transfer-held';

/**
 * What the caller knows of a transfer's past. `signed`: a signature for it may be out, so expiry protects nothing any more.
 * `dead`: there were some, and a quorum says that none of them can be mined: its limits stay charged, and expiry holds again.
 */
export type TransferPast = 'unseen' | 'reserved' | 'signed' | 'dead';

export interface Circumstances {
  readonly state: GovernanceState;
  readonly policies: PolicySet;
  readonly verifier: SignatureVerifier;
  /** The later of the caller's clock and of every time it has seen before. */
  readonly nowMs: number;
  readonly usage: LimitUsage;
  readonly pastOf: (transferId: string) => TransferPast;
  /**
   * How long a transfer has waited, by time that the caller measured, since everything else was in place for it under this rule
   * of the policies in force; undefined when that was never seen.
   */
  readonly heldMs: (transferId: string, rule: string) => number | undefined;
  /** Asked only where a rule for the wallet asks for it. */
  readonly knowing: Knowing;
  /** For an order without transfers: what it would cancel; undefined when nothing spends these. */
  readonly cancelled: (spends: readonly string[]) => Cancelled | undefined;
}

/** The transfers that a cancel conflicts with, taken together. Amounts in base units of the chain's coin. */
export interface Cancelled {
  /** The most that they were allowed to cost. */
  readonly feeCeiling: bigint;
  /** What they were to move; undefined when there is no such sum, as for tokens. */
  readonly moved: bigint | undefined;
}

export type Permission = Exclude<Decision, { readonly kind: 'refuse' }>;

export interface AuthorizedTransfer {
  readonly request: VerifiedRequest;
  readonly decision: Permission;
  /** Limits to charge; empty when an earlier reservation for this transfer charged them already. */
  readonly limits: readonly LimitEffect[];
  readonly approvers: readonly string[];
  readonly past: TransferPast;
  /** What the decision rests on beside request, bytes and governance; undefined where no rule asks for more. */
  readonly knew: Known | undefined;
  /** How long it was held; undefined where its rule does not hold, or did when it was reserved the first time. */
  readonly heldMs: number | undefined;
}

/** An order that may be signed as far as bytes, signatures, governance and policy go. */
export interface Authorization {
  readonly decoded: DecodedOrder;
  readonly transfers: readonly AuthorizedTransfer[];
}

type Result<T> = Outcome<T, AuthorizationRefusalCode>;

/** Verifies the requests of an order. All are for the order's wallet, none is there twice. */
function verifyRequests(order: SigningOrder, given: Circumstances): Result<readonly VerifiedRequest[]> {
  const requests: VerifiedRequest[] = [];
  const seen = new Set<string>();
  for (const { request } of order.transfers) {
    const isSigned = (transferId: string) => given.pastOf(transferId) === 'signed';
    const verified = verifyRequest(given.state, request, given.verifier, given.nowMs, isSigned);
    if (verified.kind === 'refused') return verified;
    const { transferId, statement } = verified.value;
    if (statement.wallet !== order.wallet)
      return refused('wallet-mismatch', { transferId, wallet: statement.wallet });
    if (seen.has(transferId)) return refused('transfer-duplicate', { transferId });
    seen.add(transferId);
    requests.push(verified.value);
  }
  return accepted(requests);
}

/** Usage as the caller counts it, plus what the transfers before this one in the same order charge. */
function withEarlier(usage: LimitUsage, earlier: readonly AuthorizedTransfer[]): LimitUsage {
  return (charge) => {
    const sameCounter = earlier
      .flatMap((transfer) => transfer.limits)
      .filter((limit) => limit.limitId === charge.limitId && limit.key === charge.key);
    return sameCounter.reduce((sum, limit) => sum + limit.amount, usage(charge));
  };
}

function decideTransfer(
  movement: Movement,
  given: Circumstances,
  facts: readonly VerifiedFact[],
  usage: LimitUsage,
): Result<Pick<AuthorizedTransfer, 'decision' | 'limits' | 'knew'>> {
  const { request } = movement;
  // What was reserved once has charged its limits and keeps them; charging a replacement again would count it twice.
  const charged = given.pastOf(request.transferId) !== 'unseen';
  const situation = {
    ...situationOf(movement, given.state, given.policies, given.knowing),
    facts: knownFacts(given.state, facts, request.transferId),
  };
  const decision = decide(given.policies, situation, charged ? () => 0n : usage);
  if (decision.kind === 'refuse') {
    return refused(decision.code, {
      ...decision.facts,
      transferId: request.transferId,
      rule: decision.rule ?? 'none',
    });
  }
  return accepted({ decision, limits: charged ? [] : decision.limits, knew: situation.known });
}

/** What is moved in the chain's own coin; undefined when a token is among it, which has no common unit with the fee. */
function movedOf(movements: readonly Movement[]): bigint | undefined {
  if (movements.some((movement) => movement.contract !== 'native')) return undefined;
  return movements.reduce((sum, movement) => sum + movement.amount, 0n);
}

/** Both caps hold, each at its own edge; the relative one wherever fee and amount are of the same coin. */
function checkFeeCaps(maxFee: bigint, moved: bigint | undefined, caps: FeeCaps): Result<bigint> {
  if (maxFee > caps.absoluteMax) {
    return refused('fee-above-absolute-cap', { maxFee: maxFee.toString(), cap: caps.absoluteMax.toString() });
  }
  if (moved !== undefined && maxFee * 10_000n > moved * caps.relativeMaxBasisPoints) {
    return refused('fee-above-relative-cap', {
      maxFee: maxFee.toString(),
      moved: moved.toString(),
      basisPoints: caps.relativeMaxBasisPoints.toString(),
    });
  }
  return accepted(maxFee);
}

/** Nobody approves this one: then somebody has said today that the log is whole. What may be out already is not held up. */
function checkUnattended(
  { head }: SigningOrder,
  decision: Permission,
  { state, verifier, nowMs, pastOf }: Circumstances,
  transferId: string,
): Result<undefined> {
  if (decision.kind !== 'allow' || pastOf(transferId) === 'signed') return accepted(undefined);
  const verified = verifyHead(state, head, freshForMs(state.timelock), verifier, nowMs);
  return verified.kind === 'refused' ? verified : accepted(undefined);
}

function authorizeTransfers(
  order: SigningOrder,
  movements: readonly Movement[],
  facts: readonly VerifiedFact[],
  given: Circumstances,
): Result<readonly AuthorizedTransfer[]> {
  const authorized: AuthorizedTransfer[] = [];
  for (const [index, movement] of movements.entries()) {
    const { request } = movement;
    const { transferId } = request;
    const ordered = order.transfers[index];
    if (!ordered) return refused('policy-error', { transferId });
    const approved = verifyApprovals(
      given.state,
      request,
      ordered.statement,
      ordered.approvals,
      given.verifier,
      given.nowMs,
      given.pastOf(transferId) === 'signed',
    );
    if (approved.kind === 'refused') return approved;
    const { persons, follows } = approved.value;
    const decided = decideTransfer(movement, given, facts, withEarlier(given.usage, authorized));
    if (decided.kind === 'refused') return decided;
    const { decision, limits, knew } = decided.value;
    const fresh = checkUnattended(order, decision, given, transferId);
    if (fresh.kind === 'refused') return fresh;
    const missing = missingApprovals(
      decision.requirements,
      persons,
      groupsAt(given.state, given.nowMs),
      excludedApprovers(request),
      classesHeld(
        given.state,
        ordered.approvals.map(({ credentialId }) => credentialId),
      ),
      follows,
    );
    if (missing.length > 0) {
      return refused('approvals-insufficient', {
        transferId,
        rule: decision.rule,
        missing: approvalWords(missing),
      });
    }
    authorized.push({
      request,
      decision,
      limits,
      approvers: [...persons],
      past: given.pastOf(transferId),
      knew,
      heldMs: mustWait(decision, given.pastOf(transferId))
        ? given.heldMs(transferId, decision.rule)
        : undefined,
    });
  }
  return accepted(authorized);
}

/** What was reserved once has waited; what replaces it does not wait again. */
function mustWait({ holdMs }: Permission, past: TransferPast): boolean {
  return holdMs !== undefined && past === 'unseen';
}

/** Asked last: a hold begins when nothing else is missing. */
function checkHolds(transfers: readonly AuthorizedTransfer[]): Result<never> | undefined {
  for (const { request, decision, past, heldMs } of transfers) {
    const { holdMs = 0, rule } = decision;
    if (!mustWait(decision, past) || (heldMs !== undefined && heldMs >= holdMs)) continue;
    const leftMs = holdMs - (heldMs ?? 0);
    return refused('transfer-held', {
      transferId: request.transferId,
      rule,
      leftMs,
      begins: heldMs === undefined,
    });
  }
  return undefined;
}

/** No rule is asked about a cancel, since nothing leaves the wallet; what it may cost is bounded as for a payment. */
function authorizeCancel(
  order: SigningOrder,
  decoded: DecodedOrder,
  given: Circumstances,
): Result<Authorization> {
  const { walletId, tier } = decoded.wallet;
  const cancelled = given.cancelled(decoded.spends);
  if (cancelled === undefined) return refused('nothing-to-cancel', { wallet: order.wallet });
  const matched = decoded.matchCancel(cancelled.feeCeiling);
  if (matched.kind === 'refused') return matched;
  const caps = feeCapsOf(given.policies, { wallet: walletId, tier });
  if (caps === undefined) return refused('policy-no-match', { wallet: order.wallet });
  const capped = checkFeeCaps(decoded.maxFee, cancelled.moved, caps);
  return capped.kind === 'refused' ? capped : accepted({ decoded, transfers: [] });
}

/** Is anything signed for this wallet at all? Until a quorum thaws it nothing is, not even what bumps a fee or cancels. */
export function checkFreeze(state: GovernanceState, walletId: string): Outcome<undefined, FreezeRefusalCode> {
  const freeze = freezeOf(state, walletId);
  return freeze === undefined
    ? accepted(undefined)
    : refused('wallet-frozen', {
        wallet: walletId,
        scope: freeze.scope.kind,
        entry: freeze.sequence,
        why: freeze.why,
      });
}

/**
 * Judges an order whose bytes were decoded under the same governance state. The order is hostile; the circumstances are
 * the caller's own. Total: whatever is not allowed is refused.
 */
export function authorize(
  order: SigningOrder,
  decoded: DecodedOrder,
  given: Circumstances,
): Result<Authorization> {
  const free = checkFreeze(given.state, decoded.wallet.walletId);
  if (free.kind === 'refused') return free;
  const requests = verifyRequests(order, given);
  if (requests.kind === 'refused') return requests;
  // Those of a cancel as well, though no rule asks for them: what is signed with is what later facts are compared with.
  const facts = verifyFacts(given.state, order.facts ?? [], given.verifier, given.nowMs);
  if (facts.kind === 'refused') return facts;
  if (requests.value.length === 0) return authorizeCancel(order, decoded, given);
  const movements = decoded.matchPayments(requests.value);
  if (movements.kind === 'refused') return movements;
  const retired = checkRetired(given.state, decoded.wallet.walletId, movements.value);
  if (retired.kind === 'refused') return retired;
  const kinds = checkKinds(given.state, movements.value);
  if (kinds.kind === 'refused') return kinds;
  const transfers = authorizeTransfers(order, movements.value, facts.value, given);
  if (transfers.kind === 'refused') return transfers;
  for (const { decision } of transfers.value) {
    const capped = checkFeeCaps(decoded.maxFee, movedOf(movements.value), decision.feeCaps);
    if (capped.kind === 'refused') return capped;
  }
  return checkHolds(transfers.value) ?? accepted({ decoded, transfers: transfers.value });
}
