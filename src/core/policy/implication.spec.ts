// What is said to follow, follows, as far as it is known at all: tried on random conditions and random situations. That it also finds what it is there for
// is shown by examples.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type FactContent, subjectOf } from '../facts/fact.js';
import { tier } from '../governance/entry.js';
import { transferKind } from '../statements/fields.js';
import { testOfAll } from './conditions.js';
import { given, implies, impliesOneOf, isImpossible } from './implication.js';
import { BITCOIN, ETHEREUM } from './shipped.fixture.js';
import type { Condition, Known, PlainCondition, PolicyAsset, Situation, Worth } from './types.js';

const BTC: PolicyAsset = { chain: BITCOIN, contract: 'native', symbol: 'BTC', decimals: 8 };
const ETH: PolicyAsset = { chain: ETHEREUM, contract: 'native', symbol: 'ETH', decimals: 18 };
const PEOPLE = ['a', 'b', 'c'];

const WORTH: Worth = {
  currency: 'USD',
  decimals: new Map([BTC, ETH].map(({ chain, contract }) => [`${chain}/${contract}`, 0])),
};

/** Nothing is known; one source speaks; two speak and say different things. */
const SAID: readonly ((chain: string) => readonly FactContent[])[] = [
  () => [],
  (chain) => [
    { kind: 'price', chain, contract: 'native', currency: 'USD', price: '0.01', sources: 1 },
    { kind: 'screening', chain, address: 'x', result: 'clear', riskScore: 1 },
    { kind: 'balance', wallet: 'w', chain, contract: 'native', amount: '10000' },
    { kind: 'hot-share', chain, contract: 'native', basisPoints: 10_000 },
  ],
  (chain) => [
    { kind: 'price', chain, contract: 'native', currency: 'USD', price: '0.005', sources: 1 },
    { kind: 'price', chain, contract: 'native', currency: 'USD', price: '0.02', sources: 1 },
    { kind: 'screening', chain, address: 'x', result: 'clear', riskScore: 0 },
    { kind: 'screening', chain, address: 'x', result: 'blocked', riskScore: 2 },
    { kind: 'balance', wallet: 'w', chain, contract: 'native', amount: '5000' },
    { kind: 'balance', wallet: 'w', chain, contract: 'native', amount: '20000' },
    { kind: 'hot-share', chain, contract: 'native', basisPoints: 5_000 },
    { kind: 'hot-share', chain, contract: 'native', basisPoints: 0 },
  ],
];

/** Of each list, all that a situation here can have; of destinations and wallets, a document may also name others. */
const LISTS = [
  { kind: 'destination-in', all: ['x', 'y', 'z'] },
  { kind: 'wallet-in', all: ['v', 'w', 'z'] },
  { kind: 'tier-in', all: tier.options },
  { kind: 'chain-in', all: [BITCOIN, ETHEREUM] },
  { kind: 'kind-in', all: transferKind.options },
  { kind: 'to-own-tier-in', all: tier.options },
] as const;

const asset = fc.constantFrom(BTC, ETH);
const amount = fc.bigInt({ min: 0n, max: 4n });
const plain: fc.Arbitrary<PlainCondition> = fc.oneof(
  asset.map((one) => ({ kind: 'asset' as const, asset: one })),
  fc.record({ kind: fc.constant('amount-at-most' as const), asset, amount }),
  fc.record({ kind: fc.constant('amount-above' as const), asset, amount }),
  fc.record({ kind: fc.constant('amount-at-most' as const), worth: fc.constant(WORTH), cents: amount }),
  fc.record({ kind: fc.constant('amount-above' as const), worth: fc.constant(WORTH), cents: amount }),
  fc.record({ kind: fc.constant('risk-score-at-most' as const), score: fc.constantFrom(0, 1, 2, 100) }),
  fc.record({ kind: fc.constant('risk-score-above' as const), score: fc.nat({ max: 2 }) }),
  fc.record({
    kind: fc.constant('screening-in' as const),
    results: fc
      .subarray(['clear', 'flagged', 'blocked'], { minLength: 1 })
      .map((results) => new Set(results)),
  }),
  fc.record({ kind: fc.constant('share-of-balance-at-most' as const), basisPoints: amount }),
  fc.record({
    kind: fc.constant('hot-share-at-most' as const),
    basisPoints: fc.constantFrom(0n, 5_000n, 10_000n),
  }),
  fc
    .constantFrom(...LISTS)
    .chain(({ kind, all }) =>
      fc
        .subarray([...all], { minLength: 1 })
        .map((names): PlainCondition => ({ kind, names: new Set(names) })),
    ),
  fc.record({
    kind: fc.constantFrom('requester-in' as const, 'customer-in' as const),
    names: fc.subarray(PEOPLE, { minLength: 1 }).map((names) => new Set(names)),
  }),
  fc.record({
    kind: fc.constantFrom('first-use' as const, 'look-alike' as const, 'whitelisted' as const),
    wanted: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('whitelist-label-in' as const),
    names: fc.subarray(['desk', 'miner'], { minLength: 1 }).map((names) => new Set(names)),
  }),
  fc.constantFrom(1, 2, 3).map((ageMs) => ({ kind: 'whitelist-age-at-least' as const, ageMs })),
  fc
    .constantFrom(BTC, ETH)
    .chain((coin) => amount.map((fee) => ({ kind: 'fee-at-most' as const, coin, fee }))),
  fc
    .constantFrom(5_000n, 10_000n)
    .map((basisPoints) => ({ kind: 'fee-share-at-most' as const, basisPoints })),
  fc
    .tuple(fc.constantFrom(0, 60, 120), fc.constantFrom(60, 120, 10_080))
    .filter(([from, to]) => from < to)
    .map((minutes) => ({ kind: 'within-hours' as const, minutes: [minutes], written: '' })),
);
const branches = fc.array(fc.array(plain, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 2 });
const condition: fc.Arbitrary<Condition> = fc.oneof(
  { weight: 3, arbitrary: plain },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('any-of' as const, 'none-of' as const), branches }),
  },
);
const conditions = fc.array(condition, { minLength: 1, maxLength: 3 });

const HOUR_MS = 3_600_000;
/** The first two hours of a Monday, and one of a Sunday. */
const MONDAY_MS = Date.UTC(2026, 2, 2);
const TIMES = [MONDAY_MS, MONDAY_MS + HOUR_MS, MONDAY_MS - HOUR_MS];
const WHITELISTS: readonly Known['whitelist'][] = [
  undefined,
  { entryId: 'e', label: 'desk', ageMs: 1 },
  { entryId: 'e', label: 'miner', ageMs: 3 },
];
const KNOWN: readonly Known[] = WHITELISTS.flatMap((whitelist) =>
  TIMES.flatMap((atMs) =>
    [true, false].map((firstUse) => ({
      atMs,
      firstUse,
      lookAlikeOf: firstUse === atMs > MONDAY_MS ? 'x' : undefined,
      whitelist,
    })),
  ),
);

const inTurn = <T>(all: readonly T[], turn: number): T => all[turn % all.length] as T;

/** Situations that these conditions could tell apart, with what is known taken in turns. */
const SITUATIONS: readonly Situation[] = [BTC, ETH].flatMap(({ chain, contract }) =>
  [1n, 2n, 3n, 4n, 5n].flatMap((moved, step) =>
    [...PEOPLE, 'd'].flatMap((requester, one) =>
      [...PEOPLE, 'd'].flatMap((customer, at) =>
        KNOWN.map((known, which) => ({
          wallet: inTurn(['v', 'w'], which + step),
          tier: inTurn(tier.options, which + at * 2 + one),
          chain,
          contract,
          amount: moved,
          destination: inTurn(['x', 'y'], which + at),
          requester,
          customer,
          facts: Map.groupBy(SAID[which % SAID.length]?.(chain) ?? [], subjectOf),
          kind: inTurn(transferKind.options, which * 2 + one + step),
          feeCeiling: BigInt((at + which) % 6),
          toTier: inTurn([undefined, ...tier.options], which + at + step * 3 + one * 5),
          known,
        })),
      ),
    ),
  ),
);

describe('what follows from conditions', () => {
  it('is nothing of a branch that contradicts itself about a fact which may be missing', () => {
    const asset: Condition = {
      kind: 'asset',
      asset: { chain: BITCOIN, contract: 'native', symbol: 'BTC', decimals: 8 },
    };
    const never: Condition = {
      kind: 'none-of',
      branches: [
        [
          { kind: 'risk-score-above', score: 0 },
          { kind: 'risk-score-at-most', score: 0 },
        ],
      ],
    };
    expect(implies(given([asset]), [never])).toBe(false);
    expect(implies(given([asset, { kind: 'risk-score-above', score: 3 }]), [never])).toBe(true);
  });

  it('is never said where it is not so', () => {
    fc.assert(
      fc.property(conditions, conditions, (when, wanted) => {
        // What nothing meets is the next question.
        if (isImpossible(when) || !implies(given(when), wanted)) return;
        const [isGiven, isWanted] = [testOfAll(when), testOfAll(wanted)];
        for (const one of SITUATIONS) if (isGiven(one) === true) expect(isWanted(one)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  it('is that nothing meets them, only where nothing does', () => {
    fc.assert(
      fc.property(conditions, (when) => {
        const isGiven = testOfAll(when);
        if (isImpossible(when)) expect(SITUATIONS.filter((one) => isGiven(one) === true)).toEqual([]);
      }),
      { numRuns: 5_000 },
    );
  });

  const moves: Condition = { kind: 'asset', asset: BTC };
  const atMost = (most: bigint): PlainCondition => ({ kind: 'amount-at-most', asset: BTC, amount: most });
  const above = (least: bigint): PlainCondition => ({ kind: 'amount-above', asset: BTC, amount: least });
  const asks = (...names: readonly string[]): PlainCondition => ({
    kind: 'requester-in',
    names: new Set(names),
  });
  const firstUse = (wanted: boolean): PlainCondition => ({ kind: 'first-use', wanted });
  const screened = (...results: readonly string[]): PlainCondition => ({
    kind: 'screening-in',
    results: new Set(results),
  });
  const anyOf = (...of: readonly (readonly PlainCondition[])[]): Condition => ({
    kind: 'any-of',
    branches: of,
  });
  const noneOf = (...of: readonly (readonly PlainCondition[])[]): Condition => ({
    kind: 'none-of',
    branches: of,
  });

  it.each<[string, readonly Condition[], readonly Condition[]]>([
    ['a lower amount', [atMost(1n)], [atMost(2n)]],
    ['the asset of an amount', [above(1n)], [moves]],
    ['a longer list', [asks('a')], [asks('a', 'b')]],
    ['one of several ways', [asks('a')], [anyOf([asks('b')], [asks('a', 'c')])]],
    ['each of several ways', [anyOf([asks('a')], [asks('b')])], [asks('a', 'b', 'c')]],
    ['what contradicts all that is excluded', [asks('a')], [noneOf([asks('b')], [asks('c')])]],
    ['an exclusion of more', [noneOf([asks('a', 'b')])], [noneOf([asks('a')])]],
    ['the chain of an asset', [moves], [{ kind: 'chain-in', names: new Set([BITCOIN]) }]],
    ['the other half of what is denied', [moves, noneOf([above(2n)])], [atMost(3n)]],
    ['of a list, what is left of it', [asks('a', 'b'), noneOf([asks('b')])], [asks('a', 'c')]],
  ])('is found: %s', (_what, when, wanted) => {
    expect(implies(given(when), wanted)).toBe(true);
    expect(implies(given(wanted), when)).toBe(false);
  });

  it.each<[string, readonly Condition[]]>([
    ['two assets', [moves, { kind: 'asset', asset: ETH }]],
    ['an empty range', [atMost(1n), above(1n)]],
    ['lists without a common name', [asks('a'), asks('b')]],
    ['several ways, none of which is open', [asks('a'), anyOf([asks('b')], [asks('c')])]],
    ['what is excluded', [asks('a'), noneOf([asks('a', 'b')])]],
    ['an asset on another chain', [moves, { kind: 'chain-in', names: new Set([ETHEREUM]) }]],
    ['neither yes nor no', [noneOf([firstUse(true)], [firstUse(false)])]],
    ['neither above nor at most', [moves, noneOf([above(2n)], [atMost(2n)])]],
    ['no risk at all', [noneOf([{ kind: 'risk-score-at-most', score: 100 }])]],
    ['no result', [noneOf([screened('clear')], [screened('flagged')], [screened('blocked')])]],
    ['no share', [noneOf([{ kind: 'hot-share-at-most', basisPoints: 10_000n }])]],
    ['no kind', [noneOf([{ kind: 'kind-in', names: new Set(transferKind.options) }])]],
    ['each way excluded', [anyOf([asks('a')], [asks('b')]), noneOf([asks('a', 'b')])]],
  ])('is found to be impossible: %s', (_what, when) => {
    expect(isImpossible(when)).toBe(true);
  });

  it('is not that one of two halves holds, where it takes a fact to tell', () => {
    const halves = [
      [{ kind: 'risk-score-at-most' as const, score: 50 }],
      [{ kind: 'risk-score-above' as const, score: 50 }],
    ];
    expect(implies(given([moves]), [anyOf(...halves)])).toBe(false);
    expect(impliesOneOf(given([moves]), halves)).toBe(false);
    expect(isImpossible([noneOf(...halves)])).toBe(true);
  });

  it('is found of several between them', () => {
    expect(impliesOneOf(given([moves]), [[atMost(1n)], [above(1n)]])).toBe(true);
    expect(impliesOneOf(given([moves]), [[atMost(1n)], [above(2n)]])).toBe(false);
    expect(impliesOneOf(given([asks('a', 'b')]), [[asks('a')], [asks('b', 'c')]])).toBe(true);
    expect(impliesOneOf(given([asks('a', 'b')]), [[asks('a')], [moves, asks('b')]])).toBe(false);
  });

  it('is of several between them never said where it is not so', () => {
    const ways = fc.array(fc.array(plain, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(conditions, ways, (when, some) => {
        if (isImpossible(when) || !impliesOneOf(given(when), some)) return;
        const [isGiven, tests] = [testOfAll(when), some.map(testOfAll)];
        for (const one of SITUATIONS) {
          if (isGiven(one) === true) expect(tests.some((test) => test(one) === true)).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
