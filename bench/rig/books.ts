// A look into the orchestrator's database from outside, by key: how far transfers have come. One look serves all who wait, so
// that looking takes little from what is measured.

import { setTimeout as sleep } from 'node:timers/promises';
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
const LOOK_MS = 5;

interface Waiting {
  readonly transferId: string;
  readonly deadline: number;
  readonly signed: () => void;
  readonly failed: (error: Error) => void;
}

export class BooksReader {
  private readonly door: Door;
  private waiting: Waiting[] = [];
  private looking: Promise<void> | undefined;

  constructor(url: string) {
    this.door = url.startsWith('sqlite:') ? sqliteDoor(url.slice('sqlite:'.length)) : postgresDoor(url);
  }

  /** Throws when the transfer has come to another end, or when the time is over. */
  untilSigned(transferId: string, withinMs: number): Promise<void> {
    return new Promise((signed, failed) => {
      this.waiting.push({ transferId, deadline: performance.now() + withinMs, signed, failed });
      this.looking ??= this.look().finally(() => {
        this.looking = undefined;
      });
    });
  }

  async isSettled(transferId: string): Promise<boolean> {
    return (await this.door.statesOf([transferId])).get(transferId) === 'settled';
  }

  private async look(): Promise<void> {
    while (this.waiting.length > 0) {
      const waiting = this.waiting;
      this.waiting = [];
      try {
        const states = await this.door.statesOf(waiting.map(({ transferId }) => transferId));
        this.waiting.push(...waiting.filter((one) => !settle(one, states.get(one.transferId))));
      } catch (error) {
        const fault = error instanceof Error ? error : new Error(String(error));
        for (const { failed } of waiting) failed(fault);
      }
      await sleep(LOOK_MS);
    }
  }

  async close(): Promise<void> {
    await this.looking;
    await this.door.close();
  }
}

/** True when there is nothing to wait for any more. */
function settle({ transferId, deadline, signed, failed }: Waiting, state: unknown): boolean {
  if (SIGNED.has(state)) signed();
  else if (ENDED.has(state)) failed(new Error(`${transferId} ended as ${String(state)}`));
  else if (performance.now() > deadline) failed(new Error(`${transferId} was not signed in time`));
  else return false;
  return true;
}

interface Door {
  /** What is not there is left out. */
  statesOf(transferIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  close(): Promise<void>;
}

interface StateRow {
  readonly transfer_id: string;
  readonly state: string;
}

function byId(rows: readonly StateRow[]): ReadonlyMap<string, string> {
  return new Map(rows.map((row) => [row.transfer_id, row.state]));
}

function sqliteDoor(path: string): Door {
  // Opened when there is something to read: the orchestrator makes the file.
  let open:
    | { readonly db: Database.Database; readonly state: Database.Statement<[string], StateRow> }
    | undefined;
  return {
    statesOf: async (transferIds) => {
      if (open === undefined) {
        const db = new Database(path, { readonly: true, timeout: 5_000 });
        open = { db, state: db.prepare('SELECT transfer_id, state FROM transfers WHERE transfer_id = ?') };
      }
      const { state } = open;
      return byId(transferIds.flatMap((transferId) => state.all(transferId)));
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
    statesOf: async (transferIds) => {
      const { rows } = await pool.query<StateRow>({
        name: 'states',
        text: 'SELECT transfer_id, state FROM transfers WHERE transfer_id = ANY($1)',
        values: [transferIds],
      });
      return byId(rows);
    },
    close: () => pool.end(),
  };
}
