import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { approvalWords, meetingMeets, missingApprovals } from './approvals.js';
import type { ApprovalRequirement } from './types.js';

const GROUPS = new Map([
  ['treasury', ['alice', 'bob', 'carol']],
  ['board', ['carol', 'dora']],
]);
const TWO_OF_TREASURY = [{ group: 'treasury', quorum: 2 }];
const nobody = new Set<string>();

/** Three of the treasury, or one of it and one of the board. */
const THREE_OR_BOTH: readonly ApprovalRequirement[] = [
  { group: 'treasury', quorum: 3, alternative: 0 },
  { group: 'treasury', quorum: 1, alternative: 1 },
  { group: 'board', quorum: 1, alternative: 1 },
];

describe('missing approvals', () => {
  it('are all of them when nobody approved', () => {
    expect(missingApprovals(TWO_OF_TREASURY, nobody, GROUPS, nobody)).toEqual(TWO_OF_TREASURY);
  });

  it('are none when the quorum approved', () => {
    expect(missingApprovals(TWO_OF_TREASURY, new Set(['alice', 'bob']), GROUPS, nobody)).toEqual([]);
  });

  it('do not shrink by persons outside the group', () => {
    expect(missingApprovals(TWO_OF_TREASURY, new Set(['alice', 'dora', 'eve']), GROUPS, nobody)).toEqual([
      { group: 'treasury', quorum: 1 },
    ]);
  });

  it('do not shrink by the requester or an owner of the request key', () => {
    expect(missingApprovals(TWO_OF_TREASURY, new Set(['alice', 'bob']), GROUPS, new Set(['bob']))).toEqual([
      { group: 'treasury', quorum: 1 },
    ]);
  });

  it('are all of them when the group does not exist', () => {
    const requirements = [{ group: 'gone', quorum: 1 }];
    expect(missingApprovals(requirements, new Set(['alice']), GROUPS, nobody)).toEqual(requirements);
  });

  it('count one person once although two groups have them', () => {
    const both = [
      { group: 'treasury', quorum: 1 },
      { group: 'board', quorum: 1 },
    ];
    expect(missingApprovals(both, new Set(['carol']), GROUPS, nobody)).toEqual([
      { group: 'board', quorum: 1 },
    ]);
    expect(missingApprovals(both, new Set(['carol', 'alice']), GROUPS, nobody)).toEqual([]);
    expect(missingApprovals([...both].reverse(), new Set(['alice', 'carol']), GROUPS, nobody)).toEqual([]);
  });

  it('count one person once although a group names them twice', () => {
    const groups = new Map([['treasury', ['alice', 'alice', 'bob']]]);
    expect(missingApprovals(TWO_OF_TREASURY, new Set(['alice']), groups, nobody)).toEqual([
      { group: 'treasury', quorum: 1 },
    ]);
  });

  it('do not shrink by whom a requirement excepts, or by members of a group that it keeps out', () => {
    const missing = (more: Partial<ApprovalRequirement>, ...approvers: readonly string[]) =>
      missingApprovals([{ group: 'treasury', quorum: 1, ...more }], new Set(approvers), GROUPS, nobody);
    expect(missing({ except: ['alice'] }, 'alice')).toHaveLength(1);
    expect(missing({ except: ['alice'] }, 'bob')).toEqual([]);
    expect(missing({ notMembersOf: ['board'] }, 'carol')).toEqual([
      { group: 'treasury', quorum: 1, notMembersOf: ['board'] },
    ]);
    expect(missing({ notMembersOf: ['board'] }, 'carol', 'bob')).toEqual([]);
  });

  it('let somebody whom one requirement excepts count for another', () => {
    const both = [
      { group: 'treasury', quorum: 1, except: ['carol'] },
      { group: 'board', quorum: 1 },
    ];
    expect(missingApprovals(both, new Set(['alice', 'carol']), GROUPS, nobody)).toEqual([]);
    expect(missingApprovals(both, new Set(['carol', 'dora']), GROUPS, nobody)).toHaveLength(1);
  });

  it('are all of them when a group that is kept out does not exist', () => {
    const requirements = [{ group: 'treasury', quorum: 1, notMembersOf: ['gone'] }];
    expect(missingApprovals(requirements, new Set(['alice']), GROUPS, nobody)).toEqual(requirements);
  });

  it('are those of every alternative until one is met whole', () => {
    const missing = (...approvers: readonly string[]) =>
      missingApprovals(THREE_OR_BOTH, new Set(approvers), GROUPS, nobody);
    expect(missing()).toEqual(THREE_OR_BOTH);
    expect(missing('alice')).toEqual([
      { group: 'treasury', quorum: 2, alternative: 0 },
      { group: 'board', quorum: 1, alternative: 1 },
    ]);
    // Carol is of both groups, and counts for one of them.
    expect(missing('carol')).toHaveLength(2);
    expect(missing('carol', 'dora')).toEqual([]);
    expect(missing('alice', 'bob', 'carol')).toEqual([]);
    expect(missing('dora')).toHaveLength(2);
  });

  it('are not met by half of one alternative and half of another', () => {
    const requirements = [
      { group: 'treasury', quorum: 2, alternative: 0 },
      { group: 'board', quorum: 2, alternative: 1 },
    ];
    expect(missingApprovals(requirements, new Set(['alice', 'dora']), GROUPS, nobody)).toHaveLength(2);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuse to be counted for a quorum of %s',
    (quorum) => {
      expect(() => missingApprovals([{ group: 'treasury', quorum }], nobody, GROUPS, nobody)).toThrow(
        expect.objectContaining({ code: 'approval-requirement-invalid' }),
      );
    },
  );

  it('are as few as the best of all assignments leaves', () => {
    const person = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const people = fc.uniqueArray(person, { maxLength: 5 });
    const requirement = fc.record({
      group: fc.constantFrom('x', 'y', 'z'),
      quorum: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(
        fc.tuple(people, people, people),
        fc.array(requirement, { maxLength: 3 }),
        people,
        fc.uniqueArray(person, { maxLength: 2 }),
        ([x, y, z], requirements, approvers, excluded) => {
          const groups = new Map([
            ['x', x],
            ['y', y],
            ['z', z],
          ]);
          const missing = missingApprovals(requirements, new Set(approvers), groups, new Set(excluded));
          const wanted = requirements.reduce((sum, { quorum }) => sum + quorum, 0);
          const left = missing.reduce((sum, { quorum }) => sum + quorum, 0);
          const counted = approvers.filter((one) => !excluded.includes(one));
          expect(wanted - left).toBe(most(requirements, counted, groups));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('one list of requirements', () => {
  it('is met by whoever meets another, only where it is so', () => {
    const person = fc.constantFrom('a', 'b', 'c', 'd');
    const people = fc.uniqueArray(person, { maxLength: 4 });
    const list = fc.uniqueArray(
      fc.record(
        {
          group: fc.constantFrom('x', 'y', 'z'),
          quorum: fc.integer({ min: 1, max: 2 }),
          except: fc.uniqueArray(person, { maxLength: 1 }),
          notMembersOf: fc.uniqueArray(fc.constantFrom('x', 'y', 'z'), { maxLength: 1 }),
        },
        { requiredKeys: ['group', 'quorum'] },
      ),
      { minLength: 1, maxLength: 2, selector: ({ group }) => group },
    );
    let said = 0;
    fc.assert(
      fc.property(
        list,
        list,
        fc.tuple(people, people, people),
        people,
        (given, wanted, [x, y, z], approvers) => {
          if (!meetingMeets(given, wanted)) return;
          said += 1;
          const groups = new Map([
            ['x', x],
            ['y', y],
            ['z', z],
          ]);
          const isMet = (one: readonly ApprovalRequirement[]) =>
            missingApprovals(one, new Set(approvers), groups, nobody).length === 0;
          if (isMet(given)) expect(isMet(wanted)).toBe(true);
        },
      ),
      { numRuns: 3_000 },
    );
    expect(said).toBeGreaterThan(50);
  });

  it.each<[string, readonly ApprovalRequirement[], readonly ApprovalRequirement[]]>([
    ['fewer persons', [{ group: 'x', quorum: 2 }], [{ group: 'x', quorum: 1 }]],
    [
      'fewer groups',
      [
        { group: 'x', quorum: 1 },
        { group: 'y', quorum: 1 },
      ],
      [{ group: 'y', quorum: 1 }],
    ],
    ['fewer exceptions', [{ group: 'x', quorum: 1, except: ['a'] }], [{ group: 'x', quorum: 1 }]],
    ['fewer groups kept out', [{ group: 'x', quorum: 1, notMembersOf: ['y'] }], [{ group: 'x', quorum: 1 }]],
  ])('is found to be met by whoever meets another: %s', (_what, given, wanted) => {
    expect(meetingMeets(given, wanted)).toBe(true);
    expect(meetingMeets(wanted, given)).toBe(false);
  });
});

describe('requirements in words', () => {
  it('say what goes together, what is an alternative, and who does not count', () => {
    expect(approvalWords([])).toBe('');
    expect(approvalWords([...TWO_OF_TREASURY, { group: 'board', quorum: 1 }])).toBe(
      '2 of treasury and 1 of board',
    );
    expect(approvalWords(THREE_OR_BOTH)).toBe('3 of treasury, or 1 of treasury and 1 of board');
    expect(
      approvalWords([{ group: 'treasury', quorum: 1, except: ['alice'], notMembersOf: ['board'] }]),
    ).toBe('1 of treasury (without alice, anybody of board)');
  });
});

/** The most approvals that count, by trying every way to give each person to one requirement or to none. */
function most(
  requirements: readonly ApprovalRequirement[],
  people: readonly string[],
  groups: ReadonlyMap<string, readonly string[]>,
): number {
  const [person, ...rest] = people;
  if (person === undefined) return 0;
  const used = requirements.flatMap(({ group, quorum }, index) => {
    if (quorum === 0 || !groups.get(group)?.includes(person)) return [];
    const after = requirements.map((one, at) => (at === index ? { group, quorum: quorum - 1 } : one));
    return [1 + most(after, rest, groups)];
  });
  return Math.max(most(requirements, rest, groups), ...used);
}
