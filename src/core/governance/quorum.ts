// Who signed a text: which persons of the roster, and whether they are the quorum of governance. What the text says, and
// whether it may say it now, is the caller's question.

import { hexToBytes } from '@noble/hashes/utils.js';
import { accepted, type Outcome, refused } from '../fault.js';
import type { SignatureVerifier } from '../statements/signature.js';
import {
  type Change,
  type EntrySignature,
  entryBytes,
  type GovernanceEntry,
  type QuorumRule,
} from './entry.js';
import { touchesSafu } from './safu.js';
import { type GovernanceState, holderOf, type QuorumRefusalCode } from './state.js';

/**
 * The distinct persons who signed. Signatures are hostile; one bad one refuses all. A person signs once, whatever credentials
 * they hold.
 */
function signersOf(
  bytes: Uint8Array,
  signatures: readonly EntrySignature[],
  roster: GovernanceState,
  verifier: SignatureVerifier,
): Outcome<ReadonlySet<string>, QuorumRefusalCode> {
  const signers = new Set<string>();
  for (const { credentialId, signature } of signatures) {
    const holder = holderOf(roster, credentialId);
    if (!holder) return refused('governance-signer-unknown', { credentialId });
    if (signers.has(holder.person.personId)) {
      return refused('governance-signer-duplicate', { personId: holder.person.personId });
    }
    if (!verifier.p256(hexToBytes(holder.credential.publicKey), bytes, hexToBytes(signature))) {
      return refused('governance-signature-invalid', { credentialId });
    }
    signers.add(holder.person.personId);
  }
  return accepted(signers);
}

/** Are these persons enough of a quorum's group? */
function countOf(
  roster: GovernanceState,
  { group, threshold }: QuorumRule,
  signers: ReadonlySet<string>,
): Outcome<ReadonlySet<string>, QuorumRefusalCode> {
  const members = roster.groups.get(group) ?? [];
  const counted = members.filter((member) => signers.has(member)).length;
  return counted < threshold
    ? refused('governance-quorum-missing', { group, needed: threshold, counted })
    : accepted(signers);
}

/** The persons who signed, when they are enough. Those in `excluded` may sign and do not count. */
export function verifyQuorum(
  bytes: Uint8Array,
  signatures: readonly EntrySignature[],
  roster: GovernanceState,
  verifier: SignatureVerifier,
  excluded: ReadonlySet<string> = new Set(),
): Outcome<ReadonlySet<string>, QuorumRefusalCode> {
  const signers = signersOf(bytes, signatures, roster, verifier);
  if (signers.kind === 'refused') return signers;
  const enough = countOf(
    roster,
    roster.quorum,
    new Set([...signers.value].filter((one) => !excluded.has(one))),
  );
  return enough.kind === 'refused' ? enough : signers;
}

/** What a change takes under the roster before it, all of it. Empty: one person of the roster, whoever it is. */
export function quorumsFor(roster: GovernanceState, change: Change): readonly QuorumRule[] {
  const { quorum, safu, timelock } = roster;
  switch (change.kind) {
    // A freeze takes nothing from anybody that a quorum could not give back: whoever sees the theft stops it.
    case 'frozen':
      return [];
    case 'activated':
      return [{ group: timelock.veto.group, threshold: 1 }];
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
  signers: ReadonlySet<string>,
): Outcome<ReadonlySet<string>, QuorumRefusalCode> {
  for (const wanted of quorumsFor(roster, change)) {
    const enough = countOf(roster, wanted, signers);
    if (enough.kind === 'refused') return enough;
  }
  return accepted(signers);
}

/** The one signature of a freeze key, by its id; undefined when it is not one of those. */
function freezeKeyOf(
  { body, signatures }: GovernanceEntry,
  roster: GovernanceState,
  verifier: SignatureVerifier,
): Outcome<ReadonlySet<string>, QuorumRefusalCode> | undefined {
  const [first, ...others] = signatures;
  const key = first && others.length === 0 ? roster.freezeKeys.get(first.credentialId) : undefined;
  if (!first || !key) return undefined;
  return verifier.ed25519(hexToBytes(key.publicKey), entryBytes(body), hexToBytes(first.signature))
    ? accepted(new Set([key.keyId]))
    : refused('governance-signature-invalid', { credentialId: key.keyId });
}

/** The persons who signed an entry, when they are whom its change takes under the roster before it. */
export function verifyEntrySigners(
  entry: GovernanceEntry,
  roster: GovernanceState,
  verifier: SignatureVerifier,
): Outcome<ReadonlySet<string>, QuorumRefusalCode> {
  const { body, signatures } = entry;
  const byKey = body.change.kind === 'frozen' ? freezeKeyOf(entry, roster, verifier) : undefined;
  if (byKey) return byKey;
  const signers = signersOf(entryBytes(body), signatures, roster, verifier);
  return signers.kind === 'refused' ? signers : checkQuorum(roster, body.change, signers.value);
}
