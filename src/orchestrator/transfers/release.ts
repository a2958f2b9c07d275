// Giving up a plan that was certainly never signed: its inputs or nonce, its limits and its transfers go back to where
// they were before. It must NOT be called for anything that the signer may have seen, unless the signer says `unseen`.

import type { EntityManager } from 'typeorm';
import { type Facts, Fault } from '../../core/fault.js';
import { type PlannedTransaction } from '../chains/chain-driver.js';
import { run } from '../database/sql.js';
import { giveBack } from './limit.store.js';
import { type PipelineParts, servedWallet } from './pipeline.js';
import type { TransactionRow, TransferRow } from './transfer.entity.js';
import type { TransferFaultCode } from './transfer.errors.js';
import {
  moveTransaction,
  moveTransfer,
  transactionForUpdate,
  transferIdsOf,
  transfersOfForUpdate,
} from './transfer.store.js';
import type { TransferState } from './transfer-states.js';
import { wake } from './work.store.js';

/** Where a transfer goes when its plan is given up. */
export interface Fate {
  readonly to: Extract<TransferState, 'approved' | 'refused' | 'expired' | 'cancelled' | 'void'>;
  readonly reason: string;
  readonly facts?: Facts;
  /** The signer refused the plan, for a reason that was not this transfer's own. */
  readonly signerRefused?: boolean;
  /** Why it is not planned again at once. */
  readonly waitingFor?: string;
}

export interface Giving {
  /** For the transaction itself. */
  readonly reason: string;
  readonly facts?: Facts;
  readonly nowMs: number;
  readonly by: string;
  readonly fateOf: (transfer: TransferRow) => Fate;
  /** A person gives it up, with the signer's word that it is void: the signer may have begun it, and never signs it. */
  readonly voided?: boolean;
}

/** Bound on what one release can make invalid: unsigned later nonces of one wallet. */
const MAX_CASCADE = 1_000;

export async function plannedOf(db: EntityManager, row: TransactionRow): Promise<PlannedTransaction> {
  return {
    transactionKey: row.transactionKey,
    walletId: row.walletId,
    chain: row.chain,
    transferIds: await transferIdsOf(db, row.transactionKey),
    replaces: row.replaces ?? undefined,
    plan: row.plan,
    maxFee: row.maxFee,
  };
}

/**
 * Gives up a transaction, and the later ones that rest on it. The caller has locked the transaction's own work row and
 * then the wallet's. Throws `release-blocked` when a later one is being signed already: then nothing is given up.
 */
export async function releaseTransaction(
  db: EntityManager,
  parts: PipelineParts,
  row: TransactionRow,
  giving: Giving,
): Promise<void> {
  const { driver } = servedWallet(parts, row.walletId);
  await releaseOne(db, row, giving);
  const waiting = [...(await driver.release(db, await plannedOf(db, row), giving.voided === true))];
  for (let count = 0; waiting.length > 0; count += 1) {
    const key = waiting.shift();
    if (key === undefined || count > MAX_CASCADE) break;
    const later = await transactionForUpdate(db, key);
    if (later.state === 'released') continue;
    if (later.state !== 'planned' && later.state !== 'built') {
      throw new Fault<TransferFaultCode>('release-blocked', 'a later transaction is being signed already', {
        facts: { transactionKey: row.transactionKey, later: key, state: later.state },
      });
    }
    const because = { reason: 'earlier-plan-released', facts: { released: row.transactionKey } };
    await releaseOne(db, later, {
      ...giving,
      ...because,
      voided: false,
      fateOf: () => ({ to: 'approved', ...because }),
    });
    waiting.push(...(await driver.release(db, await plannedOf(db, later))));
  }
  await wake(db, 'wallet', row.walletId, giving.nowMs);
}

async function releaseOne(db: EntityManager, row: TransactionRow, giving: Giving): Promise<void> {
  const { reason, facts = {}, nowMs, by, fateOf, voided } = giving;
  const mover = voided ? 'person' : 'program';
  await moveTransaction(db, row, 'released', nowMs, { reason, facts }, mover);
  await run(db, "UPDATE work SET due_at_ms = NULL WHERE kind = 'transaction' AND subject = ?", [
    row.transactionKey,
  ]);
  // The transfers of a replacement are paid by the one that it was to replace: they stay where they are.
  if (row.replaces !== null) return;
  const transfers = (await transfersOfForUpdate(db, row.transactionKey)).filter(
    // Others have been closed by people, or are paid by another plan by now.
    ({ state, transactionKey }) =>
      !voided || (state === 'indeterminate' && transactionKey === row.transactionKey),
  );
  await giveBack(
    db,
    // What was signed for them once and is dead has charged their limits, for good.
    transfers.flatMap(({ transferId, burials }) => (burials > 0 ? [] : [transferId])),
  );
  for (const transfer of transfers) {
    const fate = fateOf(transfer);
    const signerRefusals = transfer.signerRefusals + (fate.signerRefused === true ? 1 : 0);
    await moveTransfer(
      db,
      transfer,
      fate.to,
      { reason: fate.reason, facts: fate.facts ?? {}, nowMs, by },
      { transactionKey: null, signerRefusals, waitingFor: fate.waitingFor ?? null },
      mover,
    );
    if (fate.to === 'approved') await wake(db, 'transfer', transfer.transferId, nowMs);
  }
}
