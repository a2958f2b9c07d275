// Decision certificates, put together from what the journal says alone: the same one whenever it is asked for. With a signature
// one leaves without attestation, since the token is asked once for each signature and no more. Pages of them are attested
// afterwards, for whoever collects them, with one signature of the attestation key for each page.

import { attestationBytes, attestPage, type ChainExtent } from '../core/certificates/attestation.js';
import {
  CERTIFICATE_TYPE,
  type Certificate,
  type CertifiedOutcome,
  MAX_ATTESTED_TOGETHER,
  type SignedCertificate,
} from '../core/certificates/certificate.js';
import type { Reservation } from '../core/certificates/reservation.js';
import { Fault } from '../core/fault.js';
import { type Vouching, vouchingAt } from '../core/governance/attestation-key.js';
import type { GovernanceState } from '../core/governance/state.js';
import type { Burial } from '../core/recovery/burial.js';
import type { CertificatesResult } from '../signer-protocol/messages.js';
import { attest } from './attesting.js';
import type { JournalBody, SignedRecord } from './journal.js';
import type { SignerParts } from './reports.js';
import type { SignerStore } from './store.js';
import type { StoreFaultCode } from './store-file.js';

/** A page ends with the certificate that passes this, so that it fits into a reply whatever they are. */
const PAGE_CHARACTERS = 1024 * 1024;

/** An entry of the journal that is known to be of this kind. */
export interface EntryOf<Body extends JournalBody> {
  readonly sequence: number;
  readonly hash: string;
  readonly body: Body;
}

function otherEntry(sequence: number): Fault<StoreFaultCode> {
  return new Fault('store-corrupt', 'the journal holds something else than is looked for there', {
    facts: { sequence },
  });
}

/** Throws `store-corrupt` where the journal has something else. */
export function reservationAt(store: SignerStore, sequence: number): EntryOf<Reservation> {
  const { body, hash } = store.read(sequence);
  if (body.kind !== 'reserved') throw otherEntry(sequence);
  return { sequence, hash, body };
}

/** Throws `store-corrupt` where the journal has something else. */
export function signatureAt(store: SignerStore, sequence: number): SignedRecord {
  const { body } = store.read(sequence);
  if (body.kind !== 'signed') throw otherEntry(sequence);
  return body;
}

/** The burials, from before a place in the journal, that let transfers be paid again which had been paid by what is dead now. */
export function burialsBefore(
  store: SignerStore,
  sequence: number,
  { transfers }: Pick<Reservation, 'transfers'>,
): Burial[] {
  const sequences = transfers
    .filter(({ decision }) => decision.past === 'dead')
    .flatMap(({ decision }) => store.ledger.burialsOf(decision.transferId))
    .map(({ journalSequence }) => journalSequence)
    .filter((one) => one < sequence);
  return [...new Set(sequences)].flatMap((one) => {
    const { body } = store.read(one);
    return body.kind === 'buried' ? [body.burial] : [];
  });
}

function certificateOf<Outcome extends CertifiedOutcome>(
  store: SignerStore,
  deploymentId: string,
  { sequence, hash, body }: EntryOf<Reservation>,
  outcome: Outcome,
): Certificate & { readonly outcome: Outcome } {
  return {
    type: CERTIFICATE_TYPE,
    deploymentId,
    journalSequence: sequence,
    journalPrevious: store.hashBefore(sequence),
    journalHash: hash,
    reservation: body,
    burials: burialsBefore(store, sequence, body),
    outcome,
  };
}

/** The certificate of a signature that the journal has. */
export function signedCertificate(
  store: SignerStore,
  deploymentId: string,
  reserved: EntryOf<Reservation>,
  { signedTransaction, transactionId, tokenSerial }: SignedRecord,
): SignedCertificate {
  const outcome = { kind: 'signed', signedTransaction, transactionId, tokenSerial } as const;
  return certificateOf(store, deploymentId, reserved, outcome);
}

/** That of a reservation as it stands now: signed, or not. */
function certificateAt(store: SignerStore, deploymentId: string, sequence: number): Certificate {
  const reserved = reservationAt(store, sequence);
  const known = store.ledger.transaction(reserved.body.transactionKey);
  if (known?.signedSequence !== undefined) {
    return signedCertificate(store, deploymentId, reserved, signatureAt(store, known.signedSequence));
  }
  const kind = known?.ended === undefined ? 'begun' : 'ended';
  return certificateOf(store, deploymentId, reserved, { kind });
}

/** As many as there are room for, all of those under one attestation key. */
function pageFrom(
  store: SignerStore,
  state: AttestingState,
  fromOrdinal: number,
  most: number,
): { readonly certificates: readonly Certificate[]; readonly vouching: Vouching } {
  const certificates: Certificate[] = [];
  let vouching: Vouching | undefined;
  let characters = 0;
  const limit = Math.min(most, MAX_ATTESTED_TOGETHER);
  for (const sequence of store.ledger.reservationSequences(fromOrdinal, limit)) {
    if (characters >= PAGE_CHARACTERS) break;
    const certificate = certificateAt(store, state.deploymentId, sequence);
    const own = vouchingAt(state, certificate.reservation.governanceSequence);
    vouching ??= own;
    if (own.sequence !== vouching.sequence) break;
    characters += JSON.stringify(certificate).length;
    certificates.push(certificate);
  }
  return { certificates, vouching: vouching ?? vouchingAt(state, state.sequence) };
}

/**
 * How many reservations there were while a key was the one in force, and up to when: a key says nothing of what came after
 * it. Without that time, whoever has only what the old key attests would be told that it is all there is today.
 */
function countedUnder(
  store: SignerStore,
  { attestations }: AttestingState,
  vouching: Vouching,
): Pick<ChainExtent, 'newestOrdinal' | 'countedAtMs'> {
  const next = attestations.find(({ sequence }) => sequence > vouching.sequence);
  const [until] = next ? store.ledger.governanceSequences(next.sequence, 1) : [];
  if (until === undefined) return { newestOrdinal: store.ledger.newestReservation()?.ordinal ?? 0 };
  const { body } = store.read(until);
  if (body.kind !== 'governance') throw otherEntry(until);
  return {
    newestOrdinal: store.ledger.newestReservationBefore(until),
    countedAtMs: body.at.wallMs,
  };
}

type AttestingState = Pick<GovernanceState, 'deploymentId' | 'attestation' | 'attestations' | 'sequence'>;

/**
 * Certificates from an ordinal on, attested, those that are kept: none where there are none yet. The token is not asked before
 * its record covers all that is said. Throws the token's and the store's faults.
 */
export async function attestedPage(
  { store, clock, anchor, tokens, verifier }: SignerParts,
  state: AttestingState,
  fromOrdinal: number,
  most: number,
): Promise<CertificatesResult> {
  const { certificates, vouching } = pageFrom(store, state, fromOrdinal, most);
  const newestOrdinal = store.ledger.newestReservation()?.ordinal ?? 0;
  const keptFrom = store.ledger.keptFromOrdinal();
  if (certificates.length === 0) return { certificates: [], newestOrdinal, keptFrom };
  const attestedAtMs = clock.now().wallMs;
  const extent = { ...countedUnder(store, state, vouching), keptFrom, attestedAtMs };
  const page = attestPage(certificates, extent);
  await anchor.cover(store.head().sequence);
  const signature = await attest(attestationBytes(page.statement), vouching.key, tokens, verifier);
  const attestations = page.attestations(signature);
  return {
    certificates: certificates.map((one, at) => ({ ...one, attestation: attestations[at] ?? missing() })),
    newestOrdinal,
    keptFrom,
  };
}

function missing(): never {
  throw new RangeError('a page has an attestation for each of its certificates');
}
