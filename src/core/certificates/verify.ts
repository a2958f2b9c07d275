// Checking a decision certificate with nothing running: only the certificate, the governance log, and this code. It does
// again what the signer did: replays governance, decodes the bytes, verifies requests and approvals, evaluates the
// policy; then it verifies the transaction's own signatures. What cannot be known offline is listed, not assumed.

import type { z } from 'zod';
import { type AuthorizationRefusalCode, authorize } from '../authorization/authorize.js';
import { isRecounted } from '../authorization/decision-version.js';
import { type DecodedOrder, decodeOrder } from '../authorization/decode-order.js';
import type { Knowing } from '../authorization/situation.js';
import { accepted, type Facts, Fault, type Outcome, refused } from '../fault.js';
import { type Vouching, vouchingAt } from '../governance/attestation-key.js';
import { entryHash, type GovernanceEntry } from '../governance/entry.js';
import { lookAlikeOf } from '../governance/known-addresses.js';
import { type GovernanceState, whitelistedAt } from '../governance/state.js';
import { verifySignedBitcoin } from '../intents/bitcoin/assemble.js';
import { addressOfPublicKey } from '../intents/ethereum/address.js';
import { verifySignedEthereum } from '../intents/ethereum/assemble.js';
import type { LimitUsage } from '../policy/types.js';
import { type BurialRefusalCode, verifyBurial } from '../recovery/burial.js';
import { canonicalJson } from '../statements/canonical-json.js';
import { requestDigest, transferIdOf } from '../statements/request.js';
import type { SignatureVerifier } from '../statements/signature.js';
import { type AttestationRefusalCode, verifyAttestation } from './attestation.js';
import {
  type AttestationStatement,
  type Certificate,
  decisionsOf,
  isSigned,
  certificate as schema,
} from './certificate.js';
import { type CertifiedDecision, knownFrom } from './decision.js';
import { History } from './history.js';
import { checkUndecided } from './other-rules.js';
import { BEFORE_FIRST_RESERVATION, journalHashOf, type Reservation, reservationOf } from './reservation.js';
import { fromBefore, provedWords, trustedWords } from './words.js';

export type CertificateRefusalCode =
  | AuthorizationRefusalCode
  | AttestationRefusalCode
  | 'certificate-malformed'
  | 'certificate-other-deployment'
  | 'certificate-log-too-short'
  /** The governance log does not replay. */
  | 'certificate-log-invalid'
  | 'certificate-governance-mismatch'
  | 'certificate-policy-mismatch'
  | 'certificate-decision-mismatch'
  /** What the signer saw in the bytes is not what is in them. */
  | 'certificate-intent-mismatch'
  /** Something else of the reservation does not follow from the order and the governance log. */
  | 'certificate-reservation-mismatch'
  /** The journal's hash is not that of the reservation. */
  | 'certificate-journal-mismatch'
  | 'certificate-burial-missing'
  | BurialRefusalCode
  | 'certificate-transaction-mismatch'
  /** That nothing was signed is the signer's word, and it is not there. */
  | 'certificate-attestation-missing';

export interface Verified {
  readonly certificate: Certificate;
  /** What the signer attests; undefined where it has not yet. */
  readonly attested: AttestationStatement | undefined;
  /** The key that vouches for it, attested or not yet: the one under which it was reserved. */
  readonly vouching: Vouching;
  /** It was decided by rules that this code does not have: what they came to is taken on trust, and the rest is checked. */
  readonly otherRules: boolean;
  /** Sentences about what was checked. */
  readonly proved: readonly string[];
  /** Sentences about what the certificate says and nothing here can check. */
  readonly trusted: readonly string[];
  /** Those of them that follow from the certificates before it, where they are all there (reckoning.ts). */
  readonly fromBefore: readonly string[];
}

/** The usage that the certificate says each limit had: taken on trust, and named so in the result. */
function claimedUsage(decisions: readonly CertifiedDecision[]): LimitUsage {
  // A batch charges one counter several times; the engine adds up earlier charges itself, so the first claim counts.
  return ({ limitId, key }) => {
    const claims = decisions.flatMap((decision) => decision.limits);
    return BigInt(claims.find((claim) => claim.limitId === limitId && claim.key === key)?.usedBefore ?? '0');
  };
}

/**
 * What the certificate says that the signer knew: taken on trust as well, but for what is in the log. What
 * replaces an earlier transaction is judged by what was known then, under a log that may have been shorter.
 */
function claimedKnowledge({ transfers, at }: Reservation, state: GovernanceState): Knowing {
  const decisions = transfers.map(({ decision }) => decision);
  return ({ request: { transferId, wallet, chain }, destination }) => {
    const decision = decisions.find((one) => one.transferId === transferId);
    if (!decision?.knew) return undefined;
    const known = knownFrom(decision.knew);
    if (decision.past === 'signed') return known;
    const place = { chain: chain.chain, address: destination, tier: wallet.tier };
    const listed = whitelistedAt(state, place, at.wallMs);
    const ageMs = known.whitelist?.ageMs ?? 0;
    return {
      ...known,
      // Hours are told by the moment of the decision and no other.
      atMs: known.atMs === undefined ? undefined : at.wallMs,
      // Own addresses and those of the whitelist are known here too.
      lookAlikeOf: lookAlikeOf(
        state,
        place,
        at.wallMs,
        known.lookAlikeOf === undefined ? [] : [known.lookAlikeOf],
      ),
      whitelist: listed && { entryId: listed.entryId, label: listed.label, ageMs },
    };
  };
}

/** The log up to the entry under which the signer says it decided. Entries after it do not matter to this certificate. */
function replayedTo({ reservation: { governanceSequence } }: Certificate, history: History) {
  const { log } = history;
  if (log.length <= governanceSequence) {
    return refused('certificate-log-too-short', {
      entries: log.length,
      needed: governanceSequence + 1,
    });
  }
  return replayedLog(history, governanceSequence);
}

/** As far as an entry. That the log does not hold is told apart from what does not hold of a certificate under it. */
function replayedLog(
  history: History,
  sequence: number,
): Outcome<GovernanceState, 'certificate-log-invalid'> {
  const replayed = history.at(sequence);
  return replayed.kind === 'refused'
    ? refused('certificate-log-invalid', { ...replayed.facts, log: replayed.code })
    : replayed;
}

/** Is it the state that the certificate names? */
function checkState(
  { reservation: { governanceHead, policyHash } }: Certificate,
  state: GovernanceState,
): Outcome<undefined, CertificateRefusalCode> {
  if (state.head !== governanceHead) {
    return refused('certificate-governance-mismatch', { log: state.head, certificate: governanceHead });
  }
  return state.policyHash === policyHash
    ? accepted(undefined)
    : refused('certificate-policy-mismatch', { log: state.policyHash, certificate: policyHash });
}

/** A transfer that was paid before by what is dead now: the quorum under which the signer heard it says so. */
function checkBurials(
  certified: Certificate,
  history: History,
  verifier: SignatureVerifier,
): Outcome<undefined, CertificateRefusalCode> {
  const { order, governanceSequence } = certified.reservation;
  const wanted = decisionsOf(certified).filter(({ past }) => past === 'dead');
  const named = new Set(certified.burials.flatMap(({ statement }) => statement.transferIds));
  const missing = wanted.find(({ transferId }) => !named.has(transferId));
  if (missing) return refused('certificate-burial-missing', { transferId: missing.transferId });
  for (const burial of certified.burials) {
    const { statement } = burial;
    const at = history.log.findIndex((entry) => entryHash(entry.body) === statement.governanceHead);
    if (at < 0 || at > governanceSequence) {
      return refused('certificate-burial-missing', { governanceHead: statement.governanceHead });
    }
    const then = replayedLog(history, at);
    if (then.kind === 'refused') return then;
    // Whoever asked for a transfer that is paid beside those may have signed.
    const askers = order.transfers
      .map(({ request }) => request.statement)
      .filter((request) => statement.transferIds.includes(transferIdOf(requestDigest(request))))
      .flatMap(({ requester, keyId }) => [
        requester,
        ...(then.value.everRequestKeys.get(keyId)?.owners ?? []),
      ]);
    // When the signer heard it is its word; that it was alive then is taken with it.
    const verified = verifyBurial(burial, then.value, new Set(askers), verifier, statement.createdAtMs);
    if (verified.kind === 'refused') return verified;
  }
  return accepted(undefined);
}

/** Does the log begin with the genesis that the verifying person knows, and that the certificate names? */
function checkGenesis(
  { deploymentId }: Certificate,
  [genesis]: readonly GovernanceEntry[],
  genesisHash: string,
): Outcome<undefined, CertificateRefusalCode> {
  const isKnown = genesis !== undefined && entryHash(genesis.body) === genesisHash;
  return isKnown && deploymentId === genesisHash
    ? accepted(undefined)
    : refused('certificate-other-deployment', { certificate: deploymentId, genesis: genesisHash });
}

/**
 * What the signer attests of it, if it has, with the key that was in force when it was reserved. Asked before anything else of
 * the certificate: a change anywhere fails here.
 */
function attestedOf(
  certified: Certificate,
  { key: { publicKey } }: Vouching,
  verifier: SignatureVerifier,
): Outcome<AttestationStatement | undefined, CertificateRefusalCode> {
  const { attestation, outcome, reservation } = certified;
  if (attestation) return verifyAttestation(certified, attestation, publicKey, verifier);
  return outcome.kind === 'signed'
    ? accepted(undefined)
    : refused('certificate-attestation-missing', { ordinal: reservation.ordinal, outcome: outcome.kind });
}

/** Is it the journal's entry that it says it is? */
function checkJournal(certified: Certificate): Outcome<undefined, CertificateRefusalCode> {
  const { journalPrevious, journalSequence, journalHash, reservation } = certified;
  const { ordinal, previous } = reservation;
  const isHashed =
    journalHashOf(journalPrevious, journalSequence, canonicalJson(reservation)) === journalHash;
  const isLinked = (ordinal === 1) === (previous === BEFORE_FIRST_RESERVATION);
  return isHashed && isLinked
    ? accepted(undefined)
    : refused('certificate-journal-mismatch', { ordinal, journalSequence });
}

/** Decides again, and compares with what the signer says that it has decided. */
function checkReservation(
  certified: Certificate,
  decoded: DecodedOrder,
  state: GovernanceState,
  history: History,
  verifier: SignatureVerifier,
): Outcome<undefined, CertificateRefusalCode> {
  const policies = history.policiesIn(state);
  if (policies.kind === 'refused') return refused('certificate-policy-mismatch', policies.facts);
  const { reservation } = certified;
  const { order } = reservation;
  const decisions = decisionsOf(certified);
  const pasts = new Map(decisions.map(({ transferId, past }) => [transferId, past]));
  const cancelling = order.transfers.length === 0;
  const authorized = authorize(order, decoded, {
    state,
    policies: policies.value,
    verifier,
    nowMs: reservation.at.wallMs,
    usage: claimedUsage(decisions),
    pastOf: (transferId) => pasts.get(transferId) ?? 'unseen',
    heldMs: (transferId) => decisions.find((one) => one.transferId === transferId)?.heldMs,
    knowing: claimedKnowledge(reservation, state),
    // What it cancels is the signer's word; the policy's absolute cap is checked all the same.
    cancelled: () => (cancelling ? { feeCeiling: decoded.maxFee, moved: undefined } : undefined),
  });
  if (authorized.kind === 'refused') return authorized;
  const found = reservationOf(authorized.value, order, state, reservation);
  if (canonicalJson(found.intent) !== canonicalJson(reservation.intent))
    return refused('certificate-intent-mismatch');
  const decided = found.transfers.map(({ decision }) => decision);
  if (canonicalJson(decided) !== canonicalJson(decisions)) return refused('certificate-decision-mismatch');
  return canonicalJson(found) === canonicalJson(reservation)
    ? accepted(undefined)
    : refused('certificate-reservation-mismatch');
}

function checkTransaction(
  certified: Certificate,
  { intent, wallet }: DecodedOrder,
): Outcome<undefined, CertificateRefusalCode> {
  if (!isSigned(certified)) return accepted(undefined);
  const { signedTransaction, transactionId } = certified.outcome;
  const signed =
    intent.family === 'bitcoin'
      ? verifySignedBitcoin(signedTransaction, intent)
      : verifySignedEthereum(signedTransaction, intent, addressOfPublicKey(wallet.keys[0]?.publicKey ?? ''));
  if (signed.kind === 'refused' || signed.value.transactionId !== transactionId) {
    return refused(
      'certificate-transaction-mismatch',
      signed.kind === 'refused' ? { code: signed.code } : {},
    );
  }
  return accepted(undefined);
}

/** Has it a canonical text at all? */
function isCanonical(certified: Certificate): boolean {
  try {
    canonicalJson(certified);
    return true;
  } catch (error) {
    if (error instanceof Fault && error.code === 'not-canonical') return false;
    throw error;
  }
}

const MOST_SHOWN = 120;

/** Where it is not of the form, and how; what stands there is hostile. */
function problemOf({ issues: [first] }: z.ZodError): Facts {
  const where = first?.path.map(String).join('.') ?? '';
  const why =
    first?.code === 'unrecognized_keys' ? `it has no ${JSON.stringify(first.keys)}` : first?.message;
  return {
    where: where === '' ? 'the certificate itself' : where.slice(0, MOST_SHOWN),
    why: (why ?? '').slice(0, MOST_SHOWN),
  };
}

/**
 * Checks one certificate. Both the certificate and the log are hostile; `genesisHash` is what the verifying person knows
 * from elsewhere. Refuses with the first thing that does not hold.
 */
export function verifyCertificate(
  input: unknown,
  log: readonly GovernanceEntry[],
  genesisHash: string,
  verifier: SignatureVerifier,
): Outcome<Verified, CertificateRefusalCode> {
  return verifyUnder(input, new History(log, verifier), genesisHash, verifier);
}

/** The same, for one of many under one log. */
export function verifyUnder(
  input: unknown,
  history: History,
  genesisHash: string,
  verifier: SignatureVerifier,
): Outcome<Verified, CertificateRefusalCode> {
  const parsed = schema.safeParse(input);
  if (!parsed.success) {
    return refused('certificate-malformed', problemOf(parsed.error));
  }
  const certified = parsed.data;
  if (!isCanonical(certified)) return refused('certificate-malformed', { why: 'not canonical' });
  const genesis = checkGenesis(certified, history.log, genesisHash);
  if (genesis.kind === 'refused') return genesis;
  const then = replayedTo(certified, history);
  if (then.kind === 'refused') return then;
  const vouching = vouchingAt(then.value, then.value.sequence);
  const attested = attestedOf(certified, vouching, verifier);
  if (attested.kind === 'refused') return attested;
  const named = checkState(certified, then.value);
  if (named.kind === 'refused') return named;
  const buried = checkBurials(certified, history, verifier);
  if (buried.kind === 'refused') return buried;
  const decoded = decodeOrder(certified.reservation.order, then.value);
  if (decoded.kind === 'refused') return decoded;
  const otherRules = !isRecounted(certified.reservation.signerVersion);
  const reserved = otherRules
    ? checkUndecided(certified.reservation, decoded.value, then.value, verifier)
    : checkReservation(certified, decoded.value, then.value, history, verifier);
  if (reserved.kind === 'refused') return reserved;
  const placed = checkJournal(certified);
  if (placed.kind === 'refused') return placed;
  const transaction = checkTransaction(certified, decoded.value);
  if (transaction.kind === 'refused') return transaction;
  const examined = { certified, attested: attested.value, vouching, state: then.value, otherRules };
  return accepted({
    certificate: certified,
    attested: attested.value,
    vouching,
    otherRules,
    proved: provedWords(examined),
    trusted: trustedWords(examined),
    fromBefore: fromBefore(decisionsOf(certified)),
  });
}
