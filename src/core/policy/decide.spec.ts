import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Fault } from '../fault.js';
import { chargesOf, decide, explain } from './decide.js';
import { BITCOIN, ETHEREUM, SITUATION } from './shipped.fixture.js';
import type { Condition, Limit, Policy, PolicyAsset, PolicySet, Rule, Situation } from './types.js';

const BTC: PolicyAsset = { chain: BITCOIN, contract: 'native', symbol: 'BTC', decimals: 8 };
const ETH: PolicyAsset = { chain: ETHEREUM, contract: 'native', symbol: 'ETH', decimals: 18 };
const TOKEN: PolicyAsset = {
  chain: ETHEREUM,
  contract: '0x5fbdb2315678afecb367f032d93f642f64180aa3',
  symbol: 'USDX',
  decimals: 18,
};
const ETHEREUM_SITUATION: Situation = {
  ...SITUATION,
  wallet: 'hot-eth',
  chain: ETHEREUM,
  destination: '0x000000000000000000000000000000000000dEaD',
};
const FEE_CAPS = { absoluteMax: 1_000n, relativeMaxBasisPoints: 500n };
const moves = (asset: PolicyAsset): Condition => ({ kind: 'asset', asset });
const names = (kind: 'destination-in' | 'requester-in', ...of: readonly string[]): Condition => ({
  kind,
  names: new Set(of),
});
const ALLOW: Rule = { id: 'all', when: [moves(BTC)], effect: { kind: 'allow' } };
const unused = () => 0n;

function policy(name: string, rules: readonly Rule[], limits: readonly Limit[] = []): Policy {
  return {
    name,
    appliesTo: { kind: 'wallets', wallets: ['hot-btc', 'hot-eth'] },
    feeCaps: FEE_CAPS,
    limits,
    rules,
  };
}

function setOf(...policies: readonly Policy[]): PolicySet {
  return { hash: 'ab'.repeat(32), policies };
}

function refusalOf(set: PolicySet, situation: Situation = SITUATION, usage: () => bigint = unused) {
  const decision = decide(set, situation, usage);
  return decision.kind === 'refuse' ? decision.code : decision.kind;
}

describe('a decision', () => {
  it('refuses when there is no policy at all', () => {
    expect(refusalOf(setOf())).toBe('policy-no-match');
  });

  it('refuses when a document has no rules', () => {
    expect(refusalOf(setOf(policy('p', [])))).toBe('policy-no-match');
  });

  it('refuses a wallet that no document covers', () => {
    expect(refusalOf(setOf(policy('p', [ALLOW])), { ...SITUATION, wallet: 'other' })).toBe('policy-no-match');
  });

  it('refuses an asset that no rule names', () => {
    expect(refusalOf(setOf(policy('p', [ALLOW])), { ...SITUATION, contract: TOKEN.contract })).toBe(
      'policy-no-match',
    );
    expect(refusalOf(setOf(policy('p', [ALLOW])), { ...SITUATION, chain: ETHEREUM })).toBe('policy-no-match');
  });

  it('refuses when only a document for everything exists', () => {
    const everything: Policy = { name: 'e', appliesTo: { kind: 'everything' }, limits: [], rules: [] };
    expect(refusalOf(setOf(everything))).toBe('policy-no-match');
  });

  it('refuses an amount of 0 and below, which would give a limit back', () => {
    for (const amount of [0n, -1n])
      expect(refusalOf(setOf(policy('p', [ALLOW])), { ...SITUATION, amount })).toBe('policy-error');
  });

  it('refuses when a counter throws, and shows nothing of the error', () => {
    const limit: Limit = { id: 'p/n', scope: 'global', windowMs: 1, measure: { kind: 'count', max: 9n } };
    const decision = decide(setOf(policy('p', [ALLOW], [limit])), SITUATION, () => {
      throw new Fault('disk-broken', 'password is hunter2');
    });
    expect(decision).toMatchObject({
      kind: 'refuse',
      code: 'policy-error',
      facts: { why: 'an unexpected error' },
    });
  });

  it('refuses when a counter is below zero', () => {
    const limit: Limit = { id: 'p/n', scope: 'global', windowMs: 1, measure: { kind: 'count', max: 9n } };
    expect(refusalOf(setOf(policy('p', [ALLOW], [limit])), SITUATION, () => -5n)).toBe('policy-error');
  });

  it('refuses a rule for approval that wants nobody', () => {
    for (const requirements of [
      [],
      [{ group: 'treasury', quorum: 0 }],
      [{ group: 'treasury', quorum: Number.NaN }],
    ]) {
      const rule: Rule = { ...ALLOW, effect: { kind: 'approve', requirements } };
      expect(refusalOf(setOf(policy('p', [rule])))).toBe('policy-error');
    }
  });

  it('refuses when a document that decides has no fee caps', () => {
    const { feeCaps: _gone, ...rest } = policy('p', [ALLOW]);
    expect(refusalOf(setOf(rest))).toBe('policy-error');
  });

  it('comes from a rule that refuses, wherever it stands, and else from the first that matches', () => {
    const refuse: Rule = { id: 'no', when: [moves(BTC)], effect: { kind: 'refuse' } };
    const refused = { kind: 'refuse', code: 'policy-refused', rule: 'p/no' };
    expect(decide(setOf(policy('p', [refuse, ALLOW])), SITUATION, unused)).toMatchObject(refused);
    expect(decide(setOf(policy('p', [ALLOW, refuse])), SITUATION, unused)).toMatchObject(refused);
    const second: Rule = { ...ALLOW, id: 'second' };
    expect(decide(setOf(policy('p', [ALLOW, second])), SITUATION, unused)).toMatchObject({ rule: 'p/all' });
  });

  it('is refused by what the document for everything refuses, whatever the own one says', () => {
    const refuse: Rule = { id: 'no', when: [names('requester-in', 'payouts')], effect: { kind: 'refuse' } };
    const everything: Policy = { name: 'e', appliesTo: { kind: 'everything' }, limits: [], rules: [refuse] };
    const set = setOf(everything, policy('p', [ALLOW]));
    expect(decide(set, SITUATION, unused)).toMatchObject({ code: 'policy-refused', rule: 'e/no' });
    expect(refusalOf(set, { ...SITUATION, requester: 'other' })).toBe('allow');
  });

  it('is named by the last rule where nothing matches, which refuses nothing that another lets pass', () => {
    const rest: Rule = { id: 'rest', when: [], effect: { kind: 'refuse' } };
    const set = setOf(policy('p', [rest, ALLOW]));
    expect(refusalOf(set)).toBe('allow');
    expect(decide(set, { ...SITUATION, contract: TOKEN.contract }, unused)).toMatchObject({
      code: 'policy-refused',
      rule: 'p/rest',
    });
  });

  it('says of each rule that was asked before what does not hold', () => {
    const small: Rule = {
      ...ALLOW,
      id: 'small',
      when: [moves(BTC), { kind: 'amount-at-most', asset: BTC, amount: 10n }],
    };
    const blocked: Rule = {
      id: 'blocked',
      when: [names('destination-in', 'a', 'b', 'c', 'd')],
      effect: { kind: 'refuse' },
    };
    expect(explain(setOf(policy('p', [small, ALLOW, blocked])), SITUATION, unused)).toMatchObject({
      decision: { kind: 'allow', rule: 'p/all' },
      passedOver: [
        { rule: 'p/blocked', unmet: 'destination-in: a, b, c and 1 more' },
        { rule: 'p/small', unmet: 'amount-at-most: 0.0000001 BTC' },
      ],
    });
  });

  it("comes from the wallet's own document before its tier's, under the tightest caps of both", () => {
    const tier: Policy = {
      ...policy('t', [{ ...ALLOW, when: [], effect: { kind: 'refuse' } }]),
      appliesTo: { kind: 'tier', tier: 'hot' },
      feeCaps: { absoluteMax: 2_000n, relativeMaxBasisPoints: 100n },
    };
    expect(decide(setOf(tier, policy('p', [ALLOW])), SITUATION, unused)).toMatchObject({
      kind: 'allow',
      rule: 'p/all',
      feeCaps: { absoluteMax: 1_000n, relativeMaxBasisPoints: 100n },
    });
    expect(refusalOf(setOf(tier, policy('p', [])))).toBe('policy-refused');
    expect(refusalOf(setOf(tier), { ...SITUATION, tier: 'cold' })).toBe('policy-no-match');
  });

  it('takes both bounds of an amount exactly', () => {
    const rule: Rule = {
      ...ALLOW,
      when: [
        moves(BTC),
        { kind: 'amount-above', asset: BTC, amount: 10n },
        { kind: 'amount-at-most', asset: BTC, amount: 20n },
      ],
    };
    const at = (amount: bigint) => refusalOf(setOf(policy('p', [rule])), { ...SITUATION, amount });
    expect([10n, 11n, 20n, 21n].map(at)).toEqual(['policy-no-match', 'allow', 'allow', 'policy-no-match']);
  });

  it('compares Ethereum destinations without regard to case, and Bitcoin ones letter by letter', () => {
    const ethereum: Rule = {
      ...ALLOW,
      when: [moves(ETH), names('destination-in', ETHEREUM_SITUATION.destination.toLowerCase())],
    };
    expect(refusalOf(setOf(policy('p', [ethereum])), ETHEREUM_SITUATION)).toBe('allow');
    const bitcoin: Rule = { ...ALLOW, when: [moves(BTC), names('destination-in', SITUATION.destination)] };
    expect(refusalOf(setOf(policy('p', [bitcoin])))).toBe('allow');
    expect(
      refusalOf(setOf(policy('p', [bitcoin])), {
        ...SITUATION,
        destination: SITUATION.destination.toUpperCase(),
      }),
    ).toBe('policy-no-match');
  });

  it('lets an empty list match nothing', () => {
    for (const kind of ['destination-in', 'requester-in'] as const) {
      const when = [moves(BTC), names(kind)];
      expect(refusalOf(setOf(policy('p', [{ ...ALLOW, when }])))).toBe('policy-no-match');
    }
  });

  it('takes only the requesters that a rule names', () => {
    const rule: Rule = { ...ALLOW, when: [moves(BTC), names('requester-in', 'payouts')] };
    expect(refusalOf(setOf(policy('p', [rule])))).toBe('allow');
    expect(refusalOf(setOf(policy('p', [rule])), { ...SITUATION, requester: 'Payouts' })).toBe(
      'policy-no-match',
    );
  });

  it('gives for the same question the same answer', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -5n, max: 50n }), fc.bigInt({ min: 0n, max: 50n }), (amount, used) => {
        const limit: Limit = {
          id: 'p/l',
          scope: 'wallet',
          windowMs: 1,
          measure: { kind: 'amount', asset: BTC, max: 40n },
        };
        const set = setOf(policy('p', [ALLOW], [limit]));
        const decision = decide(set, { ...SITUATION, amount }, () => used);
        expect(decide(set, { ...SITUATION, amount }, () => used)).toEqual(decision);
        const expected = amount <= 0n ? 'policy-error' : used + amount > 40n ? 'limit-exceeded' : 'allow';
        expect(decision.kind === 'refuse' ? decision.code : decision.kind).toBe(expected);
      }),
    );
  });
});

describe('limits of a rule', () => {
  const count = (id: string, scope: Limit['scope'] = 'rule', max = 5n): Limit => ({
    id,
    scope,
    windowMs: 1,
    measure: { kind: 'count', max },
  });
  const small: Rule = {
    id: 'small',
    when: [moves(BTC), { kind: 'amount-at-most', asset: BTC, amount: 100n }],
    effect: { kind: 'allow' },
    limits: [count('p/small/n'), count('p/small/c', 'customer')],
  };
  const rest: Rule = { ...ALLOW, id: 'rest', limits: [count('p/rest/n')] };
  const set = setOf(policy('p', [small, rest], [count('p/all', 'global')]));

  it('are charged only by what that rule decides, beside those of the documents', () => {
    const chargedBy = (amount: bigint) =>
      chargesOf(set, { ...SITUATION, amount }).map(({ limitId, key }) => [limitId, key]);
    expect(chargedBy(100n)).toEqual([
      ['p/all', 'global'],
      ['p/small/n', 'rule'],
      ['p/small/c', 'customer-1'],
    ]);
    expect(chargedBy(101n)).toEqual([
      ['p/all', 'global'],
      ['p/rest/n', 'rule'],
    ]);
  });

  it('refuse when one is full, and pass nothing on to the next rule', () => {
    const full = ({ limitId }: { readonly limitId: string }) => (limitId === 'p/small/n' ? 5n : 0n);
    expect(decide(set, SITUATION, full)).toMatchObject({
      code: 'limit-exceeded',
      rule: 'p/small',
      facts: { limit: 'p/small/n' },
    });
    expect(decide(set, { ...SITUATION, amount: 101n }, full)).toMatchObject({
      kind: 'allow',
      rule: 'p/rest',
    });
  });

  it('of a rule that a refusal goes before, or that does not match, are not charged', () => {
    const refuse: Rule = { id: 'no', when: [names('requester-in', 'payouts')], effect: { kind: 'refuse' } };
    const refusing = setOf(policy('p', [small, refuse]));
    expect(chargesOf(refusing, SITUATION)).toEqual([]);
    expect(chargesOf(refusing, { ...SITUATION, requester: 'other' })).toHaveLength(2);
    expect(chargesOf(refusing, { ...SITUATION, requester: 'other', amount: 101n })).toEqual([]);
  });

  it('are explained in words beside those of the documents, also where one is exceeded', () => {
    const amount: Limit = {
      id: 'p/small/day',
      scope: 'rule',
      windowMs: 86_400_000,
      measure: { kind: 'amount', asset: BTC, max: 50n },
    };
    const limited = setOf(policy('p', [{ ...small, limits: [amount] }], [count('p/all', 'global')]));
    const { decision, limits } = explain(limited, SITUATION, unused);
    expect(decision).toMatchObject({ code: 'limit-exceeded', facts: { limit: 'p/small/day' } });
    expect(limits.map(({ limitId, takes, atMost, within }) => [limitId, takes, atMost, within])).toEqual([
      ['p/all', '1 transfer', '5 transfers', expect.any(String)],
      ['p/small/day', '0.000001 BTC', '0.0000005 BTC', '24h'],
    ]);
    expect(explain(limited, { ...SITUATION, amount: 101n }, unused).limits).toEqual([]);
  });

  it('are the same before the decision and in it, whatever is used and whoever asks', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(
        fc.shuffledSubarray([small, rest, { ...small, id: 'again', limits: [count('p/again/n')] }]),
        fc.bigInt({ min: 1n, max: 200n }),
        fc.bigInt({ min: 0n, max: 5n }),
        (rules, amount, used) => {
          const some = setOf(policy('p', rules, [count('p/all', 'wallet')]));
          const situation = { ...SITUATION, amount };
          const asked: string[] = [];
          const decision = decide(some, situation, ({ limitId }) => {
            asked.push(limitId);
            return used;
          });
          const before = chargesOf(some, situation).map(({ limitId }) => limitId);
          // Whoever reads the counters beforehand has read all that the decision asks for.
          expect(before).toEqual(expect.arrayContaining(asked));
          if (decision.kind !== 'refuse')
            expect(decision.limits.map(({ limitId }) => limitId)).toEqual(before);
          seen.add(decision.kind === 'refuse' ? decision.code : decision.kind);
        },
      ),
    );
    expect([...seen].toSorted()).toEqual(['allow', 'limit-exceeded', 'policy-no-match']);
  });
});

describe('limits', () => {
  const amountLimit = (scope: Limit['scope'], asset: PolicyAsset, max = 150n): Limit => ({
    id: `p/${scope}-${asset.symbol}`,
    scope,
    windowMs: 60_000,
    measure: { kind: 'amount', asset, max },
  });

  it('are refused with limit, key, used, asked and max', () => {
    const set = setOf(policy('p', [ALLOW], [amountLimit('wallet', BTC)]));
    expect(decide(set, SITUATION, () => 51n)).toMatchObject({
      kind: 'refuse',
      code: 'limit-exceeded',
      rule: 'p/all',
      facts: { limit: 'p/wallet-BTC', key: 'hot-btc', used: '51', asked: '100', max: '150' },
    });
  });

  it('say what they were and will be when a transfer fits exactly', () => {
    const set = setOf(policy('p', [ALLOW], [amountLimit('wallet', BTC)]));
    expect(decide(set, SITUATION, () => 50n)).toMatchObject({
      kind: 'allow',
      limits: [{ limitId: 'p/wallet-BTC', key: 'hot-btc', usedBefore: 50n, usedAfter: 150n, max: 150n }],
    });
  });

  it('hold also where officers approve', () => {
    const rule: Rule = {
      ...ALLOW,
      effect: { kind: 'approve', requirements: [{ group: 'treasury', quorum: 2 }] },
    };
    expect(refusalOf(setOf(policy('p', [rule], [amountLimit('wallet', BTC)])), SITUATION, () => 51n)).toBe(
      'limit-exceeded',
    );
  });

  it('of an amount are charged by their own asset only', () => {
    const set = setOf(
      policy(
        'p',
        [{ ...ALLOW, when: [moves(TOKEN)] }],
        [amountLimit('global', BTC), amountLimit('global', ETH), amountLimit('global', TOKEN)],
      ),
    );
    const token = { ...ETHEREUM_SITUATION, contract: '0x5FbDB2315678afecb367f032d93F642f64180aa3' };
    expect(chargesOf(set, token)).toEqual([
      { limitId: 'p/global-USDX', key: 'global', windowMs: 60_000, amount: 100n, max: 150n },
    ]);
  });

  it('of all documents that apply are charged: own, tier and everything', () => {
    const limited = (name: string, appliesTo: Policy['appliesTo']): Policy => ({
      ...policy(
        name,
        [ALLOW],
        [{ id: `${name}/n`, scope: 'global', windowMs: 1, measure: { kind: 'count', max: 5n } }],
      ),
      appliesTo,
    });
    const set = setOf(
      limited('everything', { kind: 'everything' }),
      limited('tier', { kind: 'tier', tier: 'hot' }),
      limited('own', { kind: 'wallets', wallets: ['hot-btc'] }),
      limited('other', { kind: 'wallets', wallets: ['hot-eth'] }),
      limited('cold', { kind: 'tier', tier: 'cold' }),
    );
    expect(chargesOf(set, SITUATION).map(({ limitId }) => limitId)).toEqual([
      'own/n',
      'tier/n',
      'everything/n',
    ]);
    const usage = ({ limitId }: { limitId: string }) => (limitId === 'everything/n' ? 5n : 0n);
    expect(decide(set, SITUATION, usage)).toMatchObject({
      code: 'limit-exceeded',
      facts: { limit: 'everything/n' },
    });
  });

  it('have one counter for each wallet, tier, asset, destination, customer, requester, or one for all', () => {
    const scopes = ['wallet', 'tier', 'asset', 'destination', 'customer', 'requester', 'global'] as const;
    const limits = scopes.map(
      (scope): Limit => ({ id: `p/${scope}`, scope, windowMs: 1, measure: { kind: 'count', max: 1n } }),
    );
    const set = setOf(policy('p', [ALLOW], limits));
    expect(chargesOf(set, ETHEREUM_SITUATION).map(({ key, amount }) => [key, amount])).toEqual([
      ['hot-eth', 1n],
      ['hot', 1n],
      [`${ETHEREUM}/native`, 1n],
      ['0x000000000000000000000000000000000000dead', 1n],
      ['customer-1', 1n],
      ['payouts', 1n],
      ['global', 1n],
    ]);
  });
});
