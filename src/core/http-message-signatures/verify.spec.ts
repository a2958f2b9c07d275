// A signed request as the CLI makes it, then one thing changed at a time.

import { describe, expect, it } from '@jest/globals';
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { portableVerifier } from '../statements/signature.js';
import { contentDigest } from './content-digest.js';
import type { HttpSignatureAlgorithm } from './profile.js';
import { type HttpSigningKey, type SignableRequest, signHttpRequest } from './sign.js';
import { type HttpMessage, messageOf } from './signature-base.js';
import { verifyHttpRequest } from './verify.js';

const NOW_MS = 1_800_000_000_000;
const NONCE = 'AAAAAAAAAAAAAAAAAAAAAA';
const URL_ = 'http://127.0.0.1:7430/v1/transfers?limit=5&state=settled';
const BODY = utf8ToBytes('{"statement":1}');

const edSecret = new Uint8Array(32).fill(7);
const p256Secret = new Uint8Array(32).fill(9);
const keys: Record<HttpSignatureAlgorithm, string> = {
  ed25519: bytesToHex(ed25519.getPublicKey(edSecret)),
  'ecdsa-p256-sha256': bytesToHex(p256.getPublicKey(p256Secret, false)),
};

const backend: HttpSigningKey = {
  keyId: 'desk',
  alg: 'ed25519',
  sign: async (bytes) => ed25519.sign(bytes, edSecret),
  nowMs: NOW_MS,
  nonce: NONCE,
};
const officer: HttpSigningKey = {
  ...backend,
  keyId: 'ada-piv',
  alg: 'ecdsa-p256-sha256',
  sign: async (bytes) => p256.sign(bytes, p256Secret, { prehash: true, format: 'compact' }),
};

const post: SignableRequest = {
  method: 'POST',
  url: URL_,
  headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'pay-0001' },
  body: BODY,
};

function verdictOf(message: HttpMessage, body: Uint8Array = BODY, nowMs = NOW_MS) {
  const outcome = verifyHttpRequest(message, body, {
    verifier: portableVerifier,
    nowMs,
    lookUpKey: (keyId, alg) =>
      (alg === 'ed25519' ? keyId === 'desk' : keyId === 'ada-piv') ? keys[alg] : undefined,
  });
  return outcome.kind === 'accepted' ? 'accepted' : outcome.code;
}

async function signed(request: SignableRequest = post, key: HttpSigningKey = backend): Promise<HttpMessage> {
  return messageOf(request.method, request.url, await signHttpRequest(request, key));
}

function withHeader(message: HttpMessage, name: string, ...values: string[]): HttpMessage {
  const headers = new Map(message.headers);
  if (values.length === 0) headers.delete(name);
  else headers.set(name, values);
  return { ...message, headers };
}

function header(message: HttpMessage, name: string): string {
  return message.headers.get(name)?.[0] ?? '';
}

describe('a signed request', () => {
  it.each([
    ['a backend', backend],
    ['an officer', officer],
  ])('of %s is accepted, and says by whom and until when', async (_name, key) => {
    const outcome = verifyHttpRequest(await signed(post, key), BODY, {
      verifier: portableVerifier,
      nowMs: NOW_MS,
      lookUpKey: (_keyId, alg) => keys[alg],
    });
    expect(outcome).toEqual({
      kind: 'accepted',
      value: { keyId: key.keyId, alg: key.alg, nonce: NONCE, createdMs: NOW_MS, expiresMs: NOW_MS + 300_000 },
    });
  });

  it('without a body needs no digest', async () => {
    const get = { method: 'GET', url: 'http://127.0.0.1:7430/v1/wallets' };
    expect(verdictOf(await signed(get), new Uint8Array(0))).toBe('accepted');
  });

  it('may carry a signature that somebody else put on for their own purposes', async () => {
    const message = await signed();
    const both = withHeader(
      withHeader(
        message,
        'signature-input',
        'proxy=("@method");created=1',
        header(message, 'signature-input'),
      ),
      'signature',
      'proxy=:AAAA:',
      header(message, 'signature'),
    );
    expect(verdictOf(both)).toBe('accepted');
  });

  it('covers the key for idempotency and the digest', async () => {
    expect(header(await signed(), 'signature-input')).toContain(
      '("@method" "@authority" "@path" "@query" "content-digest" "idempotency-key")',
    );
  });
});

describe('signature-missing', () => {
  it.each(['signature', 'signature-input'])('refuses a request without %s', async (name) => {
    expect(verdictOf(withHeader(await signed(), name))).toBe('signature-missing');
  });

  it('refuses a signature that was made for another application', async () => {
    const message = await signed();
    const other = header(message, 'signature-input').replace('tag="portcullis"', 'tag="other"');
    expect(verdictOf(withHeader(message, 'signature-input', other))).toBe('signature-missing');
  });

  it('refuses when only another label has a signature', async () => {
    const message = await signed();
    const relabelled = header(message, 'signature').replace('portcullis=', 'other=');
    expect(verdictOf(withHeader(message, 'signature', relabelled))).toBe('signature-missing');
  });
});

describe('signature-malformed', () => {
  const edits: [string, (input: string) => string][] = [
    ['the input is no structured field', () => '((('],
    ['the input is no inner list', () => 'portcullis=1'],
    ['a parameter is unknown', (input) => `${input};admin`],
    ['created is missing', (input) => input.replace(/;created=\d+/, '')],
    ['created is a string', (input) => input.replace(/;created=(\d+)/, ';created="$1"')],
    ['expires is missing', (input) => input.replace(/;expires=\d+/, '')],
    ['expires is not after created', (input) => input.replace(/;expires=\d+/, ';expires=1800000000')],
    [
      'expires is more than five minutes after created',
      (input) => input.replace(/;expires=\d+/, ';expires=1800000301'),
    ],
    ['the nonce is missing', (input) => input.replace(/;nonce="[^"]*"/, '')],
    ['the nonce is short', (input) => input.replace(/;nonce="[^"]*"/, ';nonce="AAAA"')],
    ['the key id is missing', (input) => input.replace(/;keyid="[^"]*"/, '')],
    ['the key id is not an identifier', (input) => input.replace(/;keyid="[^"]*"/, ';keyid="../x"')],
    ['the algorithm is missing', (input) => input.replace(/;alg="[^"]*"/, '')],
    ['the algorithm is symmetric', (input) => input.replace('ed25519', 'hmac-sha256')],
    ['a component is covered twice', (input) => input.replace('"@path"', '"@path" "@path"')],
    ['a component has a parameter', (input) => input.replace('"@path"', '"@path";req')],
    ['a derived component is unknown', (input) => input.replace('"@path"', '"@path" "@target-uri"')],
    ['a component is not a string', (input) => input.replace('"@path"', '"@path" 7')],
    [
      'there are too many components',
      (input) =>
        input.replace('"@path"', `"@path" ${Array.from({ length: 20 }, (_v, i) => `"x-${i}"`).join(' ')}`),
    ],
    ['two signatures have our tag', (input) => `${input}, again=${input.slice('portcullis='.length)}`],
    ['the input is too long', (input) => `${input}${' '.repeat(5_000)}`],
  ];

  it.each(edits)('refuses when %s', async (_name, edit) => {
    const message = await signed();
    const edited = withHeader(message, 'signature-input', edit(header(message, 'signature-input')));
    expect(verdictOf(edited)).toBe('signature-malformed');
  });

  it.each([
    ['is no structured field', ':::'],
    ['is not bytes', 'portcullis=7'],
    ['is an inner list', 'portcullis=(:AAAA:)'],
    ['has too few bytes', 'portcullis=:AAAA:'],
  ])('refuses when the signature %s', async (_name, value) => {
    expect(verdictOf(withHeader(await signed(), 'signature', value))).toBe('signature-malformed');
  });

  it('refuses an Idempotency-Key that was sent twice', async () => {
    expect(verdictOf(withHeader(await signed(), 'idempotency-key', 'pay-0001', 'pay-0002'))).toBe(
      'signature-malformed',
    );
  });
});

describe('signature-components-missing', () => {
  it.each(['"@method"', '"@authority"', '"@path"', '"@query"', '"content-digest"', '"idempotency-key"'])(
    'refuses a signature that does not cover %s',
    async (component) => {
      const message = await signed();
      const input = header(message, 'signature-input').replace(new RegExp(` ?${component}`), '');
      expect(verdictOf(withHeader(message, 'signature-input', input))).toBe('signature-components-missing');
    },
  );

  it('refuses a body whose digest was left out', async () => {
    const message = await signed({ method: 'POST', url: URL_ });
    expect(verdictOf(message, BODY)).toBe('signature-components-missing');
  });

  it('refuses an Idempotency-Key that was added on the way', async () => {
    const message = await signed({ method: 'GET', url: URL_ });
    expect(verdictOf(withHeader(message, 'idempotency-key', 'pay-0009'), new Uint8Array(0))).toBe(
      'signature-components-missing',
    );
  });

  it('refuses a signature over a header that the request does not have', async () => {
    const message = await signed();
    const input = header(message, 'signature-input').replace('"@path"', '"@path" "x-absent"');
    expect(verdictOf(withHeader(message, 'signature-input', input))).toBe('signature-components-missing');
  });
});

describe('the time of a signature', () => {
  it.each([
    ['accepts it in its last millisecond', 299_999, 'accepted'],
    ['refuses it when it ends', 300_000, 'signature-expired'],
    ['refuses it a day later', 86_400_000, 'signature-expired'],
    ['accepts a clock that is 30 s ahead', -30_000, 'accepted'],
    ['refuses a clock that is further ahead', -30_001, 'signature-not-yet-valid'],
  ])('%s', async (_name, afterMs, expected) => {
    expect(verdictOf(await signed(), BODY, NOW_MS + afterMs)).toBe(expected);
  });
});

describe('signature-key-unknown', () => {
  it('refuses a key that nobody registered', async () => {
    expect(verdictOf(await signed(post, { ...backend, keyId: 'stranger' }))).toBe('signature-key-unknown');
  });

  it("refuses a request key's name with the officers' algorithm", async () => {
    expect(verdictOf(await signed(post, { ...officer, keyId: 'desk' }))).toBe('signature-key-unknown');
  });
});

describe('signature-invalid', () => {
  const changes: [string, (message: HttpMessage) => HttpMessage][] = [
    ['the method', (message) => ({ ...message, method: 'PUT' })],
    ['the authority', (message) => ({ ...message, authority: 'elsewhere.example' })],
    ['the path', (message) => ({ ...message, path: '/v1/transfers/' })],
    ['the query', (message) => ({ ...message, query: '?limit=6&state=settled' })],
    ['the digest', (message) => withHeader(message, 'content-digest', contentDigest(utf8ToBytes('{}')))],
    ['the Idempotency-Key', (message) => withHeader(message, 'idempotency-key', 'pay-0002')],
    [
      'the nonce',
      (message) =>
        withHeader(
          message,
          'signature-input',
          header(message, 'signature-input').replace(NONCE, NONCE.replaceAll('A', 'B')),
        ),
    ],
    [
      'the expiry',
      (message) =>
        withHeader(
          message,
          'signature-input',
          header(message, 'signature-input').replace(/;expires=\d+/, ';expires=1800000299'),
        ),
    ],
  ];

  it.each(changes)('refuses when %s was changed', async (_name, change) => {
    expect(verdictOf(change(await signed()))).toBe('signature-invalid');
    expect(verdictOf(change(await signed(post, officer)))).toBe('signature-invalid');
  });

  it('refuses another key that says it is the registered one', async () => {
    const thief: HttpSigningKey = {
      ...backend,
      sign: async (bytes) => ed25519.sign(bytes, new Uint8Array(32).fill(8)),
    };
    expect(verdictOf(await signed(post, thief))).toBe('signature-invalid');
  });
});

describe('content-digest-mismatch', () => {
  it('refuses another body under the signed digest', async () => {
    expect(verdictOf(await signed(), utf8ToBytes('{"statement":2}'))).toBe('content-digest-mismatch');
  });

  it('refuses a body that was taken away', async () => {
    expect(verdictOf(await signed(), new Uint8Array(0))).toBe('content-digest-mismatch');
  });
});

describe('anything else', () => {
  it('is refused with a code and never throws', async () => {
    const message = await signed();
    const original = { input: header(message, 'signature-input'), signature: header(message, 'signature') };
    fc.assert(
      fc.property(
        fc.constantFrom('input' as const, 'signature' as const),
        fc.nat({ max: 300 }),
        fc.nat({ max: 20 }),
        fc.string({ unit: 'binary', maxLength: 8 }),
        (field, at, remove, insert) => {
          const text = original[field];
          const edited = text.slice(0, at) + insert + text.slice(at + remove);
          const verdict = verdictOf(
            withHeader(message, field === 'input' ? 'signature-input' : 'signature', edited),
          );
          if (verdict === 'accepted') {
            // Only what means the same may pass: blanks at the ends, another label, unused base64 bits.
            expect(edited.replaceAll(/\s/g, '').length).toBeGreaterThan(0);
            return true;
          }
          return /^(signature|content)-[a-z-]+$/.test(verdict);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('signs only what the profile allows', async () => {
    await expect(signHttpRequest(post, { ...backend, nonce: 'short' })).rejects.toMatchObject({
      code: 'http-signing-input-malformed',
    });
    await expect(signHttpRequest(post, { ...backend, lifetimeSeconds: 301 })).rejects.toMatchObject({
      code: 'http-signing-input-malformed',
    });
    await expect(
      signHttpRequest(post, { ...backend, sign: async () => new Uint8Array(71) }),
    ).rejects.toMatchObject({ code: 'http-signing-key-misbehaved' });
  });
});
