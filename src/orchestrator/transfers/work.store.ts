// What is due, and who has it. A worker claims one piece of work with a lease, and a number (the fence) that grows with
// every claim: a step that was thought dead and comes back finds that its number is no longer the newest, and its
// transaction is undone. The row of a wallet is also the lock under which its funds are reserved and given back.
//
// Order of locks, everywhere: own work row, the wallet's work row, transactions and transfers, limit counters.

import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import { Fault } from '../../core/fault.js';
import { isPostgres, rows, run, sqlInteger } from '../database/sql.js';
import type { TransferFaultCode } from './transfer.errors.js';

export const workKind = z.enum(['transfer', 'wallet', 'transaction']);
export type WorkKind = z.infer<typeof workKind>;

export interface Lease {
  readonly kind: WorkKind;
  readonly subject: string;
  readonly fence: number;
  /** Claims since the last step that succeeded, this one included. */
  readonly attempts: number;
  /** Its worker gives it back after this step, whatever is due then. */
  readonly last?: boolean;
}

/** A claim, with how far the governance log was mirrored when it was made; null before the first entry. */
export interface Claim {
  readonly lease: Lease;
  readonly governanceSequence: number | null;
}

const claimRow = z
  .object({
    kind: workKind,
    subject: z.string(),
    fence: sqlInteger,
    attempts: sqlInteger,
    governance: sqlInteger.nullable(),
  })
  .transform(({ governance, ...lease }): Claim => ({ lease, governanceSequence: governance }));

/** Makes work due, now or later; never later than it is due already. */
export async function wake(
  db: EntityManager,
  kind: WorkKind,
  subject: string,
  dueAtMs: number,
): Promise<void> {
  await run(
    db,
    `INSERT INTO work (kind, subject, due_at_ms, attempts, fence, lease_until_ms) VALUES (?, ?, ?, 0, 0, 0)
     ON CONFLICT (kind, subject) DO UPDATE SET due_at_ms =
       CASE WHEN work.due_at_ms IS NULL OR work.due_at_ms > excluded.due_at_ms
         THEN excluded.due_at_ms ELSE work.due_at_ms END`,
    [kind, subject, dueAtMs],
  );
}

/**
 * Makes work that will be looked at anyway due sooner, unless somebody is at it. For a row out of the order of locks: it
 * waits for none, since whoever holds that row may be waiting for one of ours.
 */
export async function nudge(
  db: EntityManager,
  kind: WorkKind,
  subject: string,
  dueAtMs: number,
): Promise<void> {
  await run(
    db,
    `UPDATE work SET due_at_ms = ? WHERE kind = ? AND subject IN
       (SELECT subject FROM work WHERE kind = ? AND subject = ? AND due_at_ms > ? ${isPostgres(db) ? 'FOR UPDATE SKIP LOCKED' : ''})`,
    [dueAtMs, kind, kind, subject, dueAtMs],
  );
}

/** All transfers that wait for people or for their turn are looked at again: what governs them has changed. */
export async function wakeWaitingTransfers(db: EntityManager, nowMs: number): Promise<void> {
  await run(
    db,
    `UPDATE work SET due_at_ms = ? WHERE kind = 'transfer' AND subject IN
       (SELECT transfer_id FROM transfers WHERE state IN ('screened', 'awaiting-approvals', 'approved'))`,
    [nowMs],
  );
}

/** The longest-due piece of work that nobody holds, or nothing. */
export async function claim(
  db: EntityManager,
  worker: string,
  nowMs: number,
  leaseMs: number,
): Promise<Claim | undefined> {
  const result: unknown = await rawUpdate(
    db,
    `WITH next AS MATERIALIZED (
       SELECT kind AS next_kind, subject AS next_subject FROM work
       WHERE due_at_ms <= ? AND lease_until_ms <= ? ORDER BY due_at_ms LIMIT 1 ${isPostgres(db) ? 'FOR UPDATE SKIP LOCKED' : ''})
     UPDATE work SET lease_owner = ?, lease_until_ms = ?, fence = fence + 1, attempts = attempts + 1
     FROM next WHERE kind = next_kind AND subject = next_subject
     RETURNING kind, subject, fence, attempts, (SELECT max(sequence) FROM governance_entries) AS governance`,
    [nowMs, nowMs, worker, nowMs + leaseMs],
  );
  return z.array(claimRow).parse(result)[0];
}

/**
 * After the clock was set back: what was put off until a time that is now far away is due at once, and a lease until then
 * is over. What waits for an expiry (`transfer`) keeps its time: that one means the clock, whatever it shows. Looking too
 * early is harmless, and whoever still works under such a lease is stopped by its fence.
 */
export async function afterClockWentBack(
  db: EntityManager,
  nowMs: number,
  bounds: {
    readonly longestPauseMs: number;
    /** Between two looks at a transaction that the chain has decided. */
    readonly longestWatchMs: number;
    readonly longestLeaseMs: number;
  },
): Promise<void> {
  const { longestPauseMs, longestWatchMs, longestLeaseMs } = bounds;
  await run(
    db,
    `UPDATE work SET due_at_ms = ? WHERE kind <> 'transfer' AND due_at_ms > ? AND (due_at_ms > ? OR NOT EXISTS
       (SELECT 1 FROM transactions WHERE kind = 'transaction' AND transaction_key = subject
         AND state IN ('final', 'failed', 'conflicted')))`,
    [nowMs, nowMs + longestPauseMs, nowMs + longestWatchMs],
  );
  // A transfer in one of these states waits for no time at all: its next step was due when the clock was ahead.
  await run(
    db,
    `UPDATE work SET due_at_ms = ? WHERE kind = 'transfer' AND due_at_ms > ? AND EXISTS
       (SELECT 1 FROM transfers WHERE transfer_id = subject AND state IN ('requested', 'screened', 'decided'))`,
    [nowMs, nowMs],
  );
  await run(db, 'UPDATE work SET lease_until_ms = 0 WHERE lease_until_ms > ?', [nowMs + longestLeaseMs]);
}

/** Takes the work row for the rest of the transaction and makes sure that the lease is still ours. Throws `lease-lost`. */
export async function hold(db: EntityManager, lease: Lease): Promise<void> {
  const fence = await lock(db, lease.kind, lease.subject);
  if (fence !== lease.fence) {
    throw new Fault<TransferFaultCode>('lease-lost', 'another worker has taken this step over', {
      facts: { kind: lease.kind, subject: lease.subject },
    });
  }
}

/** Takes a work row for the rest of the transaction, making it if need be. Its fence. */
export async function lock(db: EntityManager, kind: WorkKind, subject: string): Promise<number> {
  const known = await fenceForUpdate(db, kind, subject);
  if (known !== undefined) return known;
  await run(
    db,
    `INSERT INTO work (kind, subject, due_at_ms, attempts, fence, lease_until_ms) VALUES (?, ?, NULL, 0, 0, 0)
     ON CONFLICT (kind, subject) DO NOTHING`,
    [kind, subject],
  );
  const made = await fenceForUpdate(db, kind, subject);
  if (made === undefined) {
    throw new Fault<TransferFaultCode>('transfer-inconsistent', 'a work row has vanished');
  }
  return made;
}

async function fenceForUpdate(
  db: EntityManager,
  kind: WorkKind,
  subject: string,
): Promise<number | undefined> {
  const [row] = await rows(
    db,
    z.object({ fence: sqlInteger }),
    `SELECT fence FROM work WHERE kind = ? AND subject = ? ${isPostgres(db) ? 'FOR UPDATE' : ''}`,
    [kind, subject],
  );
  return row?.fence;
}

/**
 * The step is done: gives the lease back and says when to look again; null for not before somebody wakes it. `waits`
 * keeps the count of attempts, for a step that did nothing because its time has not come.
 */
export async function finish(
  db: EntityManager,
  lease: Lease,
  dueAtMs: number | null,
  waits = false,
): Promise<void> {
  await run(
    db,
    `UPDATE work SET due_at_ms = ?, attempts = ?, lease_owner = NULL, lease_until_ms = 0, last_fault = NULL
     WHERE kind = ? AND subject = ? AND fence = ?`,
    [dueAtMs, waits ? lease.attempts : 0, lease.kind, lease.subject, lease.fence],
  );
}

/**
 * The step is done, and the next one is due at once: the same worker keeps the lease for it, from now on for as long as a
 * new one. Nothing when it was to be given back after this step, or when somebody else has claimed the work meanwhile.
 */
export async function keep(
  db: EntityManager,
  lease: Lease,
  nowMs: number,
  leaseMs: number,
): Promise<Claim | undefined> {
  if (lease.last === true) {
    await finish(db, lease, nowMs);
    return undefined;
  }
  const result: unknown = await rawUpdate(
    db,
    `UPDATE work SET due_at_ms = ?, attempts = 1, lease_until_ms = ?, last_fault = NULL
     WHERE kind = ? AND subject = ? AND fence = ?
     RETURNING kind, subject, fence, attempts, (SELECT max(sequence) FROM governance_entries) AS governance`,
    [nowMs, nowMs + leaseMs, lease.kind, lease.subject, lease.fence],
  );
  return z.array(claimRow).parse(result)[0];
}

/** The step failed: gives the lease back, keeps the count of attempts, and says when to try again. */
export async function retryLater(
  db: EntityManager,
  lease: Lease,
  dueAtMs: number,
  fault: string,
): Promise<void> {
  await run(
    db,
    `UPDATE work SET due_at_ms = ?, lease_owner = NULL, lease_until_ms = 0, last_fault = ?
     WHERE kind = ? AND subject = ? AND fence = ?`,
    [dueAtMs, fault, lease.kind, lease.subject, lease.fence],
  );
}

/** UPDATE … RETURNING: TypeORM gives the rows on SQLite, and a pair of rows and count on PostgreSQL. */
async function rawUpdate(
  db: EntityManager,
  text: string,
  parameters: readonly (string | number)[],
): Promise<unknown> {
  const found = await rows(db, z.unknown(), text, parameters);
  const [first] = found;
  return isPostgres(db) && Array.isArray(first) ? (first as readonly unknown[]) : found;
}
