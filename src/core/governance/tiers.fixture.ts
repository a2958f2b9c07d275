// What tests of tiers and keys stand on: wallets of several tiers, SAFU with its custodians, and people who watch over what
// waits. For tests alone; not part of any program.

import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { portableVerifier } from '../statements/signature.js';
import type { Tier, Wallet } from './entry.js';
import {
  alice,
  BITCOIN,
  bob,
  GENESIS,
  type Genesis,
  genesisOf,
  newKey,
  personOf,
  stateOf,
} from './people.fixture.js';
import { replayGenesis } from './replay.js';
import type { GovernanceState } from './state.js';

/** Custodians of SAFU. */
export const gina = newKey('gina-1');
export const hugo = newKey('hugo-1');
/** Who may veto. */
export const erin = newKey('erin-1');
export const frank = newKey('frank-1');

/** Its public key is that of a small secret: no wallet that holds anything. */
export function tierWallet(walletId: string, tier: Tier, secret: number, chain = BITCOIN): Wallet {
  const publicKey = bytesToHex(secp256k1.getPublicKey(new Uint8Array(32).fill(secret)));
  const token = tier === 'safu' ? 'safu' : 'treasury';
  return { walletId, chain, tier, token, keys: [{ label: walletId, publicKey }] };
}

/** A deployment in which what loosens waits two seconds. */
export function slowWithTiers(wallets: readonly Wallet[], tokens: Genesis['tokens'] = []): GovernanceState {
  const genesis = genesisOf(
    {
      persons: [
        ...GENESIS.persons,
        personOf('gina', gina),
        personOf('hugo', hugo),
        personOf('erin', erin),
        personOf('frank', frank),
      ],
      groups: [
        ...GENESIS.groups,
        { groupId: 'custodians', members: ['gina', 'hugo'] },
        { groupId: 'guards', members: ['erin', 'frank'] },
      ],
      safu: { group: 'custodians', threshold: 2 },
      timelock: { whitelistMs: 1_000, policyMs: 2_000, veto: { group: 'guards', threshold: 1 } },
      wallets: [...GENESIS.wallets, ...wallets],
      tokens,
    },
    alice,
    bob,
    gina,
    hugo,
  );
  return stateOf(replayGenesis(genesis, portableVerifier));
}
