// The anchor alone, on a token whose writes a test holds back: what waits for what. That a real token keeps the record, and
// what a rolled-back store looks like, is under test elsewhere.

import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import type { KeySigner, TokenFaultCode, TokenRecord } from '../../hardware/key-signer.js';
import type { ReservationEnd } from '../core/certificates/reservation.js';
import { Fault } from '../core/fault.js';
import type { GovernanceEnd } from '../core/recovery/restore.js';
import { Anchor, type Anchorable, anchorValue, type Outliving, readAnchor } from './anchor.js';
import type { VouchedHead } from './journal.js';
import type { StoreFaultCode } from './store-file.js';

const GENESIS = '9e'.repeat(32);
const hashOf = (sequence: number) => sequence.toString(16).padStart(64, '0');
const CHECKPOINT = { size: 1, root: 'c0'.repeat(32) };
const GOVERNANCE = { sequence: 7, hash: '60'.repeat(32) };
const outliving = (some: Partial<Outliving>): Outliving => ({
  checkpoint: undefined,
  reservation: undefined,
  governance: undefined,
  ...some,
});

/** A journal that grows by a number. */
class Journal implements Anchorable {
  length = 1;
  head() {
    return { sequence: this.length - 1, hash: hashOf(this.length - 1) };
  }
  newest: VouchedHead | undefined;
  reserved: ReservationEnd | undefined;
  governance: GovernanceEnd | undefined;
  outliving() {
    return { checkpoint: this.newest, reservation: this.reserved, governance: this.governance };
  }
  /** What a test holds back, the disk has not taken yet. */
  durable: () => Promise<void> = () => Promise.resolve();
  requireAnchor({ sequence, hash }: { sequence: number; hash: string }): void {
    if (sequence >= this.length) throw new Fault<StoreFaultCode>('store-rolled-back', 'older');
    if (hash !== hashOf(sequence)) throw new Fault<StoreFaultCode>('store-diverged', 'other');
  }
}

/** Holds one record; each write waits until the test lets it go on. */
class HeldToken {
  record: TokenRecord | undefined = { version: 1n, value: anchorValue(GENESIS, hashOf(0)) };
  writes = 0;
  private waiting: { write: () => void; fail: (error: Fault) => void }[] = [];

  readonly signer: Pick<KeySigner, 'readRecord' | 'writeRecord'> = {
    readRecord: async () => this.record,
    writeRecord: (_name, record, replaces) =>
      new Promise((resolve, reject) => {
        this.writes += 1;
        this.waiting.push({
          write: () => {
            const isAsSeen = replaces === undefined || isDeepStrictEqual(replaces, this.record);
            if (!isAsSeen) return reject(new Fault<TokenFaultCode>('record-changed', 'not as it was'));
            this.record = record;
            resolve();
          },
          fail: reject,
        });
      }),
  };

  async nextWrite() {
    for (let turns = 0; this.waiting.length === 0; turns += 1) {
      if (turns > 100) throw new Error('nothing is written');
      await new Promise((resolve) => setImmediate(resolve));
    }
    const write = this.waiting.shift();
    if (!write) throw new Error('nothing is written');
    return write;
  }
}

function stage() {
  const journal = new Journal();
  const token = new HeldToken();
  const anchor = new Anchor(token.signer as KeySigner, GENESIS, journal, journal.head());
  const cover = (sequence: number) => {
    const state = { settled: 'no' };
    void anchor.cover(sequence).then(
      () => {
        state.settled = 'covered';
      },
      (error: unknown) => {
        state.settled = error instanceof Fault ? error.code : 'error';
      },
    );
    return state;
  };
  return { journal, token, anchor, cover };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('the record on the token', () => {
  it('is there before anybody who waits for it goes on', async () => {
    const { journal, token, anchor, cover } = stage();
    journal.length = 2;
    const one = cover(1);
    const { write } = await token.nextWrite();
    await turn();
    expect(one.settled).toBe('no');
    expect(anchor.coveredSequence()).toBe(0);
    write();
    await turn();
    expect(one.settled).toBe('covered');
    expect(token.record).toEqual({ version: 2n, value: anchorValue(GENESIS, hashOf(1)) });
  });

  it('is not written before the entry is on the disk: power that fails would leave a store older than its record', async () => {
    const { journal, token, cover } = stage();
    const disk = Promise.withResolvers<void>();
    journal.length = 2;
    journal.durable = () => disk.promise;
    const one = cover(1);
    await turn();
    await turn();
    expect(token.writes).toBe(0);
    disk.resolve();
    (await token.nextWrite()).write();
    await turn();
    expect(one.settled).toBe('covered');
  });

  it('is not written for an entry that the disk did not take (store-not-written)', async () => {
    const { journal, token, cover } = stage();
    journal.length = 2;
    journal.durable = () =>
      Promise.reject(new Fault<StoreFaultCode>('store-not-written', 'the disk is gone'));
    const one = cover(1);
    await turn();
    await turn();
    expect(one.settled).toBe('store-not-written');
    expect(token.writes).toBe(0);
  });

  it('is written once for all that wait', async () => {
    const { journal, token, cover } = stage();
    const all = Array.from({ length: 200 }, () => {
      journal.length += 1;
      return cover(journal.length - 1);
    });
    // The first write began with the first of them; everybody else waits for the second.
    (await token.nextWrite()).write();
    (await token.nextWrite().catch(() => undefined))?.write();
    await turn();
    expect(all.every(({ settled }) => settled === 'covered')).toBe(true);
    expect(token.writes).toBeLessThanOrEqual(2);
    expect(token.record?.version).toBe(201n);
  });

  it('is not written again for what it covers already', async () => {
    const { journal, token, anchor, cover } = stage();
    journal.length = 5;
    cover(2);
    (await token.nextWrite()).write();
    await turn();
    await anchor.cover(4);
    expect(token.writes).toBe(1);
  });

  it('that cannot be written fails all who wait, and none who come later', async () => {
    const { journal, token, cover } = stage();
    journal.length = 3;
    const failed = [cover(1), cover(2)];
    (await token.nextWrite()).fail(new Fault('token-gone', 'pulled out'));
    await turn();
    expect(failed.map(({ settled }) => settled)).toEqual(['token-gone', 'token-gone']);
    const later = cover(2);
    (await token.nextWrite()).write();
    await turn();
    expect(later.settled).toBe('covered');
  });

  it.each([
    ['store-rolled-back', 9, 9],
    ['store-diverged', 1, 7],
  ])('refuses %s for good when somebody else goes on with it', async (code, sequence, other) => {
    const { journal, token, cover, anchor } = stage();
    journal.length = 3;
    expect(() => anchor.requireOwn()).not.toThrow();
    token.record = { version: BigInt(sequence) + 1n, value: anchorValue(GENESIS, hashOf(other)) };
    const one = cover(2);
    await turn();
    expect(one.settled).toBe(code);
    expect(() => anchor.requireOwn()).toThrow(expect.objectContaining({ code }));
    journal.length = 100;
    const later = cover(99);
    await turn();
    expect([later.settled, token.writes]).toEqual([code, 0]);
  });

  it.each([
    ['store-rolled-back', 9, 9],
    ['store-diverged', 2, 7],
  ])(
    'refuses %s for good when somebody else writes between two of its own',
    async (code, sequence, other) => {
      const { journal, token, cover } = stage();
      journal.length = 2;
      const own = cover(1);
      (await token.nextWrite()).write();
      await turn();
      expect(own.settled).toBe('covered');
      const theirs = { version: BigInt(sequence) + 1n, value: anchorValue(GENESIS, hashOf(other)) };
      token.record = theirs;
      journal.length = 4;
      const one = cover(3);
      (await token.nextWrite()).write();
      await turn();
      const later = cover(3);
      await turn();
      expect([one.settled, later.settled, token.writes]).toEqual([code, code, 2]);
      expect(token.record).toBe(theirs);
    },
  );

  it.each<[string, TokenRecord | undefined]>([
    ['anchor-missing', undefined],
    ['store-other-genesis', { version: 1n, value: anchorValue('0e'.repeat(32), hashOf(0)) }],
    ['anchor-malformed', { version: 1n, value: new Uint8Array(63) }],
  ])('that is not there as it was any more stops everything (%s)', async (code, record) => {
    const { journal, token, cover } = stage();
    journal.length = 2;
    token.record = record;
    const one = cover(1);
    await turn();
    expect([one.settled, token.writes]).toEqual([code, 0]);
  });

  it('says what the newest checkpoint is, as of the entry that it covers', async () => {
    const { journal, token, cover } = stage();
    journal.length = 2;
    journal.newest = {
      size: Number.MAX_SAFE_INTEGER,
      root: 'c0'.repeat(32),
      originHash: 'a0'.repeat(32),
    };
    void cover(1);
    const { write } = await token.nextWrite();
    // What comes after it began is not what it is about.
    journal.newest = { size: 1, root: 'c1'.repeat(32) };
    write();
    await turn();
    const checkpoint = {
      size: Number.MAX_SAFE_INTEGER,
      root: 'c0'.repeat(32),
      originHash: 'a0'.repeat(32),
    };
    expect(await readAnchor(token.signer as KeySigner)).toEqual({
      genesisHash: GENESIS,
      sequence: 1,
      hash: hashOf(1),
      checkpoint,
      reservation: undefined,
    });
    // As it was written when there could be but one log.
    const { originHash, ...alone } = checkpoint;
    token.record = {
      version: 1n,
      value: anchorValue(GENESIS, hashOf(0), outliving({ checkpoint: alone })),
    };
    expect((await readAnchor(token.signer as KeySigner))?.checkpoint).toEqual(alone);
    token.record = { version: 1n, value: anchorValue(GENESIS, hashOf(0)) };
    expect(await readAnchor(token.signer as KeySigner)).toMatchObject({ checkpoint: undefined });
  });

  it.each([
    ['the size is 0', 0n],
    ['the size is no count', BigInt(Number.MAX_SAFE_INTEGER) + 1n],
  ])('is none when %s (anchor-malformed)', async (_title, size) => {
    const { token } = stage();
    const value = anchorValue(GENESIS, hashOf(0), outliving({ checkpoint: CHECKPOINT }));
    new DataView(value.buffer).setBigUint64(64, size, false);
    token.record = { version: 1n, value };
    await expect(readAnchor(token.signer as KeySigner)).rejects.toMatchObject({ code: 'anchor-malformed' });
  });

  it.each([
    ['with a checkpoint', { ...CHECKPOINT, originHash: 'a0'.repeat(32) }],
    ['with a checkpoint as there was when there could be but one log', CHECKPOINT],
    ['without a checkpoint', undefined],
  ])('remembers the newest reservation %s', async (_title, checkpoint) => {
    const { token } = stage();
    const reservation = { ordinal: Number.MAX_SAFE_INTEGER, hash: 'c1'.repeat(32) };
    token.record = {
      version: 1n,
      value: anchorValue(GENESIS, hashOf(0), outliving({ checkpoint, reservation })),
    };
    expect(await readAnchor(token.signer as KeySigner)).toEqual({
      genesisHash: GENESIS,
      sequence: 0,
      hash: hashOf(0),
      checkpoint,
      reservation,
      governance: undefined,
    });
  });

  it('says what the newest entry of governance is, as of the entry that it covers', async () => {
    const { journal, token, cover } = stage();
    // The record from before has none.
    expect((await readAnchor(token.signer as KeySigner))?.governance).toBeUndefined();
    journal.length = 2;
    journal.governance = GOVERNANCE;
    void cover(1);
    const { write } = await token.nextWrite();
    // What comes after it began is not what it is about.
    journal.governance = { sequence: 8, hash: '68'.repeat(32) };
    write();
    await turn();
    expect(token.record?.value.length).toBe(216);
    expect(await readAnchor(token.signer as KeySigner)).toEqual({
      genesisHash: GENESIS,
      sequence: 1,
      hash: hashOf(1),
      governance: GOVERNANCE,
    });
  });

  it.each([
    ['the genesis alone', { governance: { sequence: 0, hash: GENESIS } }],
    ['a checkpoint', { governance: GOVERNANCE, checkpoint: CHECKPOINT }],
    ['a reservation', { governance: GOVERNANCE, reservation: { ordinal: 1, hash: 'c1'.repeat(32) } }],
    [
      'both, and as high as they go',
      {
        governance: { sequence: Number.MAX_SAFE_INTEGER, hash: '60'.repeat(32) },
        checkpoint: { ...CHECKPOINT, originHash: 'a0'.repeat(32) },
        reservation: { ordinal: 1, hash: 'c1'.repeat(32) },
      },
    ],
  ])('remembers the newest entry of governance with %s', async (_title, some) => {
    const { token } = stage();
    token.record = { version: 1n, value: anchorValue(GENESIS, hashOf(0), outliving(some)) };
    expect(await readAnchor(token.signer as KeySigner)).toEqual({
      genesisHash: GENESIS,
      sequence: 0,
      hash: hashOf(0),
      ...some,
    });
  });

  it.each([
    ['the sequence of its governance is no count', 176, BigInt(Number.MAX_SAFE_INTEGER) + 1n],
    ['the ordinal of its reservation is 0 and its hash is not', 136, 0n],
    ['the size of its checkpoint is 0 and its root is not', 64, 0n],
  ])('is none when %s (anchor-malformed)', async (_title, at, count) => {
    const { token } = stage();
    const reservation = { ordinal: 1, hash: 'c1'.repeat(32) };
    const all = { checkpoint: CHECKPOINT, reservation, governance: GOVERNANCE };
    const value = anchorValue(GENESIS, hashOf(0), all);
    new DataView(value.buffer).setBigUint64(at, count, false);
    token.record = { version: 1n, value };
    await expect(readAnchor(token.signer as KeySigner)).rejects.toMatchObject({ code: 'anchor-malformed' });
  });

  it.each([
    ['the ordinal of its reservation is 0', 0n, 'c1'],
    ['the ordinal of its reservation is no count', BigInt(Number.MAX_SAFE_INTEGER) + 1n, 'c1'],
    ['nothing stands where its reservation is to be', 0n, '00'],
  ])('is none when %s (anchor-malformed)', async (_title, ordinal, byte) => {
    const { token } = stage();
    const reservation = { ordinal: 1, hash: byte.repeat(32) };
    const value = anchorValue(GENESIS, hashOf(0), outliving({ checkpoint: CHECKPOINT, reservation }));
    new DataView(value.buffer).setBigUint64(136, ordinal, false);
    token.record = { version: 1n, value };
    await expect(readAnchor(token.signer as KeySigner)).rejects.toMatchObject({ code: 'anchor-malformed' });
  });

  it.each([
    ['a byte is missing', 1n, 63],
    ['there is a byte too many', 1n, 65],
    ['a byte of its checkpoint is missing', 1n, 103],
    ['there is a byte behind its checkpoint', 1n, 105],
    ['a byte of its origin is missing', 1n, 135],
    ['there is a byte behind its origin', 1n, 137],
    ['a byte of its reservation is missing', 1n, 175],
    ['there is a byte behind its reservation', 1n, 177],
    ['a byte of its governance is missing', 1n, 215],
    ['there is a byte behind its governance', 1n, 217],
    ['nothing stands where its governance is to be', 1n, 216],
    ['nothing stands where its checkpoint is to be', 1n, 104],
    ['nothing stands where its reservation is to be', 1n, 176],
    ['its version is 0', 0n, 64],
    ['its version is no sequence', BigInt(Number.MAX_SAFE_INTEGER) + 1n, 64],
  ])('is none when %s (anchor-malformed)', async (_title, version, bytes) => {
    const { token } = stage();
    token.record = { version, value: new Uint8Array(bytes) };
    await expect(readAnchor(token.signer as KeySigner)).rejects.toMatchObject({ code: 'anchor-malformed' });
  });
});
