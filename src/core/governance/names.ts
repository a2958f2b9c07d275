// How chains, keys and times of governance are written for people. Nothing is rounded but what is said to be.

import type { Chain, FreezeScope } from './entry.js';

/** CAIP-2 ids of Bitcoin's networks, from the hashes of their genesis blocks. */
export const BITCOIN_NETWORKS = {
  mainnet: 'bip122:000000000019d6689c085ae165831e93',
  testnet: 'bip122:000000000933ea01ad0ee984209779ba',
  signet: 'bip122:00000008819873e925422c1ff0f99f7c',
  regtest: 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328',
} as const;

export function chainWords(id: string, chain: Chain | undefined): string {
  const known = Object.entries(BITCOIN_NETWORKS).find(([, chainId]) => chainId === id)?.[0];
  const network = chain?.family === 'bitcoin' ? chain.network : known;
  if (network !== undefined) return `Bitcoin ${network} (${id})`;
  if (id.startsWith('eip155:')) return `Ethereum chain ${id.slice('eip155:'.length)} (${id})`;
  return id;
}

/** The compressed form of an uncompressed point, both hex. SEC 1 §2.3.3. */
export function compressed(publicKey: string): string {
  const odd = Number.parseInt(publicKey.slice(-1), 16) % 2 === 1;
  return `${odd ? '03' : '02'}${publicKey.slice(2, 66)}`;
}

/** What a freeze is about, as the object of a sentence. */
export function scopeWords(scope: FreezeScope): string {
  return scope.kind === 'everything' ? 'ALL WALLETS' : `the wallet ${scope.walletId}`;
}

/** `2026-05-01 12:00:00 UTC`. */
export function instantWords(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const SPANS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
  ['millisecond', 1],
] as const;

/** `2 days`, `90 minutes`: whole in the largest unit that it is whole in. */
export function spanWords(ms: number): string {
  const [name, size] =
    SPANS.find(([, span]) => ms >= span && ms % span === 0) ?? (['millisecond', 1] as const);
  const count = ms / size;
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
