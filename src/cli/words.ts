// How amounts, addresses, times and chains are written for people. Pure; nothing is rounded and nothing is left out.

import type { GovernanceState } from '../core/governance/state.js';
import { formatUnits } from '../core/money/amount.js';
import type { Asset } from '../core/statements/fields.js';
import { faint, grouped, type Line, strong } from './lines.js';

export interface Coin {
  readonly symbol: string;
  readonly decimals: number;
}

/**
 * The coin that fees of a chain are paid in. Where governance is not known: the asset itself if it is the chain's coin,
 * Bitcoin's own, else base units alone.
 */
export function coinOf(chain: string, state: GovernanceState | undefined, moved?: Asset): Coin {
  const known = state?.chains.get(chain);
  if (known) return known.coin;
  if (moved?.kind === 'native') return moved;
  return chain.startsWith('bip122:') ? { symbol: 'BTC', decimals: 8 } : { symbol: 'wei', decimals: 0 };
}

/** `0.25 BTC`. Exact. */
export function units(amount: string, coin: Coin): string {
  return `${formatUnits(BigInt(amount), coin.decimals)} ${coin.symbol}`;
}

/** `0.25 BTC   25000000 sat`: the same amount twice, as people say it and as it is signed. */
export function bothUnits(amount: string, coin: Coin): Line {
  return [strong(units(amount, coin)), faint('  =  '), `${amount} ${baseUnitOf(coin)}`];
}

function baseUnitOf({ symbol, decimals }: Coin): string {
  if (symbol === 'BTC' && decimals === 8) return 'sat';
  if (symbol === 'ETH' && decimals === 18) return 'wei';
  return `base units (${decimals} decimals)`;
}

/** The whole address in groups of four; nothing is left out of it. */
export function address(text: string): Line {
  return [strong(grouped(text))];
}

export function assetWords(asset: Asset): string {
  return asset.kind === 'native' ? asset.symbol : `${asset.symbol}, token contract ${asset.contract}`;
}

/** `2026-05-01 12:00:00 UTC`. */
export function instant(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const STEPS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

/** `in 29 minutes`, `12 seconds ago`. */
export function distance(ms: number, nowMs: number): string {
  const away = Math.abs(ms - nowMs);
  const [name, size] = STEPS.find(([, step]) => away >= step) ?? (['second', 1_000] as const);
  const count = Math.floor(away / size);
  const words = `${count} ${name}${count === 1 ? '' : 's'}`;
  return ms >= nowMs ? `in ${words}` : `${words} ago`;
}
