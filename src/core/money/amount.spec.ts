import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Fault } from '../fault.js';
import { formatUnits, isBaseUnits, MAX_UINT256, parseBaseUnits, parseUnits, sats } from './amount.js';

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

describe('amounts', () => {
  it('reads back what it wrote, for every amount and number of decimals', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: MAX_UINT256 }),
        fc.integer({ min: 0, max: 30 }),
        (value, decimals) => {
          expect(parseUnits(formatUnits(value, decimals), decimals)).toBe(value);
        },
      ),
    );
  });

  it.each(['', ' 1', '1 ', '01', '-1', '+1', '1.', '.5', '1e3', '0x10', '1_000', '1,5', '١', 'NaN'])(
    'refuses %j as a decimal amount',
    (text) => {
      expect(codeOf(() => parseUnits(text, 8))).toBe('amount-malformed');
    },
  );

  it.each(['', '00', '-0', '1.0', '1e3', ' 1'])('refuses %j as base units', (text) => {
    expect(codeOf(() => parseBaseUnits(text))).toBe('amount-malformed');
    expect(isBaseUnits(text)).toBe(false);
  });

  it('refuses more decimal places than the asset has, zeros too', () => {
    expect(codeOf(() => parseUnits('0.123456789', 8))).toBe('amount-over-precise');
    expect(codeOf(() => parseUnits('1.0', 0))).toBe('amount-over-precise');
  });

  it('refuses amounts beyond 2^256 - 1 and beyond 21 million coins', () => {
    expect(parseBaseUnits(MAX_UINT256.toString())).toBe(MAX_UINT256);
    expect(codeOf(() => parseBaseUnits((MAX_UINT256 + 1n).toString()))).toBe('amount-out-of-range');
    expect(sats(2_100_000_000_000_000n)).toBe(2_100_000_000_000_000n);
    expect(codeOf(() => sats(2_100_000_000_000_001n))).toBe('amount-out-of-range');
    expect(codeOf(() => sats(-1n))).toBe('amount-out-of-range');
  });
});
