import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NO_CLASSES } from '../governance/credential-class.js';
import { approvalWords, countsFor, meetingMeets, missingApprovals } from './approvals.js';
import type { Follows } from './steps.js';
import type { ApprovalRequirement } from './types.js';

const GROUPS = new Map([
  ['treasury', ['alice', 'bob', 'carol']],
  ['board', ['carol', 'dora', 'erin']],
  ['audit', ['frank']],
]);
const PERSONS = ['alice', 'bob', 'carol', 'dora', 'erin', 'frank'];
const nobody = new Set<string>();

const FIRST_THEN: readonly ApprovalRequirement[] = [
  { group: 'treasury', quorum: 2, step: 0 },
  { group: 'board', quorum: 1, step: 1 },
];

/** `bob>alice` approves after alice; `bob` after nobody. */
function given(...texts: readonly string[]): { approvers: ReadonlySet<string>; follows: Follows } {
  const parts = texts.map((text) => text.split('>'));
  return {
    approvers: new Set(parts.map(([person = '']) => person)),
    follows: new Map(
      parts.map(([person = '', before = '']) => [person, new Set(before === '' ? [] : before.split('+'))]),
    ),
  };
}

function missing(requirements: readonly ApprovalRequirement[], ...texts: readonly string[]): string {
  const { approvers, follows } = given(...texts);
  return approvalWords(missingApprovals(requirements, approvers, GROUPS, nobody, NO_CLASSES, follows));
}

describe('steps', () => {
  it('are met one after another', () => {
    expect(missing(FIRST_THEN)).toBe('first 2 of treasury, then 1 of board');
    expect(missing(FIRST_THEN, 'alice')).toBe('first 1 of treasury, then 1 of board');
    expect(missing(FIRST_THEN, 'alice', 'bob>alice')).toBe('1 of board');
    expect(missing(FIRST_THEN, 'alice', 'bob', 'dora>alice+bob')).toBe('');
  });

  it.each([
    ['that follows nobody', ['alice', 'bob', 'dora']],
    ['that follows half of the step before', ['alice', 'bob', 'dora>alice']],
    [
      'that follows somebody who does not count in the step before',
      ['alice', 'bob', 'erin', 'dora>alice+erin'],
    ],
    ['that follows somebody who did not approve', ['alice', 'dora>alice+bob']],
    ['that the step before follows', ['dora', 'alice>dora', 'bob>alice+dora']],
    ['that follows itself', ['alice', 'bob', 'dora>dora+alice']],
    ['that follows in a circle', ['alice>dora', 'bob>dora', 'dora>erin', 'erin>dora']],
  ])('are not met by an approval %s', (_what, texts) => {
    expect(missing(FIRST_THEN, ...texts)).toContain('1 of board');
  });

  it('do not count one person twice, also one who follows everybody', () => {
    expect(missing(FIRST_THEN, 'alice', 'carol>alice')).toBe('1 of board');
    expect(missing(FIRST_THEN, 'alice', 'bob', 'carol>alice+bob')).toBe('');
  });

  it('do not take a whole step for met by persons whom the step after needs', () => {
    const both: readonly ApprovalRequirement[] = [
      { group: 'board', quorum: 1, step: 0 },
      { group: 'treasury', quorum: 1, step: 1 },
      { group: 'audit', quorum: 1, step: 2 },
    ];
    // Frank saw carol alone, who cannot stand for two steps.
    expect(missing(both, 'carol', 'dora', 'frank>carol')).toBe('first 1 of treasury, then 1 of audit');
    expect(missing(both, 'dora', 'carol>dora', 'frank>dora+carol')).toBe('');
    // Frank names carol, and not dora whom she follows: of dora his signature says nothing.
    expect(missing(both, 'dora', 'carol>dora', 'frank>carol')).toBe('1 of audit');
  });

  it('never count the requester, nor as somebody whom another follows', () => {
    const { approvers, follows } = given('alice', 'bob', 'dora>alice+bob');
    const left = missingApprovals(FIRST_THEN, approvers, GROUPS, new Set(['bob']), NO_CLASSES, follows);
    expect(approvalWords(left)).toBe('first 1 of treasury, then 1 of board');
  });

  it('say for which of them an approval counts', () => {
    const { approvers, follows } = given('alice', 'bob', 'carol>alice+bob', 'dora');
    const stepsFor = (person: string) =>
      countsFor(person, FIRST_THEN, approvers, GROUPS, nobody, NO_CLASSES, follows).map(({ step }) => step);
    expect(['alice', 'carol', 'dora', 'erin'].map(stepsFor)).toEqual([[0], [0, 1], [], []]);
  });

  it('are asked of each alternative by itself', () => {
    const either: readonly ApprovalRequirement[] = [
      ...FIRST_THEN.map((one) => ({ ...one, alternative: 0 })),
      { group: 'board', quorum: 1, alternative: 1, step: 0 },
      { group: 'audit', quorum: 1, alternative: 1, step: 1 },
    ];
    expect(missing(either, 'dora', 'frank>dora')).toBe('');
    expect(missing(either, 'frank', 'dora>frank')).toBe(
      'first 2 of treasury, then 1 of board, or 1 of audit',
    );
  });
});

describe('which steps ask no less', () => {
  const list = (...steps: readonly (readonly [string, number])[][]): readonly ApprovalRequirement[] =>
    steps.flatMap((step, index) =>
      step.map(([group, quorum]) => ({ group, quorum, ...(steps.length > 1 && { step: index }) })),
    );
  it.each([
    [
      'in order for the same without',
      list([['treasury', 2]], [['board', 1]]),
      list([
        ['treasury', 2],
        ['board', 1],
      ]),
      true,
    ],
    [
      'without order for the same in order',
      list([
        ['treasury', 2],
        ['board', 1],
      ]),
      list([['treasury', 2]], [['board', 1]]),
      false,
    ],
    [
      'in the other order',
      list([['board', 1]], [['treasury', 2]]),
      list([['treasury', 2]], [['board', 1]]),
      false,
    ],
    [
      'with a step more',
      list([['treasury', 2]], [['audit', 1]], [['board', 1]]),
      list([['treasury', 2]], [['board', 1]]),
      true,
    ],
    [
      'with a step less',
      list([['treasury', 2]], [['board', 1]]),
      list([['treasury', 2]], [['audit', 1]], [['board', 1]]),
      false,
    ],
    [
      'of one group at once for that in turn',
      list([['treasury', 3]]),
      list([['treasury', 2]], [['treasury', 1]]),
      false,
    ],
    [
      'of one group in turn for more at once',
      list([['treasury', 2]], [['treasury', 1]]),
      list([['treasury', 3]]),
      false,
    ],
    [
      'of which one would be needed twice',
      list([['treasury', 2]], [['board', 1]]),
      list([['treasury', 1]], [['treasury', 1]]),
      false,
    ],
  ] as const)('%s', (_what, one, other, expected) => {
    expect(meetingMeets(one, other)).toBe(expected);
  });
});

const quorums = fc.record({
  group: fc.constantFrom(...GROUPS.keys()),
  quorum: fc.integer({ min: 1, max: 2 }),
});
const steps = fc
  .array(fc.uniqueArray(quorums, { minLength: 1, maxLength: 2, selector: ({ group }) => group }), {
    minLength: 1,
    maxLength: 3,
  })
  .map((lists): readonly ApprovalRequirement[] =>
    lists.flatMap((list, step) => list.map((one) => (lists.length > 1 ? { ...one, step } : one))),
  );
/** Persons in the order in which they really approve, each naming some of those before. */
const history = fc
  .tuple(fc.shuffledSubarray(PERSONS), fc.array(fc.boolean(), { minLength: 36, maxLength: 36 }))
  .map(([persons, names]) =>
    persons.map((person, at) => ({
      person,
      before: persons.slice(0, at).filter((_, index) => names[at * 6 + index]),
    })),
  );

/** Each way in which persons could fill the seats, tried: nothing of the matching is used. */
function isMetBySearch(
  requirements: readonly ApprovalRequirement[],
  persons: readonly string[],
  follows: Follows,
  /** Everybody who approved: what somebody follows counts by what those follow, whoever else is looked at. */
  all = persons,
): boolean {
  const byStep = [...Map.groupBy(requirements, ({ step = 0 }) => step)].sort(([one], [other]) => one - other);
  const seats = byStep.flatMap(([step, ofStep]) =>
    ofStep.flatMap(({ group, quorum }) => Array.from({ length: quorum }, () => ({ step, group }))),
  );
  const before = (step: number) => requirements.filter((one) => (one.step ?? 0) < step);
  const mayApprove = (person: string, step: number) => {
    const earlier = before(step);
    const followed = [...(follows.get(person) ?? [])].filter((one) => all.includes(one));
    return earlier.length === 0 || isMetBySearch(earlier, followed, follows, all);
  };
  const fill = (index: number, left: readonly string[]): boolean => {
    const seat = seats[index];
    if (!seat) return true;
    return left.some(
      (person) =>
        GROUPS.get(seat.group)?.includes(person) &&
        mayApprove(person, seat.step) &&
        fill(
          index + 1,
          left.filter((one) => one !== person),
        ),
    );
  };
  return fill(0, persons);
}

describe('whatever was approved after whatever', () => {
  const asked = (texts: readonly { person: string; before: readonly string[] }[]) => ({
    persons: texts.map(({ person }) => person),
    follows: new Map(texts.map(({ person, before }) => [person, new Set(before)])),
  });
  const lacks = (
    requirements: readonly ApprovalRequirement[],
    persons: readonly string[],
    follows: Follows,
  ) => missingApprovals(requirements, new Set(persons), GROUPS, nobody, NO_CLASSES, follows).length > 0;

  it('is enough exactly where persons can be found for all seats, each having seen the steps before met', () => {
    fc.assert(
      fc.property(steps, history, (requirements, texts) => {
        const { persons, follows } = asked(texts);
        expect(!lacks(requirements, persons, follows)).toBe(isMetBySearch(requirements, persons, follows));
      }),
      { numRuns: 400 },
    );
  });

  it('is never enough in order where it is not enough without', () => {
    fc.assert(
      fc.property(steps, history, (requirements, texts) => {
        const { persons, follows } = asked(texts);
        const unordered = requirements.map(({ step: _, ...one }) => one);
        if (lacks(unordered, persons, new Map())) expect(lacks(requirements, persons, follows)).toBe(true);
      }),
    );
  });

  it('is enough for what asks no more', () => {
    fc.assert(
      fc.property(steps, steps, history, (one, other, texts) => {
        const { persons, follows } = asked(texts);
        if (!meetingMeets(one, other) || lacks(one, persons, follows)) return;
        expect(lacks(other, persons, follows)).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is no less with more names and more approvals', () => {
    fc.assert(
      fc.property(steps, history, fc.nat(5), (requirements, texts, fewer) => {
        const { persons, follows } = asked(texts);
        const some = texts.slice(0, fewer);
        const { persons: somePersons, follows: someFollows } = asked(some);
        if (!lacks(requirements, somePersons, someFollows))
          expect(lacks(requirements, persons, follows)).toBe(false);
      }),
    );
  });
});
