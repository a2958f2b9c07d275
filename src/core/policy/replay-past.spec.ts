import { describe, expect, it } from '@jest/globals';
import { parsePolicies } from './parse.js';
import { type PastDecision, type PastRefusal, replayPast } from './replay-past.js';
import { documentOf, SHIPPED_CONTEXT, SITUATION, valueFrom } from './shipped.fixture.js';

const HOUR_MS = 3_600_000;

function draft(rules: string, limit = '2 BTC') {
  const text = `policy: hot
applies-to: { wallets: [hot-btc] }
fee-caps: { absolute: "0.0005 BTC", relative: "5%" }
limits:
  - { id: day, per: wallet, asset: BTC, window: 24h, max: "${limit}" }
rules:
${rules}
`;
  return valueFrom(parsePolicies([documentOf('hot', text)], SHIPPED_CONTEXT));
}

const ALLOW = '  - { id: any, when: { asset: BTC, amount-at-most: "1 BTC" }, then: allow }';
const APPROVE =
  '  - { id: any, when: { asset: BTC, amount-at-most: "1 BTC" }, then: { approve: [{ group: treasury, quorum: 2 }] } }';

function past(transferId: string, atHours: number, more: Partial<PastDecision> = {}): PastDecision {
  return {
    transferId,
    atMs: atHours * HOUR_MS,
    situation: { ...SITUATION, amount: 100_000_000n },
    unsure: [],
    rule: 'old/any',
    effect: { kind: 'allow' },
    approvers: new Set(),
    by: new Map(),
    groups: SHIPPED_CONTEXT.groups,
    excluded: new Set(['payouts']),
    ...more,
  };
}

/** As many of `group` as approved by the rule of then. */
function approved(quorum: number, ...approvers: string[]): Partial<PastDecision> {
  const effect = { kind: 'approve', requirements: [{ group: 'treasury', quorum }] } as const;
  return { effect, approvers: new Set(approvers) };
}

const approving = (wanted: string) =>
  `  - { id: any, when: { asset: BTC, amount-at-most: "1 BTC" }, then: ${wanted} }`;

const replayed = (set: ReturnType<typeof draft>, decisions: readonly PastDecision[], sinceMs?: number) =>
  replayPast(set, decisions, sinceMs);

/** What would change of one. */
function changeOf(rules: string, one: Partial<PastDecision>) {
  const [changed] = replayed(draft(rules), [past('a', 0, one)]).changed;
  return changed && { kinds: changed.kinds, was: changed.was, wouldBe: changed.wouldBe };
}

describe('a past under a draft', () => {
  it('says nothing of what stays as it is', () => {
    expect(replayed(draft(ALLOW), [past('a', 0), past('b', 25)])).toMatchObject({
      decisions: 2,
      changed: [],
      unjudged: [],
    });
  });

  it('counts limits from its beginning, in the order of time, and lets go of what is older than a window', () => {
    const { changed } = replayed(draft(ALLOW), [past('c', 2), past('a', 0), past('b', 1), past('d', 50)]);
    expect(changed).toEqual([
      {
        transferId: 'c',
        atMs: 2 * HOUR_MS,
        kinds: ['refused'],
        was: 'allow by old/any',
        wouldBe: 'refuse limit-exceeded by hot/any, hot/day',
        isHeldBack: true,
      },
    ]);
  });

  it('counts a calendar day until its midnight', () => {
    const byDay = valueFrom(
      parsePolicies(
        [
          documentOf(
            'hot',
            `policy: hot
applies-to: { wallets: [hot-btc] }
fee-caps: { absolute: "0.0005 BTC", relative: "5%" }
limits:
  - { id: day, per: wallet, asset: BTC, calendar: day, zone: "-01:00", max: "2 BTC" }
rules:
${ALLOW}
`,
          ),
        ],
        SHIPPED_CONTEXT,
      ),
    );
    const { changed } = replayed(
      byDay,
      [22, 23, 24, 25, 26, 27].map((hour) => past(`at-${hour}`, hour)),
    );
    expect(changed.map(({ transferId, wouldBe }) => [transferId, wouldBe])).toEqual([
      ['at-24', 'refuse limit-exceeded by hot/any, hot/day'],
      ['at-27', 'refuse limit-exceeded by hot/any, hot/day'],
    ]);
  });

  it('counts persons, and not the order in which they approved without being asked for one', () => {
    const inSteps =
      '  - { id: any, when: { asset: BTC }, then: { approve: { steps: [[{ group: treasury, quorum: 1 }], [{ group: board, quorum: 1 }]] } } }';
    const heldBack = (...approvers: string[]) =>
      replayed(draft(inSteps), [past('a', 0, approved(2, ...approvers))]).changed[0];
    expect(heldBack('dora', 'alice')).toMatchObject({ isHeldBack: false });
    expect(heldBack('alice', 'bob')).toMatchObject({
      isHeldBack: true,
      kinds: ['approvals-missing', 'approvals-other'],
      wouldBe: 'approve by hot/any: first 1 of treasury, then 1 of board; 1 of board missing',
    });
  });

  it('does not charge what it refuses, or what would wait for somebody', () => {
    const big = past('big', 0);
    const { changed } = replayed(draft(ALLOW, '1 BTC'), [
      { ...big, situation: { ...big.situation, amount: 100_000_001n } },
      past('a', 1),
    ]);
    expect(changed.map(({ transferId, wouldBe }) => [transferId, wouldBe])).toEqual([
      ['big', 'refuse policy-no-match'],
    ]);
    expect(replayed(draft(APPROVE, '1 BTC'), [past('a', 0), past('b', 1)]).changed).toHaveLength(2);
  });

  it('says whose approval would be missing, and counts nobody who asked', () => {
    const carols = (...approvers: string[]) => ({
      ...approved(2, ...approvers),
      excluded: new Set(['carol']),
    });
    expect(changeOf(APPROVE, carols('alice', 'bob'))).toBeUndefined();
    expect(changeOf(APPROVE, carols('alice', 'carol'))?.wouldBe).toBe(
      'approve by hot/any: 2 of treasury; 1 of treasury missing',
    );
    expect(changeOf(APPROVE, {})).toEqual({
      kinds: ['approvals-missing', 'approvals-tightened'],
      was: 'allow by old/any',
      wouldBe: 'approve by hot/any: 2 of treasury; 2 of treasury missing',
    });
  });

  it('says what would leave without approvals that it had', () => {
    expect(changeOf(ALLOW, approved(2, 'alice', 'bob'))).toEqual({
      kinds: ['unattended'],
      was: 'approve by old/any: 2 of treasury',
      wouldBe: 'allow by hot/any',
    });
  });

  it('says that fewer would do, though those who approved are enough either way', () => {
    const one = approving('{ approve: [{ group: treasury, quorum: 1 }] }');
    expect(changeOf(one, approved(3, 'alice', 'bob', 'carol'))).toEqual({
      kinds: ['approvals-eased'],
      was: 'approve by old/any: 3 of treasury',
      wouldBe: 'approve by hot/any: 1 of treasury',
    });
  });

  it('says that others would be asked, though one of them has approved', () => {
    const board = approving('{ approve: [{ group: board, quorum: 1 }] }');
    expect(changeOf(board, approved(1, 'carol'))?.kinds).toEqual(['approvals-other']);
  });

  it('says that more would be asked, also where they all have approved', () => {
    const three = approving('{ approve: [{ group: treasury, quorum: 3 }] }');
    expect(changeOf(three, approved(2, 'alice', 'bob', 'carol'))?.kinds).toEqual(['approvals-tightened']);
  });

  it('takes the same approvals in another order, or by another rule, for the same', () => {
    const both = [
      { group: 'treasury', quorum: 1, except: ['bob', 'alice'] },
      { group: 'board', quorum: 1 },
    ];
    const turned = approving(
      '{ approve: [{ group: board, quorum: 1 }, { group: treasury, quorum: 1, except: [alice, bob] }] }',
    );
    const approvers = new Set(['carol', 'dora']);
    expect(changeOf(turned, { effect: { kind: 'approve', requirements: both }, approvers })).toBeUndefined();
  });

  it('says that it would wait for less, for more, or not at all', () => {
    const HELD = approving('{ hold: 24h, then: allow }');
    const heldFor = (hours: number) => ({ effect: { kind: 'allow', holdMs: hours * HOUR_MS } as const });
    expect(changeOf(ALLOW, heldFor(24))).toEqual({
      kinds: ['hold-shorter'],
      was: 'allow by old/any, held for 24h',
      wouldBe: 'allow by hot/any',
    });
    expect(changeOf(HELD, heldFor(48))?.kinds).toEqual(['hold-shorter']);
    expect(changeOf(HELD, heldFor(1))?.kinds).toEqual(['hold-longer']);
    expect(changeOf(HELD, heldFor(24))).toBeUndefined();
    expect(changeOf(HELD, approved(2, 'alice', 'bob'))?.kinds).toEqual(['unattended', 'hold-longer']);
  });

  it('counts what they approved with, where the draft asks for a class', () => {
    const display = approving('{ approve: [{ group: treasury, quorum: 2, with: { device-display: 1 } }] }');
    const by = new Map([['alice', new Set(['device-display'] as const)]]);
    expect(changeOf(display, { ...approved(2, 'alice', 'bob'), by })?.kinds).toEqual(['approvals-tightened']);
    expect(changeOf(display, approved(2, 'alice', 'bob'))?.kinds).toEqual([
      'approvals-missing',
      'approvals-tightened',
    ]);
  });

  it('counts how many would change in which way', () => {
    const { counts } = replayed(draft(ALLOW), [
      past('a', 0, approved(2, 'alice', 'bob')),
      past('b', 1),
      past('c', 2),
    ]);
    expect(Object.fromEntries(counts)).toEqual({
      refused: 1,
      'approvals-missing': 0,
      unattended: 1,
      'approvals-eased': 0,
      'approvals-tightened': 0,
      'approvals-other': 0,
      'hold-shorter': 0,
      'hold-longer': 0,
      'let-through': 0,
      'let-through-approved': 0,
    });
  });

  it('tells of what was decided since, with limits that count what was before', () => {
    const said = replayed(draft(ALLOW), [past('a', 0), past('b', 1), past('c', 2)], 2 * HOUR_MS);
    expect(said).toMatchObject({ decisions: 1, changed: [{ transferId: 'c', kinds: ['refused'] }] });
  });
});

function refusal(transferId: string, atHours: number, more: Partial<PastRefusal> = {}): PastRefusal {
  const { atMs, situation, unsure } = past(transferId, atHours);
  return {
    ...{ transferId, atMs, situation, unsure },
    was: 'refuse policy-refused by old/none',
    asked: undefined,
    ...more,
  };
}

describe('what was refused, under a draft', () => {
  const put = (rules: string, one: PastRefusal, signed: readonly PastDecision[] = []) =>
    replayPast(draft(rules), signed, 0, [one]);

  it('shows what nobody would have to approve, and counts it', () => {
    const { decisions, changed, counts } = put(ALLOW, refusal('r', 0));
    expect(decisions).toBe(1);
    expect(changed).toEqual([
      {
        transferId: 'r',
        atMs: 0,
        kinds: ['let-through'],
        was: 'refuse policy-refused by old/none',
        wouldBe: 'allow by hot/any',
        isHeldBack: false,
      },
    ]);
    expect(counts.get('let-through')).toBe(1);
  });

  it('shows what would leave with approvals, apart', () => {
    const { changed, counts } = put(APPROVE, refusal('r', 0));
    expect(changed).toMatchObject([
      { kinds: ['let-through-approved'], wouldBe: 'approve by hot/any: 2 of treasury' },
    ]);
    expect(counts.get('let-through')).toBe(0);
    expect(counts.get('let-through-approved')).toBe(1);
  });

  it('says nothing of what stays refused, whatever the rule', () => {
    const none = '  - { id: none, when: anything, then: refuse }';
    expect(put(none, refusal('r', 0))).toMatchObject({ decisions: 1, changed: [], unjudged: [] });
  });

  it('compares approvals that never came with those of the draft', () => {
    const asked = { kind: 'approve', requirements: [{ group: 'treasury', quorum: 2 }] } as const;
    const expired = refusal('r', 0, { was: 'refuse approval-expired', asked });
    expect(put(APPROVE, expired).changed).toEqual([]);
    const one = approving('{ approve: [{ group: treasury, quorum: 1 }] }');
    expect(put(one, expired).changed).toMatchObject([{ kinds: ['approvals-eased'] }]);
    expect(put(ALLOW, expired).changed).toMatchObject([{ kinds: ['let-through'] }]);
  });

  it('counts towards limits what would have left, and nothing else', () => {
    const signed = [past('a', 1), past('b', 2)];
    expect(put(ALLOW, refusal('r', 0), signed).changed).toMatchObject([
      { transferId: 'r' },
      { transferId: 'b', wouldBe: 'refuse limit-exceeded by hot/any, hot/day' },
    ]);
    const wait = signed.map((one) => ({ ...one, ...approved(2, 'alice', 'bob') }));
    expect(put(APPROVE, refusal('r', 0), wait).changed.map(({ transferId }) => transferId)).toEqual(['r']);
  });

  it('cannot judge what needs a fact, or what is not known, and charges nothing for it', () => {
    const risky = `  - { id: risky, when: { risk-score-above: 70 }, then: refuse }\n${ALLOW}`;
    const { changed, unjudged } = put(risky, refusal('r', 0));
    expect(changed).toEqual([]);
    expect(unjudged).toMatchObject([{ transferId: 'r', was: 'refuse policy-refused by old/none' }]);

    const byUse = '  - { id: known, when: { asset: BTC, first-use: no }, then: allow }';
    const known = { atMs: 0, firstUse: true, lookAlikeOf: undefined, whitelist: undefined };
    const { situation } = refusal('r', 0);
    const unsure = refusal('r', 0, { situation: { ...situation, known }, unsure: ['first-use'] });
    expect(put(byUse, unsure).unjudged).toMatchObject([{ transferId: 'r', notKnown: ['first-use'] }]);
    expect(put(ALLOW, unsure, [past('a', 1), past('b', 2)]).changed).toHaveLength(2);
  });

  it('tells with since of the last ones alone', () => {
    expect(replayPast(draft(ALLOW), [], HOUR_MS, [refusal('r', 0)])).toMatchObject({
      decisions: 0,
      changed: [],
    });
  });
});

describe('what nobody can tell any more', () => {
  const BY_USE = [
    '  - { id: known, when: { asset: BTC, first-use: no }, then: allow }',
    '  - { id: new, when: { asset: BTC, first-use: yes }, then: { approve: [{ group: treasury, quorum: 2 }] } }',
  ].join('\n');
  const known = { atMs: 0, firstUse: true, lookAlikeOf: undefined, whitelist: undefined };
  const knowing = (more: Partial<typeof known>, one: Partial<PastDecision> = {}): Partial<PastDecision> => ({
    ...one,
    situation: { ...SITUATION, amount: 100_000_000n, known: { ...known, ...more } },
  });

  it('is no change where the draft asks for it', () => {
    const said = replayed(draft(BY_USE), [
      past('a', 0, knowing({}, { unsure: ['first-use', 'look-alike'] })),
    ]);
    expect(said).toMatchObject({
      decisions: 1,
      changed: [],
      unjudged: [{ transferId: 'a', was: 'allow by old/any', notKnown: ['first-use'] }],
    });
  });

  it('is judged where the draft says the same either way, and where it is known', () => {
    const unsure = ['first-use'] as const;
    expect(replayed(draft(ALLOW), [past('a', 0, knowing({}, { unsure }))]).unjudged).toEqual([]);
    expect(changeOf(BY_USE, knowing({ firstUse: true }))?.kinds).toEqual([
      'approvals-missing',
      'approvals-tightened',
    ]);
    expect(changeOf(BY_USE, knowing({ firstUse: false }))).toBeUndefined();
  });

  it('holds for the age of a whitelist entry, of which the least is known', () => {
    const aged = [
      '  - { id: old, when: { asset: BTC, whitelist-age-at-least: 24h }, then: allow }',
      '  - { id: any, when: { asset: BTC }, then: { approve: [{ group: treasury, quorum: 2 }] } }',
    ].join('\n');
    const listed = (ageMs: number): PastDecision =>
      past('a', 0, {
        unsure: ['whitelist-age-at-least'],
        situation: {
          ...SITUATION,
          amount: 100_000_000n,
          known: { ...known, whitelist: { entryId: 'desk', label: 'OTC desk', ageMs } },
        },
      });
    expect(replayed(draft(aged), [listed(HOUR_MS)]).unjudged).toMatchObject([
      { notKnown: ['whitelist-age-at-least'] },
    ]);
    expect(replayed(draft(aged), [listed(24 * HOUR_MS)])).toMatchObject({ changed: [], unjudged: [] });
  });

  it('is a fact that nobody stated, and not one of which sources differ', () => {
    const risky = ['  - { id: risky, when: { risk-score-above: 70 }, then: refuse }', ALLOW].join('\n');
    const { chain, destination } = SITUATION;
    const subject = `screening/${chain}/${destination}`;
    expect(replayed(draft(risky), [past('a', 0)])).toMatchObject({
      changed: [],
      unjudged: [{ notKnown: [subject] }],
    });
    const screened = (...scores: number[]) =>
      past('a', 0, {
        situation: {
          ...SITUATION,
          amount: 100_000_000n,
          facts: new Map([
            [
              subject,
              scores.map((riskScore) => ({
                kind: 'screening' as const,
                chain,
                address: destination,
                transferId: `tr-${'1'.repeat(40)}`,
                result: 'clear' as const,
                riskScore,
              })),
            ],
          ]),
        },
      });
    expect(replayed(draft(risky), [screened(3)])).toMatchObject({ changed: [], unjudged: [] });
    expect(replayed(draft(risky), [screened(3, 90)])).toMatchObject({
      changed: [{ wouldBe: 'refuse policy-refused by hot/risky' }],
    });
  });

  it('counts towards limits, since it has left', () => {
    const { changed } = replayed(draft(`${BY_USE}`, '1 BTC'), [
      past('a', 0, knowing({}, { unsure: ['first-use'] })),
      past('b', 1, knowing({ firstUse: false })),
    ]);
    expect(changed).toMatchObject([{ transferId: 'b', kinds: ['refused'] }]);
  });
});
