// Requirements of which some persons have to approve with a device that shows what they sign, against all ways of giving each
// person one place.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { approvalWords, meetingMeets, missingApprovals } from './approvals.js';
import type { ApprovalRequirement } from './types.js';

const PEOPLE = ['a', 'b', 'c', 'd'];
const NOBODY = new Set<string>();

const requirement = (group: string): fc.Arbitrary<ApprovalRequirement> =>
  fc
    .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 3 }))
    .filter(([quorum, withDisplay]) => withDisplay <= quorum)
    .map(([quorum, withDisplay]) => ({ group, quorum, ...(withDisplay > 0 && { withDisplay }) }));

/** Every way to give each person one place, or none. */
function placings(people: readonly string[], places: number): readonly (readonly number[])[] {
  return people.reduce<readonly (readonly number[])[]>(
    (all, _) => all.flatMap((one) => Array.from({ length: places + 1 }, (__, place) => [...one, place - 1])),
    [[]],
  );
}

describe('approvals with a display', () => {
  it('are enough exactly where each person can have one place so that all are', () => {
    fc.assert(
      fc.property(
        requirement('x'),
        requirement('y'),
        fc.subarray(PEOPLE),
        fc.subarray(PEOPLE),
        fc.subarray(PEOPLE),
        fc.subarray(PEOPLE),
        (x, y, ofX, ofY, approvers, shown) => {
          const groups = new Map([
            ['x', ofX],
            ['y', ofY],
          ]);
          const wanted = [x, y];
          const isMet = placings(approvers, wanted.length).some((placing) =>
            wanted.every(({ group, quorum, withDisplay = 0 }, place) => {
              const placed = approvers.filter(
                (person, at) => placing[at] === place && groups.get(group)?.includes(person),
              );
              return (
                placed.length >= quorum &&
                placed.filter((person) => shown.includes(person)).length >= withDisplay
              );
            }),
          );
          const missing = missingApprovals(wanted, new Set(approvers), groups, NOBODY, new Set(shown));
          expect(missing.length === 0).toBe(isMet);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('are missing as long as nobody has approved with one, however many have', () => {
    const wanted = [{ group: 'x', quorum: 2, withDisplay: 1 }];
    const groups = new Map([['x', PEOPLE]]);
    const having = (approvers: readonly string[], shown: readonly string[]) =>
      approvalWords(missingApprovals(wanted, new Set(approvers), groups, NOBODY, new Set(shown)));
    expect(having([], [])).toBe('2 of x (1 with a display)');
    expect(having(['a', 'b', 'c'], [])).toBe('1 of x (1 with a display)');
    expect(having(['a'], ['a'])).toBe('1 of x');
    expect(having(['a', 'b'], ['b'])).toBe('');
    // Who has a device and approved with another key counts as one without.
    expect(having(['a', 'b'], ['d'])).toBe('1 of x (1 with a display)');
  });

  it('are asked for by a list that is stricter than the same without', () => {
    const [shown, plain] = [[{ group: 'x', quorum: 2, withDisplay: 1 }], [{ group: 'x', quorum: 2 }]];
    expect(meetingMeets(shown, plain)).toBe(true);
    expect(meetingMeets(plain, shown)).toBe(false);
  });
});
