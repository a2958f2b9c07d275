// The record on the token that pins the store: genesis hash, journal sequence, journal hash, and three things that outlive
// the store: the newest checkpoint of the audit log, so that a restored one cannot vouch for a fork, the newest reservation,
// so that a restored one goes on counting, and the newest entry of governance, so that none is restored over a log from
// before somebody was removed. No signature leaves the signer before the record covers its reservation. One write covers all
// that wait for it.
//
// Each write replaces the record that was written or read last, and no other; what is read has to be an entry of this very
// journal. Otherwise another signer goes on with the same token, or this one's machine was put back under it, and its
// journal would pass the record's sequence by being asked often enough. From then on it covers nothing more.
//
// It detects a store that was put back from a copy; it does NOT help where the token itself can be put back, as
// SoftHSM's files can: there both roll back together.

import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import type { KeySigner, TokenFaultCode, TokenRecord } from '../../hardware/key-signer.js';
import { type ReservationEnd, reservationEnd } from '../core/certificates/reservation.js';
import { Fault } from '../core/fault.js';
import { type GovernanceEnd, governanceEnd } from '../core/recovery/restore.js';
import { type VouchedHead, vouchedHead } from './journal.js';
import type { JournalHead } from './store.js';
import type { StoreFaultCode } from './store-file.js';

export const ANCHOR_RECORD = 'portcullis-anchor';

export type AnchorFaultCode = 'anchor-missing' | 'anchor-malformed' | 'anchor-exists';

export interface Anchored extends JournalHead {
  readonly genesisHash: string;
  /** As of that entry; undefined when none was signed until then. */
  readonly checkpoint: VouchedHead | undefined;
  /** As of that entry; undefined when there was none until then. */
  readonly reservation: ReservationEnd | undefined;
  /** As of that entry; undefined in a record that was written when records did not have it. The next write brings it. */
  readonly governance: GovernanceEnd | undefined;
}

/** What outlives the store, as of an entry of the journal. */
export type Outliving = Pick<Anchored, 'checkpoint' | 'reservation' | 'governance'>;

const NOTHING_OUTLIVING: Outliving = {
  checkpoint: undefined,
  reservation: undefined,
  governance: undefined,
};
const PINNED_BYTES = 64;
const COUNT_BYTES = 8;
const HASH_BYTES = 32;
const CHECKPOINT_AT = PINNED_BYTES;
const ORIGIN_AT = CHECKPOINT_AT + COUNT_BYTES + HASH_BYTES;
const RESERVATION_AT = ORIGIN_AT + HASH_BYTES;
const GOVERNANCE_AT = RESERVATION_AT + COUNT_BYTES + HASH_BYTES;
const WITH_GOVERNANCE_BYTES = GOVERNANCE_AT + COUNT_BYTES + HASH_BYTES;
/** All but the last are from when records had less. */
const LENGTHS = [PINNED_BYTES, ORIGIN_AT, RESERVATION_AT, GOVERNANCE_AT, WITH_GOVERNANCE_BYTES];
const NOTHING = '0'.repeat(2 * HASH_BYTES);

function lengthOf({ checkpoint, reservation, governance }: Outliving): number {
  if (governance) return WITH_GOVERNANCE_BYTES;
  if (reservation) return GOVERNANCE_AT;
  if (checkpoint) return checkpoint.originHash ? RESERVATION_AT : ORIGIN_AT;
  return PINNED_BYTES;
}

/**
 * What the record on the token says beside its version: 32 bytes of genesis hash, 32 bytes of journal hash; of the newest
 * checkpoint its size, 8 bytes with the highest first, its root of 32 bytes, and 32 bytes of SHA-256 of its log's origin; of
 * the newest reservation its ordinal, 8 bytes likewise, and 32 bytes of its hash in the journal; of the newest entry of
 * governance its sequence, 8 bytes likewise, and its hash of 32 bytes. Zeros stand for what is not there and has something
 * behind it; a record ends with what there is.
 */
export function anchorValue(
  genesisHash: string,
  hash: string,
  outliving: Outliving = NOTHING_OUTLIVING,
): Uint8Array {
  const { checkpoint, reservation, governance } = outliving;
  const value = new Uint8Array(lengthOf(outliving));
  const view = new DataView(value.buffer);
  value.set(hexToBytes(genesisHash), 0);
  value.set(hexToBytes(hash), HASH_BYTES);
  if (checkpoint) {
    view.setBigUint64(CHECKPOINT_AT, BigInt(checkpoint.size), false);
    value.set(hexToBytes(checkpoint.root), CHECKPOINT_AT + COUNT_BYTES);
    if (checkpoint.originHash) value.set(hexToBytes(checkpoint.originHash), ORIGIN_AT);
  }
  if (reservation) {
    view.setBigUint64(RESERVATION_AT, BigInt(reservation.ordinal), false);
    value.set(hexToBytes(reservation.hash), RESERVATION_AT + COUNT_BYTES);
  }
  if (governance) {
    view.setBigUint64(GOVERNANCE_AT, BigInt(governance.sequence), false);
    value.set(hexToBytes(governance.hash), GOVERNANCE_AT + COUNT_BYTES);
  }
  return value;
}

/** Undefined when the record has no checkpoint, null when what stands there is none. */
function checkpointIn(value: Uint8Array): VouchedHead | undefined | null {
  if (value.length === PINNED_BYTES) return undefined;
  const bytes = value.subarray(CHECKPOINT_AT, RESERVATION_AT);
  const isLast = value.length < GOVERNANCE_AT;
  if (!isLast && bytes.every((byte) => byte === 0)) return undefined;
  const size = Number(new DataView(value.buffer, value.byteOffset).getBigUint64(CHECKPOINT_AT, false));
  const root = bytesToHex(value.subarray(CHECKPOINT_AT + COUNT_BYTES, ORIGIN_AT));
  const originHash = bytesToHex(value.subarray(ORIGIN_AT, RESERVATION_AT));
  const hasOrigin = originHash !== '' && (isLast || originHash !== NOTHING);
  const parsed = vouchedHead.safeParse({ size, root, ...(hasOrigin ? { originHash } : {}) });
  return parsed.success ? parsed.data : null;
}

/** Undefined when the record has no reservation, null when what stands there is none. */
function reservationIn(value: Uint8Array): ReservationEnd | undefined | null {
  if (value.length < GOVERNANCE_AT) return undefined;
  const bytes = value.subarray(RESERVATION_AT, GOVERNANCE_AT);
  const isLast = value.length === GOVERNANCE_AT;
  if (!isLast && bytes.every((byte) => byte === 0)) return undefined;
  const ordinal = Number(new DataView(value.buffer, value.byteOffset).getBigUint64(RESERVATION_AT, false));
  const hash = bytesToHex(bytes.subarray(COUNT_BYTES));
  const parsed = reservationEnd.safeParse({ ordinal, hash });
  return parsed.success ? parsed.data : null;
}

/** Undefined when the record has no entry of governance, null when what stands there is none: each log begins with one. */
function governanceIn(value: Uint8Array): GovernanceEnd | undefined | null {
  if (value.length < WITH_GOVERNANCE_BYTES) return undefined;
  const sequence = Number(new DataView(value.buffer, value.byteOffset).getBigUint64(GOVERNANCE_AT, false));
  const hash = bytesToHex(value.subarray(GOVERNANCE_AT + COUNT_BYTES));
  const parsed = governanceEnd.safeParse({ sequence, hash });
  return parsed.success && hash !== NOTHING ? parsed.data : null;
}

/** Null when something there is not what is to stand there. */
function outlivingIn(value: Uint8Array): Outliving | null {
  if (!LENGTHS.includes(value.length)) return null;
  const checkpoint = checkpointIn(value);
  const reservation = reservationIn(value);
  const governance = governanceIn(value);
  if (checkpoint === null || reservation === null || governance === null) return null;
  return { checkpoint, reservation, governance };
}

/** What the token remembers; undefined when it never was part of a ceremony. Throws `anchor-malformed`. */
export async function readAnchor(token: KeySigner): Promise<Anchored | undefined> {
  const record = await token.readRecord(ANCHOR_RECORD);
  return record && anchoredOf(record);
}

function anchoredOf(record: TokenRecord): Anchored {
  // Versions are sequences plus one, so that the first is not zero.
  const outliving = outlivingIn(record.value);
  if (outliving === null || record.version < 1n || record.version > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new Fault<AnchorFaultCode>('anchor-malformed', 'the record on the token is not an anchor');
  }
  return {
    genesisHash: bytesToHex(record.value.subarray(0, 32)),
    sequence: Number(record.version - 1n),
    hash: bytesToHex(record.value.subarray(32, PINNED_BYTES)),
    ...outliving,
  };
}

interface Waiter {
  readonly sequence: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The journal that the record is about. */
export interface Anchorable {
  head(): JournalHead;
  /** As of the head. */
  outliving(): Outliving;
  /** Resolves once every entry so far is on the disk: a record of an entry that is lost would stop the signer for good. */
  durable(): Promise<void>;
  /** Throws `store-rolled-back`, `store-diverged` when the record is of another journal or of a newer state of this one. */
  requireAnchor(pinned: JournalHead): void;
}

export class Anchor {
  private waiters: Waiter[] = [];
  private writing = false;
  private covered: number;
  /** What the token is known to hold: this process wrote it last. */
  private newest: TokenRecord | undefined;
  /** Why nothing is covered any more. For good: what stands on the token is not for this process to judge. */
  private lost: Fault | undefined;

  /** `start` is what the token is known to hold. */
  constructor(
    private readonly token: KeySigner,
    private readonly genesisHash: string,
    private readonly journal: Anchorable,
    start: JournalHead,
  ) {
    this.covered = start.sequence;
  }

  /** The journal sequence that the token's record is known to cover. */
  coveredSequence(): number {
    return this.covered;
  }

  /** Throws why the record is not this journal's any more, once that is known. */
  requireOwn(): void {
    if (this.lost) throw this.lost;
  }

  /** Resolves once the token's record covers the journal up to `sequence`. Rejects with the token's or the store's fault. */
  cover(sequence: number): Promise<void> {
    if (this.lost) return Promise.reject(this.lost);
    if (sequence <= this.covered) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waiters.push({ sequence, resolve, reject });
      if (!this.writing) void this.write();
    });
  }

  /** Writes the newest head until nobody waits. Never rejects: each failure reaches whoever waits at that time. */
  private async write(): Promise<void> {
    this.writing = true;
    while (this.waiters.length > 0) {
      try {
        const before = this.newest ?? (await this.ownRecord());
        const head = this.journal.head();
        const value = anchorValue(this.genesisHash, head.hash, this.journal.outliving());
        await this.journal.durable();
        await this.replace(before, { version: BigInt(head.sequence) + 1n, value });
        this.covered = head.sequence;
        const settled = this.waiters.filter((waiter) => waiter.sequence <= head.sequence);
        this.waiters = this.waiters.filter((waiter) => waiter.sequence > head.sequence);
        for (const waiter of settled) waiter.resolve();
      } catch (error) {
        const failed = this.waiters;
        this.waiters = [];
        for (const waiter of failed) waiter.reject(error);
      }
    }
    this.writing = false;
  }

  /** Where the outcome is not known, the next write begins by reading. */
  private async replace(before: TokenRecord, after: TokenRecord): Promise<void> {
    this.newest = undefined;
    try {
      await this.token.writeRecord(ANCHOR_RECORD, after, before);
    } catch (error) {
      const isChanged = error instanceof Fault && error.code === ('record-changed' satisfies TokenFaultCode);
      if (isChanged) await this.ownRecord();
      throw error;
    }
    this.newest = after;
  }

  /** The record as it is read. Throws, now and ever after, when it is not of this journal. */
  private async ownRecord(): Promise<TokenRecord> {
    const record = await this.token.readRecord(ANCHOR_RECORD);
    try {
      if (!record) throw new Fault<AnchorFaultCode>('anchor-missing', 'the record on the token is gone');
      const pinned = anchoredOf(record);
      if (pinned.genesisHash !== this.genesisHash) {
        throw new Fault<StoreFaultCode>('store-other-genesis', 'the token was pinned to another genesis');
      }
      this.journal.requireAnchor(pinned);
      return record;
    } catch (error) {
      if (error instanceof Fault) this.lost = error;
      throw error;
    }
  }
}
