// `asset`, and bounds on the amount of it. A bound in an asset is on the one that stands beside it, and holds for no other; one
// in a currency is on what the amount is worth, and is compared in value.ts.

import { formatUnits } from '../../money/amount.js';
import { amount, assetName } from '../document-fields.js';
import { amountOf, assetOf, malformed, positiveAmountOf } from '../page.js';
import type { PlainCondition, PlainConditionOf, PolicyAsset, Situation } from '../types.js';
import type { ConditionKind, Place } from './kind.js';
import {
  centsOf,
  centsWords,
  currencyOf,
  isSameWorth,
  isWorthAbove,
  isWorthAtMost,
  positiveCentsOf,
  priceSubject,
  worthIn,
} from './value.js';

export function isAsset(asset: PolicyAsset, situation: Pick<Situation, 'chain' | 'contract'>): boolean {
  return asset.chain === situation.chain && asset.contract === situation.contract;
}

/** `0.5 BTC`. Exact. */
export function amountWords({ decimals, symbol }: PolicyAsset, amount: bigint): string {
  return `${formatUnits(amount, decimals)} ${symbol}`;
}

function isSameAsset(one: PolicyAsset, other: PolicyAsset): boolean {
  return one.chain === other.chain && one.contract === other.contract;
}

/** The asset that whoever meets a condition moves. */
function assetIn(condition: PlainCondition): PolicyAsset | undefined {
  return 'asset' in condition ? condition.asset : undefined;
}

function isOfAsset(asset: PolicyAsset, other: PlainCondition): boolean {
  const its = assetIn(other);
  return its !== undefined && isSameAsset(asset, its);
}

function isOfAnother(asset: PolicyAsset, other: PlainCondition): boolean {
  const its = assetIn(other);
  return its !== undefined && !isSameAsset(asset, its);
}

function assetBeside({ page, path, asset }: Place): PolicyAsset {
  return asset ?? malformed(page, path, 'a condition on an amount needs its asset beside it');
}

export const assetKind: ConditionKind<'asset'> = {
  schema: assetName,
  read: (written, { page, path }) => ({ kind: 'asset', asset: assetOf(page, path, written) }),
  holds: ({ asset }, situation) => isAsset(asset, situation),
  words: ({ asset }) => asset.symbol,
  followsFrom: ({ asset }, given) => isOfAsset(asset, given),
  excludes: ({ asset }, other) => isOfAnother(asset, other),
};

/** Both are on the same unit; `false` where one is on an asset and the other on a currency. */
function comparable<One extends PlainConditionOf<'amount-at-most' | 'amount-above'>>(
  one: One,
  other: PlainConditionOf<'amount-at-most' | 'amount-above'>,
  compare: (one: bigint, other: bigint) => boolean,
): boolean {
  if ('worth' in one)
    return 'worth' in other && isSameWorth(one.worth, other.worth) && compare(one.cents, other.cents);
  return 'asset' in other && isSameAsset(one.asset, other.asset) && compare(one.amount, other.amount);
}

function boundWords(bound: PlainConditionOf<'amount-at-most' | 'amount-above'>): string {
  return 'worth' in bound ? centsWords(bound.worth, bound.cents) : amountWords(bound.asset, bound.amount);
}

function priceNeeded(
  bound: PlainConditionOf<'amount-at-most' | 'amount-above'>,
  situation: Situation,
): string | undefined {
  return 'worth' in bound ? priceSubject(bound.worth, situation) : undefined;
}

function isOnAnother(bound: PlainConditionOf<'amount-at-most' | 'amount-above'>, other: PlainCondition) {
  return 'asset' in bound && isOfAnother(bound.asset, other);
}

export const amountAtMost: ConditionKind<'amount-at-most'> = {
  schema: amount,
  read: (written, place) => {
    const { page, path } = place;
    const kind = 'amount-at-most';
    const currency = currencyOf(written);
    if (currency)
      return { kind, worth: worthIn(page, currency), cents: positiveCentsOf(page, path, written, currency) };
    const asset = assetBeside(place);
    return { kind, asset, amount: positiveAmountOf(page, path, written, asset) };
  },
  holds: (bound, situation) =>
    'worth' in bound
      ? isWorthAtMost(bound, situation)
      : isAsset(bound.asset, situation) && situation.amount <= bound.amount,
  needs: priceNeeded,
  words: boundWords,
  followsFrom: (bound, given) =>
    given.kind === 'amount-at-most' && comparable(bound, given, (own, its) => its <= own),
  // Not at most so much is above it only where the asset is known to be the same.
  otherwise: (bound, known) => {
    const kind = 'amount-above';
    if ('worth' in bound) return { kind, worth: bound.worth, cents: bound.cents };
    const { asset, amount: most } = bound;
    return known.some((one) => isOfAsset(asset, one)) ? { kind, asset, amount: most } : undefined;
  },
  excludes: (bound, other) =>
    isOnAnother(bound, other) ||
    (other.kind === 'amount-above' && comparable(bound, other, (own, its) => its >= own)),
};

export const amountAbove: ConditionKind<'amount-above'> = {
  schema: amount,
  read: (written, place) => {
    const { page, path } = place;
    const kind = 'amount-above';
    const currency = currencyOf(written);
    if (currency)
      return { kind, worth: worthIn(page, currency), cents: centsOf(page, path, written, currency) };
    const asset = assetBeside(place);
    return { kind, asset, amount: amountOf(page, path, written, asset) };
  },
  holds: (bound, situation) =>
    'worth' in bound
      ? isWorthAbove(bound, situation)
      : isAsset(bound.asset, situation) && situation.amount > bound.amount,
  needs: priceNeeded,
  words: boundWords,
  followsFrom: (bound, given) =>
    given.kind === 'amount-above' && comparable(bound, given, (own, its) => its >= own),
  otherwise: (bound, known) => {
    const kind = 'amount-at-most';
    if ('worth' in bound) return { kind, worth: bound.worth, cents: bound.cents };
    const { asset, amount: most } = bound;
    if (!known.some((one) => isOfAsset(asset, one))) return undefined;
    // Whatever moves is more than nothing.
    return most > 0n ? { kind, asset, amount: most } : 'never';
  },
  excludes: (bound, other) =>
    isOnAnother(bound, other) ||
    (other.kind === 'amount-at-most' && comparable(bound, other, (own, its) => own >= its)),
};
