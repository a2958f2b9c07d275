import { describe, expect, it } from '@jest/globals';
import { allHold, firstUnmet, wordsOf } from './conditions.js';
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
