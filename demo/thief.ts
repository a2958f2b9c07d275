// Somebody who can write to the orchestrator's database. What he does is one UPDATE on the row in which a finished
// transaction waits for its signature; nothing here is part of the product.

import Database from 'better-sqlite3';
import { z } from 'zod';
import { scriptOfAddress } from '../src/core/intents/bitcoin/address.js';
import { expect, until } from './failure.js';
import { places } from './stage.js';

const WAITING_WITHIN_MS = 30_000;
const BUSY_TIMEOUT_MS = 5_000;

const psbt = z.object({ base64: z.string() });
const waitingRow = z.object({ transaction_key: z.string(), unsigned: z.string() }).optional();

function withDatabase<T>(work: (database: Database.Database) => T): T {
  const database = new Database(places.database, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** Waits until the transfer's transaction is built and waits for its signature. Returns its key. */
export function transactionWaiting(transferId: string): Promise<string> {
  return until('the transaction to wait for its signature', WAITING_WITHIN_MS, async () =>
    withDatabase(
      (database) =>
        waitingRow.parse(
          database
            .prepare(
              `SELECT t.transaction_key, t.unsigned FROM transactions t
               JOIN transaction_transfers x ON x.transaction_key = t.transaction_key
               WHERE x.transfer_id = ? AND t.state = 'signing' AND t.unsigned IS NOT NULL`,
            )
            .get(transferId),
        )?.transaction_key,
    ),
  );
}

/**
 * Puts another destination of the same kind into the bytes of the waiting transaction (a PSBT, BIP-174). Returns how many
 * rows that changed.
 */
export function changeDestination(transactionKey: string, from: string, to: string): number {
  return withDatabase((database) => {
    const row = waitingRow.parse(
      database
        .prepare('SELECT transaction_key, unsigned FROM transactions WHERE transaction_key = ?')
        .get(transactionKey),
    );
    const { base64 } = psbt.parse(JSON.parse(row?.unsigned ?? ''));
    const changed = Buffer.from(base64, 'base64');
    const at = changed.indexOf(scriptOf(from));
    if (at < 0) return 0;
    scriptOf(to).copy(changed, at);
    const unsigned = JSON.stringify({ kind: 'psbt', base64: changed.toString('base64') });
    return database
      .prepare('UPDATE transactions SET unsigned = ? WHERE transaction_key = ?')
      .run(unsigned, transactionKey).changes;
  });
}

function scriptOf(address: string): Buffer {
  const script = scriptOfAddress(address, 'regtest');
  expect(script.kind === 'accepted', `${address} is no address`);
  return Buffer.from(script.value, 'hex');
}
