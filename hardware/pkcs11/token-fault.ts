// How a token fault is made. Apart from cryptoki-errors.ts so that a process which only talks to a token's process
// need not load the native binding.

import { type Facts, Fault } from '../../src/core/fault.js';
import type { TokenFault, TokenFaultCode } from '../key-signer.js';

export function tokenFault(
  code: TokenFaultCode,
  message: string,
  facts: Facts = {},
  cause?: unknown,
): TokenFault {
  return new Fault(code, message, { facts, ...(cause === undefined ? {} : { cause }) });
}
