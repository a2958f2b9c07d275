import { describe, expect, it } from '@jest/globals';
import { allHold, firstUnmet, quantityWords, wordsOf } from './conditions.js';
import { durationWords } from './durations.js';
import { BITCOIN, ETHEREUM, SITUATION } from './shipped.fixture.js';
import type { PlainCondition } from './types.js';

type Kind = Extract<PlainCondition, { names: ReadonlySet<string> }>['kind'];

const names = (kind: Kind, ...of: readonly string[]): PlainCondition => ({ kind, names: new Set(of) });

describe('conditions hold', () => {
  it.each<[string, Kind, string]>([
    ['customers', 'customer-in', 'customer-1'],
    ['wallets', 'wallet-in', 'hot-btc'],
    ['tiers', 'tier-in', 'hot'],
    ['chains', 'chain-in', BITCOIN],
  ])('for those %s that a rule names', (_what, kind, own) => {
    expect(allHold([names(kind, 'another', own)], SITUATION)).toBe(true);
    expect(allHold([names(kind, 'another', own.toUpperCase())], SITUATION)).toBe(false);
  });

  const one = [names('customer-in', 'customer-1'), names('requester-in', 'payouts')];
  const other = [names('customer-in', 'customer-1'), names('requester-in', 'refunds')];

  it('where one of several branches does, with all that is in it', () => {
    expect(allHold([{ kind: 'any-of', branches: [other, one] }], SITUATION)).toBe(true);
    expect(allHold([{ kind: 'any-of', branches: [other] }], SITUATION)).toBe(false);
    expect(allHold([{ kind: 'any-of', branches: [] }], SITUATION)).toBe(false);
  });

  it('where none of several branches does', () => {
    expect(allHold([{ kind: 'none-of', branches: [other] }], SITUATION)).toBe(true);
    expect(allHold([{ kind: 'none-of', branches: [other, one] }], SITUATION)).toBe(false);
  });

  it('or the first that does not is told, as it is written', () => {
    const unmet = firstUnmet(
      [
        names('customer-in', 'customer-1'),
        { kind: 'any-of', branches: [other, [names('chain-in', ETHEREUM)]] },
      ],
      SITUATION,
    );
    expect(unmet && wordsOf(unmet)).toBe(
      `any-of: (customer-in: customer-1, requester-in: refunds) (chain-in: ${ETHEREUM})`,
    );
  });
});

describe('limits in words', () => {
  const BTC = { chain: BITCOIN, contract: 'native', symbol: 'BTC', decimals: 8 };

  it.each([
    [1n, '0.00000001 BTC'],
    [200_000_000n, '2 BTC'],
    [123_456_789_012_345_678_901n, '1234567890123.45678901 BTC'],
  ])('say an amount of %s in the unit of its asset, to the last digit', (amount, words) => {
    expect(quantityWords({ kind: 'amount', asset: BTC, max: 1n }, amount)).toBe(words);
  });

  it('count transfers', () => {
    expect([1n, 20n].map((count) => quantityWords({ kind: 'count', max: 20n }, count))).toEqual([
      '1 transfer',
      '20 transfers',
    ]);
  });

  it.each([
    [1, '1m'],
    [90, '90m'],
    [120, '2h'],
    [24 * 60, '24h'],
    [36 * 60, '36h'],
    [7 * 24 * 60, '7d'],
  ])('say a window of %s minutes as it is written', (minutes, words) => {
    expect(durationWords(minutes * 60_000)).toBe(words);
  });
});
