// A long past for the signer: its newest reservation and signature, cloned through its own store, so that the chain of
// hashes, the seals and all that follows from the journal are real; only the signatures in it are copies. For a stopped
// signer.

import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Deployment } from '../../devnet/deployment.js';
import type { Reservation } from '../../src/core/certificates/reservation.js';
import type { SignedRecord } from '../../src/signer/journal.js';
import { readSeal } from '../../src/signer/seal.js';
import { SignerStore } from '../../src/signer/store.js';

/** Where nothing has to reach a disk: each entry is a commit of its own. */
const MEMORY = '/dev/shm';

/** Adds `count` signed transactions after the newest one, under the nonces that follow. */
export async function giveJournalAPast(deployment: Deployment, count: number): Promise<void> {
  const { storePath } = deployment.config();
  const folder = mkdtempSync(join(MEMORY, 'portcullis-journal-'));
  const copy = join(folder, 'signer.db');
  // A store that was closed has nothing left beside its file.
  if (existsSync(`${storePath}-wal`)) throw new Error('the signer was not closed in order');
  copyFileSync(storePath, copy);
  try {
    await appendClones(deployment, copy, count);
    copyFileSync(copy, storePath);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function appendClones(deployment: Deployment, path: string, count: number): Promise<void> {
  const token = deployment.spawnTreasury();
  const store = SignerStore.open(path, await readSeal(token));
  try {
    const { reserved, signed } = newestSigned(store);
    for (let number = 1; number <= count; number += 1) {
      const clone = { ...cloneOf(reserved, number), ...store.ledger.nextReservation() };
      store.append(clone);
      store.append({ ...signed, transactionKey: clone.transactionKey });
    }
  } finally {
    store.close();
    await token.close();
  }
}

function newestSigned(store: SignerStore): { reserved: Reservation; signed: SignedRecord } {
  const { sequence } = store.head();
  const signed = store.read(sequence).body;
  const reserved = store.read(sequence - 1).body;
  if (signed.kind !== 'signed' || reserved.kind !== 'reserved')
    throw new Error('the journal does not end with a signature');
  return { reserved, signed };
}

function cloneOf(template: Reservation, number: number): Reservation {
  const digits = number.toString(16).padStart(40, '0');
  const nonce = BigInt(template.nonce ?? '0') + BigInt(number);
  return {
    ...template,
    transactionKey: `ethereum:${template.walletId}:${digits.padStart(64, 'c')}`,
    spends: template.spends.map((spend) => spend.replace(/[0-9]+$/, nonce.toString())),
    nonce: nonce.toString(),
    transfers: template.transfers.map((transfer) => ({
      ...transfer,
      requestId: `past-${number}`,
      requestDigest: digits.padStart(64, 'd'),
      decision: { ...transfer.decision, transferId: `tr-${digits}` },
    })),
  };
}
