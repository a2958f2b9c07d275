// The decision certificate: everything that explains one signature to somebody who has nothing else but the governance
// log. Data only; checking it is verify.ts.

import { z } from 'zod';
import { signingOrder } from '../authorization/signing-order.js';
import { burial } from '../recovery/burial.js';
import { baseUnits, identifier, sha256Hex, timestampMs, wholeNumber } from '../statements/fields.js';
import { transferId } from '../statements/request.js';

export const CERTIFICATE_TYPE = 'portcullis/certificate/v1';

/** The signer signs nothing whose certificate would have to carry more of them. */
export const MAX_CERTIFIED_BURIALS = 200;

/** Text that canonical JSON can carry. */
function printable(most: number) {
  return z
    .string()
    .max(most)
    .regex(/^[\x20-\x7e]*$/);
}

/** What the signer knew of a destination and the time, where a rule for the wallet asks for it: its word. */
export const certifiedKnowledge = z.strictObject({
  /** The moment by which hours are told. Absent where the signer did not know what time it was. */
  atMs: timestampMs.exactOptional(),
  firstUse: z.boolean(),
  lookAlikeOf: printable(90).exactOptional(),
  whitelist: z
    .strictObject({ entryId: identifier, label: printable(64), ageMs: wholeNumber(0) })
    .exactOptional(),
});
export type CertifiedKnowledge = z.infer<typeof certifiedKnowledge>;

export const certifiedDecision = z.strictObject({
  transferId,
  /** What had been reserved or signed for the transfer before: anything but `unseen` makes this a replacement. */
  past: z.enum(['unseen', 'reserved', 'signed', 'dead']),
  kind: z.enum(['allow', 'approve']),
  /** `document/rule` that matched. */
  rule: printable(200),
  /** Persons whose approvals were valid. */
  approvers: z.array(identifier),
  limits: z.array(
    z.strictObject({
      limitId: printable(200),
      key: printable(300),
      windowMs: wholeNumber(1),
      max: baseUnits,
      usedBefore: baseUnits,
      usedAfter: baseUnits,
    }),
  ),
  knew: certifiedKnowledge.exactOptional(),
});
export type CertifiedDecision = z.infer<typeof certifiedDecision>;

export const certificate = z.strictObject({
  type: z.literal(CERTIFICATE_TYPE),
  deploymentId: sha256Hex,
  signerVersion: z.string().max(64),
  /** Place of the reservation in the signer's journal, which the token's record covered before the signature left. */
  journalSequence: wholeNumber(0),
  journalHash: sha256Hex,
  governanceSequence: wholeNumber(0),
  governanceHead: sha256Hex,
  policyHash: sha256Hex,
  /** The signer's time when it decided. */
  decidedAtMs: timestampMs,
  tokenSerial: z.string().max(64),
  /** The bytes that were judged, with the request and approvals that justified them, as they came in. */
  order: signingOrder,
  decisions: z.array(certifiedDecision),
  /** For transfers that were paid before by what a quorum says is dead: the quorum's words. */
  burials: z.array(burial).max(MAX_CERTIFIED_BURIALS),
  signedTransaction: z.string().regex(/^[0-9a-f]+$/),
  transactionId: z.string().max(66),
});
export type Certificate = z.infer<typeof certificate>;
