// Checking a decision certificate with nothing running: only the certificate, the governance log, and this code. It does
// again what the signer did: replays governance, decodes the bytes, verifies requests and approvals, evaluates the
// policy; then it verifies the transaction's own signatures. What cannot be known offline is listed, not assumed.

import { type AuthorizationRefusalCode, authorize } from '../authorization/authorize.js';
import { decodeOrder } from '../authorization/decode-order.js';
import type { Knowing } from '../authorization/situation.js';
import { accepted, type Outcome, refused } from '../fault.js';
import { entryHash, type GovernanceEntry } from '../governance/entry.js';
import { replayLog } from '../governance/replay.js';
import { type GovernanceRefusalCode, type GovernanceState, whitelistedAt } from '../governance/state.js';
import { verifySignedBitcoin } from '../intents/bitcoin/assemble.js';
import { addressOfPublicKey } from '../intents/ethereum/address.js';
import { verifySignedEthereum } from '../intents/ethereum/assemble.js';
import { parsePolicies } from '../policy/parse.js';
import type { LimitUsage } from '../policy/types.js';
import { type BurialRefusalCode, verifyBurial } from '../recovery/burial.js';
import { canonicalJson } from '../statements/canonical-json.js';
import { requestDigest, transferIdOf } from '../statements/request.js';
import type { SignatureVerifier } from '../statements/signature.js';
import { type Certificate, type CertifiedDecision, certificate as schema } from './certificate.js';
import { certifiedDecisionOf, knownFrom } from './decision.js';

export type CertificateRefusalCode =
  | GovernanceRefusalCode
  | AuthorizationRefusalCode
  | 'certificate-malformed'
  | 'certificate-other-deployment'
  | 'certificate-log-too-short'
  | 'certificate-governance-mismatch'
  | 'certificate-policy-mismatch'
  | 'certificate-decision-mismatch'
  | 'certificate-burial-missing'
  | BurialRefusalCode
  | 'certificate-transaction-mismatch';

export interface Verified {
  readonly certificate: Certificate;
  /** Sentences about what was checked. */
  readonly proved: readonly string[];
  /** Sentences about what the certificate says and nothing here can check. */
  readonly trusted: readonly string[];
}

const MINUTE_MS = 60_000;

/** The usage that the certificate says each limit had: taken on trust, and named so in the result. */
function claimedUsage(decisions: readonly CertifiedDecision[]): LimitUsage {
  // A batch charges one counter several times; the engine adds up earlier charges itself, so the first claim counts.
  return ({ limitId, key }) => {
    const claims = decisions.flatMap((decision) => decision.limits);
    return BigInt(claims.find((claim) => claim.limitId === limitId && claim.key === key)?.usedBefore ?? '0');
  };
}

/**
 * What the certificate says that the signer knew: taken on trust as well, but for the whitelist, which is in the log. What
 * replaces an earlier transaction is judged by what was known then, under a log that may have been shorter.
 */
function claimedKnowledge({ decisions, decidedAtMs }: Certificate, state: GovernanceState): Knowing {
  return ({ request: { transferId, wallet, chain }, destination }) => {
    const decision = decisions.find((one) => one.transferId === transferId);
    if (!decision?.knew) return undefined;
    const known = knownFrom(decision.knew);
    if (decision.past === 'signed') return known;
    const place = { chain: chain.chain, address: destination, tier: wallet.tier };
    const listed = whitelistedAt(state, place, known.atMs ?? decidedAtMs);
    const ageMs = known.whitelist?.ageMs ?? 0;
    return { ...known, whitelist: listed && { entryId: listed.entryId, label: listed.label, ageMs } };
  };
}

/** In words, what it says of one transfer. */
function knowledgeWords({ transferId, knew }: CertifiedDecision): readonly string[] {
  if (!knew) return [];
  const { atMs, firstUse, lookAlikeOf, whitelist } = knew;
  return [
    `${transferId}: that its destination was ${firstUse ? 'never paid before' : 'paid before'}, and ${lookAlikeOf === undefined ? 'looks like no other known one' : `looks like ${lookAlikeOf}, which was known before`}`,
    ...(atMs === undefined
      ? []
      : [`${transferId}: that it was ${new Date(atMs).toISOString()} for its rules`]),
    ...(whitelist
      ? [
          `${transferId}: that the whitelist entry ${whitelist.entryId} had been in effect for ${Math.floor(whitelist.ageMs / MINUTE_MS)} minutes`,
        ]
      : []),
  ];
}

/** The log up to the entry under which the signer decided. Entries after it do not matter to this certificate. */
function stateThen(
  certified: Certificate,
  log: readonly GovernanceEntry[],
  genesisHash: string,
  verifier: SignatureVerifier,
) {
  const [genesis] = log;
  if (!genesis || entryHash(genesis.body) !== genesisHash || certified.deploymentId !== genesisHash) {
    return refused('certificate-other-deployment', {
      certificate: certified.deploymentId,
      genesis: genesisHash,
    });
  }
  if (log.length <= certified.governanceSequence) {
    return refused('certificate-log-too-short', {
      entries: log.length,
      needed: certified.governanceSequence + 1,
    });
  }
  const replayed = replayLog(log.slice(0, certified.governanceSequence + 1), verifier);
  if (replayed.kind === 'refused') return replayed;
  if (replayed.value.head !== certified.governanceHead) {
    return refused('certificate-governance-mismatch', {
      log: replayed.value.head,
      certificate: certified.governanceHead,
    });
  }
  if (replayed.value.policyHash !== certified.policyHash) {
    return refused('certificate-policy-mismatch', {
      log: replayed.value.policyHash,
      certificate: certified.policyHash,
    });
  }
  return replayed;
}

/** A transfer that was paid before by what is dead now: the quorum under which the signer heard it says so. */
function checkBurials(
  certified: Certificate,
  log: readonly GovernanceEntry[],
  verifier: SignatureVerifier,
): Outcome<undefined, CertificateRefusalCode> {
  const wanted = certified.decisions.filter(({ past }) => past === 'dead');
  const named = new Set(certified.burials.flatMap(({ statement }) => statement.transferIds));
  const missing = wanted.find(({ transferId }) => !named.has(transferId));
  if (missing) return refused('certificate-burial-missing', { transferId: missing.transferId });
  for (const burial of certified.burials) {
    const { statement } = burial;
    const at = log.findIndex((entry) => entryHash(entry.body) === statement.governanceHead);
    if (at < 0 || at > certified.governanceSequence) {
      return refused('certificate-burial-missing', { governanceHead: statement.governanceHead });
    }
    const then = replayLog(log.slice(0, at + 1), verifier);
    if (then.kind === 'refused') return then;
    // Whoever asked for a transfer that is paid beside those may have signed.
    const askers = certified.order.transfers
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

function proved(certified: Certificate): string[] {
  const { decisions, governanceSequence, transactionId } = certified;
  return [
    `the governance log replays from the given genesis to entry ${governanceSequence}, each entry signed by its quorum`,
    'every request is signed by a key that this log registered',
    ...decisions
      .filter(({ past }) => past !== 'signed')
      .map(({ transferId }) => `${transferId}: its request was alive at the time of the decision`),
    'the signed bytes pay exactly what was requested, to nobody else, within the fee ceilings',
    ...decisions.map(
      ({ transferId, rule, approvers }) =>
        `${transferId}: rule ${rule} of the policy in force matched; approved by ${approvers.join(', ') || 'nobody, as the rule allows'}`,
    ),
    ...certified.burials.map(
      ({ statement }) =>
        `a quorum says that ${statement.conflicting.transactionId} lies in block ${statement.conflicting.blockHeight} and keeps from the chain what was signed before for ${statement.transferIds.join(', ')}`,
    ),
    `transaction ${transactionId} is signed by the wallet's own keys`,
  ];
}

function trusted(certified: Certificate): string[] {
  const { decisions, decidedAtMs, order } = certified;
  return [
    `that the signer decided at ${new Date(decidedAtMs).toISOString()}`,
    ...(decisions.some(({ limits }) => limits.length > 0)
      ? ['how much of each limit had been used before']
      : []),
    ...decisions.flatMap(knowledgeWords),
    ...decisions
      .filter(({ past }) => past !== 'unseen')
      .map(({ transferId, past }) =>
        past === 'dead'
          ? `${transferId}: that what was signed for it before cannot be mined, as a quorum says that it saw; limits were charged then`
          : `${transferId}: that an earlier transaction for it was ${past}, which this one replaces; limits were charged then${past === 'signed' ? ', and request and approvals may have expired since' : ''}`,
      ),
    ...(order.transfers.length === 0
      ? ['that the transaction cancels one that was signed before, for no more than that was allowed to cost']
      : []),
    "that the certificate is the signer's: it carries no signature of its own yet",
  ];
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
  const parsed = schema.safeParse(input);
  if (!parsed.success) {
    return refused('certificate-malformed', {
      where: parsed.error.issues[0]?.path.map(String).join('.') ?? '',
    });
  }
  const certified = parsed.data;
  const then = stateThen(certified, log, genesisHash, verifier);
  if (then.kind === 'refused') return then;
  const state = then.value;
  const policies = parsePolicies(state.policies, state);
  if (policies.kind === 'refused') return refused('certificate-policy-mismatch', policies.facts);

  const buried = checkBurials(certified, log, verifier);
  if (buried.kind === 'refused') return buried;

  const { order } = certified;
  const decoded = decodeOrder(order, state);
  if (decoded.kind === 'refused') return decoded;
  const pasts = new Map(certified.decisions.map(({ transferId, past }) => [transferId, past]));
  const cancelling = order.transfers.length === 0;
  const authorized = authorize(order, decoded.value, {
    state,
    policies: policies.value,
    verifier,
    nowMs: certified.decidedAtMs,
    usage: claimedUsage(certified.decisions),
    pastOf: (transferId) => pasts.get(transferId) ?? 'unseen',
    knowing: claimedKnowledge(certified, state),
    // What it cancels is the signer's word; the policy's absolute cap is checked all the same.
    cancelled: () => (cancelling ? { feeCeiling: decoded.value.maxFee, moved: undefined } : undefined),
  });
  if (authorized.kind === 'refused') return authorized;
  const found = authorized.value.transfers.map(certifiedDecisionOf);
  if (canonicalJson(found) !== canonicalJson(certified.decisions))
    return refused('certificate-decision-mismatch');

  const { intent, wallet } = decoded.value;
  const signed =
    intent.family === 'bitcoin'
      ? verifySignedBitcoin(certified.signedTransaction, intent)
      : verifySignedEthereum(
          certified.signedTransaction,
          intent,
          addressOfPublicKey(wallet.keys[0]?.publicKey ?? ''),
        );
  if (signed.kind === 'refused' || signed.value.transactionId !== certified.transactionId) {
    return refused(
      'certificate-transaction-mismatch',
      signed.kind === 'refused' ? { code: signed.code } : {},
    );
  }
  return accepted({ certificate: certified, proved: proved(certified), trusted: trusted(certified) });
}
