// Conditions on the fee: on the ceiling that the request itself names, which is signed, known before anything is built, and
// the same for each replacement. What a transaction really costs is bounded by it, and by the fee caps.

import { amount, percentage } from '../document-fields.js';
import { assetOf, malformed, type Page, type Path, positiveAmountOf } from '../page.js';
import { basisPointsOf, shareWords, WHOLE_BASIS_POINTS } from '../shares.js';
import type { PolicyAsset } from '../types.js';
import { amountWords } from './asset.js';
import type { ConditionKind } from './kind.js';

function coinOf(page: Page, path: Path, symbol: string, beside: PolicyAsset | undefined): PolicyAsset {
  const chain = beside?.chain;
  const coin =
    page.assets.find(
      (asset) => asset.symbol === symbol && asset.contract === 'native' && asset.chain === chain,
    ) ?? assetOf(page, path, symbol);
  if (coin.contract !== 'native')
    malformed(page, path, `a fee is paid in the chain's coin, not in ${symbol}`);
  if (chain !== undefined && coin.chain !== chain) {
    malformed(page, path, `the fee of what moves ${beside?.symbol} is not paid in ${symbol}`);
  }
  return coin;
}

export const feeAtMost: ConditionKind<'fee-at-most'> = {
  schema: amount,
  read: (written, { page, path, asset }) => {
    const coin = coinOf(page, path, written.split(' ')[1] ?? '', asset);
    return { kind: 'fee-at-most', coin, fee: positiveAmountOf(page, path, written, coin) };
  },
  holds: ({ coin, fee }, situation) => situation.chain === coin.chain && situation.feeCeiling <= fee,
  words: ({ coin, fee }) => amountWords(coin, fee),
  followsFrom: ({ coin, fee }, given) =>
    given.kind === 'fee-at-most' && given.coin.chain === coin.chain && given.fee <= fee,
  excludes: ({ coin }, other) =>
    (other.kind === 'fee-at-most' && other.coin.chain !== coin.chain) ||
    ('asset' in other && other.asset.chain !== coin.chain),
};

export const feeShareAtMost: ConditionKind<'fee-share-at-most'> = {
  schema: percentage,
  read: (written, { page, path, asset }) => {
    if (asset && asset.contract !== 'native')
      malformed(page, path, `a fee has no common unit with ${asset.symbol}: write fee-at-most`);
    return { kind: 'fee-share-at-most', basisPoints: basisPointsOf(page, path, written) };
  },
  holds: ({ basisPoints }, situation) =>
    situation.contract === 'native' &&
    situation.feeCeiling * WHOLE_BASIS_POINTS <= situation.amount * basisPoints,
  words: ({ basisPoints }) => shareWords(basisPoints),
  followsFrom: ({ basisPoints }, given) =>
    given.kind === 'fee-share-at-most' && given.basisPoints <= basisPoints,
  excludes: (_condition, other) => 'asset' in other && other.asset.contract !== 'native',
};
