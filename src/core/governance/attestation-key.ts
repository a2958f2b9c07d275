// The keys by which the signer vouches for what it writes down, one after another. Which of them is asked about a certificate
// follows from the entry of governance under which it was reserved, so that a key that was replaced vouches for nothing that
// came later, and its successor for nothing that came before.

import { hexToBytes } from '@noble/hashes/utils.js';
import { statementBytes } from '../statements/preimage.js';
import { portableVerifier } from '../statements/signature.js';
import type { AttestationKey } from './entry.js';
import type { GovernanceState } from './state.js';

export const ATTESTATION_KEY_TYPE = 'portcullis/attestation-key/v1';

/** Since when a key vouches: the entry that brought it. */
export interface Vouching {
  readonly sequence: number;
  readonly key: AttestationKey;
}

/** What a key signs to show that whoever offers it has it, and for which deployment. */
export function attestationKeyBytes(deploymentId: string, publicKey: string): Uint8Array {
  return statementBytes(ATTESTATION_KEY_TYPE, { deploymentId, publicKey });
}

/** Hostile input. Asked of drafts too, where nobody brings a verifier. */
export function hasProved(deploymentId: string, publicKey: string, proof: string): boolean {
  const bytes = attestationKeyBytes(deploymentId, publicKey);
  return portableVerifier.p256(hexToBytes(publicKey), bytes, hexToBytes(proof));
}

/** The key that was in force as of an entry. */
export function vouchingAt(
  { attestation, attestations }: Pick<GovernanceState, 'attestation' | 'attestations'>,
  sequence: number,
): Vouching {
  return (
    attestations.findLast((one) => one.sequence <= sequence) ??
    attestations[0] ?? { sequence: 0, key: attestation }
  );
}
