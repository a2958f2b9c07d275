// How a decision is written into a certificate: by the signer when it decides, by a verifier when it decides again.

import { z } from 'zod';
import type { AuthorizedTransfer } from '../authorization/authorize.js';
import { spanFields, spanOf } from '../policy/counter.js';
import type { Known } from '../policy/types.js';
import { baseUnits, identifier, printable, timestampMs, wholeNumber } from '../statements/fields.js';
import { transferId } from '../statements/request.js';

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
      ...spanFields,
      max: baseUnits,
      usedBefore: baseUnits,
      usedAfter: baseUnits,
    }),
  ),
  knew: certifiedKnowledge.exactOptional(),
  /** How long the signer had measured that it waited, where its rule holds it. */
  heldMs: wholeNumber(0).exactOptional(),
});
export type CertifiedDecision = z.infer<typeof certifiedDecision>;

export function certifiedKnowledgeOf({ atMs, firstUse, lookAlikeOf, whitelist }: Known): CertifiedKnowledge {
  return {
    ...(atMs !== undefined && { atMs }),
    firstUse,
    ...(lookAlikeOf !== undefined && { lookAlikeOf }),
    ...(whitelist && { whitelist: { ...whitelist } }),
  };
}

export function knownFrom({ atMs, firstUse, lookAlikeOf, whitelist }: CertifiedKnowledge): Known {
  return { atMs, firstUse, lookAlikeOf, whitelist };
}

export function certifiedDecisionOf({
  request,
  decision,
  limits,
  approvers,
  past,
  knew,
  heldMs,
}: AuthorizedTransfer): CertifiedDecision {
  return {
    transferId: request.transferId,
    past,
    kind: decision.kind,
    rule: decision.rule,
    approvers: [...approvers],
    limits: limits.map((limit) => ({
      limitId: limit.limitId,
      key: limit.key,
      ...spanOf(limit),
      max: limit.max.toString(),
      usedBefore: limit.usedBefore.toString(),
      usedAfter: limit.usedAfter.toString(),
    })),
    ...(knew && { knew: certifiedKnowledgeOf(knew) }),
    ...(heldMs !== undefined && { heldMs }),
  };
}
