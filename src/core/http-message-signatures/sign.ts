// Signing a request as the profile asks, for the CLI and for backends. The private key is not here: whoever holds it
// (a file, a token) is asked to sign the bytes.

import { type InnerList, type Parameters, serializeDictionary } from 'structured-headers';
import { Fault } from '../fault.js';
import { contentDigest } from './content-digest.js';
import {
  type HttpSignatureAlgorithm,
  isKeyId,
  isNonce,
  MAX_LIFETIME_SECONDS,
  REQUIRED_COMPONENTS,
  REQUIRED_WHEN_PRESENT,
  SIGNATURE_LABEL,
  SIGNATURE_TAG,
} from './profile.js';
import { messageOf, signatureBase } from './signature-base.js';

export interface SignableRequest {
  readonly method: string;
  /** Absolute URL, as it will be fetched. */
  readonly url: string;
  /** What will be sent besides the headers that signing adds. `Idempotency-Key` has to be among them to be covered. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The exact bytes that will be sent. */
  readonly body?: Uint8Array;
}

export interface HttpSigningKey {
  /** A request key's id (`ed25519`) or an officer's credential id (`ecdsa-p256-sha256`), as governance names it. */
  readonly keyId: string;
  readonly alg: HttpSignatureAlgorithm;
  /** Signs the bytes: 64 bytes come back, Ed25519 or r || s over the SHA-256 of the bytes. */
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>;
  readonly nowMs: number;
  /** Fresh for every request: 128 random bits or more in base64url. A retry needs a new one. */
  readonly nonce: string;
  /** How long the request may take to arrive; at most, and by default, five minutes. */
  readonly lifetimeSeconds?: number;
}

export type HttpSigningFaultCode = 'http-signing-input-malformed' | 'http-signing-key-misbehaved';

/**
 * All headers to send: those given, with Content-Digest, Signature-Input and Signature. Names are in lower case.
 * Throws `http-signing-input-malformed`, `http-signing-key-misbehaved`. RFC 9421 §3.1, RFC 9530 §2.
 */
export async function signHttpRequest(
  request: SignableRequest,
  key: HttpSigningKey,
): Promise<Record<string, string>> {
  const lifetime = key.lifetimeSeconds ?? MAX_LIFETIME_SECONDS;
  if (!isKeyId(key.keyId) || !isNonce(key.nonce) || lifetime < 1 || lifetime > MAX_LIFETIME_SECONDS) {
    throw new Fault<HttpSigningFaultCode>(
      'http-signing-input-malformed',
      'key id, nonce or lifetime is not what the profile allows',
      { facts: { keyId: key.keyId.slice(0, 64), lifetimeSeconds: lifetime } },
    );
  }
  const headers = lowerCased(request.headers ?? {});
  if (request.body !== undefined && request.body.length > 0) {
    headers['content-digest'] = contentDigest(request.body);
  }
  const created = Math.floor(key.nowMs / 1_000);
  const input: InnerList = [
    [...REQUIRED_COMPONENTS, ...REQUIRED_WHEN_PRESENT.filter((name) => headers[name] !== undefined)].map(
      (name) => [name, new Map()],
    ),
    parameters(created, created + lifetime, key),
  ];
  const base = signatureBase(messageOf(request.method, request.url, headers), input);
  if ('missing' in base) {
    throw new Fault<HttpSigningFaultCode>(
      'http-signing-input-malformed',
      'the request lacks what is to be signed',
      { facts: { component: base.missing } },
    );
  }
  const signature = await key.sign(base.bytes);
  if (signature.length !== 64) {
    throw new Fault<HttpSigningFaultCode>(
      'http-signing-key-misbehaved',
      'the key gave something that is not a 64-byte signature',
      { facts: { bytes: signature.length } },
    );
  }
  return {
    ...headers,
    'signature-input': serializeDictionary(new Map([[SIGNATURE_LABEL, input]])),
    signature: serializeDictionary(new Map([[SIGNATURE_LABEL, [signature, new Map()]]])),
  };
}

function parameters(created: number, expires: number, key: HttpSigningKey): Parameters {
  return new Map<string, string | number>([
    ['created', created],
    ['expires', expires],
    ['nonce', key.nonce],
    ['keyid', key.keyId],
    ['alg', key.alg],
    ['tag', SIGNATURE_TAG],
  ]);
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
