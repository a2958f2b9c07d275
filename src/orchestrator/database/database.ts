// The one door to the database, SQLite or PostgreSQL by URL. All work goes through `transaction` or `read`; nobody
// keeps an EntityManager. It does NOT synchronise schemas: migrate.ts does that from SQL.
//
// better-sqlite3 has one connection, on which the transactions of concurrent callers would become one. So on SQLite
// transactions run one after another, and reads go over a connection of their own that cannot write. Those that are asked
// for within one turn of the event loop share one commit, and so one wait for the disk; each is still undone by itself.

import 'reflect-metadata';
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { isAbsolute } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource, type EntityManager, type MixedList } from 'typeorm';
import type { Clock } from '../../core/clock.js';
import { Fault } from '../../core/fault.js';
import { type DatabaseFaultCode, isAway, isContention, isUndoneAlone } from './database.errors.js';
import { migrate, migrationsFolder, readMigrations } from './migrate.js';
import { SnakeCaseNames } from './naming.js';
import { PreparingClient } from './preparing-client.js';

export interface DatabaseOptions {
  /** `sqlite:/absolute/path` or `postgres://user:password@host:port/name`. Holds a secret: never logged. */
  readonly url: string;
  /** The entities of every feature that will use it. */
  readonly entities: MixedList<Entity>;
  readonly clock: Clock;
  /** PostgreSQL connections; default 10. */
  readonly poolSize?: number;
  /** Where the SQL files are; the shipped ones by default. */
  readonly migrationsFolder?: string;
}

type Entity = abstract new (...parameters: never[]) => object;

const MAX_WAITING = 10_000;
/** So many transactions share one commit on SQLite at most. */
const MOST_TOGETHER = 64;
const MAX_ATTEMPTS = 10;
const FIRST_PAUSE_MS = 5;
/** SQLite waits for a lock by holding the whole program up, so the waiting is done here, between attempts. */
const BUSY_TIMEOUT_MS = 25;
/** More than there are different statements in the program. */
const PREPARED_STATEMENTS = 500;
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;
const LOCK_TIMEOUT_MS = 10_000;
/** Transactions do database work alone, so one that is silent belongs to a program that is hung: its locks go first. */
const SILENT_TRANSACTION_MS = 10_000;

interface SqliteConnection {
  pragma(text: string): unknown;
}

/** True while the current call chain is inside a transaction or read of this module. */
const inside = new AsyncLocalStorage<true>();

/** A transaction that waits for its turn on SQLite. */
interface Turn {
  /** Does it; what to call when it is on the disk. */
  readonly work: (db: EntityManager) => Promise<() => void>;
  readonly failed: (error: unknown) => void;
}

/** After it SQLite may have undone more than the transaction that it failed. */
class Spoiled extends Error {
  constructor(
    readonly turn: Turn,
    override readonly cause: unknown,
  ) {
    super('a statement failed in a way that may have undone more than its transaction');
  }
}

/** What the parts of the program ask of it. */
export type DatabaseDoor = Pick<Database, 'transaction' | 'read'>;

export class Database {
  private turns: Turn[] = [];
  private taking: Promise<void> | undefined;
  private closed = false;

  private constructor(
    readonly dialect: 'sqlite' | 'postgres',
    private readonly writer: DataSource,
    /** On PostgreSQL the same pool. */
    private readonly reader: DataSource,
  ) {}

  /** Connects and migrates. Throws `database-url-malformed`, `migration-edited`, `migration-unknown`. */
  static async open(options: DatabaseOptions): Promise<Database> {
    const dialect = dialectOf(options.url);
    const writer = await dataSource(options, dialect, 'write').initialize();
    try {
      const folder = options.migrationsFolder ?? migrationsFolder();
      await retried(() => migrate(writer, readMigrations(folder, dialect), options.clock));
      const reader =
        dialect === 'postgres' ? writer : await dataSource(options, dialect, 'read').initialize();
      return new Database(dialect, writer, reader);
    } catch (error) {
      await writer.destroy();
      throw error;
    }
  }

  /**
   * Runs `work` in a transaction: READ COMMITTED on PostgreSQL (rows that a decision rests on are to be locked), alone
   * on SQLite. When the database says that it lost against another transaction, `work` runs again from its beginning,
   * so it must do nothing but database work. Throws `transaction-nested`, `database-overloaded`, `database-contended`,
   * `database-unreachable`.
   */
  async transaction<T>(work: (db: EntityManager) => Promise<T>): Promise<T> {
    this.check();
    const marked = (db: EntityManager) => inside.run(true, () => work(db));
    return retried(() => (this.dialect === 'sqlite' ? this.queued(marked) : this.writer.transaction(marked)));
  }

  /**
   * Reads outside any transaction: each statement sees what was committed when it began. Cannot write on SQLite. Throws as
   * `transaction`.
   */
  async read<T>(work: (db: EntityManager) => Promise<T>): Promise<T> {
    this.check();
    return retried(() => inside.run(true, () => work(this.reader.manager)));
  }

  /** Waits for what is under way, then closes the connections. Safe to call twice. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.taking;
    await this.writer.destroy();
    if (this.reader !== this.writer) await this.reader.destroy();
  }

  private check(): void {
    if (this.closed) throw new Fault<DatabaseFaultCode>('database-closed', 'the database is closed');
    // On SQLite the inner one would wait for the outer one for ever; on PostgreSQL it would not be part of it.
    if (inside.getStore()) {
      throw new Fault<DatabaseFaultCode>(
        'transaction-nested',
        'database work was begun inside other database work; pass the EntityManager on instead',
      );
    }
  }

  private queued<T>(work: (db: EntityManager) => Promise<T>): Promise<T> {
    if (this.turns.length >= MAX_WAITING) {
      throw new Fault<DatabaseFaultCode>('database-overloaded', 'too many transactions are waiting', {
        facts: { waiting: this.turns.length },
      });
    }
    return new Promise<T>((resolve, reject) => {
      const bound = AsyncResource.bind(work);
      const turn = async (db: EntityManager) => {
        const result = await bound(db);
        return () => resolve(result);
      };
      this.turns.push({ work: turn, failed: reject });
      this.taking ??= this.takeTurns();
    });
  }

  private async takeTurns(): Promise<void> {
    while (this.turns.length > 0) {
      await turnOfTheEventLoop();
      await this.commitTogether(this.turns.splice(0, MOST_TOGETHER));
    }
    this.taking = undefined;
  }

  /** Each caller hears what became of its own once all of them are on the disk. Never throws. */
  private async commitTogether(turns: readonly Turn[]): Promise<void> {
    const outcomes: (() => void)[] = [];
    try {
      await this.writer.transaction(async (db) => {
        const [turn, ...more] = turns;
        // What is alone is undone with the whole.
        if (turn && more.length === 0) outcomes.push(await turn.work(db));
        else for (const each of turns) outcomes.push(await withinOthers(db, each));
      });
    } catch (error) {
      if (error instanceof Spoiled) {
        this.turns.unshift(...turns.filter((turn) => turn !== error.turn));
        error.turn.failed(error.cause);
      } else for (const turn of turns) turn.failed(error);
      return;
    }
    for (const outcome of outcomes) outcome();
  }
}

/** What to tell the caller when it is committed. A savepoint undoes the one that fails. Throws Spoiled. */
async function withinOthers(db: EntityManager, turn: Turn): Promise<() => void> {
  try {
    return await db.transaction(turn.work);
  } catch (error) {
    if (!isUndoneAlone(error)) throw new Spoiled(turn, error);
    return () => turn.failed(error);
  }
}

function turnOfTheEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (isAway(error)) {
        throw new Fault<DatabaseFaultCode>('database-unreachable', 'the database does not answer', {
          cause: error,
        });
      }
      if (!isContention(error)) throw error;
      if (attempts >= MAX_ATTEMPTS) {
        throw new Fault<DatabaseFaultCode>(
          'database-contended',
          'a transaction lost against others too often',
          {
            facts: { attempts },
            cause: error,
          },
        );
      }
      await sleep(FIRST_PAUSE_MS * 2 ** (attempts - 1));
    }
  }
}

function dialectOf(url: string): 'sqlite' | 'postgres' {
  if (url.startsWith('sqlite:') && isAbsolute(url.slice('sqlite:'.length))) return 'sqlite';
  if (/^postgres(?:ql)?:\/\//.test(url)) return 'postgres';
  throw new Fault<DatabaseFaultCode>(
    'database-url-malformed',
    'the database URL is neither sqlite:/absolute/path nor postgres://…',
  );
}

function dataSource(
  options: DatabaseOptions,
  dialect: 'sqlite' | 'postgres',
  access: 'read' | 'write',
): DataSource {
  const common = {
    entities: options.entities,
    namingStrategy: new SnakeCaseNames(),
    synchronize: false,
    migrationsRun: false,
    logging: false,
  };
  if (dialect === 'postgres') {
    return new DataSource({
      ...common,
      type: 'postgres',
      url: options.url,
      extra: {
        Client: PreparingClient,
        max: options.poolSize ?? 10,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        keepAlive: true,
        statement_timeout: STATEMENT_TIMEOUT_MS,
        lock_timeout: LOCK_TIMEOUT_MS,
        idle_in_transaction_session_timeout: SILENT_TRANSACTION_MS,
      },
    });
  }
  return new DataSource({
    ...common,
    type: 'better-sqlite3',
    database: options.url.slice('sqlite:'.length),
    timeout: BUSY_TIMEOUT_MS,
    statementCacheSize: PREPARED_STATEMENTS,
    enableWAL: true,
    prepareDatabase: (connection: SqliteConnection) => {
      // Durable at every commit: in WAL mode NORMAL may lose the last ones when the power fails.
      connection.pragma('synchronous = FULL');
      // Or INSERT OR REPLACE would delete rows of append-only tables without asking their triggers.
      connection.pragma('recursive_triggers = ON');
      if (access === 'read') connection.pragma('query_only = ON');
    },
  });
}
