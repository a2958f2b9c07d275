// One Bitcoin chain as the configuration has it: its settings, network and nodes.

import type { BitcoinNetwork } from '../../../core/intents/bitcoin/address.js';
import { BitcoinNode } from './bitcoin-node.js';
import type { Post } from './bitcoin-rpc.js';
import { networkOf } from './network-of.js';
import type { BitcoinSettings } from './settings.js';

export interface BitcoinChain {
  /** CAIP-2. */
  readonly chain: string;
  readonly network: BitcoinNetwork;
  readonly settings: BitcoinSettings;
  readonly node: BitcoinNode;
}

/** Its nodes are asked over HTTP unless `post` is given. Throws `chain-not-served` for a genesis block that no known network has. */
export function bitcoinChain(chain: string, settings: BitcoinSettings, post?: Post): BitcoinChain {
  return { chain, network: networkOf(chain), settings, node: new BitcoinNode(chain, settings, post) };
}
