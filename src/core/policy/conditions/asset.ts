// `asset`, and bounds on the amount of it. A bound is on the asset that stands beside it, and holds for no other.

import { formatUnits } from '../../money/amount.js';
import { amount, assetName } from '../document-fields.js';
import { amountOf, assetOf, malformed, positiveAmountOf } from '../page.js';
import type { PlainCondition, PolicyAsset, Situation } from '../types.js';
import type { ConditionKind, Place } from './kind.js';

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

export const amountAtMost: ConditionKind<'amount-at-most'> = {
  schema: amount,
  read: (written, place) => {
    const asset = assetBeside(place);
    const most = positiveAmountOf(place.page, place.path, written, asset);
    return { kind: 'amount-at-most', asset, amount: most };
  },
  holds: (bound, situation) => isAsset(bound.asset, situation) && situation.amount <= bound.amount,
  words: (bound) => amountWords(bound.asset, bound.amount),
  followsFrom: (bound, given) =>
    given.kind === 'amount-at-most' && isSameAsset(bound.asset, given.asset) && given.amount <= bound.amount,
  excludes: (bound, other) =>
    isOfAnother(bound.asset, other) || (other.kind === 'amount-above' && other.amount >= bound.amount),
};

export const amountAbove: ConditionKind<'amount-above'> = {
  schema: amount,
  read: (written, place) => {
    const asset = assetBeside(place);
    return { kind: 'amount-above', asset, amount: amountOf(place.page, place.path, written, asset) };
  },
  holds: (bound, situation) => isAsset(bound.asset, situation) && situation.amount > bound.amount,
  words: (bound) => amountWords(bound.asset, bound.amount),
  followsFrom: (bound, given) =>
    given.kind === 'amount-above' && isSameAsset(bound.asset, given.asset) && given.amount >= bound.amount,
  excludes: (bound, other) =>
    isOfAnother(bound.asset, other) || (other.kind === 'amount-at-most' && bound.amount >= other.amount),
};
