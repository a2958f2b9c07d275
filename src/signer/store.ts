// The signer's store: one SQLite file that holds the journal and what follows from it. It is opened by one process at
// a time, and never made anew when it is missing: that is an act of its own
// (`create`), done at the ceremony.
//
// Whoever can write to the file is not believed: entries are chained, the record on the token pins one of them, and what
// stands above that, like the heartbeat, carries a seal that only who is logged in to the token can make.

import { chmodSync, closeSync, existsSync, fdatasync, openSync, rmSync } from 'node:fs';
import { promisify } from 'node:util';
import type Database from 'better-sqlite3';
import type { ReservationEnd } from '../core/certificates/reservation.js';
import { Fault } from '../core/fault.js';
import type { GovernanceEntry } from '../core/governance/entry.js';
import type { GovernanceEnd } from '../core/recovery/restore.js';
import {
  BEFORE_FIRST,
  type JournalBody,
  type JournalEntry,
  journalBody,
  journalHash,
  journalText,
  type Restored,
  type VouchedHead,
} from './journal.js';
import { Ledger } from './ledger.js';
import { JOURNAL_SCHEMA } from './schema.js';
import type { Seal } from './seal.js';
import type { Instant } from './signer-clock.js';
import { openFile, openProjections, requireNothingWritten, type StoreFaultCode } from './store-file.js';

/** Entries held in memory at a time while the store is opened. */
const LOAD_PAGE = 200;

/** Resolves once everything written to an open file is on the disk. */
export type SyncFile = (descriptor: number) => Promise<void>;

const syncFile: SyncFile = promisify(fdatasync);
const immediately = promisify(setImmediate);

export interface JournalHead {
  readonly sequence: number;
  readonly hash: string;
}

interface Row {
  readonly sequence: number;
  readonly hash: string;
  readonly seal: string;
  readonly body: string;
}

function entryOf({ sequence, hash, body }: Row): JournalEntry {
  return { sequence, hash, body: journalBody.parse(JSON.parse(body)) };
}

export class SignerStore {
  readonly ledger: Ledger;
  private readonly begin: Database.Statement;
  private readonly end: Database.Statement;
  private readonly insert: Database.Statement;
  private readonly select: Database.Statement<[number], Row>;
  /** What comes before the first entry: nothing, or the record of a lost journal that this one goes on from. */
  private base: JournalHead = { sequence: -1, hash: BEFORE_FIRST };
  private newest: JournalHead = this.base;
  /** The newest entry that is known to be on the disk. What a life before left in SQLite's log need not be. */
  private written = Number.NEGATIVE_INFINITY;
  /** The write to the disk that is under way. */
  private lastWrite: Promise<void> | undefined;
  /** The one that holds whatever is added until it begins. */
  private nextWrite: Promise<void> | undefined;
  /** SQLite's write-ahead log, opened to be synced. SQLite locks the other file, so closing this one frees nothing. */
  private log: number | undefined;
  private broken: Fault | undefined;

  private constructor(
    private readonly db: Database.Database,
    private readonly projections: Database.Database,
    private readonly seal: Seal,
    private readonly sync: SyncFile = syncFile,
  ) {
    db.exec(JOURNAL_SCHEMA);
    this.ledger = new Ledger(projections);
    this.begin = db.prepare('BEGIN IMMEDIATE');
    this.end = db.prepare('COMMIT');
    this.insert = db.prepare('INSERT INTO journal (sequence, hash, seal, body) VALUES (?, ?, ?, ?)');
    this.select = db.prepare<[number], Row>(
      'SELECT sequence, hash, seal, body FROM journal WHERE sequence = ?',
    );
  }

  /** A new store that begins with a genesis. Throws `store-exists`. */
  static create(path: string, genesis: GovernanceEntry, seal: Seal): SignerStore {
    requireNothingWritten(path);
    const store = SignerStore.made(path, seal);
    store.append({ kind: 'genesis', entry: genesis });
    return store;
  }

  /**
   * A store that goes on where a lost one ended, with what a quorum's restore says and the governance log as it was. All of
   * it is there or nothing. Restore and log have been verified by the caller. Throws `store-exists`.
   */
  static restore(path: string, begin: Restored, log: readonly GovernanceEntry[], seal: Seal): SignerStore {
    requireNothingWritten(path);
    const store = SignerStore.made(path, seal);
    try {
      const entries = () => {
        store.goOnFrom(begin);
        store.appendSoon(begin);
        for (const entry of log) {
          const { sequence } = entry.body;
          store.appendSoon(
            sequence === 0 ? { kind: 'genesis', entry } : { kind: 'governance', at: begin.at, entry },
          );
        }
      };
      store.onDisk(entries);
    } catch (error) {
      store.close();
      // Made a moment ago, and nothing came into it: whoever tries again finds no store, as before.
      for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
      throw error;
    }
    return store;
  }

  private static made(path: string, seal: Seal): SignerStore {
    const store = new SignerStore(openFile(path), openProjections(), seal);
    // It names customers and holds transactions that may not have been broadcast yet. SQLite's other files follow it.
    chmodSync(path, 0o600);
    return store;
  }

  private goOnFrom({ restore: { statement } }: Restored): void {
    this.base = statement.lost;
    this.newest = statement.lost;
  }

  /** The restore that this store began with. */
  restoredFrom(): Restored | undefined {
    const row = this.select.get(this.base.sequence + 1);
    const body = row && entryOf(row).body;
    return body?.kind === 'restored' ? body : undefined;
  }

  /**
   * Opens the store that is there, recomputes its whole chain, and projects it. Whether it is also the newest one is
   * asked by `requireAnchor`. Throws `store-missing`, `store-in-use`, `store-corrupt`.
   */
  static open(path: string, seal: Seal, sync?: SyncFile): SignerStore {
    if (!existsSync(path)) {
      throw new Fault<StoreFaultCode>(
        'store-missing',
        'the signer store is missing; it is never made anew silently',
      );
    }
    const db = openFile(path);
    const projections = openProjections();
    try {
      const store = new SignerStore(db, projections, seal, sync);
      store.load();
      return store;
    } catch (cause) {
      db.close();
      projections.close();
      if (cause instanceof Fault) throw cause;
      throw new Fault<StoreFaultCode>('store-corrupt', 'the signer store cannot be read', { cause });
    }
  }

  private load(): void {
    const page = this.db.prepare<[number, number], Row>(
      'SELECT sequence, hash, seal, body FROM journal WHERE sequence > ? ORDER BY sequence LIMIT ?',
    );
    this.db.transaction(() => {
      let rows = page.all(-1, LOAD_PAGE);
      while (rows.length > 0) {
        for (const row of rows) this.project(row);
        rows = page.all(this.newest.sequence, LOAD_PAGE);
      }
    })();
    if (this.newest === this.base) throw new Fault<StoreFaultCode>('store-corrupt', 'the journal is empty');
  }

  /** Takes in one stored entry. Throws `store-corrupt` unless it follows from the one before it and was written here. */
  private project(row: Row): void {
    const parsed = journalBody.safeParse(JSON.parse(row.body));
    const isFirst = this.newest.sequence < 0;
    if (isFirst && parsed.data?.kind === 'restored') this.goOnFrom(parsed.data);
    const sequence = this.newest.sequence + 1;
    const hash = journalHash(this.newest.hash, sequence, row.body);
    const sealed = row.seal === this.seal.ofEntry(sequence, hash);
    const follows = row.sequence === sequence && row.hash === hash && sealed && parsed.success;
    // A restore stands only before everything else, genesis only there or right after it.
    const wanted = isFirst ? ['genesis', 'restored'] : this.afterRestore() ? ['genesis'] : undefined;
    const isBeginning = parsed.data?.kind === 'genesis' || parsed.data?.kind === 'restored';
    const isInPlace = wanted ? wanted.includes(parsed.data?.kind ?? '') : !isBeginning;
    if (!follows || !isInPlace) {
      throw new Fault<StoreFaultCode>(
        'store-corrupt',
        'an entry of the journal does not follow from the one before',
        {
          facts: { sequence: row.sequence, expected: sequence },
        },
      );
    }
    this.ledger.apply({ sequence, hash, body: parsed.data }, () => undefined);
    this.newest = { sequence, hash };
  }

  private afterRestore(): boolean {
    return this.base.sequence >= 0 && this.newest.sequence === this.base.sequence + 1;
  }

  head(): JournalHead {
    return this.newest;
  }

  /** The newest checkpoint as of the head. */
  checkpoint(): VouchedHead | undefined {
    return this.ledger.newestCheckpoint();
  }

  /** What the record on the token remembers beyond this store, as of the head. */
  outliving(): {
    readonly checkpoint: VouchedHead | undefined;
    readonly reservation: ReservationEnd | undefined;
    readonly governance: GovernanceEnd | undefined;
  } {
    return {
      checkpoint: this.checkpoint(),
      reservation: this.ledger.newestReservation(),
      governance: this.ledger.newestGovernance(),
    };
  }

  /** Adds an entry and everything that follows from it, in one durable commit. Nothing of it holds when it throws. */
  append(body: JournalBody): JournalEntry {
    this.requireWhole();
    const entry = this.onDisk(() => this.add(body, journalText(body)));
    this.newest = { sequence: entry.sequence, hash: entry.hash };
    return entry;
  }

  /** One commit that is on the disk when this returns, and with it all that came before. */
  private onDisk<T>(work: () => T): T {
    this.commit();
    this.db.pragma('synchronous = FULL');
    let isDone = false;
    try {
      return this.db.transaction(() => {
        const result = work();
        isDone = true;
        return result;
      })();
    } catch (error) {
      if (isDone) this.giveUp(error);
      throw error;
    } finally {
      this.db.pragma('synchronous = NORMAL');
    }
  }

  /**
   * Adds an entry that is kept only once `durable` has resolved: nothing may follow from it outside this process before, and
   * a crash may leave nothing of it. What comes together is committed together. Of an entry that is refused nothing holds.
   * `text` is that of the body, for whoever has it already.
   */
  appendSoon(body: JournalBody, text = journalText(body)): JournalEntry {
    this.requireWhole();
    if (!this.db.inTransaction) this.begin.run();
    try {
      const entry = this.add(body, text);
      this.newest = { sequence: entry.sequence, hash: entry.hash };
      return entry;
    } catch (error) {
      // A full or failing disk can end the whole transaction, and with it the entries before this one.
      if (!this.db.inTransaction) this.giveUp(error);
      throw error;
    }
  }

  private add(body: JournalBody, text: string): JournalEntry {
    const sequence = this.newest.sequence + 1;
    const entry: JournalEntry = { sequence, hash: journalHash(this.newest.hash, sequence, text), body };
    let isWritten = false;
    try {
      this.ledger.apply(entry, () => {
        this.insert.run(sequence, entry.hash, this.seal.ofEntry(sequence, entry.hash), text);
        isWritten = true;
      });
    } catch (error) {
      // The journal would say more than the ledger.
      if (isWritten || !this.ledger.isWhole()) this.giveUp(error);
      throw error;
    }
    return entry;
  }

  /** After a commit that failed, what this store says and what its file says are two things. */
  private commit(): void {
    if (!this.db.inTransaction) return;
    try {
      this.end.run();
    } catch (cause) {
      throw this.giveUp(cause);
    }
  }

  private requireWhole(): void {
    if (this.broken) throw this.broken;
  }

  private giveUp(cause: unknown): Fault {
    this.broken ??= new Fault<StoreFaultCode>(
      'store-not-written',
      'the signer store cannot be written to its disk',
      { cause },
    );
    return this.broken;
  }

  /**
   * Resolves once every entry so far is on the disk. Whoever asks within one turn of the event loop, or while an earlier
   * write is under way, shares one write.
   */
  durable(): Promise<void> {
    if (this.broken) return Promise.reject(this.broken);
    if (this.written === this.newest.sequence) return Promise.resolve();
    this.nextWrite ??= this.writeAfter(this.lastWrite);
    return this.nextWrite;
  }

  /** Begins when the write before has ended: that one need not hold what came after it began. */
  private async writeAfter(before: Promise<void> | undefined): Promise<void> {
    await (before ?? immediately());
    this.nextWrite = undefined;
    this.lastWrite = this.writeOut();
    await this.lastWrite;
  }

  /**
   * SQLite appends every commit to its write-ahead log; with that on the disk, so are they all. What could not be written
   * may be lost without another error, so after a failure this store is good for nothing more.
   */
  private async writeOut(): Promise<void> {
    this.requireWhole();
    const { sequence } = this.newest;
    this.commit();
    try {
      this.log ??= openSync(`${this.db.name}-wal`, 'r');
      await this.sync(this.log);
    } catch (cause) {
      throw this.giveUp(cause);
    }
    this.requireWhole();
    this.lastWrite = undefined;
    this.written = sequence;
  }

  /** Throws `store-corrupt` when there is no such entry: callers name entries that the ledger told them of. */
  read(sequence: number): JournalEntry {
    return entryOf(this.row(sequence));
  }

  /** The hash of the entry before one, which a lost journal may have had. */
  hashBefore(sequence: number): string {
    return sequence - 1 === this.base.sequence ? this.base.hash : this.row(sequence - 1).hash;
  }

  private row(sequence: number): Row {
    const row = this.select.get(sequence);
    if (!row)
      throw new Fault<StoreFaultCode>('store-corrupt', 'a journal entry is missing', { facts: { sequence } });
    return row;
  }

  /**
   * Governance entries in order, from a sequence of the governance log: at most `limit`, and no further ones once they
   * come to `enoughCharacters`.
   */
  governance(
    fromSequence: number,
    limit: number,
    enoughCharacters = Number.MAX_SAFE_INTEGER,
  ): GovernanceEntry[] {
    const entries: GovernanceEntry[] = [];
    let characters = 0;
    for (const sequence of this.ledger.governanceSequences(fromSequence, limit)) {
      if (characters >= enoughCharacters) break;
      const row = this.row(sequence);
      characters += row.body.length;
      const { body } = entryOf(row);
      if (body.kind !== 'genesis' && body.kind !== 'governance') {
        throw new Fault<StoreFaultCode>('store-corrupt', 'a governance entry is not one', {
          facts: { sequence },
        });
      }
      entries.push(body.entry);
    }
    return entries;
  }

  /**
   * Is this store at least as new as what the token remembers, and of the same history? Throws `store-rolled-back` when
   * it ends before the pinned entry, `store-diverged` when the pinned entry is another one.
   */
  requireAnchor(pinned: JournalHead): void {
    if (pinned.sequence > this.newest.sequence) {
      throw new Fault<StoreFaultCode>(
        'store-rolled-back',
        'the store is older than the record on the token',
        {
          facts: { store: this.newest.sequence, token: pinned.sequence },
        },
      );
    }
    if (this.base.sequence >= 0 && pinned.sequence === this.base.sequence && pinned.hash === this.base.hash) {
      throw new Fault<StoreFaultCode>(
        'store-restore-unfinished',
        'the store was restored and the record on the token was not brought up to it: restore again',
        { facts: { sequence: pinned.sequence } },
      );
    }
    const row = this.select.get(pinned.sequence);
    if (row?.hash !== pinned.hash) {
      throw new Fault<StoreFaultCode>(
        'store-diverged',
        'the store has another history than the record on the token',
        {
          facts: { sequence: pinned.sequence },
        },
      );
    }
  }

  private instantIn(
    table: 'heartbeat' | 'told_time',
    sealOf: (instant: Instant, base: JournalHead) => string,
  ): Instant | undefined {
    const row = this.db
      .prepare<[], { wall_ms: number; measured_ms: number; seal: string }>(
        `SELECT wall_ms, measured_ms, seal FROM ${table}`,
      )
      .get();
    if (!row) return undefined;
    const instant = { wallMs: row.wall_ms, measuredMs: row.measured_ms };
    if (row.seal === sealOf(instant, this.base)) return instant;
    throw new Fault<StoreFaultCode>('store-corrupt', `the ${table} in the store is not of this signer`);
  }

  private putInstant(table: 'heartbeat' | 'told_time', { wallMs, measuredMs }: Instant, seal: string): void {
    this.db
      .prepare(
        `INSERT INTO ${table} (only, wall_ms, measured_ms, seal) VALUES (1, ?, ?, ?) ON CONFLICT (only)
         DO UPDATE SET wall_ms = excluded.wall_ms, measured_ms = excluded.measured_ms, seal = excluded.seal`,
      )
      .run(wallMs, measuredMs, seal);
  }

  /** What the heartbeat says. Throws `store-corrupt` when it was not written for this journal: it could free limits. */
  private lastBeat(): Instant {
    const beat = this.instantIn('heartbeat', (instant, base) => this.seal.ofHeartbeat(instant, base));
    return beat ?? { wallMs: 0, measuredMs: 0 };
  }

  /** When somebody told the time last, as far as it was written. Throws `store-corrupt`, as for the heartbeat. */
  toldTime(): Instant | undefined {
    return this.instantIn('told_time', (instant, base) => this.seal.ofToldTime(instant, base));
  }

  /** The newest instant that was written: by an entry or by a heartbeat. Throws `store-corrupt`. */
  lastInstant(): Instant {
    return later(this.lastBeat(), this.ledger.lastInstant());
  }

  /**
   * Remembers the time, and when it was told. Losing a heartbeat only makes limits last longer, and rules with hours wait until
   * somebody tells the time again.
   */
  beat(now: Instant, told?: Instant): void {
    this.commit();
    const beat = later(this.lastBeat(), now);
    this.putInstant('heartbeat', beat, this.seal.ofHeartbeat(beat, this.base));
    if (told) this.putInstant('told_time', told, this.seal.ofToldTime(told, this.base));
  }

  /** What nobody has waited for is gone, as after a crash. */
  close(): void {
    this.broken ??= new Fault<StoreFaultCode>('store-closed', 'the signer store is closed');
    if (this.log !== undefined) closeSync(this.log);
    this.log = undefined;
    this.db.close();
    this.projections.close();
  }
}

function later(one: Instant, other: Instant): Instant {
  return {
    wallMs: Math.max(one.wallMs, other.wallMs),
    measuredMs: Math.max(one.measuredMs, other.measuredMs),
  };
}
