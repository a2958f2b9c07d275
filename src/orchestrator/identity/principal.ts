// Who is behind an HTTP request, once its signature has been verified. It is NOT an authority over money: what a
// request or an approval may do follows from its own signature, which the signer verifies again.

import { type GovernanceState, holderOf } from '../../core/governance/state.js';
import type { HttpSignatureAlgorithm } from '../../core/http-message-signatures/profile.js';

/** A registered request key. It sees the transfers of its own owners. */
export interface Backend {
  readonly kind: 'backend';
  readonly keyId: string;
  readonly owners: readonly string[];
}

/** A person of the roster. Sees everything. */
export interface Officer {
  readonly kind: 'officer';
  readonly personId: string;
  readonly credentialId: string;
}

export type Principal = Backend | Officer;

/** One name for each principal, for books, rate limits and idempotency keys. */
export function nameOf(principal: Principal): `request-key:${string}` | `person:${string}` {
  return principal.kind === 'backend' ? `request-key:${principal.keyId}` : `person:${principal.personId}`;
}

/**
 * The principal and public key behind a key id as governance stands now. The algorithm says which register is meant:
 * request keys are Ed25519, officers' credentials are P-256, and a name may stand in both.
 */
export function principalOf(
  state: GovernanceState,
  keyId: string,
  alg: HttpSignatureAlgorithm,
): { readonly principal: Principal; readonly publicKey: string } | undefined {
  if (alg === 'ed25519') {
    const key = state.requestKeys.get(keyId);
    if (!key) return undefined;
    return { principal: { kind: 'backend', keyId, owners: key.owners }, publicKey: key.publicKey };
  }
  const holder = holderOf(state, keyId);
  // What a device shows on its display is statements, never the calls of a program.
  if (holder?.credential.algorithm !== 'p256') return undefined;
  return {
    principal: { kind: 'officer', personId: holder.person.personId, credentialId: keyId },
    publicKey: holder.credential.publicKey,
  };
}
