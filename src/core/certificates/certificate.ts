// The decision certificate: everything that explains one signature to somebody who has nothing else but the governance
// log. Data only; checking it is verify.ts. docs/certificates.md describes the format.

import { z } from 'zod';
import { burial } from '../recovery/burial.js';
import { canonicalBytes } from '../statements/canonical-json.js';
import { printable, sha256Hex, signature64, timestampMs, wholeNumber } from '../statements/fields.js';
import type { CertifiedDecision } from './decision.js';
import { reservation } from './reservation.js';

export const CERTIFICATE_TYPE = 'portcullis/certificate/v1';
export const ATTESTATION_TYPE = 'portcullis/attestation/v1';

/** The signer signs nothing whose certificate would have to carry more of them. */
export const MAX_CERTIFIED_BURIALS = 200;
/** A page that is attested together has at most so many certificates. */
export const MAX_ATTESTED_TOGETHER = 64;

/** What became of a reservation. */
export const certifiedOutcome = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('signed'),
    signedTransaction: z.string().regex(/^[0-9a-f]+$/),
    transactionId: z.string().max(66),
    tokenSerial: printable(64),
  }),
  /** No signature has left the signer. One may, when the order is sent again. */
  z.strictObject({ kind: z.literal('begun') }),
  /** No signature has left the signer, and none ever will. */
  z.strictObject({ kind: z.literal('ended') }),
]);
export type CertifiedOutcome = z.infer<typeof certifiedOutcome>;

/** What the signer's attestation key signs: made by the signer from what its journal holds. */
export const attestationStatement = z.strictObject({
  type: z.literal(ATTESTATION_TYPE),
  deploymentId: sha256Hex,
  /** The certificates that it is about: those of all reservations from one to another. */
  fromOrdinal: wholeNumber(1),
  toOrdinal: wholeNumber(1),
  /** The Merkle root over them (RFC 6962 §2.1). */
  root: sha256Hex,
  /** How many reservations there were. The token's record covered all of them. */
  newestOrdinal: wholeNumber(1),
  /** When there were so many, where a key attests that has been replaced since: it says nothing of what came later. */
  countedAtMs: timestampMs.exactOptional(),
  /** The first reservation that this signer still has: those before it were lost with a store. */
  keptFrom: wholeNumber(1),
  attestedAtMs: timestampMs,
});
export type AttestationStatement = z.infer<typeof attestationStatement>;

export const attestation = z.strictObject({
  statement: attestationStatement,
  /** The hashes beside the certificate's way to the root, from the leaf upwards. */
  path: z.array(sha256Hex).max(16),
  signature: signature64,
});
export type Attestation = z.infer<typeof attestation>;

export const certificate = z.strictObject({
  type: z.literal(CERTIFICATE_TYPE),
  deploymentId: sha256Hex,
  /** Place of the reservation in the signer's journal, which the token's record covered before the signature left. */
  journalSequence: wholeNumber(0),
  /** The journal's hash of the entry before. */
  journalPrevious: sha256Hex,
  /** The journal's hash of the reservation. */
  journalHash: sha256Hex,
  reservation,
  /** For transfers that were paid before by what a quorum says is dead: the quorum's words. */
  burials: z.array(burial).max(MAX_CERTIFIED_BURIALS),
  outcome: certifiedOutcome,
  /** Not there yet right after the signature: the signer attests later, many together. */
  attestation: attestation.exactOptional(),
});
export type Certificate = z.infer<typeof certificate>;

/** JSON Schema (draft 2020-12): `verifier/certificate.schema.json`. Looser than parsing: it knows no canonical form. */
export function certificateSchemaText(): string {
  return `${JSON.stringify(z.toJSONSchema(certificate, { io: 'input' }), null, 2)}\n`;
}

/** A certificate of something that was signed. */
export type SignedCertificate = Certificate & {
  readonly outcome: Extract<CertifiedOutcome, { readonly kind: 'signed' }>;
};

export function isSigned(certified: Certificate): certified is SignedCertificate {
  return certified.outcome.kind === 'signed';
}

/** The bytes that an attestation is about. */
export function attestedBytes({ attestation: _, ...rest }: Certificate): Uint8Array {
  return canonicalBytes(rest);
}

export function decisionsOf({ reservation: { transfers } }: Certificate): CertifiedDecision[] {
  return transfers.map(({ decision }) => decision);
}
