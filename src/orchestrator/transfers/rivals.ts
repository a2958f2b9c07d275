// Transactions that exclude each other: what replaces what, what a payment of the wallet to itself is to end, and whether
// anybody still wants one sent. Reads and links only; nothing is moved here.

import type { EntityManager } from 'typeorm';
import { TransactionCancelRow, TransactionRow, type TransferRow } from './transfer.entity.js';
import { cancelsOf, transfersOf } from './transfer.store.js';
import { isFinished, type TransactionState } from './transfer-states.js';

/** States in which a transaction may still be mined, or may still become one that may. */
export const ALIVE: readonly TransactionState[] = [
  'planned',
  'built',
  'signing',
  'signed',
  'broadcast',
  'mined',
  'indeterminate',
];

/**
 * Somebody still waits for it, or it pays nobody and holds the nonce of others. What people have closed is not sent again,
 * nor what they have outbid by a payment to the wallet itself.
 */
export async function isWanted(db: EntityManager, row: TransactionRow): Promise<boolean> {
  const transfers = await transfersOf(db, row.transactionKey);
  if (transfers.length === 0) return true;
  return transfers.some(({ state }) => !isFinished(state)) && !(await isOutbid(db, transfers));
}

const OUTBIDDING: readonly TransactionState[] = ['signed', 'broadcast', 'mined'];

async function isOutbid(db: EntityManager, transfers: readonly TransferRow[]): Promise<boolean> {
  for (const { transferId } of transfers) {
    const cancels = await cancelsOf(db, transferId);
    if (cancels.some(({ state }) => OUTBIDDING.includes(state))) return true;
  }
  return false;
}

/** What replaces a cancel cancels the same transfers, for whoever asked first. */
export async function cancelTheSame(db: EntityManager, from: string, to: string): Promise<void> {
  for (const link of await db.findBy(TransactionCancelRow, { transactionKey: from })) {
    await db.insert(TransactionCancelRow, { ...link, transactionKey: to });
  }
}

export async function hasReplacement(db: EntityManager, transactionKey: string): Promise<boolean> {
  const replacements = await db.findBy(TransactionRow, { replaces: transactionKey });
  return replacements.some((one) => ALIVE.includes(one.state));
}
