// The journal: the one truth of the signer's store. Each entry is chained to the one before it by SHA-256, and the
// token's record pins one of the hashes, so that a store that was cut, edited or put back from yesterday is noticed.
// Only shapes and hashing here; keeping it is store.ts.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { instant, journalPrefix, reservation, reservationEnd } from '../core/certificates/reservation.js';
import { governanceEntry } from '../core/governance/entry.js';
import { burial } from '../core/recovery/burial.js';
import { restore } from '../core/recovery/restore.js';
import { voidBasis } from '../core/recovery/void.js';
import { type CanonicalValue, canonicalJson } from '../core/statements/canonical-json.js';
import { identifier, sha256Hex } from '../core/statements/fields.js';
import { signedRequest, transferId } from '../core/statements/request.js';
import { logHead } from '../signer-protocol/messages.js';

export const BEFORE_FIRST = '0'.repeat(64);

export const signedRecord = z.strictObject({
  kind: z.literal('signed'),
  transactionKey: z.string().max(160),
  signedTransaction: z.string(),
  transactionId: z.string().max(66),
  tokenSerial: z.string().max(64),
});
export type SignedRecord = z.infer<typeof signedRecord>;

/** A request that is never to be signed. */
export const voided = z.strictObject({
  kind: z.literal('voided'),
  at: instant,
  request: signedRequest,
  transferId,
  basis: voidBasis,
});
export type Voided = z.infer<typeof voided>;

export const buried = z.strictObject({ kind: z.literal('buried'), at: instant, burial });

/** What the signer vouches for, and of which audit log. */
export const vouchedHead = z.strictObject({
  ...logHead.shape,
  /** SHA-256 of the log's origin. Without one, of the first log that governance named: there was one alone then. */
  originHash: sha256Hex.exactOptional(),
});
export type VouchedHead = z.infer<typeof vouchedHead>;

/** Since when a transfer waits, where its rule holds it: then, nothing else was missing. */
export const held = z.strictObject({
  kind: z.literal('held'),
  at: instant,
  transferId,
  /** `document/rule` of the policies of this hash: under others it begins anew. */
  rule: z.string().max(200),
  policyHash: sha256Hex,
  /** Of the request key that asked for it. */
  keyId: identifier,
});
export type Held = z.infer<typeof held>;

/** A checkpoint that the signer vouches for: whatever it vouches for later of this log begins with it. */
export const checkpointed = z.strictObject({
  kind: z.literal('checkpointed'),
  at: instant,
  ...vouchedHead.shape,
});

/** The first entry of a journal that goes on where a lost one ended: the sequence and hash before it are the record's. */
export const restored = z.strictObject({
  kind: z.literal('restored'),
  at: instant,
  restore,
  /** The newest checkpoint of the lost journal, as the record on the token remembers it. */
  checkpoint: vouchedHead.optional(),
  /** The newest reservation of the lost journal, as the record on the token remembers it: the next one follows it. */
  reservation: reservationEnd.optional(),
});
export type Restored = z.infer<typeof restored>;

export const journalBody = z.discriminatedUnion('kind', [
  /** Sequence 0, or right after `restored`: the genesis entry of the governance log. */
  z.strictObject({ kind: z.literal('genesis'), entry: governanceEntry }),
  z.strictObject({ kind: z.literal('governance'), at: instant, entry: governanceEntry }),
  reservation,
  signedRecord,
  voided,
  buried,
  held,
  checkpointed,
  restored,
]);
export type JournalBody = z.infer<typeof journalBody>;

export interface JournalEntry {
  readonly sequence: number;
  readonly hash: string;
  readonly body: JournalBody;
}

/** The text of a body as it is stored and hashed. Throws `not-canonical` for anything outside printable ASCII. */
export function journalText(body: JournalBody): string {
  return canonicalJson(body as CanonicalValue);
}

/** `journalHashOf` a certificate, as fast as this machine can. */
export function journalHash(previous: string, sequence: number, text: string): string {
  return createHash('sha256')
    .update(previous, 'hex')
    .update(journalPrefix(sequence), 'utf8')
    .update(text, 'utf8')
    .digest('hex');
}
