// The specification's own examples: base, signature and digest come out as printed in RFC 9421 and RFC 9530.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { type InnerList, isInnerList, parseDictionary } from 'structured-headers';
import { z } from 'zod';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { portableVerifier } from '../statements/signature.js';
import { contentDigest, matchesContentDigest } from './content-digest.js';
import { type HttpMessage, messageOf, signatureBase } from './signature-base.js';

const headers = z.record(z.string(), z.string());
const vectors = z
  .object({
    ed25519: z.object({ publicKey: z.string(), seed: z.string() }),
    p256: z.object({ publicKey: z.string() }),
    b24: z.object({ status: z.number(), headers, signatureInput: z.string(), signature: z.string() }),
    b26: z.object({
      method: z.string(),
      url: z.string(),
      headers,
      signatureInput: z.string(),
      signature: z.string(),
      base: z.array(z.string()),
    }),
    rfc9530: z.object({ body: z.string(), contentDigest: z.string() }),
  })
  .parse(JSON.parse(readFileSync('test/vectors/rfc9421/vectors.json', 'utf8')));

function inputOf(field: string): InnerList {
  const [member] = [...parseDictionary(field).values()];
  if (member === undefined || !isInnerList(member)) throw new Error('vector is not an inner list');
  return member;
}

function signatureOf(field: string): Uint8Array {
  const [member] = [...parseDictionary(field).values()];
  if (member === undefined || isInnerList(member) || !(member[0] instanceof ArrayBuffer)) {
    throw new Error('vector is not a byte sequence');
  }
  return new Uint8Array(member[0]);
}

function baseOf(message: HttpMessage, input: InnerList): Uint8Array {
  const base = signatureBase(message, input);
  if ('missing' in base) throw new Error(`component ${base.missing} is missing`);
  return base.bytes;
}

describe('RFC 9421 B.2.6: a request signed with Ed25519', () => {
  const { b26 } = vectors;
  const base = baseOf(messageOf(b26.method, b26.url, b26.headers), inputOf(b26.signatureInput));

  it('gives the printed signature base', () => {
    expect(new TextDecoder().decode(base)).toBe(b26.base.join('\n'));
  });

  it.each([
    ['native', nativeVerifier],
    ['portable', portableVerifier],
  ])('accepts the printed signature (%s verifier)', (_name, verifier) => {
    const key = hexToBytes(vectors.ed25519.publicKey);
    expect(verifier.ed25519(key, base, signatureOf(b26.signature))).toBe(true);
  });

  it('signs to the printed signature, Ed25519 being deterministic', () => {
    expect(bytesToHex(ed25519.sign(base, hexToBytes(vectors.ed25519.seed)))).toBe(
      bytesToHex(signatureOf(b26.signature)),
    );
  });
});

describe('RFC 9421 B.2.4: a response signed with ECDSA P-256', () => {
  const { b24 } = vectors;
  const message: HttpMessage = {
    ...messageOf('GET', 'https://example.com/', b24.headers),
    status: b24.status,
  };

  it.each([
    ['native', nativeVerifier],
    ['portable', portableVerifier],
  ])('accepts the printed signature (%s verifier)', (_name, verifier) => {
    const key = hexToBytes(vectors.p256.publicKey);
    const base = baseOf(message, inputOf(b24.signatureInput));
    expect(verifier.p256(key, base, signatureOf(b24.signature))).toBe(true);
  });

  it('does not accept it for another status', () => {
    const base = baseOf({ ...message, status: 201 }, inputOf(b24.signatureInput));
    expect(nativeVerifier.p256(hexToBytes(vectors.p256.publicKey), base, signatureOf(b24.signature))).toBe(
      false,
    );
  });
});

describe('RFC 9530: Content-Digest', () => {
  const body = utf8ToBytes(vectors.rfc9530.body);

  it('gives the printed digest', () => {
    expect(contentDigest(body)).toBe(vectors.rfc9530.contentDigest);
  });

  it.each([
    ['the digest', vectors.rfc9530.contentDigest, true],
    ['the digest beside another algorithm', `sha-512=:AAAA:, ${vectors.rfc9530.contentDigest}`, true],
    ['another body', contentDigest(utf8ToBytes('{"hello": "World"}\n')), false],
    ['only another algorithm', 'sha-512=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:', false],
    ['a token instead of bytes', 'sha-256=abc', false],
    ['an inner list', 'sha-256=(:AAAA:)', false],
    ['no structured field', '=;=', false],
    ['nothing', '', false],
    ['too long a field', `sha-256=:${'A'.repeat(600)}:`, false],
  ])('matches a field with %s: %s → %s', (_name, field, expected) => {
    expect(matchesContentDigest(field, body)).toBe(expected);
  });
});
