// The arithmetic of signatures, for whoever does it beside other work: several orders' at a time, or on another thread
// (arithmetic-thread.ts). It says what is so; what follows from that is for others to judge.

import { recoveryIdOf } from '../core/intents/ecdsa.js';
import type { SignatureClaim, SignatureVerifier } from '../core/statements/signature.js';
import { nativeSecp256k1 } from './native-secp256k1.js';
import { nativeVerifier } from './native-verifier.js';

export interface SignatureArithmetic {
  /**
   * A verifier that knows of these already: it is asked as any other, and answers from what it knows only where key, message
   * and signature are the very same bytes. What is given must not be written to afterwards. Hostile inputs; never rejects.
   */
  ahead(claims: readonly SignatureClaim[]): Promise<SignatureVerifier>;
  /** As `recoveryIdOf` in core, with its faults. */
  recoveryIdOf(publicKey: string, digest: Uint8Array, rs64: Uint8Array): Promise<0 | 1>;
}

/** All of it here, when it is asked for. */
export const ownArithmetic: SignatureArithmetic = {
  ahead: () => Promise.resolve(nativeVerifier),
  recoveryIdOf: async (publicKey, digest, rs64) => recoveryIdOf(publicKey, digest, rs64, nativeSecp256k1),
};

export function verifies(
  { kind, publicKey, message, signature }: SignatureClaim,
  verifier: SignatureVerifier = nativeVerifier,
): boolean {
  return verifier[kind](publicKey, message, signature);
}

function nameOf({ kind, publicKey, signature }: SignatureClaim): string {
  return `${kind}:${Buffer.from(publicKey).toString('latin1')}:${Buffer.from(signature).toString('latin1')}`;
}

/** A verifier that knows what has come out of these, and looks at anything else itself. */
export function knowing(claims: readonly SignatureClaim[], valid: readonly boolean[]): SignatureVerifier {
  const known = new Map<string, { readonly message: Uint8Array; readonly valid: boolean }>();
  for (const [at, claim] of claims.entries()) {
    const isValid = valid[at];
    if (isValid !== undefined) known.set(nameOf(claim), { message: claim.message, valid: isValid });
  }
  const ask = (claim: SignatureClaim) => {
    const found = known.get(nameOf(claim));
    return found !== undefined && Buffer.compare(found.message, claim.message) === 0
      ? found.valid
      : verifies(claim);
  };
  return {
    ed25519: (publicKey, message, signature) => ask({ kind: 'ed25519', publicKey, message, signature }),
    p256: (publicKey, message, signature) => ask({ kind: 'p256', publicKey, message, signature }),
    eip191: (publicKey, message, signature) => ask({ kind: 'eip191', publicKey, message, signature }),
  };
}
