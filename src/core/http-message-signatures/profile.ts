// Which message signatures this project makes and accepts: RFC 9421 §1.4 leaves that to a profile, and this is it.
// Signer and verifier both read it here, so they cannot drift apart.

import { identifier } from '../statements/fields.js';

/** The application tag (RFC 9421 §2.3): keeps a signature that was made for something else from counting here. */
export const SIGNATURE_TAG = 'portcullis';

/** Label under which our own signer puts its signature; a verifier goes by the tag. */
export const SIGNATURE_LABEL = 'portcullis';

/** Covered by every signature. */
export const REQUIRED_COMPONENTS = ['@method', '@authority', '@path', '@query'] as const;

/** Covered whenever the request has them. */
export const REQUIRED_WHEN_PRESENT = ['content-digest', 'idempotency-key'] as const;

/** The longest that a signature may be good for. */
export const MAX_LIFETIME_SECONDS = 300;

/** How far ahead of ours a signer's clock may be. Nothing is allowed in the other direction: the lifetime covers it. */
export const MAX_CLOCK_AHEAD_SECONDS = 30;

/** RFC 9421 §3.3.6 and §3.3.4. The algorithm also says who signs: request keys are Ed25519, officers' credentials P-256. */
export type HttpSignatureAlgorithm = 'ed25519' | 'ecdsa-p256-sha256';

/** At least 128 bits in base64url. */
const NONCE = /^[A-Za-z0-9_-]{22,64}$/;

export function isAlgorithm(value: unknown): value is HttpSignatureAlgorithm {
  return value === 'ed25519' || value === 'ecdsa-p256-sha256';
}

export function isNonce(value: unknown): value is string {
  return typeof value === 'string' && NONCE.test(value);
}

export function isKeyId(value: unknown): value is string {
  return identifier.safeParse(value).success;
}
