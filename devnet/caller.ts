// Who signs a call of the API: a backend with its request key, an officer with the key of their token.

import { randomBytes, sign } from 'node:crypto';
import type { HttpSigningKey } from '../src/core/http-message-signatures/sign.js';
import type { Backend, Officer } from './deployment.js';

/** Each call has a nonce of its own. */
export function callerOf(who: Backend | Officer, nowMs: number): HttpSigningKey {
  const common = { nowMs, nonce: randomBytes(16).toString('base64url') };
  if ('keyId' in who) {
    return {
      ...common,
      keyId: who.keyId,
      alg: 'ed25519',
      sign: async (bytes) => sign(null, bytes, who.privateKey),
    };
  }
  return {
    ...common,
    keyId: who.credential.credentialId,
    alg: 'ecdsa-p256-sha256',
    sign: async (bytes) => sign('sha256', bytes, { key: who.privateKey, dsaEncoding: 'ieee-p1363' }),
  };
}
