// Who signed a text: which persons of the roster, and whether they are the quorum of governance. What the text says, and
// whether it may say it now, is the caller's question.

import { hexToBytes } from '@noble/hashes/utils.js';
import { accepted, type Outcome, refused } from '../fault.js';
import type { SignatureVerifier } from '../statements/signature.js';
import { countsIn } from './credential-class.js';
import {
  type Change,
  type Credential,
  type EntrySignature,
  entryBytes,
  type GovernanceEntry,
  type QuorumRule,
} from './entry.js';
import { vetoRoster } from './last-veto.js';
import { touchesSafu } from './safu.js';
import { signatureBytes, signatureClaim } from './signature-claim.js';
import { type GovernanceState, holderOf, type QuorumRefusalCode, type Signers } from './state.js';

/**
 * The distinct persons who signed. Signatures are hostile; one bad one refuses all. A person signs once, whatever credentials
 * they hold.
 */
function signersOf(
  bytes: Uint8Array,
  signatures: readonly EntrySignature[],
  roster: GovernanceState,
  verifier: SignatureVerifier,
): Outcome<Signers, QuorumRefusalCode> {
  const signers = new Map<string, Pick<Credential, 'credentialId' | 'credentialClass'>>();
  for (const { credentialId, signature } of signatures) {
    const holder = holderOf(roster, credentialId);
    if (!holder) return refused('governance-signer-unknown', { credentialId });
    if (signers.has(holder.person.personId)) {
      return refused('governance-signer-duplicate', { personId: holder.person.personId });
    }
    if (!isSignedBy(holder.credential, bytes, signature, verifier)) {
      return refused('governance-signature-invalid', { credentialId });
    }
    const { credentialClass } = holder.credential;
    signers.set(holder.person.personId, { credentialId, credentialClass });
  }
  return accepted(signers);
}

/** Are these enough of a quorum's group, and enough of them with each class of credential that it asks for? */
function countOf(
  roster: GovernanceState,
  { group, threshold, with: asked }: QuorumRule,
  signers: Signers,
): Outcome<Signers, QuorumRefusalCode> {
  const counted = (roster.groups.get(group) ?? []).filter((member) => signers.has(member));
  if (counted.length < threshold) {
    return refused('governance-quorum-missing', { group, needed: threshold, counted: counted.length });
  }
  for (const [one, needed] of countsIn(asked)) {
    const by = counted.filter((member) => signers.get(member)?.credentialClass === one).length;
    if (by < needed) return refused('governance-class-missing', { group, class: one, needed, counted: by });
  }
  return accepted(signers);
}

/** The persons who signed, when they are enough. Those in `excluded` may sign and do not count. */
export function verifyQuorum(
  bytes: Uint8Array,
  signatures: readonly EntrySignature[],
  roster: GovernanceState,
  verifier: SignatureVerifier,
  excluded: ReadonlySet<string> = new Set(),
): Outcome<Signers, QuorumRefusalCode> {
  const signers = signersOf(bytes, signatures, roster, verifier);
  if (signers.kind === 'refused') return signers;
  const counting = new Map([...signers.value].filter(([person]) => !excluded.has(person)));
  const enough = countOf(roster, roster.quorum, counting);
  return enough.kind === 'refused' ? enough : signers;
}

/** Has this credential signed these bytes, in the way of its class? Hostile input. */
export function isSignedBy(
  credential: Credential,
  bytes: Uint8Array,
  signature: string,
  verifier: SignatureVerifier,
): boolean {
  const claim = signatureClaim(credential, bytes, signature);
  return claim !== undefined && verifier[claim.kind](claim.publicKey, claim.message, claim.signature);
}

/** What a change takes under the roster before it, all of it. Empty: one person of the roster, whoever it is. */
export function quorumsFor(roster: GovernanceState, change: Change): readonly QuorumRule[] {
  const { quorum, safu, timelock } = roster;
  switch (change.kind) {
    // A freeze takes nothing from anybody that a quorum could not give back: whoever sees the theft stops it.
    case 'frozen':
      return [];
    case 'activated': {
      const waiting = roster.pending.get(change.entry);
      const activator = { group: timelock.veto.group, threshold: 1 };
      return safu && waiting && touchesSafu(roster, waiting.change) ? [activator, safu] : [activator];
    }
    case 'vetoed':
      return [timelock.veto];
    default:
      return safu && touchesSafu(roster, change) ? [quorum, safu] : [quorum];
  }
}

/** Are these persons, of the roster as it stands, whom a change takes? */
export function checkQuorum(
  roster: GovernanceState,
  change: Change,
  signers: Signers,
): Outcome<Signers, QuorumRefusalCode> {
  for (const wanted of quorumsFor(roster, change)) {
    const enough = countOf(roster, wanted, signers);
    if (enough.kind === 'refused') return enough;
  }
  return accepted(signers);
}

/** A freeze key is no person. */
const NOBODY: Signers = new Map();

/** The one signature of a freeze key; undefined when it is not one of those. */
function freezeKeyOf(
  { body, signatures }: GovernanceEntry,
  roster: GovernanceState,
  verifier: SignatureVerifier,
): Outcome<Signers, QuorumRefusalCode> | undefined {
  const [first, ...others] = signatures;
  const key = first && others.length === 0 ? roster.freezeKeys.get(first.credentialId) : undefined;
  if (!first || !key) return undefined;
  return verifier.ed25519(hexToBytes(key.publicKey), entryBytes(body), signatureBytes(first.signature))
    ? accepted(NOBODY)
    : refused('governance-signature-invalid', { credentialId: key.keyId });
}

/** The persons who signed an entry, when they are whom its change takes under the roster before it. */
export function verifyEntrySigners(
  entry: GovernanceEntry,
  roster: GovernanceState,
  verifier: SignatureVerifier,
): Outcome<Signers, QuorumRefusalCode> {
  const { body, signatures } = entry;
  const byKey = body.change.kind === 'frozen' ? freezeKeyOf(entry, roster, verifier) : undefined;
  if (byKey) return byKey;
  const { change } = body;
  const asked = change.kind === 'vetoed' ? vetoRoster(roster, change.entry) : roster;
  const signers = signersOf(entryBytes(body), signatures, asked, verifier);
  return signers.kind === 'refused' ? signers : checkQuorum(asked, change, signers.value);
}
