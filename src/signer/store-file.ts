// The file of the signer's store: SQLite, opened by one process at a time, and never made anew over what is there. What
// stands in it is for store.ts to judge.

import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { Fault } from '../core/fault.js';

export type StoreFaultCode =
  | 'store-missing'
  | 'store-exists'
  | 'store-in-use'
  | 'store-corrupt'
  | 'store-rolled-back'
  | 'store-diverged'
  | 'store-other-genesis'
  | 'store-not-written'
  | 'store-closed'
  | 'store-restore-unfinished';

/** Throws `store-in-use`, `store-corrupt`. */
export function openFile(path: string): Database.Database {
  const db = new Database(path, { timeout: 0 });
  try {
    // Before WAL is entered, so that the lock is on the file itself and no shared memory is used.
    db.pragma('locking_mode = EXCLUSIVE');
    db.pragma('journal_mode = WAL');
    // A commit is not waited for: `append` and `durable` see to what has to be on the disk.
    db.pragma('synchronous = NORMAL');
    // Takes the exclusive lock now, so that a second signer on the same file fails here and not at its first signature.
    db.exec('BEGIN IMMEDIATE; COMMIT;');
  } catch (cause) {
    db.close();
    // By its code and not by its class: the add-on keeps the first class that it was given for the whole process.
    const sqlite = String((cause as { code?: unknown }).code);
    throw sqlite.startsWith('SQLITE_BUSY')
      ? new Fault<StoreFaultCode>('store-in-use', 'another process has the signer store open', { cause })
      : new Fault<StoreFaultCode>('store-corrupt', 'the signer store cannot be opened', {
          cause,
          facts: { sqlite },
        });
  }
  return db;
}

/** Where projections are held: in a file that no path leads to, so that they need not fit into memory. */
export function openProjections(): Database.Database {
  const db = new Database('');
  // What undoes an entry that fails is no more than what came since the last commit.
  db.pragma('journal_mode = MEMORY');
  db.pragma('synchronous = OFF');
  db.pragma('cache_size = -16384');
  return db;
}

/**
 * Throws `store-exists` unless there is no store, or one without an entry: whoever was cut short right after making the file
 * leaves that behind, and would otherwise never come to the end. For the two acts that make a store; one without an entry
 * never serves.
 */
export function requireNothingWritten(path: string): void {
  if (!existsSync(path)) return;
  const db = openFile(path);
  try {
    const tables = db
      .prepare<[], { name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
      .all();
    const hasJournal = tables.some(({ name }) => name === 'journal');
    const entries =
      hasJournal && db.prepare<[], { one: number }>('SELECT 1 AS one FROM journal LIMIT 1').get();
    if (tables.length === 0 || (hasJournal && entries === undefined)) return;
  } finally {
    db.close();
  }
  throw new Fault<StoreFaultCode>('store-exists', 'there is a signer store already');
}
