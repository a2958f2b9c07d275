// The ledger alone: what it says of many entries, more than it holds in memory or puts into one transaction. What it says of
// each kind of entry is under test with the signer.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type Database from 'better-sqlite3';
import { Ledger } from './ledger.js';
import { reservation } from './reservation.fixture.js';
import { openProjections } from './store-file.js';

const DAY_MS = 86_400_000;
const taken = () => undefined;

let db: Database.Database;
let ledger: Ledger;
beforeEach(() => {
  db = openProjections();
  ledger = new Ledger(db);
});
afterEach(() => {
  db.close();
});

/** Entry number `at`: one transfer that charges one limit for this key. */
function reserve(at: number, key: string, amount: string, write: () => void = taken): void {
  const charges = [{ limitId: 'daily', key, windowMs: DAY_MS, amount }];
  const body = reservation(ledger, `${at}`, [`tr_${at}`], [`one/aa:${at}`], charges);
  ledger.apply({ sequence: at, hash: '', body }, write);
}

function used(key: string): bigint {
  return ledger.usage(
    { limitId: 'daily', key, windowMs: DAY_MS, max: 1_000_000n },
    { wallMs: 1, measuredMs: 1 },
  );
}

describe('the ledger', () => {
  it('remembers more counters than it holds, and goes on counting with each', () => {
    const keys = Array.from({ length: 2_500 }, (_, at) => `customer-${at}`);
    for (const [at, key] of keys.entries()) reserve(at, key, `${at + 1}`);
    for (const [at, key] of keys.entries()) reserve(keys.length + at, key, '10000');
    expect(keys.map(used)).toEqual(keys.map((_, at) => BigInt(at + 1) + 10_000n));
  });

  it('counts each charge of one entry, also two of one counter', () => {
    const charge = { limitId: 'daily', key: 'hot-btc', windowMs: DAY_MS, amount: '7' };
    const body = reservation(ledger, 'one', ['tr_1', 'tr_2'], ['one/aa:0'], [charge, charge]);
    ledger.apply({ sequence: 0, hash: '', body }, taken);
    expect(used('hot-btc')).toBe(28n);
  });

  it.each([
    ['leaves one out', { ordinal: 3 }],
    ['is counted twice', { ordinal: 1 }],
    ['names another one before it', { previous: 'ab'.repeat(32) }],
  ])('takes no reservation that %s (store-corrupt)', (_title, altered) => {
    reserve(0, 'hot-btc', '1');
    const body = { ...reservation(ledger, 'next', ['tr_next'], ['one/aa:9']), ...altered };
    expect(() => ledger.apply({ sequence: 1, hash: '', body }, taken)).toThrow(
      expect.objectContaining({ code: 'store-corrupt' }),
    );
    expect(ledger.newestReservation()?.ordinal).toBe(1);
    expect(ledger.pastOf('tr_next')).toBe('unseen');
  });

  it('holds nothing of an entry that the journal did not take, wherever in its transaction that one stands', () => {
    const fails = () => {
      throw new Error('not taken');
    };
    for (let at = 0; at < 600; at++) {
      expect(() => reserve(at, 'hot-btc', '1', fails)).toThrow('not taken');
      expect(ledger.pastOf(`tr_${at}`)).toBe('unseen');
      reserve(at, 'hot-btc', '1');
      expect(ledger.pastOf(`tr_${at}`)).toBe('reserved');
    }
    expect(used('hot-btc')).toBe(600n);
    expect(ledger.isWhole()).toBe(true);
  });

  it('knows the newest checkpoint that the journal took, whatever comes after it', () => {
    expect(ledger.newestCheckpoint()).toBeUndefined();
    const at = { wallMs: 1, measuredMs: 1 };
    const [first, second] = [
      { size: 3, root: 'a1'.repeat(32) },
      { size: 9, root: 'b2'.repeat(32) },
    ];
    ledger.apply({ sequence: 0, hash: '', body: { kind: 'checkpointed', at, ...first } }, taken);
    reserve(1, 'hot-btc', '1');
    expect(ledger.newestCheckpoint()).toEqual(first);
    const fails = () => {
      throw new Error('not taken');
    };
    const entry = { sequence: 2, hash: '', body: { kind: 'checkpointed' as const, at, ...second } };
    expect(() => ledger.apply(entry, fails)).toThrow('not taken');
    expect(ledger.newestCheckpoint()).toEqual(first);
    ledger.apply(entry, taken);
    expect(ledger.newestCheckpoint()).toEqual(second);
  });

  it('knows a destination as paid by a wallet once something of it that pays it is signed, and the first of a look', () => {
    const pay = (at: number, name: string, walletId: string) => {
      const body = reservation(ledger, name, [`tr_${at}`], [], [], walletId);
      ledger.apply({ sequence: at, hash: '', body }, taken);
      const { transactionKey } = body;
      return () => {
        const signed = {
          kind: 'signed' as const,
          transactionKey,
          signedTransaction: '',
          transactionId: name,
          tokenSerial: '',
        };
        ledger.apply({ sequence: at + 1, hash: '', body: signed }, taken);
      };
    };
    const [genuine, poison] = ['a-genuine-zzzz', 'a-poison-zzzz'];
    const earliest = (walletId: string) => ledger.earliestPaid(walletId, 'bip122:aa', 'to-a..zzzz');
    const signs = pay(0, genuine, 'hot-btc');
    expect(ledger.wasPaid('hot-btc', 'bip122:aa', `to-${genuine}`)).toBe(false);
    expect(earliest('hot-btc')).toEqual([]);
    signs();
    expect(ledger.wasPaid('hot-btc', 'bip122:aa', `to-${genuine}`)).toBe(true);
    // What a hot wallet paid is known to no other one.
    expect(ledger.wasPaid('cold-btc', 'bip122:aa', `to-${genuine}`)).toBe(false);
    expect(ledger.wasPaid('hot-btc', 'bip122:bb', `to-${genuine}`)).toBe(false);
    // What any of them paid can be taken for, and what this one paid before another did.
    expect(earliest('cold-btc')).toEqual([`to-${genuine}`]);
    pay(2, poison, 'cold-btc')();
    expect(earliest('cold-btc')).toEqual([`to-${poison}`, `to-${genuine}`]);
    expect(earliest('hot-btc')).toEqual([`to-${genuine}`, `to-${genuine}`]);
    expect(ledger.earliestPaid('hot-btc', 'bip122:bb', 'to-a..zzzz')).toEqual([]);
  });

  it('says when it has lost what came before', () => {
    reserve(0, 'hot-btc', '1');
    const failsWhole = () => {
      db.exec('ROLLBACK');
      throw new Error('database or disk is full');
    };
    expect(() => reserve(1, 'hot-btc', '1', failsWhole)).toThrow();
    expect(ledger.isWhole()).toBe(false);
  });
});
