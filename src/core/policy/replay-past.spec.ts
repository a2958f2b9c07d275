import { describe, expect, it } from '@jest/globals';
import { parsePolicies } from './parse.js';
import { type PastDecision, replayPast } from './replay-past.js';
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
    kind: 'allow',
    rule: 'old/any',
    approvers: new Set(),
    excluded: new Set(['payouts']),
    ...more,
  };
}

const replayed = (set: ReturnType<typeof draft>, decisions: readonly PastDecision[]) =>
  replayPast(set, decisions, SHIPPED_CONTEXT.groups);

describe('a past under a draft', () => {
  it('says nothing of what stays as it is', () => {
    expect(replayed(draft(ALLOW), [past('a', 0), past('b', 25)])).toEqual({ decisions: 2, changed: [] });
  });

  it('counts limits from its beginning, in the order of time, and lets go of what is older than a window', () => {
    const { changed } = replayed(draft(ALLOW), [past('c', 2), past('a', 0), past('b', 1), past('d', 50)]);
    expect(changed).toEqual([
      {
        transferId: 'c',
        atMs: 2 * HOUR_MS,
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
    const approved = (...approvers: string[]) =>
      past('a', 0, { kind: 'approve', approvers: new Set(approvers) });
    const wouldBe = (one: PastDecision) => replayed(draft(inSteps), [one]).changed[0]?.wouldBe;
    expect(wouldBe(approved('dora', 'alice'))).toBeUndefined();
    expect(wouldBe(approved('alice', 'bob'))).toBe('approve by hot/any: 1 of board missing');
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
    const approved = (...approvers: string[]) =>
      past('a', 0, { kind: 'approve', approvers: new Set(approvers), excluded: new Set(['carol']) });
    const wouldBe = (one: PastDecision) => replayed(draft(APPROVE), [one]).changed[0]?.wouldBe;
    expect(wouldBe(approved('alice', 'bob'))).toBeUndefined();
    expect(wouldBe(approved('alice', 'carol'))).toBe('approve by hot/any: 1 of treasury missing');
    expect(wouldBe(past('a', 0))).toBe('approve by hot/any: 2 of treasury missing');
  });

  it('says what would leave without approvals that it had', () => {
    const approved = past('a', 0, { kind: 'approve', approvers: new Set(['alice', 'bob']) });
    expect(replayed(draft(ALLOW), [approved]).changed).toEqual([
      expect.objectContaining({ wouldBe: 'allow by hot/any', isHeldBack: false }),
    ]);
  });

  it('knows a destination as used by the wallet that paid it, and by no other one', () => {
    const rules = [
      '  - { id: poisoned, when: { look-alike: yes }, then: refuse }',
      '  - { id: known, when: { asset: BTC, first-use: no }, then: allow }',
      '  - { id: new, when: { asset: BTC, first-use: yes }, then: { approve: [{ group: treasury, quorum: 2 }] } }',
    ].join('\n');
    const policy = draft(rules, '10 BTC');
    const everywhere = {
      ...policy,
      policies: policy.policies.map((one) => ({ ...one, appliesTo: { kind: 'tier', tier: 'hot' } as const })),
    };
    const to = (transferId: string, atHours: number, wallet: string, destination: string) => {
      const { situation, ...one } = past(transferId, atHours, { approvers: new Set(['alice', 'bob']) });
      const { known: _known, ...rest } = situation;
      return { ...one, situation: { ...rest, known: undefined, wallet, destination }, rule: 'hot/known' };
    };
    const { changed } = replayed(everywhere, [
      to('a', 0, 'hot-btc', 'bcrt1qaaaa1zzzz'),
      to('b', 1, 'hot-btc', 'bcrt1qaaaa1zzzz'),
      to('c', 2, 'other-btc', 'bcrt1qaaaa1zzzz'),
      to('d', 3, 'other-btc', 'bcrt1qaaaa2zzzz'),
    ]);
    expect(changed.map(({ transferId, wouldBe }) => [transferId, wouldBe])).toEqual([
      ['a', 'approve by hot/new'],
      ['c', 'approve by hot/new'],
      ['d', 'refuse policy-refused by hot/poisoned'],
    ]);
  });
});
