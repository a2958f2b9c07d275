// Which address format a chain has, by its genesis block. A chain that is not listed is not served.

import { Fault } from '../../../core/fault.js';
import type { BitcoinNetwork } from '../../../core/intents/bitcoin/address.js';
import type { BitcoinFaultCode } from './bitcoin.errors.js';

/** CAIP-2 chain ids: `bip122:` and the first 32 hex digits of the genesis block's hash. */
const NETWORKS: ReadonlyMap<string, BitcoinNetwork> = new Map([
  ['bip122:000000000019d6689c085ae165831e93', 'mainnet'],
  // Test networks 3 and 4 share their address format.
  ['bip122:000000000933ea01ad0ee984209779ba', 'testnet'],
  ['bip122:00000000da84f2bafbbc53dee25a72ae', 'testnet'],
  ['bip122:00000008819873e925422c1ff0f99f7c', 'signet'],
  ['bip122:0f9188f13cb7b2c71f2a335e3a4fc328', 'regtest'],
]);

/** Throws `chain-not-served`. */
export function networkOf(chain: string): BitcoinNetwork {
  const network = NETWORKS.get(chain);
  if (network === undefined) {
    throw new Fault<BitcoinFaultCode>('chain-not-served', 'no Bitcoin network has this chain id', {
      facts: { chain },
    });
  }
  return network;
}
