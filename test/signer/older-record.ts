// The record on the token as it was written when records had no entry of governance, in place of the newest one. The signer
// has to be stopped, and its store lost: a journal does not know the record that is made here.

import type { Deployment } from '../../devnet/deployment.js';
import { ANCHOR_RECORD, anchorValue } from '../../src/signer/anchor.js';
import { readRecord, type StartOptions } from '../../src/signer/start.js';

export async function writeOlderRecord(deployment: Deployment, options: StartOptions): Promise<void> {
  const { genesisHash, sequence, hash, ...outliving } = await readRecord(deployment.config(), options);
  const token = deployment.spawnTreasury();
  try {
    const value = anchorValue(genesisHash, hash, { ...outliving, governance: undefined });
    // Versions are sequences plus one, and only grow.
    await token.writeRecord(ANCHOR_RECORD, { version: BigInt(sequence) + 2n, value });
  } finally {
    await token.close();
  }
}
