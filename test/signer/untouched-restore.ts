// A quorum's word over a lost store whose wallets never paid anything, signed by two officers.

import { BITCOIN, type Deployment, ETHEREUM, officersSign } from '../../devnet/deployment.js';
import { addressOfPublicKey } from '../../src/core/intents/ethereum/address.js';
import {
  RESTORE_TYPE,
  type Restore,
  type RestoreStatement,
  restoreBytes,
} from '../../src/core/recovery/restore.js';
import type { JournalHead } from '../../src/signer/store.js';

const HOUR_MS = 3_600_000;

/** `lost` is what the record on the token says of the lost journal. */
export function untouchedRestore(deployment: Deployment, lost: JournalHead, nowMs: number): Restore {
  const block = { height: 900, hash: 'b'.repeat(64) };
  const statement: RestoreStatement = {
    type: RESTORE_TYPE,
    deploymentId: deployment.deploymentId,
    governanceSequence: deployment.log.length - 1,
    governanceHead: deployment.head,
    lost: { sequence: lost.sequence, hash: lost.hash },
    wallets: [
      {
        family: 'bitcoin',
        walletId: 'hot-btc',
        chain: BITCOIN,
        block,
        unspent: [],
        refreshFeeCeiling: '5000',
      },
      {
        family: 'ethereum',
        walletId: 'hot-eth',
        chain: ETHEREUM,
        address: addressOfPublicKey(deployment.publicKeys.ethereum),
        block,
        minedNonces: 0,
        nextNonce: 0,
        refreshFeeCeiling: '1000000000000000',
      },
    ],
    createdAtMs: nowMs,
    expiresAtMs: nowMs + HOUR_MS,
  };
  return {
    statement,
    signatures: officersSign(restoreBytes(statement), [deployment.alice, deployment.bob]),
  };
}
