// What an entry says of the tiers' bands, in sentences.

import { formatUnits } from '../money/amount.js';
import { shareWords } from '../policy/shares.js';
import { edgesOf } from './bands.js';
import type { AssetBands, TierBand } from './entry.js';
import { chainWords } from './names.js';
import { change, compared, type Said } from './said.js';
import { type GovernanceState, tokenKey } from './state.js';

type Assets = Pick<GovernanceState, 'chains' | 'tokens'>;
type Asset = Pick<AssetBands, 'chain' | 'contract'>;

interface Named {
  /** As people write it. */
  readonly symbol: string;
  readonly decimals: number;
}

function named({ chains, tokens }: Assets, { chain, contract }: Asset): Named {
  const found = contract === 'native' ? chains.get(chain)?.coin : tokens.get(tokenKey(chain, contract));
  // Of a token that was removed, nobody knows the decimals any more.
  return found ?? { symbol: `base units of ${contract}, a token that is not registered`, decimals: 0 };
}

/** `between 2% and 8%, best 5%, of all BTC outside SAFU`; `between 1 BTC and 3 BTC, best 2 BTC`. */
export function bandWords(state: Assets, asset: Asset, band: TierBand): string {
  const { symbol, decimals } = named(state, asset);
  const { min, target, max } = edgesOf(band);
  if (band.measure === 'share')
    return `between ${shareWords(min)} and ${shareWords(max)}, best ${shareWords(target)}, of all ${symbol} outside SAFU`;
  const units = (amount: bigint) => `${formatUnits(amount, decimals)} ${symbol}`;
  return `between ${units(min)} and ${units(max)}, best ${units(target)}`;
}

interface Placed {
  readonly asset: Asset;
  readonly band: TierBand;
}

function flat(bands: GovernanceState['bands']): Map<string, Placed> {
  return new Map(
    [...bands].flatMap(([key, asset]) =>
      asset.bands.map((band) => [
        `${key}/${band.tier}`,
        { asset: { chain: asset.chain, contract: asset.contract }, band },
      ]),
    ),
  );
}

export function bands(before: GovernanceState | undefined, after: GovernanceState): Said[] {
  const { added, removed, changed } = compared(before && flat(before.bands), flat(after.bands));
  const place = ({ asset, band }: Placed) =>
    `${named(after, asset).symbol} in ${band.tier} wallets on ${chainWords(asset.chain, after.chains.get(asset.chain))}`;
  const words = ({ asset, band }: Placed) => bandWords(after, asset, band);
  return [
    ...added.map(([, one]) => change(`sets how much ${place(one)} is to be: ${words(one)}`)),
    ...removed.map(([, one]) =>
      change(`no longer says how much ${place(one)} is to be; it was ${words(one)}`),
    ),
    ...changed.map(({ was, now }) =>
      change(`changes how much ${place(now)} is to be: ${words(now)}, and no longer ${words(was)}`),
    ),
  ];
}
