// Addresses in documents: those that the signer pays, and no other. What it would refuse as a destination could never match, and a
// mistyped one would let pass, or stop, what nobody meant.

import type { Chain } from '../../governance/entry.js';
import { type BitcoinNetwork, scriptOfAddress } from '../../intents/bitcoin/address.js';
import { ethereumAddress } from '../../intents/ethereum/address.js';
import { malformed } from '../page.js';
import type { Place } from './kind.js';

const ETHEREUM_FORM = /^0x[0-9a-fA-F]{40}$/;
const ZERO = /^0x0+$/;
const NETWORKS: readonly BitcoinNetwork[] = ['mainnet', 'testnet', 'signet', 'regtest'];

function isPaidOn(address: string, chain: Chain): boolean {
  return chain.family === 'bitcoin'
    ? scriptOfAddress(address, chain.network).kind === 'accepted'
    : ethereumAddress(address).kind === 'accepted';
}

function flawOf(address: string, chains: readonly Chain[]): string {
  const families = new Set(chains.map(({ family }) => family));
  const elsewhere = 'not an address on the chain of this document';
  if (ETHEREUM_FORM.test(address)) {
    if (!families.has('ethereum')) return elsewhere;
    return ZERO.test(address)
      ? 'nobody is paid at the zero address'
      : 'its capitals and small letters do not fit it (EIP-55): take it as a wallet shows it, a digit may be wrong';
  }
  const network = NETWORKS.find((one) => scriptOfAddress(address, one).kind === 'accepted');
  if (network !== undefined) {
    const own = chains.flatMap((chain) => (chain.family === 'bitcoin' ? [chain.network] : []));
    return own.length > 0 ? `an address of ${network}, where ${own.join(' or ')} is wanted` : elsewhere;
  }
  return 'not an address that can be paid: its checksum does not fit, so that a letter is wrong, missing or in the wrong case';
}

/**
 * The address as decisions compare it (Ethereum in lower case). Hostile. Refuses what is paid on none of the document's chains, or
 * not on that of the asset beside it: another network's, a wrong checksum (BIP-173, BIP-350, Base58Check, EIP-55).
 */
export function spelledAddress(address: string, { page, path, asset }: Place): string {
  const ids = new Set(page.wallets.map(({ chain }) => chain));
  const chains = [...ids].flatMap((id) => page.context.chains.get(id) ?? []);
  const paying = chains.filter((chain) => isPaidOn(address, chain));
  if (paying.length === 0) return malformed(page, path, flawOf(address, chains));
  if (asset && !paying.some(({ chain }) => chain === asset.chain))
    return malformed(page, path, `not an address on the chain of ${asset.symbol}`);
  return ETHEREUM_FORM.test(address) ? address.toLowerCase() : address;
}
