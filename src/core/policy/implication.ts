// What follows from what among conditions, so that a rule which can never match, or is never reached, is found before
// officers sign it. It only says what is certain: `false` means that it does not know.

import { excludeEachOther, plainImplies } from './conditions/table.js';
import type { Condition, PlainCondition } from './types.js';

function plainOf(conditions: readonly Condition[]): readonly PlainCondition[] {
  return conditions.filter((condition): condition is PlainCondition => !('branches' in condition));
}

function excludeThemselves(plain: readonly PlainCondition[]): boolean {
  return plain.some((one, index) => plain.slice(index + 1).some((other) => excludeEachOther(one, other)));
}

function allImplied(given: readonly PlainCondition[], wanted: readonly PlainCondition[]): boolean {
  return wanted.every((condition) => given.some((one) => plainImplies(one, condition)));
}

/** Nothing can meet all of these. */
export function isImpossible(conditions: readonly Condition[]): boolean {
  const plain = plainOf(conditions);
  if (excludeThemselves(plain)) return true;
  return conditions.some((condition) => {
    if (condition.kind === 'none-of') return condition.branches.some((branch) => allImplied(plain, branch));
    if (condition.kind === 'any-of')
      return condition.branches.every((branch) => excludeThemselves([...plain, ...branch]));
    return false;
  });
}

function impliesOne(given: readonly Condition[], wanted: Condition): boolean {
  const plain = plainOf(given);
  const holdsFor = (all: readonly PlainCondition[]): boolean => {
    switch (wanted.kind) {
      case 'any-of':
        return wanted.branches.some((branch) => allImplied(all, branch));
      case 'none-of':
        // Each branch contradicts what is given, or is part of what is given not to be.
        return wanted.branches.every(
          (branch) => excludeThemselves([...all, ...branch]) || isRuledOut(given, [...all, ...branch]),
        );
      default:
        return all.some((one) => plainImplies(one, wanted));
    }
  };
  const holdsForEachOf = (condition: Condition) =>
    condition.kind === 'any-of' && condition.branches.every((branch) => holdsFor([...plain, ...branch]));
  return holdsFor(plain) || given.some(holdsForEachOf);
}

/** One of the given `none-of` says that these cannot all hold. */
function isRuledOut(given: readonly Condition[], all: readonly PlainCondition[]): boolean {
  return given.some(
    (condition) =>
      condition.kind === 'none-of' && condition.branches.some((branch) => allImplied(all, branch)),
  );
}

/** Whatever meets all of `given` meets all of `wanted`. */
export function implies(given: readonly Condition[], wanted: readonly Condition[]): boolean {
  return wanted.every((condition) => impliesOne(given, condition));
}
