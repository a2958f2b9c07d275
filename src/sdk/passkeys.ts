// For whoever has officers sign with passkeys in a browser: what the browser is given, and what the API and the signer take of what it
// gives back. It asks no browser by itself, and judges nothing.

import { Fault } from '../core/fault.js';
import { passkeyChallenge, passkeyText } from '../core/statements/passkey.js';
import { lowP256, P256_ORDER } from '../core/statements/p256-spelling.js';

export type PasskeyFaultCode = 'passkey-signature-malformed';

/** `challenge` of `navigator.credentials.get` for the bytes of a statement; ask for `userVerification: 'required'` beside it. */
export const challengeFor = passkeyChallenge;

/** Of an `AuthenticatorAssertionResponse`. */
export interface BrowserAssertion {
  readonly authenticatorData: Uint8Array;
  readonly clientDataJSON: Uint8Array;
  /** Ecdsa-Sig-Value in DER (RFC 3279 §2.2.3). */
  readonly signature: Uint8Array;
}

function malformed(why: string): Fault<PasskeyFaultCode> {
  return new Fault('passkey-signature-malformed', `the browser gave no signature of P-256: ${why}`);
}

/** A positive INTEGER below the order (X.690 §8.3), in the one way that DER writes it. */
function integerAt(der: Uint8Array, at: number): { readonly value: bigint; readonly end: number } {
  const length = der[at + 1] ?? 0;
  const end = at + 2 + length;
  const bytes = der.subarray(at + 2, end);
  const [first = 0, second = 0] = bytes;
  if (der[at] !== 0x02 || length === 0 || bytes.length !== length) throw malformed('no number');
  if (first >= 0x80 || (first === 0 && second < 0x80)) throw malformed('a number in another spelling');
  const value = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  if (value === 0n || value >= P256_ORDER) throw malformed('a number beyond the order');
  return { value, end };
}

/** r || s with s in the lower half: the one spelling that is taken. Faults `passkey-signature-malformed`. */
function lowSignature(der: Uint8Array): Uint8Array {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) throw malformed('no sequence');
  const r = integerAt(der, 2);
  const s = integerAt(der, r.end);
  if (s.end !== der.length) throw malformed('something behind it');
  return lowP256(r.value, s.value);
}

/** What goes into `signature` of an approval or an entry. Faults `passkey-signature-malformed`. */
export function passkeySignature({ authenticatorData, clientDataJSON, signature }: BrowserAssertion): string {
  return passkeyText({ authenticatorData, clientDataJSON, signature: lowSignature(signature) });
}
