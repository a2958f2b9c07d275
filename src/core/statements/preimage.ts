// How every signed text becomes bytes: a line that names its type, then its canonical JSON. The line keeps a signature
// over one type from ever being one over another, and no HTTP message signature (RFC 9421) or transaction starts so.

import { utf8ToBytes } from '@noble/hashes/utils.js';
import { type CanonicalValue, canonicalJson } from './canonical-json.js';

export function statementBytes(type: string, statement: CanonicalValue): Uint8Array {
  return utf8ToBytes(`${type}\n${canonicalJson(statement)}`);
}

/**
 * What follows from a statement alone, worked out once for each that can no longer change: that is one whose members, and
 * theirs, are all frozen, as the schemas of statements leave them. Any other is worked out each time.
 */
export function onceFor<Statement extends object, Value>(
  work: (statement: Statement) => Value,
): (statement: Statement) => Value {
  const found = new WeakMap<Statement, Value>();
  return (statement) => {
    const before = found.get(statement);
    if (before !== undefined) return before;
    const value = work(statement);
    if (isFixed(statement)) found.set(statement, value);
    return value;
  };
}

function isFixed(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isFixed);
}
