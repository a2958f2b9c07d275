import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatUnits } from '../../../core/money/amount.js';
import { parseExactJson, satsOfBtc } from './btc-decimal.js';

describe('amounts as nodes write them', () => {
  it.each([
    ['0.00001234', 1234n],
    ['0', 0n],
    ['0.00000000', 0n],
    ['1e-8', 1n],
    ['1.5E-5', 1500n],
    ['20999999.97690000', 2_099_999_997_690_000n],
    ['2e1', 2_000_000_000n],
    ['0.1000000000', 10_000_000n],
  ])('reads %s as %s satoshi', (text, expected) => {
    expect(satsOfBtc(text)).toBe(expected);
  });

  it.each(['0.000000001', '1e-9', '-1', '', 'NaN', '01', '1.', '.5', '1e999', '0x10', ' 1', '1,0'])(
    'refuses %j as not exact',
    (text) => {
      expect(() => satsOfBtc(text)).toThrow(expect.objectContaining({ code: 'amount-not-exact' }));
    },
  );

  it('reads back every amount that there can be', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2_100_000_000_000_000n), (sats) => {
        expect(satsOfBtc(formatUnits(sats, 8))).toBe(sats);
      }),
    );
  });

  it('keeps the digits of JSON numbers, which a float would lose', () => {
    const text = '{"feerate":0.10000000000000000001,"height":7,"list":[1e-7,"2"],"none":null,"yes":true}';
    expect(parseExactJson(text)).toEqual({
      feerate: '0.10000000000000000001',
      height: '7',
      list: ['1e-7', '2'],
      none: null,
      yes: true,
    });
  });
});
