// What a thrown error becomes for a caller: a few faults mean "not now, try again", everything else is `internal` and
// stays in the logs.

import { type Facts, Fault } from '../../core/fault.js';
import type { DatabaseFaultCode } from '../database/database.errors.js';
import type { GovernanceFaultCode } from '../governance/governance.service.js';
import type { SignerClientFaultCode } from '../signer-client/signer-client.errors.js';
import type { ProblemCode } from './problems.js';

type PassingFaultCode = DatabaseFaultCode | GovernanceFaultCode | SignerClientFaultCode | 'chain-unavailable';

const PASSING: ReadonlySet<string> = new Set<PassingFaultCode>([
  'database-overloaded',
  'database-contended',
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

/** What the body reader throws (`http-errors`), by its `type`. */
const BODY_ERRORS: Readonly<Record<string, ProblemCode>> = {
  'entity.too.large': 'body-too-large',
  'encoding.unsupported': 'content-encoding-unsupported',
  'request.size.invalid': 'body-malformed',
  'request.aborted': 'body-malformed',
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
  const type = propertyOf(error, 'type');
  const body = typeof type === 'string' ? BODY_ERRORS[type] : undefined;
  if (body !== undefined) return { code: body, facts: {}, unexpected: false };
  // The framework's own: an unknown route, or a path that cannot be decoded.
  const status = propertyOf(error, 'status');
  if (status === 404) return { code: 'route-unknown', facts: {}, unexpected: false };
  if (status === 400) return { code: 'input-invalid', facts: { where: 'path' }, unexpected: false };
  return { code: 'internal', facts: {}, unexpected: true };
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
