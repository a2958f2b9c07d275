// Every kind of plain condition: how it is written and read, when it holds, what it is called, what follows from it. The
// order is the one in which the conditions of a rule are asked.

import type { Condition, PlainCondition, PlainConditionOf, PlainKind, Situation } from '../types.js';
import type { Answer } from './answer.js';
import { amountAbove, amountAtMost, assetKind } from './asset.js';
import {
  firstUse,
  lookAlike,
  whitelistAgeAtLeast,
  whitelistEntryIn,
  whitelisted,
  whitelistLabelIn,
} from './destination.js';
import { feeAtMost, feeShareAtMost } from './fee.js';
import { withinHours } from './hours.js';
import type { Asked, ConditionKind, Place, PlainConditionsText } from './kind.js';
import {
  chainIn,
  customerIn,
  destinationIn,
  kindIn,
  requesterIn,
  tierIn,
  toOwnTierIn,
  walletIn,
} from './names.js';
import {
  hotShareAtMost,
  riskScoreAbove,
  riskScoreAtMost,
  screeningIn,
  shareOfBalanceAtMost,
} from './screening.js';

export const KINDS: { readonly [K in PlainKind]: ConditionKind<K> } = {
  asset: assetKind,
  'amount-at-most': amountAtMost,
  'amount-above': amountAbove,
  'destination-in': destinationIn,
  'requester-in': requesterIn,
  'customer-in': customerIn,
  'wallet-in': walletIn,
  'tier-in': tierIn,
  'chain-in': chainIn,
  'risk-score-at-most': riskScoreAtMost,
  'risk-score-above': riskScoreAbove,
  'screening-in': screeningIn,
  'share-of-balance-at-most': shareOfBalanceAtMost,
  'hot-share-at-most': hotShareAtMost,
  'kind-in': kindIn,
  'to-own-tier-in': toOwnTierIn,
  'fee-at-most': feeAtMost,
  'fee-share-at-most': feeShareAtMost,
  'within-hours': withinHours,
  'first-use': firstUse,
  'look-alike': lookAlike,
  whitelisted,
  'whitelist-label-in': whitelistLabelIn,
  'whitelist-entry-in': whitelistEntryIn,
  'whitelist-age-at-least': whitelistAgeAtLeast,
};

export type Test = (situation: Situation) => Answer;

export const PLAIN_KINDS = Object.keys(KINDS) as readonly PlainKind[];

/** The condition of one kind, if it stands there. */
export function readCondition<K extends PlainKind>(
  kind: K,
  texts: PlainConditionsText,
  place: Place,
): PlainConditionOf<K> | undefined {
  const written: PlainConditionsText[K] = texts[kind];
  return written === undefined ? undefined : KINDS[kind].read(written, place);
}

/** Asks one condition: its kind is looked up once, not for each transfer. */
export function plainTest<K extends PlainKind>(condition: PlainConditionOf<K>): Test {
  const kind: K = condition.kind;
  const { holds } = KINDS[kind];
  return (situation) => holds(condition, situation);
}

/** The subject of the fact that one condition needs, if it needs one. */
export function plainNeed<K extends PlainKind>(
  condition: PlainConditionOf<K>,
  situation: Situation,
): string | undefined {
  const kind: K = condition.kind;
  return KINDS[kind].needs?.(condition, situation);
}

/** What has to be found out for them. */
export function askedBy(when: readonly Condition[]): readonly Asked[] {
  return when.flatMap((condition) =>
    'branches' in condition ? condition.branches.flatMap(askedBy) : (KINDS[condition.kind].asks ?? []),
  );
}

/** As a person reads it in the document: `amount-at-most: 1 BTC`. */
export function plainWords<K extends PlainKind>(condition: PlainConditionOf<K>): string {
  const kind: K = condition.kind;
  return `${kind}: ${KINDS[kind].words(condition)}`;
}

/** Whoever meets `given` meets `wanted`. */
export function plainImplies<K extends PlainKind>(
  given: PlainCondition,
  wanted: PlainConditionOf<K>,
): boolean {
  const kind: K = wanted.kind;
  return KINDS[kind].followsFrom(wanted, given);
}

/** What is known where this one is known not to hold, beside what is known anyway; `never`: it always holds. */
export function otherwise<K extends PlainKind>(
  condition: PlainConditionOf<K>,
  known: readonly PlainCondition[],
): PlainCondition | 'never' | undefined {
  const kind: K = condition.kind;
  return KINDS[kind].otherwise?.(condition, known);
}

/** It holds or it does not, whatever watchers say: never unknown. */
export function isTold(condition: PlainCondition): boolean {
  return 'asset' in condition || KINDS[condition.kind].needs === undefined;
}

function excludes<K extends PlainKind>(one: PlainConditionOf<K>, other: PlainCondition): boolean {
  const kind: K = one.kind;
  return KINDS[kind].excludes(one, other);
}

/** Nobody meets both. */
export function excludeEachOther(one: PlainCondition, other: PlainCondition): boolean {
  return excludes(one, other) || excludes(other, one);
}
