// RFC 8785 (JSON Canonicalization Scheme) for the values that statements are made of: strings of printable ASCII,
// safe integers, booleans, null, arrays and plain objects. Everything else is refused, so there is no number
// formatting and no Unicode question to get wrong. It is NOT a general JSON writer.

import { utf8ToBytes } from '@noble/hashes/utils.js';
import { Fault } from '../fault.js';

export type CanonicalValue =
  | string
  | number
  | boolean
  | null
  | readonly CanonicalValue[]
  | { readonly [key: string]: CanonicalValue };

export type CanonicalFaultCode = 'not-canonical';

const PRINTABLE = /^[\x20-\x7e]*$/;
/** Printable, and nothing in it that JSON escapes. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const MAX_DEPTH = 16;
const MOST_NAMES_HELD = 1_000;
const LONGEST_NAME_HELD = 64;
const MOST_INSERTED = 32;

function refuse(what: string): never {
  throw new Fault<CanonicalFaultCode>('not-canonical', `cannot be written canonically: ${what}`);
}

function isArray(value: CanonicalValue): value is readonly CanonicalValue[] {
  return Array.isArray(value);
}

function writeString(value: string): string {
  if (PLAIN.test(value)) return `"${value}"`;
  if (!PRINTABLE.test(value)) refuse('a string with other than printable ASCII');
  // RFC 8785 §3.2.2.2: within printable ASCII only the quotation mark and the backslash are escaped.
  return JSON.stringify(value);
}

/** Statements share a few dozen names of members. */
const heldNames = new Map<string, string>();

function writeName(name: string): string {
  const held = heldNames.get(name);
  if (held !== undefined) return held;
  const text = `${writeString(name)}:`;
  if (heldNames.size < MOST_NAMES_HELD && name.length <= LONGEST_NAME_HELD) heldNames.set(name, text);
  return text;
}

/** RFC 8785 §3.2.3: by UTF-16 code units, which is how strings compare. Few are sorted faster by insertion. */
function sortedNames(value: object): string[] {
  const names = Object.keys(value);
  if (names.length > MOST_INSERTED) return names.sort();
  for (let at = 1; at < names.length; at++) {
    const name = names[at] ?? '';
    let place = at;
    for (; place > 0 && (names[place - 1] ?? '') > name; place--) names[place] = names[place - 1] ?? '';
    names[place] = name;
  }
  return names;
}

/** An own member; what is undefined is refused where it is written. */
function memberOf(value: { readonly [key: string]: CanonicalValue }, key: string): CanonicalValue {
  return value[key] as CanonicalValue;
}

function write(value: CanonicalValue, depth: number): string {
  if (depth > MAX_DEPTH) refuse('nested too deeply');
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) refuse('a number that is not a safe integer');
    return String(value);
  }
  if (typeof value === 'string') return writeString(value);
  if (isArray(value)) {
    let text = '';
    for (const item of value) text += text === '' ? write(item, depth + 1) : `,${write(item, depth + 1)}`;
    return `[${text}]`;
  }
  if (typeof value === 'object') {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) refuse('an object that is not plain');
    let text = '';
    for (const name of sortedNames(value)) {
      const member = writeName(name) + write(memberOf(value, name), depth + 1);
      text += text === '' ? member : `,${member}`;
    }
    return `{${text}}`;
  }
  return refuse(`a ${typeof value}`);
}

/** The one text of a value. Throws `not-canonical` for anything outside the restricted form. RFC 8785. */
export function canonicalJson(value: CanonicalValue): string {
  return write(value, 0);
}

/** UTF-8 bytes of the canonical text. */
export function canonicalBytes(value: CanonicalValue): Uint8Array {
  return utf8ToBytes(canonicalJson(value));
}

/**
 * The same value, which `JSON.stringify` writes as canonical text; but for members whose names are whole numbers, which JavaScript puts
 * first. Throws `not-canonical`.
 */
export function inCanonicalOrder<T extends CanonicalValue>(value: T): T {
  return JSON.parse(canonicalJson(value)) as T;
}
