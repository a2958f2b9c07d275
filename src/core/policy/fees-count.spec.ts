// What a transfer may cost counts as what it moves does: nobody gets out as fees what a limit would keep back.

import { describe, expect, it } from '@jest/globals';
import { type FactContent, subjectOf } from '../facts/fact.js';
import { chargesOf, decide, factsFor } from './decide.js';
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

const ETHER = 10n ** 18n;
const CONTRACT = USDX.toLowerCase();
/** A thousand of the token, which may cost a hundredth of an ether. */
const TOKEN: Situation = {
  ...SITUATION,
  wallet: 'hot-eth',
  chain: ETHEREUM,
  contract: CONTRACT,
  amount: 1_000n * ETHER,
  destination: '0x000000000000000000000000000000000000dEaD',
  feeCeiling: ETHER / 100n,
};
const COIN: Situation = { ...TOKEN, contract: 'native', amount: ETHER };

function setOf(...limits: readonly string[]): PolicySet {
  const text = [
    'policy: hot-ethereum',
    'applies-to: { wallets: [hot-eth] }',
    'fee-caps: { absolute: "1 ETH", relative: "100%" }',
    'limits:',
    ...limits.map((limit) => `  - ${limit}`),
    'rules:',
    '  - { id: coin, when: { asset: ETH }, then: allow }',
    '  - { id: token, when: { asset: USDX }, then: allow }',
  ].join('\n');
  return valueFrom(parsePolicies([documentOf('hot-ethereum', text)], SHIPPED_CONTEXT));
}

const charged = (set: PolicySet, situation: Situation) =>
  chargesOf(set, situation).map(({ limitId, key, amount, max }) => [limitId.split('/')[1], key, amount, max]);
const knowing = (situation: Situation, ...facts: readonly FactContent[]): Situation => ({
  ...situation,
  facts: Map.groupBy(facts, subjectOf),
});
const price = (contract: string, text: string): FactContent => ({
  kind: 'price',
  chain: ETHEREUM,
  contract,
  currency: 'USD',
  price: text,
  sources: 3,
});

describe('a limit on the coin of a chain', () => {
  const set = setOf('{ id: day, per: wallet, asset: ETH, window: 24h, max: "1.01 ETH" }');
  const answer = (situation: Situation, used = 0n) => decide(set, situation, () => used).kind;

  it('counts what a payment moves and what it may cost, to the unit', () => {
    expect(charged(set, COIN)).toEqual([['day', 'hot-eth', (ETHER * 101n) / 100n, (ETHER * 101n) / 100n]]);
    expect(answer(COIN)).toBe('allow');
    expect(answer({ ...COIN, feeCeiling: COIN.feeCeiling + 1n })).toBe('refuse');
  });

  it('counts what payments in tokens may cost: a wallet is not emptied by fees', () => {
    expect(charged(set, { ...TOKEN, amount: 1n })).toEqual([
      ['day', 'hot-eth', ETHER / 100n, (ETHER * 101n) / 100n],
    ]);
    expect(answer(TOKEN, ETHER)).toBe('allow');
    expect(answer(TOKEN, ETHER + 1n)).toBe('refuse');
  });

  it('is the one of that coin, where it is for each asset', () => {
    const each = setOf(
      '{ id: coin, per: asset, asset: ETH, window: 24h, max: "1 ETH" }',
      '{ id: token, per: asset, asset: USDX, window: 24h, max: "5000 USDX" }',
    );
    expect(charged(each, TOKEN)).toEqual([
      ['coin', `${ETHEREUM}/native`, ETHER / 100n, ETHER],
      ['token', `${ETHEREUM}/${CONTRACT}`, 1_000n * ETHER, 5_000n * ETHER],
    ]);
  });

  it('counts nothing of another chain', () => {
    expect(chargesOf(set, { ...COIN, chain: BITCOIN })).toEqual([]);
  });
});

describe('a limit in a currency', () => {
  const set = setOf('{ id: day, per: wallet, window: 24h, currency: USD, max: "1030 USD" }');
  const answer = (situation: Situation) => {
    const decision = decide(set, situation, () => 0n);
    return decision.kind === 'refuse' ? [decision.code, decision.facts['fact']] : [decision.kind];
  };
  const both = [price(CONTRACT, '1'), price('native', '3000')];

  it('counts both by their prices', () => {
    expect(charged(set, knowing(TOKEN, ...both))).toEqual([['day', 'hot-eth in USD', 103_000n, 103_000n]]);
    expect(answer(knowing(TOKEN, ...both))).toEqual(['allow']);
    expect(answer(knowing({ ...TOKEN, feeCeiling: TOKEN.feeCeiling + 1n }, ...both))[0]).toBe(
      'limit-exceeded',
    );
  });

  it('wants both prices, and names the one that is missing', () => {
    const [token, coin] = [`price/${ETHEREUM}/${CONTRACT}/USD`, `price/${ETHEREUM}/native/USD`];
    expect(factsFor(set, TOKEN)).toEqual([token, coin]);
    expect(answer(knowing(TOKEN, price(CONTRACT, '1')))).toEqual(['fact-missing', coin]);
    expect(answer(knowing(TOKEN, price('native', '3000')))).toEqual(['fact-missing', token]);
    expect(factsFor(set, COIN)).toEqual([coin]);
    expect(factsFor(set, { ...TOKEN, feeCeiling: 0n })).toEqual([token]);
  });

  it('adds up what is of one asset before it rounds', () => {
    const cheap = knowing({ ...COIN, amount: 1n, feeCeiling: 1n }, price('native', '1'));
    expect(charged(set, cheap)).toEqual([['day', 'hot-eth in USD', 1n, 103_000n]]);
  });
});

describe('other limits', () => {
  it('on a share of the coin go by the balance of the coin, also for a token', () => {
    const set = setOf('{ id: share, per: wallet, asset: ETH, window: 24h, max-share: "10%" }');
    const balance = (contract: string, amount: bigint): FactContent => ({
      kind: 'balance',
      wallet: 'hot-eth',
      chain: ETHEREUM,
      contract,
      amount: amount.toString(),
    });
    const known = knowing(TOKEN, balance('native', ETHER / 10n), balance(CONTRACT, 10n ** 30n));
    expect(charged(set, known)).toEqual([['share', 'hot-eth', ETHER / 100n, ETHER / 100n]]);
    expect(decide(set, knowing(TOKEN, balance(CONTRACT, 10n ** 30n)), () => 0n)).toMatchObject({
      code: 'fact-missing',
      facts: { fact: `balance/hot-eth/${ETHEREUM}/native` },
    });
  });

  it('on a token count what moves, and on transfers each once', () => {
    const set = setOf(
      '{ id: token, per: wallet, asset: USDX, window: 24h, max: "5000 USDX" }',
      '{ id: count, per: wallet, window: 24h, max-count: 5 }',
    );
    expect(charged(set, TOKEN)).toEqual([
      ['token', 'hot-eth', 1_000n * ETHER, 5_000n * ETHER],
      ['count', 'hot-eth', 1n, 5n],
    ]);
    expect(charged(set, COIN)).toEqual([['count', 'hot-eth', 1n, 5n]]);
  });
});
