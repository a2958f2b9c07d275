// What holds of a reservation whatever the rules of decision were: who asked, what the bytes do, who approved, who said what of the
// world, and which keys sign. Which rule matched and what limits came to is for a verifier that has those rules.

import { verifyApprovals } from '../authorization/approvals.js';
import type { AuthorizationRefusalCode } from '../authorization/authorize.js';
import type { DecodedOrder } from '../authorization/decode-order.js';
import { type VerifiedRequest, verifyRequest } from '../authorization/requests.js';
import { verifyFacts } from '../facts/verify.js';
import { accepted, type Outcome, refused } from '../fault.js';
import type { GovernanceState } from '../governance/state.js';
import { canonicalJson } from '../statements/canonical-json.js';
import type { SignatureVerifier } from '../statements/signature.js';
import { type Reservation, reservationOf } from './reservation.js';

type Found<T> = Outcome<
  T,
  AuthorizationRefusalCode | 'certificate-intent-mismatch' | 'certificate-reservation-mismatch'
>;

/** The requests of an order with their approvals, each signed by whom it says. */
function signedRequests(
  { order, transfers, at }: Reservation,
  state: GovernanceState,
  verifier: SignatureVerifier,
): Found<readonly VerifiedRequest[]> {
  const signed = new Set(
    transfers.flatMap(({ decision }) => (decision.past === 'signed' ? decision.transferId : [])),
  );
  const requests: VerifiedRequest[] = [];
  for (const { request, statement, approvals } of order.transfers) {
    const verified = verifyRequest(state, request, verifier, at.wallMs, (transferId) =>
      signed.has(transferId),
    );
    if (verified.kind === 'refused') return verified;
    const pastExpiry = signed.has(verified.value.transferId);
    const approved = verifyApprovals(
      state,
      verified.value,
      statement,
      approvals,
      verifier,
      at.wallMs,
      pastExpiry,
    );
    if (approved.kind === 'refused') return approved;
    requests.push(verified.value);
  }
  return accepted(requests);
}

/** Everything but what was decided. */
function undecided({ transfers, documents: _, ...rest }: Reservation): string {
  const asked = transfers.map(({ decision: { transferId }, requestId, requestDigest, feeCeiling }) => ({
    transferId,
    requestId,
    requestDigest,
    feeCeiling,
  }));
  return canonicalJson({ ...rest, asked });
}

/** The reservation is hostile; `decoded` are its bytes, read under the state that it names. */
export function checkUndecided(
  reservation: Reservation,
  decoded: DecodedOrder,
  state: GovernanceState,
  verifier: SignatureVerifier,
): Found<undefined> {
  const { order, at } = reservation;
  const requests = signedRequests(reservation, state, verifier);
  if (requests.kind === 'refused') return requests;
  const facts = verifyFacts(state, order.facts ?? [], verifier, at.wallMs);
  if (facts.kind === 'refused') return facts;
  const matched =
    requests.value.length === 0 ? decoded.matchCancel(decoded.maxFee) : decoded.matchPayments(requests.value);
  if (matched.kind === 'refused') return matched;
  const found = reservationOf({ decoded, transfers: [] }, order, state, reservation);
  if (canonicalJson(found.intent) !== canonicalJson(reservation.intent))
    return refused('certificate-intent-mismatch');
  const asked = requests.value.map(({ transferId, digest, statement: { requestId, feeCeiling } }) => ({
    transferId,
    requestId,
    requestDigest: digest,
    feeCeiling,
  }));
  const { transfers: _, documents: __, ...rest } = found;
  return canonicalJson({ ...rest, asked }) === undecided(reservation)
    ? accepted(undefined)
    : refused('certificate-reservation-mismatch');
}
