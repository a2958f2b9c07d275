// Which approvals are still missing. Persons are counted, never credentials or signatures, and one person counts for
// one requirement only, even as a member of two groups and in two steps. Whether a signature is valid was decided before. When
// an approval came plays no part: it counts for a later step by the approvals that it names (steps.ts).

import { z } from 'zod';
import { Fault } from '../fault.js';
import {
  asksNoLess,
  type ClassesOf,
  type CredentialClass,
  classCounts,
  countWords,
  countsIn,
  countsLeft,
  NO_CLASSES,
  sumOf,
} from '../governance/credential-class.js';
import { identifier } from '../statements/fields.js';
import { type Follows, inAnyOrder, NOBODY_FOLLOWS, reachOf, stepOf, stepsOf } from './steps.js';
import type { ApprovalRequirement, Rule } from './types.js';

export type ApprovalFaultCode = 'approval-requirement-invalid';

/** Members by group, at one time. */
export interface Groups {
  get(group: string): readonly string[] | undefined;
  has(group: string): boolean;
  /** Whom a group keeps out where a requirement says so: its members, and whoever lends or borrows a place of it. Absent: its members. */
  readonly keptOut?: (group: string) => readonly string[];
}

/** A requirement as it is stored and shown. */
export const approvalRequirement = z.strictObject({
  group: identifier,
  quorum: z.int().min(1),
  except: z.array(identifier).exactOptional().describe('Persons who do not count for this one.'),
  notMembersOf: z
    .array(identifier)
    .exactOptional()
    .describe('Groups whose members do not count for this one.'),
  with: classCounts
    .exactOptional()
    .describe('At least so many of them approve with each of these classes of credentials.'),
  alternative: z
    .int()
    .min(0)
    .exactOptional()
    .describe(
      'Which alternative this belongs to; all of one have to be met. Absent where there is only one.',
    ),
  step: z
    .int()
    .min(0)
    .exactOptional()
    .describe(
      'Which step of its alternative this belongs to; each is met before the next begins. Absent where there is only one.',
    ),
}) satisfies z.ZodType<ApprovalRequirement>;

/** The persons whose approval can count for a requirement. Nobody, where it keeps out a group that does not exist. */
export function candidatesFor(
  { group, except = [], notMembersOf = [] }: ApprovalRequirement,
  groups: Groups,
): readonly string[] {
  if (!notMembersOf.every((other) => groups.has(other))) return [];
  const keptOut = new Set([
    ...except,
    ...notMembersOf.flatMap((other) => groups.keptOut?.(other) ?? groups.get(other) ?? []),
  ]);
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

/** Whoever meets `given` meets `wanted`, as far as one requirement goes. */
function dominates(given: ApprovalRequirement, wanted: ApprovalRequirement): boolean {
  const isWithin = (names: readonly string[] = [], others: readonly string[] = []) =>
    names.every((name) => others.includes(name));
  return (
    given.group === wanted.group &&
    given.quorum >= wanted.quorum &&
    asksNoLess(given.with, wanted.with) &&
    isWithin(wanted.except, given.except) &&
    isWithin(wanted.notMembersOf, given.notMembersOf)
  );
}

/**
 * Whoever meets all of `given` meets all of `wanted`, each of them one alternative: its own requirement for each that is
 * wanted, and what is wanted later belongs to a later step. It only says what is certain, of whatever members the groups may
 * have: `false` means that it does not know.
 */
export function meetingMeets(
  given: readonly ApprovalRequirement[],
  wanted: readonly ApprovalRequirement[],
): boolean {
  const left = new Set(stepsOf(given).flat());
  let taken = -1;
  for (const step of stepsOf(wanted)) {
    let latest = taken;
    for (const one of step) {
      const found = [...left].find((other) => stepOf(other) > taken && dominates(other, one));
      if (!found) return false;
      left.delete(found);
      latest = Math.max(latest, stepOf(found));
    }
    taken = latest;
  }
  return true;
}

function wordsOfOne({
  group,
  quorum,
  except = [],
  notMembersOf = [],
  with: classes,
}: ApprovalRequirement): string {
  const without = [...except, ...notMembersOf.map((other) => `anybody of ${other}`)];
  const more = [
    ...(classes === undefined ? [] : [countWords(classes)]),
    ...(without.length > 0 ? [`without ${without.join(', ')}`] : []),
  ];
  return `${quorum} of ${group}${more.length === 0 ? '' : ` (${more.join('; ')})`}`;
}

function wordsOfAlternative(together: readonly ApprovalRequirement[]): string {
  const steps = stepsOf(together).map((step) => step.map(wordsOfOne).join(' and '));
  return steps.length > 1 ? `first ${steps.join(', then ')}` : steps.join('');
}

/**
 * As a person says it: `3 of treasury, or 1 of treasury and 1 of board (without dora)`; of steps, `first 2 of treasury, then 1
 * of board`. Empty for none.
 */
export function approvalWords(requirements: readonly ApprovalRequirement[]): string {
  return alternativesOf(requirements).map(wordsOfAlternative).join(', or ');
}

/** One approval that a requirement wants: the persons who could give it. */
interface Seat {
  readonly requirement: number;
  /** Only for who approves with this. Undefined: with anything. */
  readonly by: CredentialClass | undefined;
  readonly candidates: readonly string[];
}

/** Who approved, and what of it counts for what. */
interface Given {
  /** Those who count for something. */
  readonly available: ReadonlySet<string>;
  readonly groups: Groups;
  /** What each of them approved with. */
  readonly by: ClassesOf;
}

function seatsOf(
  requirements: readonly ApprovalRequirement[],
  { available, groups, by }: Given,
  reach: (person: string) => number,
): readonly Seat[] {
  return requirements.flatMap((wanted, requirement) => {
    const { group, quorum, with: classes } = wanted;
    if (!Number.isSafeInteger(quorum) || quorum < 1 || quorum < sumOf(classes)) {
      throw new Fault<ApprovalFaultCode>(
        'approval-requirement-invalid',
        'a quorum is at least 1, and no fewer than the classes that it asks for',
        { facts: { group, quorum } },
      );
    }
    const candidates = candidatesFor(wanted, groups).filter(
      (member) => available.has(member) && reach(member) >= stepOf(wanted),
    );
    // Seats beyond the candidates stay empty in any case; they are counted as missing without being tried.
    const seats = (one: CredentialClass | undefined, wantedSeats: number) => {
      const from = one === undefined ? candidates : candidates.filter((member) => by.get(member)?.has(one));
      const length = Math.min(wantedSeats, from.length);
      return Array.from({ length }, () => ({ requirement, by: one, candidates: from }));
    };
    return [
      ...countsIn(classes).flatMap(([one, count]) => seats(one, count)),
      ...seats(undefined, quorum - sumOf(classes)),
    ];
  });
}

/**
 * An exact maximum matching of persons to seats (Kuhn's augmenting paths): a person in two groups is moved to where
 * they are needed, so nothing is reported missing that another assignment of the same persons would meet. Earlier
 * requirements are filled first.
 */
function missingWithin(
  requirements: readonly ApprovalRequirement[],
  given: Given,
  reach: (person: string) => number,
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
  for (const wanting of seatsOf(requirements, given, reach)) seat(wanting, new Set());
  const taken = [...seatOfPerson.values()];
  return requirements
    .map(({ with: classes, ...wanted }, index) => {
      const filled = taken.filter(({ requirement }) => requirement === index);
      const left = countsLeft(classes, (one, count) => count - filled.filter(({ by }) => by === one).length);
      return { ...wanted, quorum: wanted.quorum - filled.length, ...(left && { with: left }) };
    })
    .filter(({ quorum }) => quorum > 0);
}

function reachWithin(
  together: readonly ApprovalRequirement[],
  given: Given,
  follows: Follows,
): (person: string) => number {
  return reachOf(together, follows, (steps, approvers, reach) => {
    const available = new Set([...approvers].filter((person) => given.available.has(person)));
    return missingWithin(steps, { ...given, available }, reach).length === 0;
  });
}

/**
 * What is still missing, in the order of `requirements`, each with how many more persons; empty when all of one alternative
 * are met. As long as none is, what each of them lacks: whoever may approve can see all that would help.
 * `approvers` are persons who validly approved; `excluded` are those whose approval never counts (the requester, the
 * owners of the request key). A group that does not exist has no members. Throws `approval-requirement-invalid` for a
 * quorum below 1, or below what it asks of classes, in whichever alternative. `by` is what each of them approved with, `follows`
 * whose approvals theirs follow.
 */
export function missingApprovals(
  requirements: readonly ApprovalRequirement[],
  approvers: ReadonlySet<string>,
  groups: Groups,
  excluded: ReadonlySet<string>,
  by: ClassesOf = NO_CLASSES,
  follows: Follows = NOBODY_FOLLOWS,
): readonly ApprovalRequirement[] {
  const available = new Set([...approvers].filter((person) => !excluded.has(person)));
  const given = { available, groups, by };
  const missing = alternativesOf(requirements).map((together) =>
    missingWithin(together, given, reachWithin(together, given, follows)),
  );
  return missing.some((lacking) => lacking.length === 0) ? [] : missing.flat();
}

/**
 * The requirements for which the approval of a person counts, by what it follows, though others may be enough for them. The
 * rest are the arguments of `missingApprovals`.
 */
export function countsFor(
  person: string,
  ...[requirements, approvers, groups, excluded, by = NO_CLASSES, follows = NOBODY_FOLLOWS]: Parameters<
    typeof missingApprovals
  >
): readonly ApprovalRequirement[] {
  const available = new Set([...approvers].filter((one) => !excluded.has(one)));
  if (!available.has(person)) return [];
  return alternativesOf(requirements).flatMap((together) => {
    const reach = reachWithin(together, { available, groups, by }, follows);
    return together.filter(
      (one) => candidatesFor(one, groups).includes(person) && reach(person) >= stepOf(one),
    );
  });
}

/** Are there persons enough, each for one requirement, if they approve in the order that is wanted? */
export function isReachable(
  requirements: readonly ApprovalRequirement[],
  persons: ReadonlySet<string>,
  groups: Groups,
  excluded: ReadonlySet<string>,
  held: ClassesOf,
): boolean {
  return missingApprovals(inAnyOrder(requirements), persons, groups, excluded, held).length === 0;
}
