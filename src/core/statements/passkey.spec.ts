import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { p256 } from '@noble/curves/nist.js';
import { hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { z } from 'zod';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { passkeySignature } from '../../sdk/passkeys.js';
import { type Altered, aPasskey, type Passkey } from './passkey.fixture.js';
import {
  assertionClaim,
  MOST_CLIENT_DATA_BYTES,
  type PasskeyKey,
  passkeyClaim,
  passkeyText,
} from './passkey.js';
import { portableVerifier, type SignatureVerifier } from './signature.js';

const STATEMENT = utf8ToBytes('portcullis/approve/v1\n{}');
const passkey = aPasskey();

function holds(
  text: string,
  key: PasskeyKey = passkey.key,
  statement: Uint8Array = STATEMENT,
  verifier: SignatureVerifier = portableVerifier,
): boolean {
  const claim = passkeyClaim(key, statement, text);
  return claim !== undefined && verifier[claim.kind](claim.publicKey, claim.message, claim.signature);
}

const signedWith = (altered: Altered, from: Passkey = passkey) =>
  passkeySignature(from.assertion(STATEMENT, altered));

describe('a passkey’s signature over a statement', () => {
  it.each([
    ['the portable verifier', portableVerifier],
    ['the native one', nativeVerifier],
  ])('holds for that statement and key alone, by %s', (_, verifier) => {
    const text = signedWith({});
    expect(holds(text, passkey.key, STATEMENT, verifier)).toBe(true);
    expect(holds(text, passkey.key, utf8ToBytes('portcullis/reject/v1\n{}'), verifier)).toBe(false);
    expect(holds(text, aPasskey().key, STATEMENT, verifier)).toBe(false);
  });

  it('holds with whatever else a browser says, as long as that has plain values', () => {
    const more = [
      ',"other_keys_can_be_added_here":"do not compare clientDataJSON against a template. See https://goo.gl/yabPex"',
      ',"extraData":"x","n":null,"b":true',
      ',"empty":""',
    ];
    for (const one of more) expect(holds(signedWith({ more: one }))).toBe(true);
  });

  it.each<[string, Altered]>([
    ['made for a registration', { type: 'webauthn.create' }],
    ['made for a payment', { type: 'payment.get' }],
    ['for another challenge', { challenge: 'A'.repeat(43) }],
    ['for its challenge with padding', { challenge: `${passkey.challengeText(STATEMENT)}=` }],
    ['from another origin', { origin: 'https://officers.exchange.example.evil.example' }],
    ['from a page below its origin', { origin: 'https://officers.exchange.example/' }],
    ['from its origin without encryption', { origin: 'http://officers.exchange.example' }],
    ['from inside another page', { crossOrigin: 'true' }],
    ['that does not say whether it is', { crossOrigin: '' }],
    ['with the page that it was inside of', { more: ',"topOrigin":"https://evil.example"' }],
    ['that says its type twice', { more: ',"type":"webauthn.create"' }],
    ['that says its challenge twice', { more: `,"challenge":"${'A'.repeat(43)}"` }],
    ['that says its origin twice', { more: ',"origin":"https://evil.example"' }],
    ['that says twice whether it is inside another page', { more: ',"crossOrigin":true' }],
    ['with a member whose name is escaped', { more: ',"\\u006frigin":"https://evil.example"' }],
    ['with a value that is escaped', { more: ',"x":"\\""' }],
    ['with something nested', { more: ',"x":{"origin":"y"}' }],
    ['with a list', { more: ',"x":[1]' }],
    ['with white space', { more: ' ' }],
    ['with something behind its end', { more: '}' }],
    ['for another relying party', { rpId: 'evil.example' }],
    ['for the domain of its origin', { rpId: 'officers.exchange.example' }],
    ['without a person there', { flags: 0x04 }],
    ['without a person recognised', { flags: 0x01 }],
    ['without either', { flags: 0x00 }],
    ['by a key that may be copied', { flags: 0x0d }],
    ['by a key that was copied', { flags: 0x1d }],
    ['by a key that was copied and may not be', { flags: 0x15 }],
    ['with a flag that is kept for later', { flags: 0x07 }],
    ['with another that is', { flags: 0x25 }],
    ['with a registration in it', { flags: 0x45 }],
    ['that says it has extensions', { flags: 0x85 }],
    ['with extensions', { flags: 0x85, extensions: Uint8Array.of(0xa0) }],
    ['with bytes that nothing says of', { extensions: Uint8Array.of(0xa0) }],
    ['longer than a browser makes it', { more: `,"x":"${'x'.repeat(MOST_CLIENT_DATA_BYTES)}"` }],
  ])('does not hold %s', (_, altered) => {
    expect(holds(signedWith(altered))).toBe(false);
  });

  it('does not hold with members in another order, or with a byte order mark', () => {
    const { origin } = passkey.key;
    const challenge = passkey.challengeText(STATEMENT);
    const members = [
      `"type":"webauthn.get"`,
      `"challenge":"${challenge}"`,
      `"origin":"${origin}"`,
      '"crossOrigin":false',
    ];
    expect(holds(signedWith({ clientDataJSON: `{${members.join(',')}}` }))).toBe(true);
    expect(holds(signedWith({ clientDataJSON: `\ufeff{${members.join(',')}}` }))).toBe(false);
    expect(holds(signedWith({ clientDataJSON: `{${members.toReversed().join(',')}}` }))).toBe(false);
    expect(holds(signedWith({ clientDataJSON: `{${members.join(', ')}}` }))).toBe(false);
    expect(holds(signedWith({ clientDataJSON: '' }))).toBe(false);
  });

  it('of a key that may be copied has to say so, copied or not', () => {
    const copied = aPasskey({ backupEligible: true });
    const flagged = (flags: number) => holds(signedWith({ flags }, copied), copied.key);
    expect([0x05, 0x0d, 0x1d, 0x15, 0x0f].map(flagged)).toEqual([false, true, true, false, false]);
  });

  it('does not hold with any single byte changed: of what was signed, or of the signature', () => {
    const made = passkey.assertion(STATEMENT);
    const [rs = ''] = passkeySignature(made).split('.');
    const whole = {
      authenticatorData: made.authenticatorData,
      clientDataJSON: made.clientDataJSON,
      signature: hexToBytes(rs),
    };
    const changed = (bytes: Uint8Array, at: number, to: number) =>
      bytes.map((byte, index) => (index === at % bytes.length ? byte ^ to : byte));
    expect(holds(passkeyText(whole))).toBe(true);
    fc.assert(
      fc.property(
        fc.constantFrom('authenticatorData' as const, 'clientDataJSON' as const, 'signature' as const),
        fc.nat(400),
        fc.integer({ min: 1, max: 255 }),
        (part, at, to) => {
          expect(holds(passkeyText({ ...whole, [part]: changed(whole[part], at, to) }))).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('has one spelling: no single character of it can be another one', () => {
    const text = signedWith({});
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.constantFrom(...'abcdef0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZghijklmnopqrstuvwxyz-_=+/. \n'),
        (at, character) => {
          const other = `${text.slice(0, at)}${character}${text.slice(at + 1)}`;
          expect(holds(other)).toBe(other === text);
        },
      ),
      { numRuns: 500 },
    );
    for (const other of [
      `${text}=`,
      `${text}.`,
      ` ${text}`,
      `${text}\n`,
      text.toUpperCase(),
      '',
      '..',
      text.split('.')[0] ?? '',
    ]) {
      expect(holds(other)).toBe(false);
    }
  });

  it('does not hold with s in the upper half, though the curve would take it', () => {
    const [rs = '', ...signed] = signedWith({}).split('.');
    const order = p256.Point.Fn.ORDER;
    const high = (order - BigInt(`0x${rs.slice(64)}`)).toString(16).padStart(64, '0');
    const twin = [rs.slice(0, 64) + high, ...signed].join('.');
    const message =
      passkeyClaim(passkey.key, STATEMENT, [rs, ...signed].join('.'))?.message ?? new Uint8Array();
    const publicKey = hexToBytes(passkey.key.publicKey);
    expect(portableVerifier.p256(publicKey, message, hexToBytes(rs.slice(0, 64) + high))).toBe(true);
    expect(holds(twin)).toBe(false);
  });

  it('never throws, whatever text it is', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 400 }), (text) => {
        expect(holds(text)).toBe(false);
      }),
    );
  });
});

const file = new URL('../../../test/vectors/webauthn/assertions.json', import.meta.url);
const vectors = z
  .strictObject({
    rpId: z.string(),
    origin: z.string(),
    assertions: z.array(
      z.strictObject({
        name: z.string(),
        publicKey: z.string(),
        challenge: z.string(),
        authenticatorData: z.string(),
        clientDataJSON: z.string(),
        signature: z.string(),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(file, 'utf8')));

describe('the assertions that Web Authentication Level 3 publishes', () => {
  /** Those of a person who was recognised, and not inside another page. */
  const whole = ['none.ES256.long-credential-id', 'packed.ES256'];

  it.each(vectors.assertions.map((one) => [one.name, one] as const))('%s', (name, one) => {
    const text = passkeySignature({
      authenticatorData: hexToBytes(one.authenticatorData),
      clientDataJSON: hexToBytes(one.clientDataJSON),
      signature: hexToBytes(one.signature),
    });
    const { rpId, origin } = vectors;
    const key = { publicKey: one.publicKey, rpId, origin, backupEligible: true };
    const claim = assertionClaim(key, hexToBytes(one.challenge), text);
    expect(claim !== undefined).toBe(whole.includes(name));
    if (!claim) return;
    for (const verifier of [portableVerifier, nativeVerifier]) {
      expect(verifier[claim.kind](claim.publicKey, claim.message, claim.signature)).toBe(true);
    }
    const once = assertionClaim({ ...key, backupEligible: false }, hexToBytes(one.challenge), text);
    expect(once).toBeUndefined();
  });
});
