import { describe, expect, it } from '@jest/globals';
import { loginForbidden } from './connection.js';
import { decodeCurve, decodePoint } from './key-objects.js';

const POINT = Buffer.concat([Buffer.from([0x04]), Buffer.alloc(64, 0xab)]);
const mechanism = expect.objectContaining({ code: 'mechanism' });

describe('a public point as a token gives it', () => {
  it('is read with and without its DER wrapping', () => {
    expect(decodePoint(POINT)).toEqual(POINT);
    expect(decodePoint(Buffer.concat([Buffer.from([0x04, 0x41]), POINT]))).toEqual(POINT);
  });

  it.each([
    ['there is none', undefined],
    ['it is empty', Buffer.alloc(0)],
    ['it is compressed', Buffer.concat([Buffer.from([0x02]), Buffer.alloc(32, 1)])],
    ['it is one byte short', POINT.subarray(0, 64)],
    ['the wrapping says another length', Buffer.concat([Buffer.from([0x04, 0x40]), POINT])],
    ['the wrapping is no octet string', Buffer.concat([Buffer.from([0x03, 0x41]), POINT])],
    ['the wrapped point is hybrid', Buffer.concat([Buffer.from([0x04, 0x41, 0x06]), POINT.subarray(1)])],
  ])('refuses mechanism when %s', (_why, value) => {
    expect(() => decodePoint(value)).toThrow(mechanism);
  });
});

describe('a curve as a token names it', () => {
  it('is secp256k1 or P-256', () => {
    expect(decodeCurve(Buffer.from('06052b8104000a', 'hex'))).toBe('secp256k1');
    expect(decodeCurve(Buffer.from('06082a8648ce3d030107', 'hex'))).toBe('p256');
  });

  it.each([
    ['P-384', '06052b81040022'],
    ['Ed25519 by name', '130c656477617264733235353139'],
    ['an explicit curve', '308201333081ec'],
    ['nothing', ''],
  ])('refuses mechanism for %s', (_curve, hex) => {
    expect(() => decodeCurve(Buffer.from(hex, 'hex'))).toThrow(mechanism);
    expect(() => decodeCurve(undefined)).toThrow(mechanism);
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
