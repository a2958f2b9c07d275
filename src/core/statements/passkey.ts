// A passkey's signature over a statement (Web Authentication Level 3 §7.2). An authenticator signs no text of ours: it signs its own
// data and the hash of what the browser says it was asked, where a challenge stands. The challenge is the SHA-256 of the statement.
//
// No JSON is parsed. What the browser says is compared byte by byte with what it has to say, by the limited verification algorithm
// (§5.8.1.2), so that nothing can be read in two ways. A passkey proves a person at an origin, and not what that person saw.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { base64Of, bytesOfBase64, textOfUtf8 } from '../audit/texts.js';
import { isLowP256 } from './p256-spelling.js';
import type { SignatureClaim } from './signature.js';

/** What governance has registered of a passkey. */
export interface PasskeyKey {
  /** SEC 1 uncompressed P-256 point, hex. */
  readonly publicKey: string;
  /** The relying party: a domain. */
  readonly rpId: string;
  /** Where it is used: `https://` and the relying party, or a domain below it. */
  readonly origin: string;
  /** Whether its owner's devices may copy it among themselves (flag BE); what it was made as, it stays. */
  readonly backupEligible: boolean;
}

/** What a browser gives after an assertion, as bytes. */
export interface Assertion {
  readonly authenticatorData: Uint8Array;
  readonly clientDataJSON: Uint8Array;
  /** r || s. */
  readonly signature: Uint8Array;
}

const UP = 0x01;
const UV = 0x04;
const BE = 0x08;
const BS = 0x10;
const AUTHENTICATOR_DATA_BYTES = 37;
export const MOST_CLIENT_DATA_BYTES = 1_024;

/** The 32 bytes that a browser is given to have a statement signed. */
export function passkeyChallenge(statement: Uint8Array): Uint8Array {
  return sha256(statement);
}

/** RFC 4648 §5, without padding. */
function base64urlOf(bytes: Uint8Array): string {
  return base64Of(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Nothing for another spelling. */
function bytesOfBase64url(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const padding = '='.repeat((4 - (text.length % 4)) % 4);
  return bytesOfBase64(`${text.replaceAll('-', '+').replaceAll('_', '/')}${padding}`);
}

/** As statements carry it: r || s in hex, then authenticator data and client data in base64url. */
export function passkeyText({ authenticatorData, clientDataJSON, signature }: Assertion): string {
  return [bytesToHex(signature), base64urlOf(authenticatorData), base64urlOf(clientDataJSON)].join('.');
}

/** rpIdHash, flags and a counter, and nothing behind them: nothing else is asked for. The counter is not looked at. */
function isOurAuthenticatorData(data: Uint8Array, { rpId, backupEligible }: PasskeyKey): boolean {
  if (data.length !== AUTHENTICATOR_DATA_BYTES) return false;
  if (bytesToHex(data.subarray(0, 32)) !== bytesToHex(sha256(utf8ToBytes(rpId)))) return false;
  const flags = data[32] ?? 0;
  const wanted = UP | UV | (backupEligible ? BE : 0);
  return (flags & ~(backupEligible ? BS : 0)) === wanted;
}

/**
 * What browsers may say beside what is compared: members with plain values, none of them a second one of those. They mean
 * nothing here. Browsers add such members to see that nobody compares with a template.
 */
const MORE_MEMBERS =
  /^(?:,"(?!(?:type|challenge|origin|crossOrigin|topOrigin)")[A-Za-z0-9_]{1,64}":(?:"[\x20\x21\x23-\x5b\x5d-\x7e]*"|true|false|null))*\}$/;

function isOurClientData(data: Uint8Array, { origin }: PasskeyKey, challenge: Uint8Array): boolean {
  if (data.length > MOST_CLIENT_DATA_BYTES) return false;
  const text = textOfUtf8(data);
  const expected = `{"type":"webauthn.get","challenge":"${base64urlOf(challenge)}","origin":"${origin}","crossOrigin":false`;
  return text?.startsWith(expected) === true && MORE_MEMBERS.test(text.slice(expected.length));
}

/**
 * The question of curves that is left when everything else about an assertion is right; undefined when it is not. Hostile input:
 * any text.
 */
export function assertionClaim(
  key: PasskeyKey,
  challenge: Uint8Array,
  signature: string,
): SignatureClaim | undefined {
  const [rs = '', data = '', client = '', ...more] = signature.split('.');
  const authenticatorData = bytesOfBase64url(data);
  const clientDataJSON = bytesOfBase64url(client);
  if (!/^[0-9a-f]{128}$/.test(rs) || !authenticatorData || !clientDataJSON || more.length > 0)
    return undefined;
  // One spelling of each signature, as whoever brings it from the browser has made it.
  if (!isLowP256(rs) || !isOurAuthenticatorData(authenticatorData, key)) return undefined;
  if (!isOurClientData(clientDataJSON, key, challenge)) return undefined;
  return {
    kind: 'p256',
    publicKey: hexToBytes(key.publicKey),
    message: concatBytes(authenticatorData, sha256(clientDataJSON)),
    signature: hexToBytes(rs),
  };
}

/** The same of a passkey's signature over a statement. */
export function passkeyClaim(
  key: PasskeyKey,
  statement: Uint8Array,
  signature: string,
): SignatureClaim | undefined {
  return assertionClaim(key, passkeyChallenge(statement), signature);
}
