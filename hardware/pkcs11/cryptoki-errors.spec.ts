import { describe, expect, it } from '@jest/globals';
import pkcs11js from 'pkcs11js';
import { asTokenFault, classify, returnValueOf } from './cryptoki-errors.js';
import { tokenFault } from './token-fault.js';

describe('a PKCS#11 return value', () => {
  it.each([
    ['session-lost', 'CKR_SESSION_HANDLE_INVALID', 0xb3],
    ['session-lost', 'CKR_SESSION_CLOSED', 0xb0],
    ['session-lost', 'CKR_USER_NOT_LOGGED_IN', 0x101],
    ['session-lost', 'CKR_OBJECT_HANDLE_INVALID', 0x82],
    ['session-lost', 'CKR_KEY_HANDLE_INVALID', 0x60],
    ['session-lost', 'CKR_CRYPTOKI_NOT_INITIALIZED', 0x190],
    ['token-gone', 'CKR_DEVICE_REMOVED', 0x32],
    ['token-gone', 'CKR_TOKEN_NOT_PRESENT', 0xe0],
    ['token-gone', 'CKR_TOKEN_NOT_RECOGNIZED', 0xe1],
    ['login-failed', 'CKR_PIN_INCORRECT', 0xa0],
    ['login-failed', 'CKR_PIN_LOCKED', 0xa4],
    ['mechanism', 'CKR_MECHANISM_INVALID', 0x70],
    ['mechanism', 'CKR_KEY_FUNCTION_NOT_PERMITTED', 0x68],
    ['mechanism', 'CKR_CURVE_NOT_SUPPORTED', 0x140],
    ['transient', 'CKR_GENERAL_ERROR', 0x05],
    ['transient', 'CKR_FUNCTION_FAILED', 0x06],
    ['transient', 'CKR_DEVICE_ERROR', 0x30],
    ['transient', 'CKR_DEVICE_MEMORY', 0x31],
    ['transient', 'CKR_HOST_MEMORY', 0x02],
    ['transient', 'CKR_SESSION_COUNT', 0xb1],
    ['transient', "a vendor's own", 0x80000001],
  ] as const)('is %s when it is %s', (code, _name, ckr) => {
    expect(classify(ckr)).toBe(code);
  });

  it('is read from both shapes of error that the binding throws', () => {
    expect(returnValueOf(new pkcs11js.Pkcs11Error('CKR_PIN_LOCKED:164', 164))).toEqual({
      name: 'CKR_PIN_LOCKED',
      ckr: 164,
    });
    expect(returnValueOf(new Error('CKR_GENERAL_ERROR:5'))).toEqual({ name: 'CKR_GENERAL_ERROR', ckr: 5 });
    expect(returnValueOf(new Error('CKR_VENDOR_DEFINED:2147483649'))?.ckr).toBe(2147483649);
  });

  it.each([
    [undefined],
    [null],
    ['CKR_OK:0'],
    [new Error('no such file')],
    [new TypeError('Argument 0 has wrong type')],
  ])('is not seen in %s', (error) => {
    expect(returnValueOf(error)).toBeUndefined();
    expect(asTokenFault(error, 'C_Sign').code).toBe('transient');
  });

  it('leaves a fault that has a code already as it is', () => {
    const fault = tokenFault('record-stale', 'older');
    expect(asTokenFault(fault, 'C_Sign')).toBe(fault);
  });

  it('is named in the facts, with what was being done', () => {
    expect(asTokenFault(new Error('CKR_PIN_LOCKED:164'), 'C_Login').facts).toEqual({
      during: 'C_Login',
      ckr: 'CKR_PIN_LOCKED',
      ckrNumber: 164,
    });
  });
});
