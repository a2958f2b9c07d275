// The reservation: what the signer's journal says when it has decided to sign, before it asks the token. It is the heart of a
// certificate, as it stands in the journal, so that whoever has the certificate can compute the journal's hash of it again.
// Reservations are counted without a gap and each names the one before, so that none can be left out unseen. It says nothing
// of whether a signature followed.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import type { Authorization } from '../authorization/authorize.js';
import type { DecodedOrder } from '../authorization/decode-order.js';
import { type SigningOrder, signingOrder } from '../authorization/signing-order.js';
import { type PolicyDocument, policyText } from '../governance/entry.js';
import type { GovernanceState } from '../governance/state.js';
import { spanFields, spanOf } from '../policy/counter.js';
import {
  baseUnits,
  identifier,
  printable,
  secp256k1PublicKey,
  sha256Hex,
  timestampMs,
  wholeNumber,
} from '../statements/fields.js';
import { certifiedDecision, certifiedDecisionOf } from './decision.js';
import { certifiedIntent, certifiedIntentOf } from './intent.js';

/** What the first reservation of a deployment names as the one before it. */
export const BEFORE_FIRST_RESERVATION = '0'.repeat(64);

/** The signer's two times: wall clock that never goes back, and time that passed while it ran. */
export const instant = z.strictObject({ wallMs: timestampMs, measuredMs: wholeNumber(0) });

/** Where a chain of reservations ends: how many there are, and the journal's hash of the newest. */
export const reservationEnd = z.strictObject({ ordinal: wholeNumber(1), hash: sha256Hex });
export type ReservationEnd = z.infer<typeof reservationEnd>;

export const reservedTransfer = z.strictObject({
  requestId: identifier,
  requestDigest: sha256Hex,
  feeCeiling: baseUnits,
  decision: certifiedDecision,
  /** What was charged to which counter; empty for a replacement. */
  charges: z.array(
    z.strictObject({
      limitId: z.string(),
      key: z.string(),
      ...spanFields,
      amount: baseUnits,
    }),
  ),
});
export type ReservedTransfer = z.infer<typeof reservedTransfer>;

export const reservation = z.strictObject({
  kind: z.literal('reserved'),
  at: instant,
  /** 1, 2, 3 and so on for each reservation of the deployment, whatever becomes of it. */
  ordinal: wholeNumber(1),
  /** The journal's hash of the reservation before it. */
  previous: sha256Hex,
  signerVersion: printable(64),
  /** Identity of the transaction's effect, whatever its encoding: `bitcoin:` txid, or `ethereum:` wallet and signing hash. */
  transactionKey: z.string().max(160),
  walletId: identifier,
  /** The keys that are to sign, each once. */
  keys: z.array(z.strictObject({ label: identifier, publicKey: secp256k1PublicKey })),
  /** The bytes that were judged, with the requests and approvals that justified them, as they came in. */
  order: signingOrder,
  intent: certifiedIntent,
  spends: z.array(z.string().max(200)).min(1),
  nonce: z.string().nullable(),
  transfers: z.array(reservedTransfer),
  /** SHA-256 of the text of each policy document whose rule decided. */
  documents: z.array(z.strictObject({ name: printable(200), sha256: sha256Hex })),
  governanceSequence: wholeNumber(0),
  governanceHead: sha256Hex,
  policyHash: sha256Hex,
});
export type Reservation = z.infer<typeof reservation>;

/** What no order says and no state: the signer's own circumstances. */
export type ReservationPlace = Pick<Reservation, 'at' | 'ordinal' | 'previous' | 'signerVersion'>;

/**
 * The identity of what a transaction does, whatever its encoding: a segwit txid, or a wallet and an EIP-1559 signing
 * hash (which does not say who sends). Neither changes by being signed.
 */
export function transactionKeyOf({ intent, wallet }: Pick<DecodedOrder, 'intent' | 'wallet'>): string {
  return intent.family === 'bitcoin'
    ? `bitcoin:${intent.transactionId}`
    : `ethereum:${wallet.walletId}:${bytesToHex(intent.signingHash)}`;
}

function reservedTransfersOf({ transfers }: Authorization): ReservedTransfer[] {
  return transfers.map((transfer) => ({
    requestId: transfer.request.statement.requestId,
    requestDigest: transfer.request.digest,
    feeCeiling: transfer.request.statement.feeCeiling,
    decision: certifiedDecisionOf(transfer),
    charges: transfer.limits.map((limit) => ({
      limitId: limit.limitId,
      key: limit.key,
      ...spanOf(limit),
      amount: limit.amount.toString(),
    })),
  }));
}

/** Documents stay as they are until governance brings others, and each is hashed once. */
const hashes = new WeakMap<PolicyDocument, string>();

function documentHash(document: PolicyDocument): string {
  const known = hashes.get(document);
  if (known !== undefined) return known;
  const hash = bytesToHex(sha256(utf8ToBytes(policyText(document))));
  hashes.set(document, hash);
  return hash;
}

function documentsOf({ transfers }: Authorization, policies: readonly PolicyDocument[]) {
  const deciding = new Set(transfers.map(({ decision }) => decision.rule.split('/')[0] ?? ''));
  return policies
    .filter(({ name }) => deciding.has(name))
    .map((document) => ({ name: document.name, sha256: documentHash(document) }));
}

/** The reservation of an order that may be signed: by the signer when it decides, by a verifier when it decides again. */
export function reservationOf(
  authorization: Authorization,
  order: SigningOrder,
  state: GovernanceState,
  { at, ordinal, previous, signerVersion }: ReservationPlace,
): Reservation {
  const { decoded } = authorization;
  const keys = new Map(decoded.toSign.map(({ key }) => [key.label, key.publicKey]));
  return {
    kind: 'reserved',
    at,
    ordinal,
    previous,
    signerVersion,
    transactionKey: transactionKeyOf(decoded),
    walletId: decoded.wallet.walletId,
    keys: [...keys].map(([label, publicKey]) => ({ label, publicKey })),
    order,
    intent: certifiedIntentOf(decoded.intent),
    spends: [...decoded.spends],
    nonce: decoded.nonce?.toString() ?? null,
    transfers: reservedTransfersOf(authorization),
    documents: documentsOf(authorization, state.policies),
    governanceSequence: state.sequence,
    governanceHead: state.head,
    policyHash: state.policyHash,
  };
}

/** What the journal's hash of an entry is over, beside the hash of the entry before it and the text. */
export function journalPrefix(sequence: number): string {
  return `portcullis/journal/v1\n${sequence}\n`;
}

/** SHA-256 over the hash of the entry before, the sequence and the text. Lower-case hex. */
export function journalHashOf(previous: string, sequence: number, text: string): string {
  const bytes = concatBytes(hexToBytes(previous), utf8ToBytes(journalPrefix(sequence)), utf8ToBytes(text));
  return bytesToHex(sha256(bytes));
}
