// Who signed a text: which persons of the roster, and whether they are the quorum of governance. What the text says, and
// whether it may say it now, is the caller's question.

import { hexToBytes } from '@noble/hashes/utils.js';
import { accepted, type Outcome, refused } from '../fault.js';
import type { SignatureVerifier } from '../statements/signature.js';
import { type EntrySignature, entryBytes, type GovernanceEntry } from './entry.js';
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
  const { group, threshold } = roster.quorum;
  const members = roster.groups.get(group) ?? [];
  const counted = members.filter((member) => signers.value.has(member) && !excluded.has(member)).length;
  return counted < threshold
    ? refused('governance-quorum-missing', { group, needed: threshold, counted })
    : signers;
}

/** The persons who signed an entry, when they are whom its change takes under the roster before it. */
export function verifyEntrySigners(
  { body, signatures }: GovernanceEntry,
  roster: GovernanceState,
  verifier: SignatureVerifier,
): Outcome<ReadonlySet<string>, QuorumRefusalCode> {
  const bytes = entryBytes(body);
  // A freeze takes nothing from anybody that a quorum could not give back: whoever sees the theft stops it.
  return body.change.kind === 'frozen'
    ? signersOf(bytes, signatures, roster, verifier)
    : verifyQuorum(bytes, signatures, roster, verifier);
}
