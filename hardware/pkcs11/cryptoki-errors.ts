// What a PKCS#11 return value means for us: each CKR code belongs to one of the closed token fault codes.
// It decides nothing about recovery; that is the token's business (token.ts).
//
// The native binding throws in two shapes: an error whose `code` is the CKR number, and a plain error whose message
// is "CKR_NAME:number" (from the calls that it does not wrap). Both are understood here and nowhere else.

import pkcs11js from 'pkcs11js';
import { Fault } from '../../src/core/fault.js';
import type { TokenFault, TokenFaultCode } from '../key-signer.js';
import { tokenFault } from './token-fault.js';

/** CKR numbers that the binding has no name for. PKCS#11 v3.1 §5.1.6. */
const CKR_ACTION_PROHIBITED = 0x1b;
const CKR_CURVE_NOT_SUPPORTED = 0x140;

const SESSION_LOST = [
  pkcs11js.CKR_SESSION_HANDLE_INVALID,
  pkcs11js.CKR_SESSION_CLOSED,
  pkcs11js.CKR_SESSION_READ_WRITE_SO_EXISTS,
  pkcs11js.CKR_USER_NOT_LOGGED_IN,
  pkcs11js.CKR_OBJECT_HANDLE_INVALID,
  pkcs11js.CKR_KEY_HANDLE_INVALID,
  pkcs11js.CKR_CRYPTOKI_NOT_INITIALIZED,
  // A session that is in the middle of something that we did not begin, or forgot what we began, is of no use either.
  pkcs11js.CKR_OPERATION_ACTIVE,
  pkcs11js.CKR_OPERATION_NOT_INITIALIZED,
];

const TOKEN_GONE = [
  pkcs11js.CKR_DEVICE_REMOVED,
  pkcs11js.CKR_TOKEN_NOT_PRESENT,
  pkcs11js.CKR_TOKEN_NOT_RECOGNIZED,
  pkcs11js.CKR_SLOT_ID_INVALID,
];

const LOGIN_FAILED = [
  pkcs11js.CKR_PIN_INCORRECT,
  pkcs11js.CKR_PIN_INVALID,
  pkcs11js.CKR_PIN_LEN_RANGE,
  pkcs11js.CKR_PIN_EXPIRED,
  pkcs11js.CKR_PIN_LOCKED,
  pkcs11js.CKR_PIN_TOO_WEAK,
  pkcs11js.CKR_USER_PIN_NOT_INITIALIZED,
  pkcs11js.CKR_USER_TYPE_INVALID,
  pkcs11js.CKR_USER_ANOTHER_ALREADY_LOGGED_IN,
  pkcs11js.CKR_USER_TOO_MANY_TYPES,
];

const MECHANISM = [
  pkcs11js.CKR_MECHANISM_INVALID,
  pkcs11js.CKR_MECHANISM_PARAM_INVALID,
  pkcs11js.CKR_ATTRIBUTE_READ_ONLY,
  pkcs11js.CKR_ATTRIBUTE_SENSITIVE,
  pkcs11js.CKR_ATTRIBUTE_TYPE_INVALID,
  pkcs11js.CKR_ATTRIBUTE_VALUE_INVALID,
  pkcs11js.CKR_TEMPLATE_INCOMPLETE,
  pkcs11js.CKR_TEMPLATE_INCONSISTENT,
  pkcs11js.CKR_KEY_TYPE_INCONSISTENT,
  pkcs11js.CKR_KEY_SIZE_RANGE,
  pkcs11js.CKR_KEY_FUNCTION_NOT_PERMITTED,
  pkcs11js.CKR_DOMAIN_PARAMS_INVALID,
  pkcs11js.CKR_DATA_INVALID,
  pkcs11js.CKR_DATA_LEN_RANGE,
  pkcs11js.CKR_BUFFER_TOO_SMALL,
  pkcs11js.CKR_ARGUMENTS_BAD,
  pkcs11js.CKR_FUNCTION_NOT_SUPPORTED,
  pkcs11js.CKR_FUNCTION_REJECTED,
  pkcs11js.CKR_TOKEN_WRITE_PROTECTED,
  pkcs11js.CKR_SESSION_READ_ONLY,
  pkcs11js.CKR_CANT_LOCK,
  pkcs11js.CKR_NEED_TO_CREATE_THREADS,
  CKR_ACTION_PROHIBITED,
  CKR_CURVE_NOT_SUPPORTED,
];

const CODES: ReadonlyMap<number, TokenFaultCode> = new Map<number, TokenFaultCode>([
  ...SESSION_LOST.map((ckr) => [ckr, 'session-lost'] as const),
  ...TOKEN_GONE.map((ckr) => [ckr, 'token-gone'] as const),
  ...LOGIN_FAILED.map((ckr) => [ckr, 'login-failed'] as const),
  ...MECHANISM.map((ckr) => [ckr, 'mechanism'] as const),
]);

/** A CKR code as the binding reported it. */
export interface ReturnValue {
  /** `CKR_…`, or `CKR_VENDOR_DEFINED` for a number that the binding does not know. */
  readonly name: string;
  readonly ckr: number;
}

/** The CKR code inside an error of the binding; `undefined` when the error is about something else. */
export function returnValueOf(error: unknown): ReturnValue | undefined {
  if (typeof error !== 'object' || error === null || !('message' in error)) return undefined;
  const message = String(error.message);
  const inMessage = /^(CKR_[A-Z0-9_]+):(\d+)/.exec(message);
  if (inMessage?.[1] !== undefined)
    return { name: inMessage[1], ckr: Number.parseInt(inMessage[2] ?? '', 10) };
  const named = /^CKR_[A-Z0-9_]+$/.exec(message);
  if (named !== null && 'code' in error && typeof error.code === 'number') {
    return { name: message, ckr: error.code };
  }
  return undefined;
}

/** The fault code of a CKR number. Whatever is not listed is `transient`: busy, out of memory, general, or a vendor's own. */
export function classify(ckr: number): TokenFaultCode {
  return CODES.get(ckr) ?? 'transient';
}

/** Any thrown thing as a token fault. `during` names what was being done (`C_Sign`, `login`); it never holds a value. */
export function asTokenFault(error: unknown, during: string): TokenFault {
  if (error instanceof Fault) return error as TokenFault;
  const returned = returnValueOf(error);
  if (returned === undefined) {
    return tokenFault('transient', `the PKCS#11 binding failed during ${during}`, { during }, error);
  }
  return tokenFault(
    classify(returned.ckr),
    `${during}: ${returned.name}`,
    { during, ckr: returned.name, ckrNumber: returned.ckr },
    error,
  );
}

/** Whether an error is this one CKR code. */
export function isReturnValue(error: unknown, ckr: number): boolean {
  return returnValueOf(error)?.ckr === ckr;
}
