import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { centsUp, comparePrices, isPrice, isWorthMore, parsePrice } from './fiat.js';

/** A rational number, exact: the model that fiat.ts is compared with, by another way of counting. */
interface Rational {
  readonly top: bigint;
  readonly bottom: bigint;
}

function rationalOf(text: string): Rational {
  const [whole = '', fraction = ''] = text.split('.');
  let top = 0n;
  let bottom = 1n;
  for (const digit of whole + fraction) top = top * 10n + BigInt(digit);
  for (const _ of fraction) bottom *= 10n;
  return { top, bottom };
}

const times = (one: Rational, other: Rational): Rational => ({
  top: one.top * other.top,
  bottom: one.bottom * other.bottom,
});
const isAbove = (one: Rational, other: Rational) => one.top * other.bottom > other.top * one.bottom;

const priceText = fc
  .tuple(
    fc.bigInt({ min: 0n, max: 999_999_999_999_999n }),
    fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 18 }),
  )
  .map(([whole, fraction]) => (fraction === '' ? `${whole}` : `${whole}.${fraction}`))
  .filter((text) => /[1-9]/.test(text));
const amount = fc.bigInt({ min: 0n, max: (1n << 256n) - 1n });
const decimals = fc.nat({ max: 30 });

function value(text: string, baseUnits: bigint, places: number): Rational {
  return times(rationalOf(text), { top: baseUnits * 100n, bottom: 10n ** BigInt(places) });
}

describe('the value of an amount', () => {
  it('is rounded up, and by less than a cent', () => {
    fc.assert(
      fc.property(priceText, amount, decimals, (text, baseUnits, places) => {
        const cents = centsUp(baseUnits, places, parsePrice(text));
        const exact = value(text, baseUnits, places);
        expect(isAbove(exact, { top: cents, bottom: 1n })).toBe(false);
        expect(cents === 0n || isAbove(exact, { top: cents - 1n, bottom: 1n })).toBe(true);
      }),
    );
  });

  it('is compared exactly: never a fraction of a cent off', () => {
    const near = fc.tuple(priceText, amount, decimals, fc.integer({ min: -1, max: 1 }));
    fc.assert(
      fc.property(near, ([text, baseUnits, places, offset]) => {
        const price = parsePrice(text);
        const around = centsUp(baseUnits, places, price) + BigInt(offset);
        const bound = around < 0n ? 0n : around;
        const expected = isAbove(value(text, baseUnits, places), { top: bound, bottom: 1n });
        expect(isWorthMore(baseUnits, places, price, bound)).toBe(expected);
      }),
    );
  });

  it('never falls when the amount or the price rises', () => {
    fc.assert(
      fc.property(priceText, priceText, amount, amount, decimals, (one, other, a, b, places) => {
        const [low, high] =
          comparePrices(parsePrice(one), parsePrice(other)) <= 0 ? [one, other] : [other, one];
        const [less, more] = a <= b ? [a, b] : [b, a];
        expect(centsUp(less, places, parsePrice(low))).toBeLessThanOrEqual(
          centsUp(more, places, parsePrice(high)),
        );
      }),
    );
  });

  it('is what a person works out', () => {
    expect(centsUp(150_000_000n, 8, parsePrice('60000.01'))).toBe(9_000_002n);
    expect(centsUp(1n, 8, parsePrice('60000'))).toBe(1n);
    expect(centsUp(1n, 18, parsePrice('0.000000000000000001'))).toBe(1n);
    expect(centsUp(0n, 18, parsePrice('2500'))).toBe(0n);
    expect(isWorthMore(10n ** 18n, 18, parsePrice('2500'), 250_000n)).toBe(false);
    expect(isWorthMore(10n ** 18n + 1n, 18, parsePrice('2500'), 250_000n)).toBe(true);
  });
});

describe('prices', () => {
  it('are the same number however many zeros they end with', () => {
    expect(comparePrices(parsePrice('1.50'), parsePrice('1.5'))).toBe(0);
    expect(comparePrices(parsePrice('1.49'), parsePrice('1.5'))).toBe(-1);
    expect(comparePrices(parsePrice('10'), parsePrice('9.999'))).toBe(1);
  });

  it.each(['', '.', '1.', '.5', '+1', '-1', '0', '0.0', '01', '1e3', '0x1', '1 ', '1,5', 'NaN', '１'])(
    'refuses %j with price-malformed',
    (text) => {
      expect(isPrice(text)).toBe(false);
      expect(() => parsePrice(text)).toThrow(expect.objectContaining({ code: 'price-malformed' }));
    },
  );
});
