// What a decision makes of facts: that nobody gets an easier answer by withholding one, and that the stricter of two sources
// counts.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type FactContent, parseSubject, subjectOf } from '../facts/fact.js';
import { alternativesOf, meetingMeets } from './approvals.js';
import { chargesOf, decide, explain, factsFor } from './decide.js';
import { parsePolicies } from './parse.js';
import { BITCOIN, documentOf, SHIPPED_CONTEXT, SITUATION, valueFrom } from './shipped.fixture.js';
import type { Decision, Known, LimitCharge, PolicySet, Situation } from './types.js';

const HEAD = [
  'policy: hot-bitcoin',
  'applies-to: { wallets: [hot-btc] }',
  'fee-caps: { absolute: "0.0005 BTC", relative: "5%" }',
];

function setOf(rules: readonly string[], limits: readonly string[] = []): PolicySet {
  const listed = (name: string, items: readonly string[]) =>
    items.length === 0 ? [] : [`${name}:`, ...items.map((item) => `  - ${item}`)];
  const text = [...HEAD, ...listed('limits', limits), ...listed('rules', rules)].join('\n');
  return valueFrom(parsePolicies([documentOf('hot-bitcoin', text)], SHIPPED_CONTEXT));
}

const price = (text: string): FactContent => ({
  kind: 'price',
  chain: BITCOIN,
  contract: 'native',
  currency: 'USD',
  price: text,
  sources: 3,
});
const screening = (riskScore: number, result: 'clear' | 'flagged' | 'blocked' = 'clear'): FactContent => ({
  kind: 'screening',
  chain: BITCOIN,
  address: SITUATION.destination,
  result,
  riskScore,
});
const balance = (amount: string): FactContent => ({
  kind: 'balance',
  wallet: 'hot-btc',
  chain: BITCOIN,
  contract: 'native',
  amount,
});

/** One bitcoin. */
function knowing(...facts: readonly FactContent[]): Situation {
  return { ...SITUATION, amount: 100_000_000n, facts: Map.groupBy(facts, subjectOf) };
}

const unused = () => 0n;
const answer = (set: PolicySet, situation: Situation) => {
  const decision = decide(set, situation, unused);
  return decision.kind === 'refuse' ? decision.code : decision.rule.replace('hot-bitcoin/', '');
};

describe('what is asked of watchers', () => {
  const set = setOf(['{ id: small, when: { asset: BTC, screening-in: [clear] }, then: allow }']);
  const OLD = '2N3oefVeg6stiTb5Kh3ozCSkaqmx91FDbsm';

  it.each([
    [SITUATION.destination, SITUATION.destination],
    [OLD, OLD],
    ['0x5FbDB2315678afecb367f032d93F642f64180aa3', '0x5fbdb2315678afecb367f032d93f642f64180aa3'],
  ])('names the destination %s as facts do', (destination, address) => {
    const subjects = factsFor(set, { ...SITUATION, destination });
    expect(subjects).toEqual([`screening/${BITCOIN}/${address}`]);
    expect(parseSubject(subjects[0] ?? '')).toEqual({ kind: 'screening', chain: BITCOIN, address });
    const said = { ...screening(1), address } as FactContent;
    expect(answer(set, { ...knowing(said), destination })).toBe('small');
  });
});

describe('the contract of a token', () => {
  const set = setOf([
    '{ id: all, when: { asset: BTC }, then: allow }',
    '{ id: no, when: anything, then: refuse }',
  ]);
  const pin = { subject: 'code/x/0x1', expected: 'ab'.repeat(32), required: true };

  it('is asked about whatever the rules say, and stops what a rule lets pass', () => {
    expect(factsFor(set, SITUATION)).toEqual([]);
    expect(factsFor(set, { ...SITUATION, pins: [pin] })).toEqual(['code/x/0x1']);
    expect(decide(set, { ...SITUATION, pins: [pin] }, unused)).toMatchObject({
      kind: 'refuse',
      code: 'fact-missing',
      facts: { rule: 'hot-bitcoin/all', fact: 'code/x/0x1' },
    });
  });

  it('is not waited for where policy refuses anyway', () => {
    const refusing = setOf(['{ id: no, when: { asset: BTC }, then: refuse }']);
    expect(answer(refusing, { ...SITUATION, pins: [pin] })).toBe('policy-refused');
  });
});

describe('a rule that lets pass and needs a fact', () => {
  const set = setOf([
    '{ id: small, when: { asset: BTC, amount-at-most: "60000 USD" }, then: allow }',
    '{ id: rest, when: { asset: BTC }, then: { approve: [{ group: treasury, quorum: 2 }] } }',
  ]);

  it('matches by the price, exactly at its bound', () => {
    expect(answer(set, knowing(price('60000')))).toBe('small');
    expect(answer(set, knowing(price('60000.000000001')))).toBe('rest');
  });

  it('does not match without one, and leaves the transfer to a rule that asks for more', () => {
    expect(answer(set, knowing())).toBe('rest');
    expect(answer(set, { ...SITUATION, amount: 1n })).toBe('rest');
    expect(answer(set, knowing(price('1'), price('60001')))).toBe('rest');
  });

  it('is refused with fact-missing where no other rule is left, and the fact is named', () => {
    const alone = setOf(['{ id: small, when: { asset: BTC, amount-at-most: "60000 USD" }, then: allow }']);
    expect(decide(alone, knowing(), unused)).toMatchObject({
      kind: 'refuse',
      code: 'fact-missing',
      rule: 'hot-bitcoin/small',
      facts: { fact: `price/${BITCOIN}/native/USD` },
    });
    expect(answer(alone, knowing(price('60001')))).toBe('policy-no-match');
    const named = setOf([
      '{ id: small, when: { asset: BTC, amount-at-most: "60000 USD" }, then: allow }',
      '{ id: rest, when: anything, then: refuse }',
    ]);
    expect(answer(named, knowing())).toBe('fact-missing');
    expect(answer(named, knowing(price('60001')))).toBe('policy-refused');
  });

  it('takes no price in another currency, of another asset or chain', () => {
    const other = { ...price('1'), currency: 'EUR' } as FactContent;
    const token = { ...price('1'), contract: `0x${'a'.repeat(40)}` } as FactContent;
    expect(answer(set, knowing(other, token))).toBe('rest');
  });
});

describe('a rule that asks for more than the ones after it', () => {
  const large =
    '{ id: large, when: { asset: BTC, amount-above: "50000 USD" }, then: { approve: [{ group: treasury, quorum: 3 }] } }';

  it('is not passed over for want of a price (fact-missing), nor while prices disagree (facts-disagree)', () => {
    for (const then of [
      'allow',
      '{ approve: [{ group: treasury, quorum: 2 }] }',
      '{ approve: [{ group: board, quorum: 2 }] }',
    ]) {
      const set = setOf([large, `{ id: rest, when: { asset: BTC }, then: ${then} }`]);
      expect(answer(set, knowing(price('50001')))).toBe('large');
      expect(answer(set, knowing(price('50000')))).toBe('rest');
      expect(answer(set, knowing())).toBe('fact-missing');
      expect(answer(set, knowing(price('49999'), price('50001')))).toBe('facts-disagree');
    }
  });

  it('is passed over for one that asks as much', () => {
    const rest =
      '{ id: rest, when: { asset: BTC }, then: { approve: [{ group: treasury, quorum: 3 }, { group: board, quorum: 1 }] } }';
    const context = {
      ...SHIPPED_CONTEXT,
      groups: new Map([
        ['treasury', ['a', 'b', 'c']],
        ['board', ['d', 'e']],
      ]),
    };
    const text = [...HEAD, 'rules:', `  - ${large}`, `  - ${rest}`].join('\n');
    const set = valueFrom(parsePolicies([documentOf('hot-bitcoin', text)], context));
    expect(answer(set, knowing())).toBe('rest');
  });

  it('that is passed over counts what passes all the same, whoever approves it', () => {
    const two = '{ approve: [{ group: treasury, quorum: 2 }] }';
    for (const then of ['allow', two]) {
      const set = setOf([
        `{ id: counted, when: { asset: BTC, risk-score-above: 50 }, then: ${then}, limits: [{ id: day, per: rule, window: 24h, max-count: 1 }] }`,
        `{ id: free, when: { asset: BTC }, then: ${two} }`,
      ]);
      const limitsOf = (situation: Situation) => chargesOf(set, situation).map(({ limitId }) => limitId);
      const whenFull = (situation: Situation) => decide(set, situation, () => 1n);
      expect(answer(set, knowing())).toBe('free');
      expect(limitsOf(knowing())).toEqual(['hot-bitcoin/counted/day']);
      expect(explain(set, knowing(), unused).limits).toMatchObject([{ limitId: 'hot-bitcoin/counted/day' }]);
      expect(whenFull(knowing())).toMatchObject({
        code: 'limit-exceeded',
        rule: 'hot-bitcoin/free',
        facts: { limit: 'hot-bitcoin/counted/day' },
      });
      // Where it is known that the rule does not hold, nothing is counted by it.
      expect(limitsOf(knowing(screening(50)))).toEqual([]);
      expect(whenFull(knowing(screening(50)))).toMatchObject({ kind: 'approve', rule: 'hot-bitcoin/free' });
    }
  });

  it('that is passed over and counts in a currency needs its price (fact-missing)', () => {
    const set = setOf([
      '{ id: counted, when: { asset: BTC, risk-score-above: 50 }, then: allow, limits: [{ id: day, per: rule, window: 24h, currency: USD, max: "1000 USD" }] }',
      '{ id: free, when: { asset: BTC }, then: { approve: [{ group: treasury, quorum: 1 }] } }',
    ]);
    expect(decide(set, knowing(), unused)).toMatchObject({
      code: 'fact-missing',
      rule: 'hot-bitcoin/free',
      facts: { limit: 'hot-bitcoin/counted/day', fact: `price/${BITCOIN}/native/USD` },
    });
    expect(answer(set, knowing(price('1000')))).toBe('free');
    expect(answer(set, knowing(price('1000.01')))).toBe('limit-exceeded');
  });
});

describe('a rule that refuses and needs a fact', () => {
  const set = setOf([
    '{ id: all, when: { asset: BTC }, then: allow }',
    '{ id: risky, when: { risk-score-above: 70 }, then: refuse }',
    '{ id: listed, when: { screening-in: [flagged, blocked] }, then: refuse }',
  ]);

  it('refuses while nobody has looked (fact-missing), and when one of several sources says so', () => {
    expect(answer(set, knowing())).toBe('fact-missing');
    expect(answer(set, knowing(screening(70)))).toBe('all');
    expect(answer(set, knowing(screening(71)))).toBe('policy-refused');
    expect(answer(set, knowing(screening(1), screening(71)))).toBe('policy-refused');
    expect(answer(set, knowing(screening(1), screening(1, 'flagged')))).toBe('policy-refused');
  });
});

describe('a share of the balance', () => {
  const set = setOf(['{ id: share, when: { asset: BTC, share-of-balance-at-most: "2.5%" }, then: allow }']);

  it('is exact, and of the smaller balance', () => {
    expect(answer(set, knowing(balance('4000000000')))).toBe('share');
    expect(answer(set, knowing(balance('3999999999')))).toBe('policy-no-match');
    expect(answer(set, knowing(balance('4000000000'), balance('3999999999')))).toBe('facts-disagree');
    expect(answer(set, knowing(balance('0')))).toBe('policy-no-match');
    expect(answer(set, knowing())).toBe('fact-missing');
  });
});

describe('a limit in a currency', () => {
  const set = setOf(
    ['{ id: all, when: { asset: BTC }, then: allow }'],
    ['{ id: day, per: wallet, window: 24h, currency: USD, max: "100000 USD" }'],
  );

  it('counts cents at the highest price, rounded up, in a counter of its own', () => {
    const situation = { ...knowing(price('60000.001'), price('59000')), amount: 1n };
    expect(chargesOf(set, situation)).toEqual([
      {
        limitId: 'hot-bitcoin/day',
        key: 'hot-btc in USD',
        windowMs: 86_400_000,
        amount: 1n,
        max: 10_000_000n,
      },
    ]);
    expect(chargesOf(set, knowing(price('60000.001'), price('59000')))[0]?.amount).toBe(6_000_001n);
  });

  it('is full to the cent (limit-exceeded)', () => {
    const asked = (used: bigint) => decide(set, knowing(price('60000')), () => used);
    expect(asked(4_000_000n).kind).toBe('allow');
    expect(asked(4_000_001n)).toMatchObject({ code: 'limit-exceeded', facts: { limit: 'hot-bitcoin/day' } });
  });

  it('refuses without a price (fact-missing), and names it', () => {
    expect(decide(set, knowing(), unused)).toMatchObject({
      code: 'fact-missing',
      rule: 'hot-bitcoin/all',
      facts: { limit: 'hot-bitcoin/day', fact: `price/${BITCOIN}/native/USD` },
    });
    expect(chargesOf(set, knowing())).toEqual([]);
  });

  it('is told in its currency', () => {
    expect(explain(set, knowing(price('60000.5')), unused).limits).toMatchObject([
      { takes: '60000.5 USD', atMost: '100000 USD', within: '24h' },
    ]);
  });
});

describe('what has to be asked of watchers', () => {
  it('is what rules for this asset and limits need, each once', () => {
    const set = setOf(
      [
        '{ id: small, when: { asset: BTC, amount-at-most: "5 USD", risk-score-at-most: 3 }, then: allow }',
        '{ id: rest, when: { asset: BTC, any-of: [{ screening-in: [clear] }, { amount-at-most: "9 EUR" }], share-of-balance-at-most: "1%" }, then: allow }',
      ],
      ['{ id: day, per: wallet, window: 24h, currency: USD, max: "100000 USD" }'],
    );
    expect([...factsFor(set, knowing())].sort()).toEqual([
      `balance/hot-btc/${BITCOIN}/native`,
      `price/${BITCOIN}/native/EUR`,
      `price/${BITCOIN}/native/USD`,
      `screening/${BITCOIN}/${SITUATION.destination}`,
    ]);
  });

  it('is nothing where no rule asks', () => {
    expect(factsFor(setOf(['{ id: all, when: { asset: BTC }, then: allow }']), knowing())).toEqual([]);
  });

  it('is named where an explanation cannot tell', () => {
    const set = setOf(['{ id: small, when: { asset: BTC, amount-at-most: "5 USD" }, then: allow }']);
    expect(explain(set, knowing(), unused).passedOver).toEqual([
      { rule: 'hot-bitcoin/small', unmet: `amount-at-most: 5 USD (not known: price/${BITCOIN}/native/USD)` },
    ]);
  });
});

describe('knowing less', () => {
  const conditions = [
    'amount-at-most: "60000 USD"',
    'amount-above: "50000 USD"',
    'risk-score-at-most: 30',
    'risk-score-above: 60',
    'screening-in: [clear]',
    'share-of-balance-at-most: "10%"',
    'within-hours: { from: "08:00", to: "18:00", zone: UTC }',
    'any-of: [{ within-hours: { from: "06:00", to: "09:00", zone: UTC } }, { risk-score-at-most: 20 }]',
    'any-of: [{ risk-score-above: 20 }, { amount-above: "55000 USD" }]',
    'none-of: [{ screening-in: [blocked], risk-score-above: 40 }]',
  ];
  const effects = [
    'allow',
    'refuse',
    '{ approve: [{ group: treasury, quorum: 1 }] }',
    '{ approve: [{ group: treasury, quorum: 2 }] }',
    '{ approve: [{ group: board, quorum: 1 }] }',
    '{ approve: [{ group: treasury, quorum: 2, with: { device-display: 1 } }] }',
    '{ approve: { any-of: [[{ group: treasury, quorum: 2 }], [{ group: board, quorum: 1 }]] } }',
    '{ hold: 1h, then: allow }',
    '{ hold: 2h, then: { approve: [{ group: treasury, quorum: 2 }] } }',
  ];
  const limits = [
    '',
    '',
    ', limits: [{ id: day, per: rule, window: 24h, max-count: 3 }]',
    ', limits: [{ id: worth, per: wallet, window: 24h, currency: USD, max: "200000 USD" }]',
  ];
  const rule = fc.tuple(
    fc.constantFrom(...conditions),
    fc.constantFrom(...effects),
    fc.constantFrom(...limits),
  );
  /** Which of the rules' counters have no room left. */
  const full = fc.subarray(['r0', 'r1', 'r2', 'r3'].flatMap((id) => [`${id}/day`, `${id}/worth`]));
  const SHOWN_CONTEXT = {
    ...SHIPPED_CONTEXT,
    persons: new Map(
      [...SHIPPED_CONTEXT.persons].map(([personId, person]) => [
        personId,
        {
          ...person,
          credentials: person.credentials.map(({ credentialId, publicKey }) => ({
            credentialId,
            publicKey,
            credentialClass: 'device-display' as const,
            algorithm: 'eip191' as const,
          })),
        },
      ]),
    ),
  };
  const world = fc.tuple(
    fc.constantFrom('49000', '52000', '58000', '61000').map(price),
    fc
      .tuple(fc.constantFrom(10, 25, 50, 80), fc.constantFrom('clear' as const, 'blocked' as const))
      .map(([risk, result]) => screening(risk, result)),
    fc.constantFrom('500000000', '2000000000').map(balance),
  );

  /** As many approvals, with as many displays; waits as long; and takes as much of each counter. */
  function isNoEasier(decision: Decision, other: Decision): boolean {
    if (decision.kind === 'refuse') return true;
    if (other.kind === 'refuse') return false;
    if ((decision.holdMs ?? 0) < (other.holdMs ?? 0)) return false;
    const takesAsMuch = other.limits.every((limit) =>
      decision.limits.some(({ limitId, amount }) => limitId === limit.limitId && amount >= limit.amount),
    );
    if (!takesAsMuch) return false;
    if (other.kind === 'allow') return true;
    return alternativesOf(decision.requirements).every((given) =>
      alternativesOf(other.requirements).some((wanted) => meetingMeets(given, wanted)),
    );
  }

  it('never makes it easier: neither facts that are withheld nor a second source', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(
        fc.array(rule, { minLength: 1, maxLength: 4 }),
        world,
        world,
        fc.subarray([0, 1, 2]),
        full,
        fc.tuple(fc.constantFrom(7, 8, 12), fc.boolean()),
        (rules, one, other, told, used, [hour, isHourTold]) => {
          const text = rules.map(
            ([when, then, counted], at) =>
              `  - { id: r${at}, when: { asset: BTC, ${when} }, then: ${then}${then === 'refuse' ? '' : counted} }`,
          );
          const document = documentOf('hot-bitcoin', [...HEAD, 'rules:', ...text].join('\n'));
          const parsed = parsePolicies([document], SHOWN_CONTEXT);
          if (parsed.kind === 'refused') return;
          const usage = ({ limitId, max }: LimitCharge) =>
            used.includes(limitId.replace('hot-bitcoin/', '')) ? max : 0n;
          const decidedAt = (atMs: number | undefined, facts: readonly FactContent[]) => {
            const known: Known = { atMs, firstUse: false, lookAlikeOf: undefined, whitelist: undefined };
            const decision = decide(parsed.value, { ...knowing(...facts), known }, usage);
            seen.add(decision.kind === 'refuse' ? decision.code : decision.kind);
            return decision;
          };
          const atMs = hour * 3_600_000;
          const decided = (...facts: readonly FactContent[]) => decidedAt(atMs, facts);
          const of = (some: readonly FactContent[]) => some.filter((_, at) => told.includes(at));
          const [all, others] = [decided(...one), decided(...other)];
          expect(isNoEasier(decidedAt(isHourTold ? atMs : undefined, of(one)), all)).toBe(true);
          for (const alone of [all, others]) {
            expect(isNoEasier(decided(...one, ...other), alone)).toBe(true);
            expect(isNoEasier(decided(...of(one), ...of(other)), alone)).toBe(true);
          }
        },
      ),
      { numRuns: 3_000 },
    );
    expect([...seen].toSorted()).toEqual([
      'allow',
      'approve',
      'fact-missing',
      'facts-disagree',
      'limit-exceeded',
      'policy-no-match',
      'policy-refused',
    ]);
  });
});
