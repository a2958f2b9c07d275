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
