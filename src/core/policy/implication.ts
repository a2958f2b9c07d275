// What follows from what among conditions, so that a rule which can never match, or is never reached, is found before
// officers sign it. It only says what is certain: `false` means that it does not know.
//
// All of it is one question: can these hold, and of each of those branches not everything? Of a branch of which all but one
// condition is known to hold, the last one is known not to, and often something else is known by that: an amount that is not at
// most 1 BTC is above it. It is asked again with that until nothing new is found.

import { excludeEachOther, isTold, otherwise, plainImplies } from './conditions/table.js';
import type { Condition, PlainCondition } from './types.js';

type Branch = readonly PlainCondition[];

/** A branch whose conditions do not all hold. */
interface Denied {
  readonly branch: Branch;
  /** That they do not is known; else that they do is merely not known: then facts that are missing say nothing. */
  readonly isKnown: boolean;
}

/** After these it stays unknown: what takes more is more than a person would see. */
const MOST_ROUNDS = 4;

/** Conditions that are asked many times what follows from them. */
export interface Given {
  readonly plain: Branch;
  readonly anyOfs: readonly (readonly Branch[])[];
  readonly denied: readonly Denied[];
}

export function given(conditions: readonly Condition[]): Given {
  const branching = conditions.filter((condition) => 'branches' in condition);
  return {
    plain: conditions.filter((condition): condition is PlainCondition => !('branches' in condition)),
    anyOfs: branching.filter(({ kind }) => kind === 'any-of').map(({ branches }) => branches),
    denied: branching
      .filter(({ kind }) => kind === 'none-of')
      .flatMap(({ branches }) => branches.map((branch) => ({ branch, isKnown: true }))),
  };
}

function excludeThemselves(plain: Branch): boolean {
  return plain.some((one, index) => plain.slice(index + 1).some((other) => excludeEachOther(one, other)));
}

/** What a denied branch says beside what is known: that it cannot be, something new, or nothing. */
function learnedFrom({ branch, isKnown }: Denied, known: Branch): PlainCondition | 'never' | undefined {
  const open = branch.filter((condition) => !known.some((one) => plainImplies(one, condition)));
  const [last, another] = open;
  if (!last) return 'never';
  if (another || !(isKnown || isTold(last))) return undefined;
  // What cannot be anyway says nothing new.
  if (known.some((one) => excludeEachOther(one, last))) return undefined;
  const learned = otherwise(last, known);
  return learned && learned !== 'never' && known.some((one) => excludeEachOther(one, learned))
    ? 'never'
    : learned;
}

/** Nothing that meets all of `plain`, which something could, meets all that is added and of no denied branch everything. */
function cannotBe(plain: Branch, added: Branch, denied: readonly Denied[]): boolean {
  if (excludeThemselves(added)) return true;
  if (added.some((one) => plain.some((other) => excludeEachOther(one, other)))) return true;
  const known = [...plain, ...added];
  let left = denied;
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const open: Denied[] = [];
    for (const one of left) {
      const learned = learnedFrom(one, known);
      if (learned === 'never') return true;
      if (learned) known.push(learned);
      else open.push(one);
    }
    if (open.length === left.length) return false;
    left = open;
  }
  return false;
}

/** Nothing can meet all of these. */
export function isImpossible(conditions: readonly Condition[]): boolean {
  const { plain, anyOfs, denied } = given(conditions);
  return (
    cannotBe([], plain, denied) ||
    anyOfs.some((branches) => branches.every((branch) => cannotBe(plain, branch, denied)))
  );
}

const notKnown = (branch: Branch): Denied => ({ branch, isKnown: false });

function impliesOne({ plain, anyOfs, denied }: Given, wanted: Condition): boolean {
  // What most rules are asked of most others is answered without putting anything together.
  if (!('branches' in wanted)) {
    if (plain.some((one) => plainImplies(one, wanted))) return true;
    if (anyOfs.length + denied.length === 0) return learnedFrom(notKnown([wanted]), plain) === 'never';
  }
  const holdsFor = (way: Branch): boolean => {
    switch (wanted.kind) {
      case 'any-of':
        return cannotBe(plain, way, [...denied, ...wanted.branches.map(notKnown)]);
      case 'none-of':
        return wanted.branches.every((branch) => {
          // Two of it that exclude each other are not both true; without the fact that they ask for, neither is false.
          const isOpen = excludeThemselves(branch) && !excludeThemselves(branch.filter(isTold));
          return isOpen
            ? branch.some((one) => cannotBe(plain, [...way, one], denied))
            : cannotBe(plain, [...way, ...branch], denied);
        });
      default:
        return cannotBe(plain, way, [...denied, notKnown([wanted])]);
    }
  };
  return holdsFor([]) || anyOfs.some((branches) => branches.every(holdsFor));
}

/** Whatever meets all that is given, which something could, meets all of `wanted`, whichever facts are there. */
export function implies(from: Given, wanted: readonly Condition[]): boolean {
  return wanted.every((condition) => impliesOne(from, condition));
}

/**
 * Whatever meets all that is given meets one of these ways, each of them all of its conditions. Only ways are looked at of which
 * one condition at most is not given.
 */
export function impliesOneOf({ plain, denied }: Given, ways: readonly Branch[]): boolean {
  const isGiven = (condition: PlainCondition) => plain.some((one) => plainImplies(one, condition));
  const near = ways.filter((way) => way.filter((condition) => !isGiven(condition)).length <= 1);
  return cannotBe(plain, [], [...denied, ...near.map(notKnown)]);
}
