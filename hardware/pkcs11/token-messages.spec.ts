import { describe, expect, it } from '@jest/globals';
import { LARGEST_MESSAGE_BYTES, MOST_DIGESTS } from './token-inputs.js';
import {
  fromChildSchema,
  keyDescriptionSchema,
  resultSchemas,
  toChildSchema,
  tokenProcessConfigSchema,
} from './token-messages.js';

const call = (operation: unknown, id: unknown = 1) => ({ kind: 'calls', calls: [{ id, operation }] });
const config = {
  modulePath: '/usr/lib/vendor.so',
  tokenLabel: 'treasury',
  pin: { kind: 'file', path: '/run/pin' },
} as const;

describe('a message to a token process', () => {
  it('is accepted as the parent makes it', () => {
    expect(
      toChildSchema.safeParse(call({ op: 'signDigests', key: { label: 'a' }, digests: Buffer.alloc(64) }))
        .success,
    ).toBe(true);
    for (const length of [1, LARGEST_MESSAGE_BYTES]) {
      expect(
        toChildSchema.safeParse(
          call({ op: 'signMessage', key: { label: 'a', id: '01' }, message: Buffer.alloc(length) }),
        ).success,
      ).toBe(true);
    }
    expect(toChildSchema.safeParse(call({ op: 'generateKey', label: 'a', curve: 'ed25519' })).success).toBe(
      true,
    );
  });

  it.each([
    ['an unknown operation', call({ op: 'signText', text: 'x' })],
    ['an operation with a field too many', call({ op: 'status', verbose: true })],
    ['digests that are no bytes', call({ op: 'signDigests', key: { label: 'a' }, digests: 'ab' })],
    ['no digests', call({ op: 'signDigests', key: { label: 'a' }, digests: Buffer.alloc(0) })],
    [
      'more digests than go together',
      call({ op: 'signDigests', key: { label: 'a' }, digests: Buffer.alloc(32 * (MOST_DIGESTS + 1)) }),
    ],
    [
      'a digest that is too long',
      call({ op: 'signDigests', key: { label: 'a' }, digests: Buffer.alloc(33) }),
    ],
    ['a message that is no bytes', call({ op: 'signMessage', key: { label: 'a' }, message: 'ab' })],
    ['no message', call({ op: 'signMessage', key: { label: 'a' }, message: Buffer.alloc(0) })],
    [
      'a message that is too long',
      call({ op: 'signMessage', key: { label: 'a' }, message: Buffer.alloc(LARGEST_MESSAGE_BYTES + 1) }),
    ],
    [
      'a message with a digest beside it',
      call({
        op: 'signMessage',
        key: { label: 'a' },
        message: Buffer.alloc(1),
        digests: Buffer.alloc(32),
      }),
    ],
    ['a key without a label', call({ op: 'describeKey', key: {} })],
    ['a curve that is not used', call({ op: 'generateKey', label: 'a', curve: 'p384' })],
    [
      'a version that is no bigint',
      call({ op: 'writeRecord', name: 'a', record: { version: 1, value: Buffer.alloc(1) } }),
    ],
    ['a call without a number', call({ op: 'status' }, 0)],
    [
      'a PIN in the settings',
      { kind: 'settings', settings: { ...config, sessions: 1, pin: { kind: 'prompt', pin: '1' } } },
    ],
    ['another kind', { kind: 'evaluate' }],
    ['nothing', undefined],
  ])('is refused when it is %s', (_what, message) => {
    expect(toChildSchema.safeParse(message).success).toBe(false);
  });
});

describe('a message from a token process', () => {
  it.each([
    [
      'a fault with an unknown code',
      { kind: 'answers', answers: [{ kind: 'fault', id: 1, code: 'oops', message: '', facts: {} }] },
    ],
    [
      'a fault with a payload in its facts',
      { kind: 'answers', answers: [{ kind: 'fault', id: 1, code: 'closed', message: '', facts: { a: {} } }] },
    ],
    ['an answer without a number', { kind: 'answers', answers: [{ kind: 'done', value: 1 }] }],
    ['another kind', { kind: 'pin' }],
  ])('is refused when it is %s', (_what, message) => {
    expect(fromChildSchema.safeParse(message).success).toBe(false);
  });

  it.each([0, 63, 65, 129])('is refused when signatures have %i bytes', (length) => {
    expect(resultSchemas.signDigests.safeParse(Buffer.alloc(length)).success).toBe(false);
  });

  it('has one signature for a message, of 64 bytes', () => {
    expect(resultSchemas.signMessage.safeParse(Buffer.alloc(64)).success).toBe(true);
    for (const answer of [Buffer.alloc(0), Buffer.alloc(63), Buffer.alloc(128), '00'.repeat(64), undefined]) {
      expect(resultSchemas.signMessage.safeParse(answer).success).toBe(false);
    }
  });

  it('has a public key that fits the curve', () => {
    const point = `04${'ab'.repeat(64)}`;
    const edwards = 'ab'.repeat(32);
    const accepts = (curve: string, publicKey: string) =>
      keyDescriptionSchema.safeParse({
        label: 'a',
        id: '01',
        curve,
        publicKey,
        unextractable: true,
        bornInToken: true,
      }).success;
    expect(accepts('secp256k1', point) && accepts('p256', point) && accepts('ed25519', edwards)).toBe(true);
    expect(accepts('secp256k1', edwards) || accepts('p256', edwards) || accepts('ed25519', point)).toBe(
      false,
    );
    expect(accepts('ed25519', edwards.toUpperCase())).toBe(false);
    expect(accepts('ed448', edwards)).toBe(false);
  });
});

describe('the configuration of a token', () => {
  it('has sessions and deadlines of its own accord', () => {
    expect(tokenProcessConfigSchema.parse(config)).toEqual({
      ...config,
      sessions: 4,
      environment: {},
      deadlineMs: 15_000,
      startDeadlineMs: 20_000,
    });
  });

  it.each([
    ['no token label', { ...config, tokenLabel: '' }],
    ['a label longer than PKCS#11 has room for', { ...config, tokenLabel: 'x'.repeat(33) }],
    ['no session', { ...config, sessions: 0 }],
    ['a PIN in it', { ...config, pin: '123456' }],
    ['a PIN source with the PIN beside it', { ...config, pin: { kind: 'file', path: '/p', pin: '123456' } }],
    ['a setting that nobody knows', { ...config, retries: 3 }],
    ['an environment name with a sign in it', { ...config, environment: { 'A=B': 'c' } }],
  ])('is refused when it has %s', (_what, candidate) => {
    expect(tokenProcessConfigSchema.safeParse(candidate).success).toBe(false);
  });
});
