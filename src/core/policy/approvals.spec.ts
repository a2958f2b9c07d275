import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { missingApprovals } from './approvals.js';
import type { ApprovalRequirement } from './types.js';

const GROUPS = new Map([
  ['treasury', ['alice', 'bob', 'carol']],
  ['board', ['carol', 'dora']],
]);
const TWO_OF_TREASURY = [{ group: 'treasury', quorum: 2 }];
const nobody = new Set<string>();

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
