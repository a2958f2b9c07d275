import { describe, expect, it } from '@jest/globals';
import { render } from './lines.js';
import { bothUnits, coinOf, distance, instant, units } from './words.js';

const text = (amount: string, symbol: string, decimals: number) =>
  render([bothUnits(amount, { symbol, decimals })], false).trim();

describe('amounts and times in words', () => {
  it('shows an amount in units and in base units, both exact', () => {
    expect(text('25000001', 'BTC', 8)).toBe('0.25000001 BTC  =  25000001 sat');
    expect(text('1', 'ETH', 18)).toBe('0.000000000000000001 ETH  =  1 wei');
    expect(text('1500000', 'USDX', 6)).toBe('1.5 USDX  =  1500000 base units (6 decimals)');
  });

  it('names no coin that it does not know: without governance, an Ethereum fee is in wei', () => {
    expect(units('42', coinOf('eip155:137', undefined))).toBe('42 wei');
    expect(units('42', coinOf('bip122:0f9188f13cb7b2c71f2a335e3a4fc328', undefined))).toBe('0.00000042 BTC');
  });

  it.each([
    [90_000, 'in 1 minute'],
    [0, 'in 0 seconds'],
    [-7_200_000, '2 hours ago'],
    [172_800_000, 'in 2 days'],
  ])('says how far away %d ms are', (ms, words) => {
    expect(distance(1_000_000_000_000 + ms, 1_000_000_000_000)).toBe(words);
  });

  it('writes instants in UTC', () => {
    expect(instant(1_767_225_600_000)).toBe('2026-01-01 00:00:00 UTC');
  });
});
