// What an amount is worth: base units times a signed price, in whole numbers. Nothing here rounds in favour of whoever
// asks: a value is exact where it is compared, and rounded up where it is counted. Where a price comes from is not known here.

import { Fault } from '../fault.js';

/** Decimals of a currency's smallest unit: what values are counted in. */
export const FIAT_DECIMALS = 2;

/** A price for one whole unit of an asset, exact: `digits` divided by ten to the power of `decimals`. */
export interface Price {
  readonly digits: bigint;
  readonly decimals: number;
}

/** Tokens of 18 decimals that cost next to nothing, and coins that cost millions; more would be no price. */
const PRICE = /^(0|[1-9][0-9]{0,14})(?:\.([0-9]{1,18}))?$/;

export type FiatFaultCode = 'price-malformed';

function digitsOf(text: string): Price | undefined {
  const match = PRICE.exec(text);
  if (!match) return undefined;
  const [, whole = '0', fraction = ''] = match;
  const digits = BigInt(whole + fraction);
  return digits === 0n ? undefined : { digits, decimals: fraction.length };
}

/** A plain decimal number above 0: no sign, no exponent, no leading zero, at most 15 digits before the point and 18 behind. */
export function isPrice(text: string): boolean {
  return digitsOf(text) !== undefined;
}

/** Input is hostile. Throws `price-malformed`. */
export function parsePrice(text: string): Price {
  const price = digitsOf(text);
  if (price) return price;
  throw new Fault<FiatFaultCode>('price-malformed', 'a price is a plain decimal number above 0', {
    facts: { text: text.slice(0, 60) },
  });
}

/** Both sides of `value in cents`, over one common denominator. */
function inCents(amount: bigint, assetDecimals: number, { digits, decimals }: Price) {
  return {
    numerator: amount * digits * 10n ** BigInt(FIAT_DECIMALS),
    denominator: 10n ** BigInt(assetDecimals + decimals),
  };
}

/** The value of an amount in cents, rounded up: what a limit counts. `amount` is in base units of an asset with so many decimals. */
export function centsUp(amount: bigint, assetDecimals: number, price: Price): bigint {
  const { numerator, denominator } = inCents(amount, assetDecimals, price);
  return (numerator + denominator - 1n) / denominator;
}

/** Is an amount worth more than so many cents? Exact: nothing is rounded. */
export function isWorthMore(amount: bigint, assetDecimals: number, price: Price, cents: bigint): boolean {
  const { numerator, denominator } = inCents(amount, assetDecimals, price);
  return numerator > cents * denominator;
}

/** Negative when the first is the lower one, 0 when they are the same number however they are written. */
export function comparePrices(one: Price, other: Price): number {
  const left = one.digits * 10n ** BigInt(other.decimals);
  const right = other.digits * 10n ** BigInt(one.decimals);
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
