// Addresses that governance knows: those of this deployment's own wallets, which follow from the wallets' keys, and those of
// the whitelist. What was paid before, whoever decides knows for itself.

import { p2wpkhAddress } from '../intents/bitcoin/address.js';
import { addressOfPublicKey } from '../intents/ethereum/address.js';
import { lookOf } from '../policy/looks.js';
import type { Chain, Tier, Wallet } from './entry.js';
import { addressKey, type GovernanceState, whitelistedAt } from './state.js';

type Wallets = Pick<GovernanceState, 'wallets' | 'chains'>;

interface OwnAddress {
  readonly address: string;
  readonly tier: Tier;
  readonly walletId: string;
}

interface OwnAddresses {
  readonly byAddress: ReadonlyMap<string, OwnAddress>;
  readonly byLook: ReadonlyMap<string, OwnAddress>;
}

/** Worked out once for the wallets of a state: the next one has the same map, unless its wallets are others. */
const remembered = new WeakMap<Wallets['wallets'], OwnAddresses>();

/** In the one spelling that policies compare: Ethereum in lower case. */
export function spelledAddress(chain: string, address: string): string {
  return chain.startsWith('eip155:') ? address.toLowerCase() : address;
}

function addressOf(chain: Chain, publicKey: string): string {
  return chain.family === 'bitcoin'
    ? p2wpkhAddress(publicKey, chain.network)
    : addressOfPublicKey(publicKey).toLowerCase();
}

function addressesOf({ tier, walletId, keys }: Wallet, chain: Chain): readonly OwnAddress[] {
  return keys.map(({ publicKey }) => ({ address: addressOf(chain, publicKey), tier, walletId }));
}

function ownAddresses({ wallets, chains }: Wallets): OwnAddresses {
  const known = remembered.get(wallets);
  if (known) return known;
  const all = [...wallets.values()].flatMap((wallet) => {
    const chain = chains.get(wallet.chain);
    return chain ? addressesOf(wallet, chain).map((own) => ({ chain: chain.chain, own })) : [];
  });
  const found = {
    byAddress: new Map(all.map(({ chain, own }) => [`${chain}/${own.address}`, own])),
    byLook: new Map(all.map(({ chain, own }) => [`${chain}/${lookOf(own.address)}`, own])),
  };
  remembered.set(wallets, found);
  return found;
}

/** The tier of the own wallet that has this address; undefined for anybody else's. */
export function tierOfAddress(state: Wallets, chain: string, address: string): Tier | undefined {
  return ownAddresses(state).byAddress.get(addressKey(chain, address))?.tier;
}

/** The own wallet that has this address; undefined for anybody else's. */
export function walletOfAddress(state: Wallets, chain: string, address: string): string | undefined {
  return ownAddresses(state).byAddress.get(addressKey(chain, address))?.walletId;
}

/** The whitelist's addresses by their look. */
const rememberedLooks = new WeakMap<GovernanceState['whitelist'], ReadonlyMap<string, readonly string[]>>();

function whitelistLooks(whitelist: GovernanceState['whitelist']): ReadonlyMap<string, readonly string[]> {
  const known = rememberedLooks.get(whitelist);
  if (known) return known;
  const looks = new Map<string, string[]>();
  for (const { chain, address } of whitelist.values()) {
    const look = `${chain}/${lookOf(address)}`;
    looks.set(look, [...(looks.get(look) ?? []), spelledAddress(chain, address)]);
  }
  rememberedLooks.set(whitelist, looks);
  return looks;
}

/**
 * The address known before that this one could be taken for: an own one, one of the whitelist, or the first of this look that
 * was ever paid (`paid`, as whoever decides remembers). Of two that were paid, the second stays a look-alike of the first. What
 * is on the whitelist for wallets of this tier, and has not ended, is none; what is there for others, or was, can be taken for.
 */
export function lookAlikeOf(
  state: Pick<GovernanceState, 'wallets' | 'chains' | 'whitelist'>,
  { chain, address, tier }: { readonly chain: string; readonly address: string; readonly tier: Tier },
  nowMs: number,
  paid: readonly string[],
): string | undefined {
  const spelled = spelledAddress(chain, address);
  const { byAddress, byLook } = ownAddresses(state);
  if (byAddress.has(addressKey(chain, spelled))) return undefined;
  if (whitelistedAt(state, { chain, address: spelled, tier }, nowMs)) return undefined;
  const look = `${chain}/${lookOf(spelled)}`;
  const own = byLook.get(look)?.address;
  const others = [own, ...(whitelistLooks(state.whitelist).get(look) ?? []), ...paid];
  return others.find((other) => other !== undefined && other !== spelled);
}
