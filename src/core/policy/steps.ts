// Steps: what is to be met before what. An approval counts for a step only if those that it follows meet all steps before it,
// and whoever signed named those: when anything came in plays no part. Which persons fill which seats is approvals.ts.

import type { ApprovalRequirement } from './types.js';

/** Who had whose approvals before them when they approved. Who followed nobody is not in it. */
export type Follows = ReadonlyMap<string, ReadonlySet<string>>;

export const NOBODY_FOLLOWS: Follows = new Map();

export function stepOf({ step = 0 }: ApprovalRequirement): number {
  return step;
}

/** Requirements of one alternative by the step that they belong to, in the order of the steps. */
export function stepsOf(
  together: readonly ApprovalRequirement[],
): readonly (readonly ApprovalRequirement[])[] {
  const byStep = Map.groupBy(together, stepOf);
  return [...byStep].sort(([one], [other]) => one - other).map(([, step]) => step);
}

/** The same approvals, in whatever order: to ask whether there are people enough for them. */
export function inAnyOrder(requirements: readonly ApprovalRequirement[]): readonly ApprovalRequirement[] {
  return requirements.map(({ step: _, ...wanted }) => wanted);
}

export function isOrdered(requirements: readonly ApprovalRequirement[]): boolean {
  return requirements.some((one) => stepOf(one) > 0);
}

/**
 * The last step that the approval of a person counts for, by what it follows. `isMet` says whether the approvals of these
 * persons meet these requirements, asking here again what theirs follow.
 */
export function reachOf(
  together: readonly ApprovalRequirement[],
  follows: Follows,
  isMet: (
    steps: readonly ApprovalRequirement[],
    approvers: ReadonlySet<string>,
    reach: (person: string) => number,
  ) => boolean,
): (person: string) => number {
  const last = together.reduce((highest, one) => Math.max(highest, stepOf(one)), 0);
  const known = new Map<string, number>();
  const reach = (person: string): number => {
    const before = known.get(person);
    if (before !== undefined) return before;
    // Nobody can follow in a circle: it would take a digest of itself. Whoever did would count for the first step alone.
    known.set(person, 0);
    const followed = follows.get(person) ?? new Set<string>();
    let step = 0;
    while (
      step < last &&
      isMet(
        together.filter((one) => stepOf(one) <= step),
        followed,
        reach,
      )
    ) {
      step += 1;
    }
    known.set(person, step);
    return step;
  };
  return last === 0 ? () => 0 : reach;
}
