import { describe, expect, it } from '@jest/globals';
import { loginForbidden } from './connection.js';
import pkcs11js from 'pkcs11js';
import {
  decodeCurve,
  decodeKeyType,
  decodePoint,
  findPrivateKey,
  signDigestWith,
  signMessageWith,
} from './key-objects.js';
import { Session } from './session-pool.js';

const POINT = Buffer.concat([Buffer.from([0x04]), Buffer.alloc(64, 0xab)]);
/** The base point of RFC 8032 §5.1. */
const EDWARDS_POINT = Buffer.from(`58${'66'.repeat(31)}`, 'hex');
const mechanism = expect.objectContaining({ code: 'mechanism' });

describe('a public point as a token gives it', () => {
  it('is read with and without its DER wrapping', () => {
    for (const curve of ['secp256k1', 'p256'] as const) {
      expect(decodePoint(POINT, curve)).toEqual(POINT);
      expect(decodePoint(Buffer.concat([Buffer.from([0x04, 0x41]), POINT]), curve)).toEqual(POINT);
    }
    expect(decodePoint(EDWARDS_POINT, 'ed25519')).toEqual(EDWARDS_POINT);
    expect(decodePoint(Buffer.concat([Buffer.from([0x04, 0x20]), EDWARDS_POINT]), 'ed25519')).toEqual(
      EDWARDS_POINT,
    );
  });

  it.each([
    ['there is none', undefined],
    ['it is empty', Buffer.alloc(0)],
    ['it is compressed', Buffer.concat([Buffer.from([0x02]), Buffer.alloc(32, 1)])],
    ['it is one byte short', POINT.subarray(0, 64)],
    ['the wrapping says another length', Buffer.concat([Buffer.from([0x04, 0x40]), POINT])],
    ['the wrapping is no octet string', Buffer.concat([Buffer.from([0x03, 0x41]), POINT])],
    ['the wrapped point is hybrid', Buffer.concat([Buffer.from([0x04, 0x41, 0x06]), POINT.subarray(1)])],
    ['it is one of Ed25519', EDWARDS_POINT],
    ['it is a wrapped one of Ed25519', Buffer.concat([Buffer.from([0x04, 0x20]), EDWARDS_POINT])],
  ])('refuses mechanism when %s', (_why, value) => {
    expect(() => decodePoint(value, 'p256')).toThrow(mechanism);
  });

  it.each([
    ['there is none', undefined],
    ['it is empty', Buffer.alloc(0)],
    ['it is one byte short', EDWARDS_POINT.subarray(0, 31)],
    ['the wrapping says another length', Buffer.concat([Buffer.from([0x04, 0x1f]), EDWARDS_POINT])],
    ['the wrapping is no octet string', Buffer.concat([Buffer.from([0x03, 0x20]), EDWARDS_POINT])],
    ['it is one of Ed448', Buffer.alloc(57, 0xcd)],
    ['it is one of P-256', POINT],
  ])('of Ed25519 refuses mechanism when %s', (_why, value) => {
    expect(() => decodePoint(value, 'ed25519')).toThrow(mechanism);
  });
});

describe('a curve as a token names it', () => {
  it('is secp256k1, P-256, or Ed25519 in either of its spellings', () => {
    expect(decodeCurve(Buffer.from('06052b8104000a', 'hex'))).toBe('secp256k1');
    expect(decodeCurve(Buffer.from('06082a8648ce3d030107', 'hex'))).toBe('p256');
    expect(decodeCurve(Buffer.from('06032b6570', 'hex'))).toBe('ed25519');
    expect(decodeCurve(Buffer.from('130c656477617264733235353139', 'hex'))).toBe('ed25519');
  });

  it.each([
    ['P-384', '06052b81040022'],
    ['Ed448', '06032b6571'],
    ['Ed448 by name', '130a65647761726473343438'],
    ['X25519', '06032b656e'],
    ['Ed25519 by name, as another string', '0c0c656477617264733235353139'],
    ['an explicit curve', '308201333081ec'],
    ['nothing', ''],
  ])('refuses mechanism for %s', (_curve, hex) => {
    expect(() => decodeCurve(Buffer.from(hex, 'hex'))).toThrow(mechanism);
    expect(() => decodeCurve(undefined)).toThrow(mechanism);
  });
});

describe('the type of a key', () => {
  const EC = pkcs11js.CKK_EC;
  const EC_EDWARDS = 0x40;

  /** A token with one private key, that counts what it is asked. */
  function tokenWith(type: Buffer | undefined) {
    const asked: string[] = [];
    const found = [HANDLE];
    const api = {
      C_FindObjectsInit: () => asked.push('C_FindObjectsInit'),
      C_FindObjects: () => found.splice(0),
      C_FindObjectsFinal: () => undefined,
      C_GetAttributeValue: (_session: unknown, _object: unknown, [wanted]: { type: number }[]) => {
        asked.push('C_GetAttributeValue');
        const value = wanted?.type === pkcs11js.CKA_KEY_TYPE ? type : Buffer.from([0]);
        if (value === undefined) {
          throw new Error(`CKR_ATTRIBUTE_TYPE_INVALID:${pkcs11js.CKR_ATTRIBUTE_TYPE_INVALID}`);
        }
        return [{ type: wanted?.type, value }];
      },
      C_SignInit: () => asked.push('C_SignInit'),
      C_Sign: () => Buffer.alloc(64),
    } as unknown as pkcs11js.PKCS11;
    const session = new Session(HANDLE, false);
    const find = () => findPrivateKey(api, session, { label: 'a' }, () => undefined);
    return { api, session, find, asked };
  }

  const HANDLE = Buffer.from([1]);
  const signing = { inThisThread: true, authenticate: async () => undefined };
  const ulong = (value: number, bytes = 8) => {
    const buffer = Buffer.alloc(bytes);
    buffer.writeUInt32LE(value);
    return buffer;
  };

  it('is read in four bytes and in eight, and is unknown otherwise', () => {
    expect(decodeKeyType(ulong(EC))).toBe(EC);
    expect(decodeKeyType(ulong(EC_EDWARDS, 4))).toBe(EC_EDWARDS);
    for (const value of [undefined, Buffer.alloc(0), Buffer.alloc(1), Buffer.alloc(16)]) {
      expect(decodeKeyType(value)).toBeUndefined();
    }
  });

  it('is asked for once on each session, and not again for a signature', async () => {
    const { api, session, find, asked } = tokenWith(ulong(EC));
    find();
    const before = asked.length;
    for (let at = 0; at < 3; at += 1) await signDigestWith(api, session, find(), Buffer.alloc(32), signing);
    expect(asked.slice(before)).toEqual(['C_SignInit', 'C_SignInit', 'C_SignInit']);
  });

  it.each([
    ['an Ed25519 key', ulong(EC_EDWARDS)],
    ['an RSA key', ulong(pkcs11js.CKK_RSA)],
    ['a key of unknown type', undefined],
  ])('refuses mechanism for a digest with %s, and the token is not asked to sign', async (_key, type) => {
    const { api, session, find, asked } = tokenWith(type);
    const signature = signDigestWith(api, session, find(), Buffer.alloc(32), signing);
    await expect(signature).rejects.toEqual(mechanism);
    expect(asked).not.toContain('C_SignInit');
  });

  it.each([
    ['an ECDSA key', ulong(EC)],
    ['an X25519 key', ulong(0x41)],
    ['a key of unknown type', undefined],
  ])('refuses mechanism for a message with %s, and the token is not asked to sign', async (_key, type) => {
    const { api, session, find, asked } = tokenWith(type);
    const signature = signMessageWith(api, session, find(), Buffer.alloc(32), signing);
    await expect(signature).rejects.toEqual(mechanism);
    expect(asked).not.toContain('C_SignInit');
  });
});

describe('a PIN', () => {
  const FINAL_TRY = 0x20000;
  const LOCKED = 0x40000;
  const COUNT_LOW = 0x10000;

  it('is not tried when it is locked, nor as the last try unless a person typed it', () => {
    expect(loginForbidden(LOCKED, 'prompt')).toBe('locked');
    expect(loginForbidden(FINAL_TRY, 'file')).toBe('final-try');
    expect(loginForbidden(FINAL_TRY, 'credential')).toBe('final-try');
    expect(loginForbidden(FINAL_TRY, 'prompt')).toBeUndefined();
    expect(loginForbidden(COUNT_LOW, 'file')).toBeUndefined();
  });
});
