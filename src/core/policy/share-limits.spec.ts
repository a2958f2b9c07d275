// Limits on a share of what the wallet holds. The balance is what watchers sign: whoever withholds it gains nothing, and of two
// that speak the smaller one counts.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type FactContent, subjectOf } from '../facts/fact.js';
import { chargesOf, decide, explain, factsFor } from './decide.js';
import { parsePolicies } from './parse.js';
import {
  BITCOIN,
  documentOf,
  ETHEREUM,
  SHIPPED_CONTEXT,
  SITUATION,
  USDX,
  valueFrom,
} from './shipped.fixture.js';
import type { PolicySet, Situation } from './types.js';

function setOf(share: string, rest = '', per = 'wallet'): PolicySet {
  const text = `policy: hot-bitcoin
applies-to: { wallets: [hot-btc] }
fee-caps: { absolute: "0.0005 BTC", relative: "5%" }
limits:
  - { id: day, per: ${per}, asset: BTC, window: 24h, max-share: "${share}" }
${rest}rules:
  - { id: all, when: { asset: BTC }, then: allow }
`;
  return valueFrom(parsePolicies([documentOf('hot-bitcoin', text)], SHIPPED_CONTEXT));
}

const SUBJECT = `balance/hot-btc/${BITCOIN}/native`;
const balance = (amount: bigint): FactContent => ({
  kind: 'balance',
  wallet: 'hot-btc',
  chain: BITCOIN,
  contract: 'native',
  amount: amount.toString(),
});

function paying(amount: bigint, ...balances: readonly bigint[]): Situation {
  return { ...SITUATION, amount, facts: Map.groupBy(balances.map(balance), subjectOf) };
}

const passes = (set: PolicySet, situation: Situation, used = 0n) => {
  const decision = decide(set, situation, () => used);
  return decision.kind === 'refuse' ? decision.code : decision.kind;
};

describe('a limit on a share of the balance', () => {
  const set = setOf('20%');

  it('lets pass what reaches it exactly, and no unit more', () => {
    expect(passes(set, paying(200n, 1_000n))).toBe('allow');
    expect(passes(set, paying(201n, 1_000n))).toBe('limit-exceeded');
    expect(passes(set, paying(50n, 1_000n), 150n)).toBe('allow');
    expect(passes(set, paying(50n, 1_000n), 151n)).toBe('limit-exceeded');
  });

  it('rounds down, and is nothing of nothing', () => {
    expect(passes(set, paying(1n, 9n))).toBe('allow');
    expect(passes(set, paying(2n, 9n))).toBe('limit-exceeded');
    expect(passes(set, paying(1n, 4n))).toBe('limit-exceeded');
    expect(passes(set, paying(1n, 0n))).toBe('limit-exceeded');
  });

  it('asks for the balance, and refuses without it (fact-missing)', () => {
    expect(factsFor(set, SITUATION)).toEqual([SUBJECT]);
    const decision = decide(set, SITUATION, () => 0n);
    expect(decision).toMatchObject({
      code: 'fact-missing',
      facts: { limit: 'hot-bitcoin/day', fact: SUBJECT },
    });
    expect(chargesOf(set, SITUATION)).toEqual([]);
  });

  it('takes no balance of another wallet or asset for its own (fact-missing)', () => {
    const others: readonly FactContent[] = [
      { ...balance(1_000_000n), wallet: 'cold-btc' } as FactContent,
      { ...balance(1_000_000n), chain: ETHEREUM, contract: USDX.toLowerCase() } as FactContent,
    ];
    const situation = { ...SITUATION, facts: Map.groupBy(others, subjectOf) };
    expect(passes(set, situation)).toBe('fact-missing');
  });

  it('counts in the asset beside a limit of its own, and is told with its share', () => {
    const both = setOf('20%', '  - { id: hour, per: wallet, asset: BTC, window: 1h, max: "1 BTC" }\n');
    const { limits } = explain(both, paying(100_000_000n, 1_000_000_000n), () => 0n);
    expect(limits.map(({ limitId, key, takes, atMost }) => [limitId, key, takes, atMost])).toEqual([
      ['hot-bitcoin/day', 'hot-btc', '1 BTC', '2 BTC, 20% of the balance'],
      ['hot-bitcoin/hour', 'hot-btc', '1 BTC', '1 BTC'],
    ]);
  });

  it.each([
    ['customer', 'customer-1 of hot-btc'],
    ['destination', `${SITUATION.destination} of hot-btc`],
    ['requester', `${SITUATION.requester} of hot-btc`],
    ['tier', 'hot of hot-btc'],
    ['asset', `${BITCOIN}/native of hot-btc`],
    ['global', 'global of hot-btc'],
  ])('per %s counts each wallet by itself', (per, key) => {
    const [charge] = chargesOf(setOf('20%', '', per), paying(7n, 1_000n));
    expect(charge).toMatchObject({ key, amount: 7n, max: 200n });
  });

  it('goes on from what was counted when it was an amount', () => {
    const [charge] = chargesOf(set, paying(7n, 1_000n));
    expect(charge).toEqual({
      limitId: 'hot-bitcoin/day',
      key: 'hot-btc',
      windowMs: 86_400_000,
      amount: 7n,
      max: 200n,
    });
  });
});

describe('whatever watchers say of the balance', () => {
  const amounts = fc.bigInt(1n, 10_000n);
  const balances = fc.array(fc.bigInt(0n, 50_000n), { minLength: 1, maxLength: 4 });
  const shares = fc.integer({ min: 1, max: 10_000 });
  const shareText = (basisPoints: number) =>
    `${Math.floor(basisPoints / 100)}.${(basisPoints % 100).toString().padStart(2, '0')}%`;

  it('lets pass exactly what is a share of the smallest, with what was used', () => {
    fc.assert(
      fc.property(shares, amounts, balances, fc.bigInt(0n, 5_000n), (share, amount, said, used) => {
        const fits = said.every((one) => (amount + used) * 10_000n <= one * BigInt(share));
        expect(passes(setOf(shareText(share)), paying(amount, ...said), used)).toBe(
          fits ? 'allow' : 'limit-exceeded',
        );
      }),
      { numRuns: 200 },
    );
  });

  it('is never easier without some of it, and refuses without all of it', () => {
    fc.assert(
      fc.property(shares, amounts, balances, fc.bigInt(0n, 5_000n), (share, amount, said, used) => {
        const set = setOf(shareText(share));
        // Watchers whose word is too old are not heard at all: what is left of it is what the others say.
        expect(passes(set, paying(amount), used)).toBe('fact-missing');
        if (passes(set, paying(amount, ...said), used) === 'allow') return;
        expect(passes(set, paying(amount, ...said, 1_000_000n), used)).toBe('limit-exceeded');
      }),
      { numRuns: 200 },
    );
  });
});
