// What a thrown error becomes for a caller: a few faults mean "not now, try again", everything else is `internal` and
// stays in the logs.

import { HttpException } from '@nestjs/common';
import { type Facts, Fault } from '../../core/fault.js';
import type { DatabaseFaultCode } from '../database/database.errors.js';
import type { GovernanceFaultCode } from '../governance/governance.service.js';
import type { SignerClientFaultCode } from '../signer-client/signer-client.errors.js';
import type { ProblemCode } from './problems.js';

type PassingFaultCode = DatabaseFaultCode | GovernanceFaultCode | SignerClientFaultCode | 'chain-unavailable';

const PASSING: ReadonlySet<string> = new Set<PassingFaultCode>([
  'database-overloaded',
  'database-contended',
  'database-unreachable',
  'database-closed',
  'governance-unavailable',
  'signer-unreachable',
  'signer-busy',
  'signer-connection-lost',
  'signer-timeout',
  'signer-fault',
  'signer-client-closed',
  'chain-unavailable',
]);

export interface Answerable {
  readonly code: ProblemCode;
  readonly facts: Facts;
  /** It is to be logged with all that is known: nobody expected it. */
  readonly unexpected: boolean;
}

/**
 * What the framework itself throws, by its status: an unknown route, a path that cannot be decoded, and what the body's
 * reader refuses.
 */
const FRAMEWORK: Readonly<Record<number, ProblemCode>> = {
  400: 'input-invalid',
  404: 'route-unknown',
  413: 'body-too-large',
  415: 'content-encoding-unsupported',
};

export function answerable(error: unknown): Answerable {
  if (error instanceof Fault) {
    // The one fault that is a refusal: the effect had to be undone by throwing.
    if (error.code === 'idempotency-key-reused') {
      return { code: 'idempotency-key-reused', facts: error.facts, unexpected: false };
    }
    if (PASSING.has(error.code)) {
      return { code: 'unavailable', facts: { reason: error.code }, unexpected: true };
    }
    return { code: 'internal', facts: {}, unexpected: true };
  }
  const code = error instanceof HttpException ? FRAMEWORK[error.getStatus()] : undefined;
  if (code !== undefined) return { code, facts: {}, unexpected: false };
  return { code: 'internal', facts: {}, unexpected: true };
}
