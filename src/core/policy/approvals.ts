// Which approvals are still missing. Persons are counted, never credentials or signatures, and one person counts for
// one requirement only, even as a member of two groups. Whether a signature is valid was decided before. When somebody
// approved plays no part: nothing that is signed says it.

import { z } from 'zod';
import { Fault } from '../fault.js';
import { identifier } from '../statements/fields.js';
import type { ApprovalRequirement, Rule } from './types.js';

export type ApprovalFaultCode = 'approval-requirement-invalid';

const NOBODY: ReadonlySet<string> = new Set();

type Groups = ReadonlyMap<string, readonly string[]>;

/** A requirement as it is stored and shown. */
export const approvalRequirement = z.strictObject({
  group: identifier,
  quorum: z.int().min(1),
  except: z.array(identifier).exactOptional().describe('Persons who do not count for this one.'),
  notMembersOf: z
    .array(identifier)
    .exactOptional()
    .describe('Groups whose members do not count for this one.'),
  withDisplay: z
    .int()
    .min(1)
    .exactOptional()
    .describe('At least so many of them approve with a device that shows what they sign.'),
  alternative: z
    .int()
    .min(0)
    .exactOptional()
    .describe(
      'Which alternative this belongs to; all of one have to be met. Absent where there is only one.',
    ),
}) satisfies z.ZodType<ApprovalRequirement>;

/** The persons whose approval can count for a requirement. Nobody, where it keeps out a group that does not exist. */
export function candidatesFor(
  { group, except = [], notMembersOf = [] }: ApprovalRequirement,
  groups: Groups,
): readonly string[] {
  if (!notMembersOf.every((other) => groups.has(other))) return [];
  const keptOut = new Set([...except, ...notMembersOf.flatMap((other) => groups.get(other) ?? [])]);
  return [...new Set(groups.get(group) ?? [])].filter((member) => !keptOut.has(member));
}

/** Every group that an effect names: those that approve, and those that are kept out. */
export function groupsNamedBy(effect: Rule['effect']): readonly string[] {
  if (effect.kind !== 'approve') return [];
  return effect.requirements.flatMap(({ group, notMembersOf = [] }) => [group, ...notMembersOf]);
}

/** Requirements by the alternative that they belong to, in the order in which those first stand. */
export function alternativesOf(
  requirements: readonly ApprovalRequirement[],
): readonly (readonly ApprovalRequirement[])[] {
  return [...Map.groupBy(requirements, ({ alternative = 0 }) => alternative).values()];
}

/**
 * Whoever meets all of `given` meets all of `wanted`. In each of them a group stands once. It only says what is certain, of
 * whatever members the groups may have: `false` means that it does not know.
 */
export function meetingMeets(
  given: readonly ApprovalRequirement[],
  wanted: readonly ApprovalRequirement[],
): boolean {
  const isWithin = (names: readonly string[] = [], others: readonly string[] = []) =>
    names.every((name) => others.includes(name));
  return wanted.every((one) =>
    given.some(
      (other) =>
        other.group === one.group &&
        other.quorum >= one.quorum &&
        (other.withDisplay ?? 0) >= (one.withDisplay ?? 0) &&
        isWithin(one.except, other.except) &&
        isWithin(one.notMembersOf, other.notMembersOf),
    ),
  );
}

function wordsOfOne({
  group,
  quorum,
  except = [],
  notMembersOf = [],
  withDisplay = 0,
}: ApprovalRequirement): string {
  const without = [...except, ...notMembersOf.map((other) => `anybody of ${other}`)];
  const more = [
    ...(withDisplay > 0 ? [`${withDisplay} with a display`] : []),
    ...(without.length > 0 ? [`without ${without.join(', ')}`] : []),
  ];
  return `${quorum} of ${group}${more.length === 0 ? '' : ` (${more.join('; ')})`}`;
}

/** As a person says it: `3 of treasury, or 1 of treasury and 1 of board (without dora)`. Empty for none. */
export function approvalWords(requirements: readonly ApprovalRequirement[]): string {
  return alternativesOf(requirements)
    .map((together) => together.map(wordsOfOne).join(' and '))
    .join(', or ');
}

/** One approval that a requirement wants: the persons who could give it. */
interface Seat {
  readonly requirement: number;
  /** Only for who approves with a display. */
  readonly isShown: boolean;
  readonly candidates: readonly string[];
}

function seatsOf(
  requirements: readonly ApprovalRequirement[],
  available: ReadonlySet<string>,
  groups: Groups,
  shown: ReadonlySet<string>,
): readonly Seat[] {
  return requirements.flatMap((wanted, requirement) => {
    const { group, quorum, withDisplay = 0 } = wanted;
    if (!Number.isSafeInteger(quorum) || quorum < 1) {
      throw new Fault<ApprovalFaultCode>('approval-requirement-invalid', 'a quorum is at least 1', {
        facts: { group, quorum },
      });
    }
    const candidates = candidatesFor(wanted, groups).filter((member) => available.has(member));
    // Seats beyond the candidates stay empty in any case; they are counted as missing without being tried.
    const seen = candidates.filter((member) => shown.has(member));
    const seats = (isShown: boolean, wantedSeats: number, from: readonly string[]) =>
      Array.from({ length: Math.min(wantedSeats, from.length) }, () => ({
        requirement,
        isShown,
        candidates: from,
      }));
    return [...seats(true, withDisplay, seen), ...seats(false, quorum - withDisplay, candidates)];
  });
}

/**
 * An exact maximum matching of persons to seats (Kuhn's augmenting paths): a person in two groups is moved to where
 * they are needed, so nothing is reported missing that another assignment of the same persons would meet. Earlier
 * requirements are filled first.
 */
function missingOfAll(
  requirements: readonly ApprovalRequirement[],
  available: ReadonlySet<string>,
  groups: Groups,
  shown: ReadonlySet<string>,
): readonly ApprovalRequirement[] {
  const seatOfPerson = new Map<string, Seat>();
  const seat = (wanting: Seat, tried: Set<string>): boolean => {
    for (const person of wanting.candidates) {
      if (tried.has(person)) continue;
      tried.add(person);
      const taken = seatOfPerson.get(person);
      if (!taken || seat(taken, tried)) {
        seatOfPerson.set(person, wanting);
        return true;
      }
    }
    return false;
  };
  for (const wanting of seatsOf(requirements, available, groups, shown)) seat(wanting, new Set());
  const taken = [...seatOfPerson.values()];
  return requirements
    .map(({ withDisplay = 0, ...wanted }, index) => {
      const filled = taken.filter(({ requirement }) => requirement === index);
      const left = withDisplay - filled.filter(({ isShown }) => isShown).length;
      return { ...wanted, quorum: wanted.quorum - filled.length, ...(left > 0 && { withDisplay: left }) };
    })
    .filter(({ quorum }) => quorum > 0);
}

/**
 * What is still missing, in the order of `requirements`, each with how many more persons; empty when all of one alternative
 * are met. As long as none is, what each of them lacks: whoever may approve can see all that would help.
 * `approvers` are persons who validly approved; `excluded` are those whose approval never counts (the requester, the
 * owners of the request key). A group that does not exist has no members. Throws `approval-requirement-invalid` for a
 * quorum below 1, in whichever alternative. `shown` are those of them who approved with a device that shows what they sign.
 */
export function missingApprovals(
  requirements: readonly ApprovalRequirement[],
  approvers: ReadonlySet<string>,
  groups: Groups,
  excluded: ReadonlySet<string>,
  shown: ReadonlySet<string> = NOBODY,
): readonly ApprovalRequirement[] {
  const available = new Set([...approvers].filter((person) => !excluded.has(person)));
  const missing = alternativesOf(requirements).map((together) =>
    missingOfAll(together, available, groups, shown),
  );
  return missing.some((lacking) => lacking.length === 0) ? [] : missing.flat();
}
