// Verifying a request's message signature, up to but not including replay: whoever calls this keeps the nonces, and
// stores one only for a signature that was valid. Everything in the request is hostile.

import { hexToBytes } from '@noble/hashes/utils.js';
import { type InnerList, isInnerList, parseDictionary } from 'structured-headers';
import { accepted, type Outcome, refused } from '../fault.js';
import type { SignatureVerifier } from '../statements/signature.js';
import { matchesContentDigest } from './content-digest.js';
import {
  type HttpSignatureAlgorithm,
  isAlgorithm,
  isKeyId,
  isNonce,
  MAX_CLOCK_AHEAD_SECONDS,
  MAX_LIFETIME_SECONDS,
  REQUIRED_COMPONENTS,
  REQUIRED_WHEN_PRESENT,
  SIGNATURE_TAG,
} from './profile.js';
import { type HttpMessage, signatureBase } from './signature-base.js';

/**
 * - `signature-missing`: no Signature-Input and Signature, or none with our tag
 * - `signature-malformed`: not structured fields, or not what the profile allows
 * - `signature-components-missing`: the signature does not cover what it has to
 * - `signature-expired`, `signature-not-yet-valid`: outside its time
 * - `signature-key-unknown`: nobody is registered under this key id for this algorithm
 * - `signature-invalid`: not made by that key over this request
 * - `content-digest-mismatch`: the body is not the one that was signed
 * - `signature-replayed`: this nonce was used before (found by whoever keeps them)
 */
export type HttpSignatureRefusalCode =
  | 'signature-missing'
  | 'signature-malformed'
  | 'signature-components-missing'
  | 'signature-expired'
  | 'signature-not-yet-valid'
  | 'signature-key-unknown'
  | 'signature-invalid'
  | 'content-digest-mismatch'
  | 'signature-replayed';

export interface HttpSignatureParameters {
  readonly keyId: string;
  readonly alg: HttpSignatureAlgorithm;
  readonly nonce: string;
  readonly createdMs: number;
  readonly expiresMs: number;
}

/** Public key by key id: 32 bytes hex for `ed25519`, a 65-byte point hex for `ecdsa-p256-sha256`; undefined for a stranger. */
export type KeyLookup = (keyId: string, alg: HttpSignatureAlgorithm) => string | undefined;

export interface VerificationContext {
  readonly lookUpKey: KeyLookup;
  readonly verifier: SignatureVerifier;
  readonly nowMs: number;
}

type Result<T> = Outcome<T, HttpSignatureRefusalCode>;

interface Candidate {
  readonly input: InnerList;
  readonly signature: Uint8Array;
}

const MAX_FIELD_LENGTH = 4_096;
const MAX_COMPONENTS = 16;
const PARAMETERS = new Set(['created', 'expires', 'nonce', 'keyid', 'alg', 'tag']);
const FIELD_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/;

function malformed(why: string): ReturnType<typeof refused<'signature-malformed'>> {
  return refused('signature-malformed', { why });
}

/** RFC 9421 §3.2. `body` is the body's bytes as received, empty for none. */
export function verifyHttpRequest(
  message: HttpMessage,
  body: Uint8Array,
  context: VerificationContext,
): Result<HttpSignatureParameters> {
  const candidate = candidateOf(message);
  if (candidate.kind === 'refused') return candidate;
  const { input, signature } = candidate.value;
  const parsed = parametersOf(input);
  if (parsed.kind === 'refused') return parsed;
  const parameters = parsed.value;

  const covered = coverage(message, input, body.length > 0);
  if (covered.kind === 'refused') return covered;
  const timely = withinTime(parameters, context.nowMs);
  if (timely.kind === 'refused') return timely;

  const publicKey = context.lookUpKey(parameters.keyId, parameters.alg);
  if (publicKey === undefined) {
    return refused('signature-key-unknown', { keyId: parameters.keyId, alg: parameters.alg });
  }
  const base = signatureBase(message, input);
  if ('missing' in base)
    return refused('signature-components-missing', { absent: base.missing.slice(0, 64) });
  const key = hexToBytes(publicKey);
  const valid =
    parameters.alg === 'ed25519'
      ? context.verifier.ed25519(key, base.bytes, signature)
      : context.verifier.p256(key, base.bytes, signature);
  if (!valid) return refused('signature-invalid', { keyId: parameters.keyId });

  // After the signature: a stranger's body is not worth a hash, and a registered key's mistake is worth naming.
  const [digest] = message.headers.get('content-digest') ?? [];
  if (digest !== undefined && !matchesContentDigest(digest, body)) return refused('content-digest-mismatch');
  return parsed;
}

/** The one signature that carries our tag. Others, made for somebody else on the way, are none of ours. */
function candidateOf(message: HttpMessage): Result<Candidate> {
  const inputs = message.headers.get('signature-input')?.join(', ');
  const signatures = message.headers.get('signature')?.join(', ');
  if (inputs === undefined || signatures === undefined) return refused('signature-missing');
  if (inputs.length > MAX_FIELD_LENGTH || signatures.length > MAX_FIELD_LENGTH)
    return malformed('a field is too long');
  const found: { label: string; input: InnerList }[] = [];
  let values: ReturnType<typeof parseDictionary>;
  try {
    for (const [label, member] of parseDictionary(inputs)) {
      if (!isInnerList(member)) return malformed('a Signature-Input member is not an inner list');
      if (member[1].get('tag') === SIGNATURE_TAG) found.push({ label, input: member });
    }
    values = parseDictionary(signatures);
  } catch {
    // The parser's message quotes nothing that the caller does not know; the field names suffice.
    return malformed('Signature-Input or Signature is not a structured field');
  }
  const [one, ...others] = found;
  if (!one) return refused('signature-missing', { tag: SIGNATURE_TAG });
  if (others.length > 0) return malformed('more than one signature has our tag');
  const value = values.get(one.label);
  if (value === undefined) return refused('signature-missing', { label: one.label.slice(0, 64) });
  if (isInnerList(value) || !(value[0] instanceof ArrayBuffer))
    return malformed('a signature is not a byte sequence');
  const signature = new Uint8Array(value[0]);
  if (signature.length !== 64) return malformed('a signature is not 64 bytes');
  return accepted({ input: one.input, signature });
}

function parametersOf(input: InnerList): Result<HttpSignatureParameters> {
  const values = input[1];
  const unknown = [...values.keys()].find((name) => !PARAMETERS.has(name));
  if (unknown !== undefined) return malformed(`unknown parameter ${unknown.slice(0, 32)}`);
  const created = values.get('created');
  const expires = values.get('expires');
  const nonce = values.get('nonce');
  const keyId = values.get('keyid');
  const alg = values.get('alg');
  if (!isSeconds(created)) return malformed('created is not a time in whole seconds');
  if (!isSeconds(expires)) return malformed('expires is not a time in whole seconds');
  if (expires <= created || expires - created > MAX_LIFETIME_SECONDS) {
    return malformed(`expires is not within ${MAX_LIFETIME_SECONDS} s after created`);
  }
  if (!isNonce(nonce)) return malformed('nonce is not 22 to 64 characters of base64url');
  if (!isKeyId(keyId)) return malformed('keyid is not an identifier');
  if (!isAlgorithm(alg)) return malformed('alg is neither ed25519 nor ecdsa-p256-sha256');
  return accepted({ keyId, alg, nonce, createdMs: created * 1_000, expiresMs: expires * 1_000 });
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= 253_402_300_799;
}

function coverage(message: HttpMessage, input: InnerList, hasBody: boolean): Result<true> {
  const [items] = input;
  if (items.length > MAX_COMPONENTS) return malformed('too many components');
  const names = new Set<string>();
  for (const [name, itemParameters] of items) {
    if (typeof name !== 'string') return malformed('a component is not a string');
    if (itemParameters.size > 0) return malformed('components with parameters are not supported');
    if (name.startsWith('@') ? !isRequired(name) : !FIELD_NAME.test(name)) {
      return malformed(`component ${name.slice(0, 32)} is not supported`);
    }
    if (names.has(name)) return malformed(`component ${name} is covered twice`);
    names.add(name);
  }
  const needed: string[] = [...REQUIRED_COMPONENTS];
  for (const name of REQUIRED_WHEN_PRESENT) {
    const values = message.headers.get(name);
    if (values !== undefined && values.length > 1) return malformed(`${name} was sent twice`);
    if (values !== undefined || (name === 'content-digest' && hasBody)) needed.push(name);
  }
  const missing = needed.filter((name) => !names.has(name));
  return missing.length === 0
    ? accepted(true)
    : refused('signature-components-missing', { missing: missing.join(' ') });
}

function isRequired(name: string): boolean {
  return REQUIRED_COMPONENTS.some((required) => required === name);
}

function withinTime(parameters: HttpSignatureParameters, nowMs: number): Result<true> {
  if (parameters.createdMs > nowMs + MAX_CLOCK_AHEAD_SECONDS * 1_000) {
    return refused('signature-not-yet-valid', { createdMs: parameters.createdMs, nowMs });
  }
  if (nowMs >= parameters.expiresMs) {
    return refused('signature-expired', { expiresMs: parameters.expiresMs, nowMs });
  }
  return accepted(true);
}
