// The seal on what the signer writes to its disk: an HMAC under a secret that lies on the token. The record on the token
// pins the journal up to some entry; what a crash left above it is believed because of its seal, and so is a heartbeat.
// Who can write to the disk and cannot log in to the token can add neither.
//
// It is no signature for others: who is logged in to the token can make it. Auditors go by the chain of hashes.

import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, randomBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import type { KeySigner } from '../../hardware/key-signer.js';
import { Fault } from '../core/fault.js';
import type { Instant } from './signer-clock.js';

export const SEAL_RECORD = 'portcullis-seal';
const SECRET_BYTES = 32;

/** The entry that a journal goes on from: of a lost journal, or none. */
export interface JournalBase {
  readonly sequence: number;
  readonly hash: string;
}

export type SealFaultCode = 'seal-missing' | 'seal-malformed';

export class Seal {
  /** An HMAC that has taken in the secret and nothing else. */
  readonly #begun: ReturnType<typeof hmac.create>;

  /** `secret` is 32 unguessable bytes. */
  constructor(secret: Uint8Array) {
    this.#begun = hmac.create(sha256, secret);
  }

  /** Lower-case hex. `hash` is the chained hash of the entry, which covers its text and all before it. */
  ofEntry(sequence: number, hash: string): string {
    return this.#of(`portcullis/journal-seal/v1\n${sequence}\n${hash}`);
  }

  /**
   * `base` is what comes before the journal that the heartbeat stands beside. A lost store's heartbeat says of the one that
   * goes on from it nothing: there it would let the windows pass for which limits begin exhausted.
   */
  ofHeartbeat({ wallMs, measuredMs }: Instant, base: JournalBase): string {
    return this.#of(`portcullis/heartbeat-seal/v2\n${base.sequence}\n${base.hash}\n${wallMs}\n${measuredMs}`);
  }

  /** When somebody told the time: written for this journal and no other, and nothing that a heartbeat is. */
  ofToldTime({ wallMs, measuredMs }: Instant, base: JournalBase): string {
    return this.#of(`portcullis/told-time-seal/v1\n${base.sequence}\n${base.hash}\n${wallMs}\n${measuredMs}`);
  }

  #of(text: string): string {
    return bytesToHex(this.#begun.clone().update(utf8ToBytes(text)).digest());
  }
}

async function findSeal(token: KeySigner): Promise<Seal | undefined> {
  const record = await token.readRecord(SEAL_RECORD);
  if (!record) return undefined;
  if (record.value.length !== SECRET_BYTES) {
    throw new Fault<SealFaultCode>('seal-malformed', 'the record on the token is not the secret of a seal');
  }
  return new Seal(record.value);
}

/** The seal of this token. Throws `seal-missing`, `seal-malformed`, and the token's faults. */
export async function readSeal(token: KeySigner): Promise<Seal> {
  const seal = await findSeal(token);
  if (seal) return seal;
  throw new Fault<SealFaultCode>('seal-missing', 'the token has no secret for the seal of the store');
}

/** For the ceremony alone: the seal that is there, left by one that was cut short, or a new one. */
export async function makeSeal(token: KeySigner): Promise<Seal> {
  const found = await findSeal(token);
  if (found) return found;
  const secret = randomBytes(SECRET_BYTES);
  await token.writeRecord(SEAL_RECORD, { version: 1n, value: secret });
  return new Seal(secret);
}
