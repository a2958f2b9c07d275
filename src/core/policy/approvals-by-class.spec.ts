// Requirements of which some persons have to approve with a class of credential, against all ways of giving each person one place.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ClassesOf, CredentialClass } from '../governance/credential-class.js';
import { approvalWords, meetingMeets, missingApprovals } from './approvals.js';
import type { ApprovalRequirement } from './types.js';

const PEOPLE = ['a', 'b', 'c', 'd'];
const NOBODY = new Set<string>();
const DISPLAY = 'device-display';
const ASKED = [DISPLAY, 'passkey'] as const;

const shown = (people: readonly string[]): ClassesOf =>
  new Map(people.map((person) => [person, new Set<CredentialClass>([DISPLAY])]));

const requirement = (group: string): fc.Arbitrary<ApprovalRequirement> =>
  fc
    .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 }))
    .filter(([quorum, displays, passkeys]) => displays + passkeys <= quorum)
    .map(([quorum, displays, passkeys]) => ({
      group,
      quorum,
      ...(displays + passkeys > 0 && {
        with: { ...(displays > 0 && { [DISPLAY]: displays }), ...(passkeys > 0 && { passkey: passkeys }) },
      }),
    }));

interface Place {
  readonly group: string;
  /** Undefined: with whatever they approved with. */
  readonly by: CredentialClass | undefined;
}

/** Every way to give each person one place that they can take, or none. */
function placings(
  people: readonly string[],
  places: readonly Place[],
  canTake: (person: string, place: Place) => boolean,
): readonly (readonly Place[])[] {
  return people.reduce<readonly (readonly Place[])[]>(
    (all, person) => {
      const open = places.filter((place) => canTake(person, place));
      return all.flatMap((one) => [one, ...open.map((place) => [...one, place])]);
    },
    [[]],
  );
}

function isMetBy(wanted: readonly ApprovalRequirement[], placed: readonly Place[]): boolean {
  return wanted.every(({ group, quorum, with: classes }) => {
    const here = placed.filter((place) => place.group === group);
    return (
      here.length >= quorum &&
      ASKED.every((one) => here.filter(({ by }) => by === one).length >= (classes?.[one] ?? 0))
    );
  });
}

describe('approvals by class of credential', () => {
  it('are enough exactly where each person can have one place so that all are', () => {
    const people = fc.subarray(PEOPLE);
    let met = 0;
    fc.assert(
      fc.property(
        requirement('x'),
        requirement('y'),
        people,
        people,
        people,
        people,
        people,
        (x, y, ofX, ofY, approvers, displays, passkeys) => {
          const groups = new Map([
            ['x', ofX],
            ['y', ofY],
          ]);
          const by = new Map(
            PEOPLE.map((person) => [
              person,
              new Set<CredentialClass>([
                ...(displays.includes(person) ? [DISPLAY] : []),
                ...(passkeys.includes(person) ? (['passkey'] as const) : []),
              ] as CredentialClass[]),
            ]),
          );
          const wanted = [x, y];
          const places = wanted.flatMap(({ group }) =>
            [undefined, ...ASKED].map((one): Place => ({ group, by: one })),
          );
          const isMet = placings(
            approvers,
            places,
            (person, place) =>
              groups.get(place.group)?.includes(person) === true &&
              (place.by === undefined || by.get(person)?.has(place.by) === true),
          ).some((placed) => isMetBy(wanted, placed));
          if (isMet) met += 1;
          expect(missingApprovals(wanted, new Set(approvers), groups, NOBODY, by).length === 0).toBe(isMet);
        },
      ),
      { numRuns: 1_500 },
    );
    expect(met).toBeGreaterThan(10);
  });

  it('are missing as long as nobody has approved with one, however many have', () => {
    const wanted = [{ group: 'x', quorum: 2, with: { [DISPLAY]: 1 } }];
    const groups = new Map([['x', PEOPLE]]);
    const having = (approvers: readonly string[], by: readonly string[]) =>
      approvalWords(missingApprovals(wanted, new Set(approvers), groups, NOBODY, shown(by)));
    expect(having([], [])).toBe('2 of x (1 with a display)');
    expect(having(['a', 'b', 'c'], [])).toBe('1 of x (1 with a display)');
    expect(having(['a'], ['a'])).toBe('1 of x');
    expect(having(['a', 'b'], ['b'])).toBe('');
    // Who has a device and approved with another key counts as one without.
    expect(having(['a', 'b'], ['d'])).toBe('1 of x (1 with a display)');
  });

  it('are counted for each class by themselves', () => {
    const wanted = [{ group: 'x', quorum: 3, with: { passkey: 1, [DISPLAY]: 1 } }];
    const groups = new Map([['x', PEOPLE]]);
    const having = (...by: readonly (readonly [string, CredentialClass])[]) =>
      approvalWords(
        missingApprovals(
          wanted,
          new Set(by.map(([person]) => person)),
          groups,
          NOBODY,
          new Map(by.map(([person, one]) => [person, new Set([one])])),
        ),
      );
    expect(having()).toBe('3 of x (1 with a display, 1 with a passkey)');
    expect(having(['a', 'passkey'], ['b', 'passkey'], ['c', 'pkcs11'])).toBe('1 of x (1 with a display)');
    expect(having(['a', DISPLAY], ['b', DISPLAY], ['c', DISPLAY])).toBe('1 of x (1 with a passkey)');
    expect(having(['a', DISPLAY], ['b', 'pkcs11'], ['c', 'passkey'])).toBe('');
  });

  it('refuse to be counted where classes ask for more persons than the quorum', () => {
    const wanted = [{ group: 'x', quorum: 1, with: { passkey: 1, pkcs11: 1 } }];
    expect(() => missingApprovals(wanted, NOBODY, new Map(), NOBODY)).toThrow(/no fewer than the classes/);
  });

  it('are asked for by a list that is stricter than the same without', () => {
    const plain = [{ group: 'x', quorum: 2 }];
    const asking = [{ group: 'x', quorum: 2, with: { [DISPLAY]: 1 } }];
    const other = [{ group: 'x', quorum: 2, with: { passkey: 1 } }];
    expect(meetingMeets(asking, plain)).toBe(true);
    expect(meetingMeets(plain, asking)).toBe(false);
    expect(meetingMeets(asking, other)).toBe(false);
    expect(meetingMeets([{ group: 'x', quorum: 2, with: { passkey: 1, [DISPLAY]: 1 } }], other)).toBe(true);
  });
});
