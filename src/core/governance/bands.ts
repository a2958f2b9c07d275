// Bands: how much of an asset the wallets of a tier are to hold, least, best and most. They are rules for whatever moves money
// between tiers. Nothing is moved here, nothing is signed because of a band, and no balance is known here.

import type { AssetBands, Tier, TierBand } from './entry.js';
import { type GovernanceState, tokenKey } from './state.js';

const WHOLE_BASIS_POINTS = 10_000n;

export interface Edges {
  readonly min: bigint;
  readonly target: bigint;
  readonly max: bigint;
}

/** In the band's own measure: hundredths of a percent, or base units. */
export function edgesOf(band: TierBand): Edges {
  const [min, target, max] =
    band.measure === 'share'
      ? [band.minBasisPoints, band.targetBasisPoints, band.maxBasisPoints]
      : [band.minUnits, band.targetUnits, band.maxUnits];
  return { min: BigInt(min), target: BigInt(target), max: BigInt(max) };
}

export function bandOf(asset: AssetBands | undefined, tier: Tier): TierBand | undefined {
  return asset?.bands.find((band) => band.tier === tier);
}

type Assets = Pick<GovernanceState, 'bands' | 'tokens'>;

/**
 * The bands of an asset that hold; undefined where it has none. Those of a token that was removed lie idle: taking a token
 * away is quick, and is no way around the signatures that its bands take.
 */
export function bandsOf({ bands, tokens }: Assets, chain: string, contract: string): AssetBands | undefined {
  const key = tokenKey(chain, contract);
  return contract === 'native' || tokens.has(key) ? bands.get(key) : undefined;
}

export function withBands(
  bands: GovernanceState['bands'],
  asset: AssetBands,
): ReadonlyMap<string, AssetBands> {
  const next = new Map(bands);
  const key = tokenKey(asset.chain, asset.contract);
  if (asset.bands.length === 0) next.delete(key);
  else next.set(key, asset);
  return next;
}

function sumOf(bands: readonly TierBand[], edge: keyof Edges): bigint {
  return bands.reduce((sum, band) => sum + edgesOf(band)[edge], 0n);
}

/** Can the shares all be met at once, by whatever amount there is? */
function shareFlaw({ bands }: AssetBands, tiers: ReadonlySet<Tier>): string | undefined {
  const shares = bands.filter(({ measure }) => measure === 'share');
  if (sumOf(shares, 'min') > WHOLE_BASIS_POINTS) return 'the least shares come to more than there is';
  if (sumOf(shares, 'target') > WHOLE_BASIS_POINTS) return 'the shares aimed at come to more than there is';
  const isEverywhere = [...tiers].every(
    (tier) => tier === 'safu' || shares.some((share) => share.tier === tier),
  );
  if (!isEverywhere || shares.length === 0) return undefined;
  if (sumOf(shares, 'max') < WHOLE_BASIS_POINTS)
    return 'the most that all tiers may hold is not all that there is';
  return sumOf(shares, 'target') < WHOLE_BASIS_POINTS
    ? 'the shares aimed at in all tiers are not all that there is'
    : undefined;
}

/** Why these cannot be the bands of their asset; asked when they come, and again when they act. */
export function bandsFlaw(state: GovernanceState, asset: AssetBands): string | undefined {
  const { chain, contract, bands } = asset;
  if (!state.chains.has(chain)) return 'bands are of an asset on a chain that is not registered';
  if (contract !== 'native' && !state.tokens.has(tokenKey(chain, contract)))
    return 'bands are of a token that is not registered';
  if (bands.length === 0)
    return state.bands.has(tokenKey(chain, contract))
      ? undefined
      : 'there are no bands of this asset to remove';
  const tiers = new Set(
    [...state.wallets.values()].filter((wallet) => wallet.chain === chain).map(({ tier }) => tier),
  );
  for (const [at, band] of bands.entries()) {
    const { tier, measure } = band;
    if (bands.findIndex((other) => other.tier === tier) !== at) return `the tier ${tier} has two bands`;
    if (!tiers.has(tier)) return `no ${tier} wallet is on the chain of this asset`;
    const { min, target, max } = edgesOf(band);
    if (min > target || target > max) return `the band of ${tier} is not least, best, most`;
    // What is SAFU's is never counted among what is held for customers.
    if (tier === 'safu' && measure === 'share')
      return 'the band of safu is an amount, and no share of the rest';
  }
  return shareFlaw(asset, tiers);
}

/** From these tiers money goes out more easily the more of it lies there; from the others it leaves when less may. */
const EXPOSED: readonly Tier[] = ['hot', 'warm', 'deposit'];

function loosensBand(now: TierBand, next: TierBand): boolean {
  // One measure says nothing of the other.
  if (now.measure !== next.measure) return true;
  const [was, is] = [edgesOf(now), edgesOf(next)];
  const [low, high] = EXPOSED.includes(now.tier) ? [is, was] : [was, is];
  return low.min > high.min || low.target > high.target || low.max > high.max;
}

/**
 * Might more lie in an exposed tier than before, or less in a guarded one? A band that comes has money moved on its account, one
 * that goes takes a bound away: both loosen.
 */
export function loosensBands(now: AssetBands | undefined, next: AssetBands): boolean {
  const tiers = new Set([...(now?.bands ?? []), ...next.bands].map(({ tier }) => tier));
  return [...tiers].some((tier) => {
    const [was, is] = [bandOf(now, tier), bandOf(next, tier)];
    return !was || !is || loosensBand(was, is);
  });
}
