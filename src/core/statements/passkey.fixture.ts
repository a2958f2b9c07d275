// An authenticator and the browser before it, for tests of core: keys in software, no person, and a browser that may lie. What it gives
// has the form that a browser's has (WebAuthn §5.8.1.1, §6.1), signatures in DER as OpenSSL makes them. Not part of any program.

import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { BrowserAssertion } from '../../sdk/passkeys.js';
import { type PasskeyKey, passkeyChallenge } from './passkey.js';

/** What a test alters of an assertion before it is signed. */
export interface Altered {
  readonly type?: string;
  readonly challenge?: string;
  readonly origin?: string;
  /** Empty: it is left out. */
  readonly crossOrigin?: string;
  /** Behind what is compared, up to the closing brace. */
  readonly more?: string;
  readonly rpId?: string;
  readonly flags?: number;
  /** Behind the counter. */
  readonly extensions?: Uint8Array;
  readonly clientDataJSON?: string;
}

export interface Passkey {
  readonly key: PasskeyKey;
  challengeText(statement: Uint8Array): string;
  assertion(statement: Uint8Array, altered?: Altered): BrowserAssertion;
}

const UP_UV = 0x05;
const BE = 0x08;

export function aPasskey(altered: Partial<PasskeyKey> = {}): Passkey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const point = publicKey.export({ format: 'der', type: 'spki' }).subarray(-65).toString('hex');
  const key: PasskeyKey = {
    publicKey: point,
    rpId: 'exchange.example',
    origin: 'https://officers.exchange.example',
    backupEligible: false,
    ...altered,
  };
  let counter = 0;
  const challengeText = (statement: Uint8Array) =>
    Buffer.from(passkeyChallenge(statement)).toString('base64url');
  return {
    key,
    challengeText,
    assertion: (statement, lies = {}) => {
      counter += 1;
      const count = Buffer.alloc(4);
      count.writeUInt32BE(counter);
      const authenticatorData = Buffer.concat([
        createHash('sha256')
          .update(lies.rpId ?? key.rpId)
          .digest(),
        Buffer.of(lies.flags ?? (key.backupEligible ? UP_UV | BE : UP_UV)),
        count,
        lies.extensions ?? new Uint8Array(),
      ]);
      const said = [
        `"type":"${lies.type ?? 'webauthn.get'}"`,
        `"challenge":"${lies.challenge ?? challengeText(statement)}"`,
        `"origin":"${lies.origin ?? key.origin}"`,
        ...(lies.crossOrigin === '' ? [] : [`"crossOrigin":${lies.crossOrigin ?? 'false'}`]),
      ].join(',');
      const clientDataJSON = Buffer.from(lies.clientDataJSON ?? `{${said}${lies.more ?? ''}}`);
      const hash = createHash('sha256').update(clientDataJSON).digest();
      return {
        authenticatorData: Uint8Array.from(authenticatorData),
        clientDataJSON: Uint8Array.from(clientDataJSON),
        signature: Uint8Array.from(sign('sha256', Buffer.concat([authenticatorData, hash]), privateKey)),
      };
    },
  };
}
