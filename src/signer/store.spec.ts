// The store alone, on a file of its own: what it refuses to open, to make, and to believe. That a signer with a real token
// does not start on such a store is under test elsewhere.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { Fault } from '../core/fault.js';
import { entryHash } from '../core/governance/entry.js';
import {
  ADD_DAVE,
  alice,
  bob,
  bodyAfter,
  genesisOf,
  signed as signedEntry,
  start,
} from '../core/governance/people.fixture.js';
import { RESTORE_TYPE } from '../core/recovery/restore.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { ownArithmetic } from '../platform/signature-arithmetic.js';
import type { Anchor } from './anchor.js';
import { type JournalBody, journalHash, journalText, type Restored } from './journal.js';
import { reservation } from './reservation.fixture.js';
import { Seal } from './seal.js';
import { Signer } from './signer.js';
import { SignerClock } from './signer-clock.js';
import { SignerStore } from './store.js';

const SEAL = new Seal(new Uint8Array(32).fill(7));
const AT = { wallMs: 1_760_000_000_000, measuredMs: 0 };

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-store-'));
  path = join(folder, 'signer.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

/** A store with these entries after its genesis, closed again. */
function made(...more: readonly JournalBody[]): void {
  const store = SignerStore.create(path, genesisOf(), SEAL);
  for (const body of more) store.append(body);
  store.close();
}

function opened(): string {
  return codeOf(() => SignerStore.open(path, SEAL).close());
}

/** What somebody does to the file who has the disk, and no token. */
function outside(change: (db: Database.Database) => void): void {
  const db = new Database(path);
  db.exec('DROP TRIGGER IF EXISTS journal_no_update; DROP TRIGGER IF EXISTS journal_no_delete');
  change(db);
  db.close();
}

const signed = (key: string): JournalBody => ({
  kind: 'signed',
  transactionKey: `bitcoin:${key}`,
  signedTransaction: '00',
  transactionId: key,
  tokenSerial: '1',
});

const restoreOf = (sequence: number, hash: string): Restored => ({
  kind: 'restored',
  at: AT,
  restore: {
    statement: {
      type: RESTORE_TYPE,
      deploymentId: start.deploymentId,
      governanceSequence: 0,
      governanceHead: start.head,
      lost: { sequence, hash },
      wallets: [],
      createdAtMs: AT.wallMs,
      expiresAtMs: AT.wallMs + 1,
    },
    signatures: [{ credentialId: 'alice-1', signature: '00'.repeat(64) }],
  },
});

describe("the signer's store", () => {
  it('opens as it was left', () => {
    made(signed('a'), signed('b'));
    expect(opened()).toBe('nothing thrown');
  });

  it('is never made over one that is there (store-exists), not by a restore either', () => {
    made();
    expect(codeOf(() => SignerStore.create(path, genesisOf(), SEAL))).toBe('store-exists');
    expect(codeOf(() => SignerStore.restore(path, restoreOf(9, 'ab'.repeat(32)), [genesisOf()], SEAL))).toBe(
      'store-exists',
    );
  });

  it('is made over one without an entry, which whoever was cut short at its first line leaves behind', () => {
    made();
    const cut = new Database(path);
    cut.exec('DROP TRIGGER journal_no_delete; DELETE FROM journal');
    cut.close();
    SignerStore.create(path, genesisOf(), SEAL).close();
    expect(opened()).toBe('nothing thrown');
    writeFileSync(`${path}-other`, '');
    SignerStore.create(`${path}-other`, genesisOf(), SEAL).close();
  });

  it('is never made over a database of something else (store-exists)', () => {
    const other = new Database(path);
    other.exec('CREATE TABLE accounts (id TEXT)');
    other.close();
    expect(codeOf(() => SignerStore.create(path, genesisOf(), SEAL))).toBe('store-exists');
  });

  it('is never made anew by being opened (store-missing)', () => {
    expect(opened()).toBe('store-missing');
  });

  it.each<[string, (db: Database.Database) => void]>([
    ['without a single entry', (db) => db.exec('DELETE FROM journal')],
    [
      'with its newest entry under a later sequence',
      (db) => db.exec('UPDATE journal SET sequence = 7 WHERE sequence = 2'),
    ],
    [
      'with an entry under another hash',
      (db) => db.exec('UPDATE journal SET hash = seal WHERE sequence = 1'),
    ],
    ['with an entry that is no JSON', (db) => db.exec("UPDATE journal SET body = '{' WHERE sequence = 1")],
    [
      'with an entry that was edited',
      (db) => db.exec("UPDATE journal SET body = replace(body, '00', '01') WHERE sequence = 1"),
    ],
    ['with an entry of another seal', (db) => db.exec('UPDATE journal SET seal = hash WHERE sequence = 2')],
    ['without the table of its journal', (db) => db.exec('ALTER TABLE journal DROP COLUMN seal')],
  ])('is not opened %s (store-corrupt)', (_title, change) => {
    made(signed('a'), signed('b'));
    outside(change);
    expect(opened()).toBe('store-corrupt');
  });

  it('is not opened when an entry was added at its end, hashes and all, without the seal (store-corrupt)', () => {
    made(signed('a'));
    outside((db) => {
      const newest = db.prepare('SELECT hash, seal FROM journal WHERE sequence = 1').get() as {
        hash: string;
        seal: string;
      };
      const text = journalText(signed('b'));
      db.prepare('INSERT INTO journal (sequence, hash, seal, body) VALUES (2, ?, ?, ?)').run(
        journalHash(newest.hash, 2, text),
        newest.seal,
        text,
      );
    });
    expect(opened()).toBe('store-corrupt');
  });

  it.each<[string, JournalBody]>([
    [
      'a second genesis',
      { kind: 'genesis', entry: { ...genesisOf(), body: { ...genesisOf().body, sequence: 1 } } },
    ],
    ['a restore', restoreOf(9, 'ab'.repeat(32))],
  ])('is not opened with %s in its middle, sealed as it may be (store-corrupt)', (_title, body) => {
    made(body);
    expect(opened()).toBe('store-corrupt');
  });

  it('says so when it is asked for an entry that is not there, or for governance that is none (store-corrupt)', () => {
    made(signed('a'));
    const store = SignerStore.open(path, SEAL);
    expect(codeOf(() => store.read(9))).toBe('store-corrupt');
    Object.assign(store.ledger, { governanceSequences: () => [1] });
    expect(codeOf(() => store.governance(0, 1))).toBe('store-corrupt');
    store.close();
  });

  it('knows a record of a newer state (store-rolled-back) from one of another history (store-diverged)', () => {
    made(signed('a'));
    const store = SignerStore.open(path, SEAL);
    const { sequence, hash } = store.head();
    expect(codeOf(() => store.requireAnchor({ sequence, hash }))).toBe('nothing thrown');
    expect(codeOf(() => store.requireAnchor({ sequence: sequence + 1, hash }))).toBe('store-rolled-back');
    expect(codeOf(() => store.requireAnchor({ sequence: 0, hash }))).toBe('store-diverged');
    store.close();
  });

  it('that goes on from a lost one is not served from before the record covers it (store-restore-unfinished)', () => {
    const lost = { sequence: 9, hash: 'ab'.repeat(32) };
    const store = SignerStore.restore(path, restoreOf(lost.sequence, lost.hash), [genesisOf()], SEAL);
    expect(codeOf(() => store.requireAnchor(lost))).toBe('store-restore-unfinished');
    expect(codeOf(() => store.requireAnchor(store.head()))).toBe('nothing thrown');
    expect(codeOf(() => store.requireAnchor({ sequence: 8, hash: lost.hash }))).toBe('store-diverged');
    store.close();
    expect(opened()).toBe('nothing thrown');
  });

  it('that goes on from a lost one knows the newest checkpoint of that, and any of its own is newer', () => {
    const [lost, own] = [
      { size: 3, root: 'c0'.repeat(32) },
      { size: 9, root: 'c1'.repeat(32) },
    ];
    const begin = { ...restoreOf(9, 'ab'.repeat(32)), checkpoint: lost };
    const store = SignerStore.restore(path, begin, [genesisOf()], SEAL);
    expect(store.checkpoint()).toEqual(lost);
    store.close();
    const again = SignerStore.open(path, SEAL);
    expect(again.checkpoint()).toEqual(lost);
    again.append({ kind: 'checkpointed', at: AT, ...own });
    again.close();
    const last = SignerStore.open(path, SEAL);
    expect(last.checkpoint()).toEqual(own);
    last.close();
  });

  it('says what the newest entry of governance is, opened again or restored as well', () => {
    const genesis = genesisOf();
    const entry = signedEntry(bodyAfter(start, ADD_DAVE), alice, bob);
    const store = SignerStore.create(path, genesis, SEAL);
    expect(store.outliving().governance).toEqual({ sequence: 0, hash: entryHash(genesis.body) });
    store.append({ kind: 'governance', at: AT, entry });
    const newest = { sequence: 1, hash: entryHash(entry.body) };
    expect(store.outliving().governance).toEqual(newest);
    store.close();
    const again = SignerStore.open(path, SEAL);
    expect(again.outliving().governance).toEqual(newest);
    again.close();
    const begin = restoreOf(9, 'ab'.repeat(32));
    const restored = SignerStore.restore(`${path}-restored`, begin, [genesis, entry], SEAL);
    expect(restored.outliving().governance).toEqual(newest);
    restored.close();
  });

  it('that goes on from a lost one goes on with the reservations that it counted', () => {
    const lost = { ordinal: 41, hash: 'c0'.repeat(32) };
    const begin = { ...restoreOf(9, 'ab'.repeat(32)), reservation: lost };
    const store = SignerStore.restore(path, begin, [genesisOf()], SEAL);
    expect(store.outliving().reservation).toEqual(lost);
    expect(store.ledger.nextReservation()).toEqual({ ordinal: 42, previous: lost.hash });
    const { sequence, hash } = store.append(reservation(store.ledger, 'one', ['tr_1'], ['one/aa:0']));
    expect(store.ledger.newestReservation()).toEqual({ ordinal: 42, hash });
    expect(store.ledger.reservationSequences(1, 10)).toEqual([sequence]);
    expect(store.ledger.keptFromOrdinal()).toBe(42);
    expect(store.hashBefore(10)).toBe('ab'.repeat(32));
    store.close();
  });
});

describe('a signer on a store', () => {
  function startOn(store: SignerStore): string {
    const time = { wallMs: () => AT.wallMs, monotonicMs: () => 0 };
    const clock = new SignerClock(time, store.lastInstant());
    const parts = {
      store,
      clock,
      verifier: nativeVerifier,
      arithmetic: ownArithmetic,
      anchor: {} as Anchor,
      tokens: new Map(),
    };
    const code = codeOf(() => Signer.start(parts));
    store.close();
    return code;
  }

  it('does not start when the governance log in it does not replay (store-corrupt)', () => {
    expect(startOn(SignerStore.create(path, genesisOf(), SEAL))).toBe('nothing thrown');
    rmSync(path);
    const { body, signatures } = genesisOf();
    const forged = { body, signatures: signatures.slice(0, 1) };
    expect(startOn(SignerStore.create(path, forged, SEAL))).toBe('store-corrupt');
  });

  it('does not start when no quorum signed the restore that it begins with (store-corrupt)', () => {
    const store = SignerStore.restore(path, restoreOf(9, 'ab'.repeat(32)), [genesisOf()], SEAL);
    expect(startOn(store)).toBe('store-corrupt');
  });
});

describe("the signer's store and its disk", () => {
  const written = (store: SignerStore) =>
    store.durable().then(
      () => 'on the disk',
      (error: unknown) => (error instanceof Fault ? error.code : String(error)),
    );

  it('is told once, however many entries came together', async () => {
    const store = SignerStore.create(path, genesisOf(), SEAL);
    store.appendSoon(signed('a'.repeat(64)));
    const first = written(store);
    store.appendSoon(signed('b'.repeat(64)));
    expect([await first, await written(store)]).toEqual(['on the disk', 'on the disk']);
    store.close();
    expect(opened()).toBe('nothing thrown');
  });

  it('gives out nothing more once the disk did not take an entry (store-not-written)', async () => {
    const store = SignerStore.create(path, genesisOf(), SEAL);
    store.appendSoon(signed('a'.repeat(64)));
    rmSync(`${path}-wal`);
    expect(await written(store)).toBe('store-not-written');
    expect(await written(store)).toBe('store-not-written');
    expect(codeOf(() => store.appendSoon(signed('b'.repeat(64))))).toBe('store-not-written');
    store.close();
  });

  it('shares one write between those who ask while another is under way, and begins it when that one has ended', async () => {
    SignerStore.create(path, genesisOf(), SEAL).close();
    const disk: PromiseWithResolvers<void>[] = [];
    const store = SignerStore.open(path, SEAL, () => {
      const write = Promise.withResolvers<void>();
      disk.push(write);
      return write.promise;
    });
    const until = async (writes: number) => {
      for (let turns = 0; disk.length < writes && turns < 10; turns += 1) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    store.appendSoon(signed('a'.repeat(64)));
    const first = written(store);
    await until(1);
    store.appendSoon(signed('b'.repeat(64)));
    const second = written(store);
    store.appendSoon(signed('c'.repeat(64)));
    const third = written(store);
    await until(2);
    expect(disk).toHaveLength(1);
    disk[0]?.resolve();
    expect(await first).toBe('on the disk');
    await until(2);
    expect(disk).toHaveLength(2);
    disk[1]?.resolve();
    expect([await second, await third]).toEqual(['on the disk', 'on the disk']);
    store.close();
    expect(disk).toHaveLength(2);
  });

  it('has nothing of an entry that nobody waited for, and all that somebody did, after a crash', async () => {
    const store = SignerStore.create(path, genesisOf(), SEAL);
    store.appendSoon(signed('a'.repeat(64)));
    await store.durable();
    store.appendSoon(signed('b'.repeat(64)));
    store.close();
    const next = SignerStore.open(path, SEAL);
    expect(next.head().sequence).toBe(1);
    next.close();
  });

  it('keeps what came before an entry that is refused, in the same transaction', async () => {
    const store = SignerStore.create(path, genesisOf(), SEAL);
    store.appendSoon(signed('a'.repeat(64)));
    expect(() => store.appendSoon({ ...signed('b'.repeat(64)), tokenSerial: 'é' } as JournalBody)).toThrow();
    store.ledger.apply = () => {
      throw new Error('refused in the middle');
    };
    expect(() => store.appendSoon(signed('c'.repeat(64)))).toThrow('refused in the middle');
    await store.durable();
    store.close();
    const next = SignerStore.open(path, SEAL);
    expect(next.head().sequence).toBe(1);
    next.close();
  });

  it.each([
    ['waited for', (store: SignerStore, body: JournalBody) => store.append(body)],
    ['written later', (store: SignerStore, body: JournalBody) => store.appendSoon(body)],
  ])('has charged no limit for an entry that is refused, %s', (_, append) => {
    const store = SignerStore.create(path, genesisOf(), SEAL);
    const limit = { limitId: 'daily', key: 'hot-btc', windowMs: 86_400_000 };
    const charges = [{ ...limit, amount: '5' }];
    const used = () => store.ledger.usage({ ...limit, max: 100n }, { wallMs: 1, measuredMs: 1 });
    append(store, reservation(store.ledger, 'one', ['tr_1'], ['one/aa:0'], charges));
    // The second of two that are the same is found out when the first has been charged.
    expect(() =>
      append(store, reservation(store.ledger, 'two', ['tr_2', 'tr_2'], ['one/aa:1'], charges)),
    ).toThrow();
    expect(used()).toBe(5n);
    append(store, reservation(store.ledger, 'three', ['tr_3'], ['one/aa:2'], charges));
    expect(used()).toBe(10n);
    store.close();
  });

  it('is given up when the ledger cannot hold what the journal took (store-not-written)', async () => {
    const store = SignerStore.create(path, genesisOf(), SEAL);
    const apply = store.ledger.apply.bind(store.ledger);
    store.ledger.apply = (entry, write) => {
      apply(entry, write);
      throw new Error('the disk of the projections is full');
    };
    expect(() => store.appendSoon(signed('a'.repeat(64)))).toThrow('projections');
    expect(codeOf(() => store.appendSoon(signed('b'.repeat(64))))).toBe('store-not-written');
    store.close();
  });

  it('is given up when an entry that is waited for does not come to the disk (store-not-written)', () => {
    const store = SignerStore.create(path, genesisOf(), SEAL);
    const apply = store.ledger.apply.bind(store.ledger);
    store.ledger.apply = (entry, write) => {
      apply(entry, write);
      // Leaves nothing to be committed.
      (store as unknown as { db: Database.Database }).db.exec('ROLLBACK');
    };
    expect(() => store.append(signed('a'.repeat(64)))).toThrow();
    expect(codeOf(() => store.append(signed('b'.repeat(64))))).toBe('store-not-written');
    store.close();
  });

  it('is given up when the ledger has lost what came before (store-not-written)', () => {
    const store = SignerStore.create(path, genesisOf(), SEAL);
    const ledger = store.ledger as unknown as { db: Database.Database };
    const apply = store.ledger.apply.bind(store.ledger);
    store.ledger.apply = (entry) =>
      apply(entry, () => {
        ledger.db.exec('ROLLBACK');
        throw new Error('database or disk is full');
      });
    expect(() => store.appendSoon(signed('a'.repeat(64)))).toThrow();
    expect(codeOf(() => store.appendSoon(signed('b'.repeat(64))))).toBe('store-not-written');
    store.close();
  });

  it('is given up when a full disk ends the transaction that others are in (store-not-written)', async () => {
    const store = SignerStore.create(path, genesisOf(), SEAL);
    const apply = store.ledger.apply.bind(store.ledger);
    store.appendSoon(signed('a'.repeat(64)));
    store.ledger.apply = (entry) =>
      apply(entry, () => {
        // What SQLite does by itself for SQLITE_FULL and SQLITE_IOERR.
        (store as unknown as { db: Database.Database }).db.exec('ROLLBACK');
        throw new Error('database or disk is full');
      });
    expect(() => store.appendSoon(signed('b'.repeat(64)))).toThrow();
    expect(codeOf(() => store.appendSoon(signed('c'.repeat(64))))).toBe('store-not-written');
    expect(await written(store)).toBe('store-not-written');
    store.close();
    const next = SignerStore.open(path, SEAL);
    expect(next.head().sequence).toBe(0);
    next.close();
  });

  it('takes nothing more once it is closed (store-closed)', async () => {
    const store = SignerStore.create(path, genesisOf(), SEAL);
    store.close();
    expect(codeOf(() => store.append(signed('a'.repeat(64))))).toBe('store-closed');
    expect(await written(store)).toBe('store-closed');
  });
});
