// How a decision is written into a certificate: by the signer when it decides, by a verifier when it decides again.

import { z } from 'zod';
import type { AuthorizedTransfer } from '../authorization/authorize.js';
import { baseUnits, identifier, printable, wholeNumber } from '../statements/fields.js';
import { transferId } from '../statements/request.js';

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
});
export type CertifiedDecision = z.infer<typeof certifiedDecision>;

export function certifiedDecisionOf({
  request,
  decision,
  limits,
  approvers,
  past,
}: AuthorizedTransfer): CertifiedDecision {
  return {
    transferId: request.transferId,
    past,
    kind: decision.kind,
    rule: decision.rule,
    approvers: [...approvers],
    limits: limits.map(({ limitId, key, windowMs, max, usedBefore, usedAfter }) => ({
      limitId,
      key,
      windowMs,
      max: max.toString(),
      usedBefore: usedBefore.toString(),
      usedAfter: usedAfter.toString(),
    })),
  };
}
