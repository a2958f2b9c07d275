// How a decision is written into a certificate: by the signer when it decides, by a verifier when it decides again.

import type { AuthorizedTransfer } from '../authorization/authorize.js';
import type { Known } from '../policy/types.js';
import type { CertifiedDecision, CertifiedKnowledge } from './certificate.js';

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
    ...(knew && { knew: certifiedKnowledgeOf(knew) }),
  };
}
