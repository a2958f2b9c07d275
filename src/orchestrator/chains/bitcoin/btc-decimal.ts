// Bitcoin nodes write amounts as JSON numbers of whole coins. Here such a number is read from its digits, exactly; it
// never becomes a float. NOT for amounts of requests, which are base units already.

import { Fault } from '../../../core/fault.js';
import type { BitcoinFaultCode } from './bitcoin.errors.js';

const NUMBER = /^(0|[1-9][0-9]{0,15})(?:\.([0-9]{1,40}))?(?:[eE]([+-]?[0-9]{1,2}))?$/;
const DECIMALS = 8;

/**
 * "0.00001234" or "1.234e-5" (coins, or coins per 1,000 vbytes) to 1234n (satoshi, or satoshi per 1,000 vbytes).
 * Input is a node's. Throws `amount-not-exact` when it is negative, no number, or has a part of a satoshi in it.
 */
export function satsOfBtc(text: string): bigint {
  const match = NUMBER.exec(text);
  if (!match) throw notExact(text);
  const [, whole = '', fraction = '', exponent = '0'] = match;
  const shift = Number.parseInt(exponent, 10) + DECIMALS - fraction.length;
  const digits = BigInt(whole + fraction);
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  if (digits % divisor !== 0n) throw notExact(text);
  return digits / divisor;
}

function notExact(text: string): Fault<BitcoinFaultCode> {
  return new Fault('amount-not-exact', 'a node wrote an amount that is no whole number of satoshi', {
    facts: { text: text.slice(0, 60) },
  });
}

/**
 * JSON in which every number has become the string of its digits, so that a schema decides what each of them is.
 * Throws SyntaxError for what is no JSON.
 */
export function parseExactJson(text: string): unknown {
  const keepDigits = (_key: string, value: unknown, context: { readonly source?: string }): unknown =>
    typeof value === 'number' ? context.source : value;
  // The third argument is in the engine (ECMAScript proposal "JSON.parse source text access"), not yet in the types.
  return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown);
}
