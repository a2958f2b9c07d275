// What is to be said of a certificate that holds: sentences about what was checked, and about what it says that nothing here can
// check. It checks nothing.

import { DECISION_VERSION } from '../authorization/decision-version.js';
import type { FactContent, SignedFact } from '../facts/fact.js';
import { subjectOf } from '../facts/fact.js';
import type { Vouching } from '../governance/attestation-key.js';
import { compressed } from '../governance/names.js';
import type { GovernanceState } from '../governance/state.js';
import { type AttestationStatement, type Certificate, decisionsOf } from './certificate.js';
import type { CertifiedDecision } from './decision.js';
import { followedWords } from './followed.js';

const MINUTE_MS = 60_000;
const SECOND_MS = 1_000;

/** What was found of a certificate. */
export interface Examined {
  readonly certified: Certificate;
  readonly attested: AttestationStatement | undefined;
  readonly vouching: Vouching;
  /** The state under which it was decided. */
  readonly state: GovernanceState;
  /** Its rules of decision are others than those that this code has: what they came to is not checked. */
  readonly otherRules: boolean;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

/** In words, what it says of one transfer. */
function knowledgeWords({ transferId, knew }: CertifiedDecision): readonly string[] {
  if (!knew) return [];
  const { atMs, firstUse, lookAlikeOf, whitelist } = knew;
  return [
    `${transferId}: that its destination was ${firstUse ? 'never paid before by this wallet' : 'paid before by this wallet'}, and ${lookAlikeOf === undefined ? 'looks like no other known one' : `looks like ${lookAlikeOf}, which was known before`}`,
    ...(atMs === undefined ? [] : [`${transferId}: that it was ${timeOf(atMs)} for its rules`]),
    ...(whitelist
      ? [
          `${transferId}: that the whitelist entry ${whitelist.entryId} had been in effect for ${Math.floor(whitelist.ageMs / MINUTE_MS)} minutes`,
        ]
      : []),
  ];
}

/** What a fact says of its subject. */
function saidOf(content: FactContent): string {
  switch (content.kind) {
    case 'price':
      return `${content.price} ${content.currency} from ${content.sources} source${content.sources === 1 ? '' : 's'}`;
    case 'screening':
      return `${content.result}, risk ${content.riskScore} of 100${content.transferId === undefined ? '' : `, for ${content.transferId}`}`;
    case 'balance':
      return `${content.amount} base units`;
    case 'hot-share':
      return `${content.basisPoints} hundredths of a percent`;
    case 'block-header':
      return `block ${content.height}, ${content.hash}`;
    case 'code':
      return `hash ${content.codeHash} in block ${content.block.height}`;
    case 'storage':
      return `${content.value} in block ${content.block.height}`;
    case 'confirmations':
      return `${content.confirmations} as of block ${content.block.height}`;
  }
}

function factWords({ statement }: SignedFact, { certified, state }: Examined): string {
  const { keyId, content, observedAtMs } = statement;
  const ageSeconds = Math.round((certified.reservation.at.wallMs - observedAtMs) / SECOND_MS);
  const age = ageSeconds < 0 ? `${-ageSeconds} seconds ahead` : `${ageSeconds} seconds old`;
  return `key ${keyId} of source ${state.factKeys.get(keyId)?.source ?? 'unknown'} has signed ${subjectOf(content)}: ${saidOf(content)}; ${age} at the decision, as the log allows`;
}

/** The governor's word about the newest entry, where the decision rests on it and it was checked. */
function headNeeded({ certified, otherRules }: Examined) {
  const isNeeded = decisionsOf(certified).some(({ kind, past }) => kind === 'allow' && past !== 'signed');
  const { head } = certified.reservation.order;
  return isNeeded && !otherRules ? head : undefined;
}

function headWords(examined: Examined): string[] {
  const head = headNeeded(examined);
  if (!head) return [];
  const { sequence, createdAtMs } = head.statement;
  const minutes = Math.round((examined.certified.reservation.at.wallMs - createdAtMs) / MINUTE_MS);
  return [
    `${head.credentialId}, a governor's, has signed ${minutes} minutes before that entry ${sequence} was the newest of governance`,
  ];
}

function decisionWords({ certified, otherRules }: Examined): string[] {
  return decisionsOf(certified).map(({ transferId, rule, approvers }) => {
    const approved = `approved by ${approvers.join(', ') || 'nobody, as the rule allows'}`;
    return otherRules
      ? `${transferId}: each approval that it has is signed by an officer of this log`
      : `${transferId}: rule ${rule} of the policy in force matched; ${approved}`;
  });
}

function attestedWords({ certified, attested, vouching: { key, sequence } }: Examined): string[] {
  if (!attested) return [];
  const { attestedAtMs, countedAtMs, newestOrdinal } = attested;
  const counted =
    countedAtMs === undefined
      ? 'there were'
      : `at ${timeOf(countedAtMs)}, as long as that key was in force, there were`;
  return [
    `the signer's attestation key ${key.label} (${compressed(key.publicKey)}), in force since entry ${sequence}, vouches for all of this as reservation ${certified.reservation.ordinal} of its journal, at ${timeOf(attestedAtMs)}; ${counted} ${newestOrdinal}`,
  ];
}

/** Sentences about what was checked. */
export function provedWords(examined: Examined): string[] {
  const { burials, outcome, reservation } = examined.certified;
  const decisions = decisionsOf(examined.certified);
  return [
    `the governance log replays from the given genesis to entry ${reservation.governanceSequence}, each entry signed by its quorum`,
    'every request is signed by a key that this log registered',
    ...decisions
      .filter(({ past }) => past !== 'signed')
      .map(({ transferId }) => `${transferId}: its request was alive at the time of the decision`),
    decisions.length === 0
      ? 'the bytes pay the wallet itself and nobody else; what the signer read in them is in them'
      : 'the bytes pay exactly what was requested, to nobody else, within the fee ceilings; what the signer read in them is in them',
    ...(reservation.order.facts ?? []).map((fact) => factWords(fact, examined)),
    ...headWords(examined),
    ...decisionWords(examined),
    ...followedWords(reservation.order),
    ...burials.map(
      ({ statement }) =>
        `a quorum says that ${statement.conflicting.transactionId} lies in block ${statement.conflicting.blockHeight} and keeps from the chain what was signed before for ${statement.transferIds.join(', ')}`,
    ),
    ...(outcome.kind === 'signed'
      ? [
          `transaction ${outcome.transactionId} is signed by keys of wallet ${reservation.walletId}: ${reservation.keys.map(({ label }) => label).join(', ')}`,
        ]
      : []),
    ...attestedWords(examined),
  ];
}

/** What those before it say as well. */
export function fromBefore(decisions: readonly CertifiedDecision[]): string[] {
  return [
    ...(decisions.some(({ limits }) => limits.length > 0)
      ? ['how much of each limit had been used before']
      : []),
    ...decisions
      .filter(({ past }) => past === 'reserved' || past === 'signed')
      .map(
        ({ transferId, past }) =>
          `${transferId}: that an earlier transaction for it was ${past}, which this one replaces; limits were charged then${past === 'signed' ? ', and request and approvals may have expired since' : ''}`,
      ),
  ];
}

/** What came from outside: that a key said it is proved, that it was so is not. */
function outsideWords(examined: Examined): string[] {
  const { facts = [] } = examined.certified.reservation.order;
  const subjects = new Set(facts.map(({ statement }) => subjectOf(statement.content)));
  const head = headNeeded(examined);
  return [
    ...(subjects.size > 0
      ? [
          `that it was so what those keys say, and none of them had said something newer: ${[...subjects].join(', ')}`,
        ]
      : []),
    ...(head ? [`that governance had no newer entry then, as ${head.credentialId} says`] : []),
  ];
}

function ruleWords({ certified, otherRules }: Examined): string[] {
  if (!otherRules) return [];
  const why = `it was decided by rules of version ${certified.reservation.signerVersion}, and this verifier has those of ${DECISION_VERSION}`;
  const decisions = decisionsOf(certified);
  if (decisions.length === 0) return [`that the policy's cap on fees let it pass: ${why}`];
  return decisions.map(
    ({ transferId, rule, approvers }) =>
      `${transferId}: that rule ${rule} matched and let it pass with the approvals of ${approvers.join(', ') || 'nobody'}: ${why}`,
  );
}

/** Sentences about what the certificate says and nothing here can check. */
export function trustedWords(examined: Examined): string[] {
  const { certified, attested } = examined;
  const { outcome, reservation } = certified;
  const decisions = decisionsOf(certified);
  return [
    `that the signer, version ${reservation.signerVersion}, decided at ${timeOf(reservation.at.wallMs)}`,
    ...ruleWords(examined),
    ...fromBefore(decisions),
    ...outsideWords(examined),
    ...decisions.flatMap(knowledgeWords),
    ...decisions.flatMap(({ transferId, heldMs }) =>
      heldMs === undefined
        ? []
        : [
            `${transferId}: that it had waited for ${Math.floor(heldMs / MINUTE_MS)} minutes, as its rule holds it`,
          ],
    ),
    ...decisions
      .filter(({ past }) => past === 'dead')
      .map(
        ({ transferId }) =>
          `${transferId}: that what was signed for it before cannot be mined, as a quorum says that it saw; limits were charged then`,
      ),
    ...(decisions.length === 0
      ? ['that the transaction cancels one that was signed before, for no more than that was allowed to cost']
      : []),
    ...(outcome.kind === 'begun'
      ? ['that no signature had left the signer until then; one may have since']
      : outcome.kind === 'ended'
        ? ['that no signature ever left the signer, and none will']
        : [`that the token has the serial number ${outcome.tokenSerial}`]),
    ...(attested
      ? []
      : [
          "that the certificate is the signer's, and its place in the journal: the signer has not attested it yet",
        ]),
  ];
}
