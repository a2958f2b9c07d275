// The quorum of governance over any signed text: how many distinct persons of its group validly signed these bytes. What
// the bytes say, and whether they may say it now, is the caller's question.

import { hexToBytes } from '@noble/hashes/utils.js';
import { accepted, type Outcome, refused } from '../fault.js';
import type { SignatureVerifier } from '../statements/signature.js';
import type { EntrySignature } from './entry.js';
import { type GovernanceState, holderOf, type QuorumRefusalCode } from './state.js';

/**
 * The persons who signed, when they are enough. Signatures are hostile; one bad one refuses all. A person counts once,
 * whatever credentials they hold. Those in `excluded` may sign and do not count.
 */
export function verifyQuorum(
  bytes: Uint8Array,
  signatures: readonly EntrySignature[],
  roster: GovernanceState,
  verifier: SignatureVerifier,
  excluded: ReadonlySet<string> = new Set(),
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
  const { group, threshold } = roster.quorum;
  const members = roster.groups.get(group) ?? [];
  const counted = members.filter((member) => signers.has(member) && !excluded.has(member)).length;
  return counted < threshold
    ? refused('governance-quorum-missing', { group, needed: threshold, counted })
    : accepted(signers);
}
