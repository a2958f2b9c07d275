// What a transfer takes from one limit: how much of which counter, of at most how much. Pure, and without counters of its own; which
// limits hold is decide.ts, how long something counts is window.ts.

import { isAsset } from './conditions/asset.js';
import { balanceSubject, saidOf } from './conditions/answer.js';
import { inconsistent } from './conditions/known.js';
import { priceSubject, valueCents } from './conditions/value.js';
import { calendarWords } from './calendar.js';
import { spanOf } from './counter.js';
import { WHOLE_BASIS_POINTS } from './shares.js';
import type { Limit, LimitCharge, PolicyAsset, Situation, Worth } from './types.js';
const assetKey = ({ chain, contract }: Pick<Situation, 'chain' | 'contract'>) => `${chain}/${contract}`;

function keyOf(limit: Limit, situation: Situation): string {
  switch (limit.scope) {
    case 'wallet':
      return situation.wallet;
    case 'tier':
      return situation.tier;
    case 'asset':
      return 'asset' in limit.measure ? assetKey(limit.measure.asset) : assetKey(situation);
    case 'destination':
      return situation.destination;
    case 'customer':
      return situation.customer;
    case 'requester':
      return situation.requester;
    case 'global':
      return 'global';
    case 'rule':
      return 'rule';
  }
}

/** Is anything that leaves of the kind that the limit is on? One on a chain's coin counts what its tokens cost as well. */
export function counts(measure: Limit['measure'], situation: Situation): boolean {
  if (!('asset' in measure)) return true;
  return (
    isAsset(measure.asset, situation) || (situation.feeCeiling > 0n && isFeeIn(measure.asset, situation))
  );
}

function isFeeIn({ chain, contract }: PolicyAsset, situation: Situation): boolean {
  return chain === situation.chain && contract === 'native';
}

/** What a transfer may cost at most, as if it were moved: nobody gets out as fees what a limit would keep back. */
function feeOf(situation: Situation): Situation {
  return { ...situation, contract: 'native', amount: situation.feeCeiling };
}

/** Undefined where nothing is known of what is counted. */
function countedOf({ measure }: Limit, situation: Situation): bigint | undefined {
  switch (measure.kind) {
    case 'count':
      return 1n;
    case 'amount':
    case 'share':
      return (
        (isAsset(measure.asset, situation) ? situation.amount : 0n) +
        (isFeeIn(measure.asset, situation) ? situation.feeCeiling : 0n)
      );
    case 'value':
      return worthOf(measure.worth, situation);
  }
}

/** What leaves the wallet: what moves, and the most that it costs. Of one asset they are one sum. */
function partsOf(situation: Situation): readonly Situation[] {
  if (situation.contract === 'native')
    return [{ ...situation, amount: situation.amount + situation.feeCeiling }];
  return situation.feeCeiling === 0n ? [situation] : [situation, feeOf(situation)];
}

function worthOf(worth: Worth, situation: Situation): bigint | undefined {
  let sum = 0n;
  for (const part of partsOf(situation)) {
    const cents = valueCents(worth, part);
    if (cents === undefined) return undefined;
    sum += cents;
  }
  return sum;
}

/**
 * Cents, and what a calendar divides, are counted apart from what a limit of that name may have counted before. A share is of what one
 * wallet holds, so each wallet is counted by itself: then all that a tier pays is no more than the share of what it holds.
 */
function counterKey(limit: Limit, situation: Situation): string {
  const { measure, calendar, scope } = limit;
  const apart = measure.kind === 'share' && scope !== 'wallet' ? ` of ${situation.wallet}` : '';
  const key = `${keyOf(limit, situation)}${apart}`;
  const unit = measure.kind === 'value' ? ` in ${measure.worth.currency}` : '';
  return `${key}${unit}${calendar ? ` by ${calendarWords(calendar)}` : ''}`;
}

/** At most so much; a share is one of the smallest balance that anybody states, rounded down. Undefined where nobody does. */
function mostOf({ measure }: Limit, situation: Situation): bigint | undefined {
  if (measure.kind !== 'share') return measure.max;
  const subject = balanceSubject({ ...situation, contract: measure.asset.contract });
  const [first, ...rest] = saidOf(situation, subject, 'balance').map(({ amount }) => BigInt(amount));
  return first === undefined ? undefined : (least(first, rest) * measure.basisPoints) / WHOLE_BASIS_POINTS;
}

export function chargeOf(limit: Limit, situation: Situation): LimitCharge | undefined {
  const amount = countedOf(limit, situation);
  const max = mostOf(limit, situation);
  if (amount === undefined || max === undefined) return undefined;
  const key = counterKey(limit, situation);
  return { limitId: limit.id, key, ...spanOf(limit), amount, max };
}

/** What somebody has to state for it; nothing for a limit that needs no fact, or is on nothing that leaves. */
export function subjectsOfLimit(measure: Limit['measure'], situation: Situation): readonly string[] {
  if (measure.kind === 'value') return partsOf(situation).map((part) => priceSubject(measure.worth, part));
  return measure.kind === 'share' && counts(measure, situation)
    ? [balanceSubject({ ...situation, contract: measure.asset.contract })]
    : [];
}

export function factOf({ measure }: Limit, situation: Situation): string {
  const subjects = subjectsOfLimit(measure, situation);
  const missing = subjects.find((subject) => !situation.facts?.has(subject));
  return missing ?? subjects[0] ?? inconsistent('a limit needs no fact');
}

/** `Math.min` is for numbers alone. */
export function least(first: bigint, others: readonly bigint[]): bigint {
  let smallest = first;
  for (const other of others) if (other < smallest) smallest = other;
  return smallest;
}
