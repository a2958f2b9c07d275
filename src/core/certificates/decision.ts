// How a decision is written into a certificate: by the signer when it decides, by a verifier when it decides again.

import type { AuthorizedTransfer } from '../authorization/authorize.js';
import type { CertifiedDecision } from './certificate.js';

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
