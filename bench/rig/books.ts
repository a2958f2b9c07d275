// A look into the orchestrator's database from outside, by key: how far a transfer has come.

import Database from 'better-sqlite3';
import pg from 'pg';

/** States of a transfer whose transaction is signed. */
const SIGNED: ReadonlySet<unknown> = new Set(['signed', 'broadcast', 'confirming', 'settled']);
const ENDED: ReadonlySet<unknown> = new Set([
  'refused',
  'expired',
  'cancelled',
  'failed',
  'void',
  'indeterminate',
]);
const STATE = 'SELECT state FROM transfers WHERE transfer_id =';

export interface BooksReader {
  /** Throws when the transfer has come to another end. */
  isSigned(transferId: string): Promise<boolean>;
  isSettled(transferId: string): Promise<boolean>;
  close(): Promise<void>;
}

export function readerOf(url: string): BooksReader {
  const door = url.startsWith('sqlite:') ? sqliteDoor(url.slice('sqlite:'.length)) : postgresDoor(url);
  return {
    isSigned: async (transferId) => {
      const state = await door.stateOf(transferId);
      if (ENDED.has(state)) throw new Error(`${transferId} ended as ${String(state)}`);
      return SIGNED.has(state);
    },
    isSettled: async (transferId) => (await door.stateOf(transferId)) === 'settled',
    close: () => door.close(),
  };
}

interface Door {
  stateOf(transferId: string): Promise<unknown>;
  close(): Promise<void>;
}

function stateIn(row: unknown): unknown {
  return typeof row === 'object' && row !== null && 'state' in row ? row.state : undefined;
}

function sqliteDoor(path: string): Door {
  // Opened when there is something to read: the orchestrator makes the file.
  let open: { readonly db: Database.Database; readonly state: Database.Statement } | undefined;
  return {
    stateOf: async (transferId) => {
      if (open === undefined) {
        const db = new Database(path, { readonly: true, timeout: 5_000 });
        open = { db, state: db.prepare(`${STATE} ?`) };
      }
      return stateIn(open.state.get(transferId));
    },
    close: async () => {
      open?.db.close();
      open = undefined;
    },
  };
}

function postgresDoor(url: string): Door {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  return {
    stateOf: async (transferId) => {
      const { rows } = await pool.query({ name: 'state', text: `${STATE} $1`, values: [transferId] });
      return stateIn(rows[0]);
    },
    close: () => pool.end(),
  };
}
