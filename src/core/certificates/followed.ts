// Who named whose approvals as given before their own, in the words of a verifier. For what is proved already: it checks nothing.

import type { OrderedTransfer, SigningOrder } from '../authorization/signing-order.js';
import { givenApprovalDigest } from '../statements/approval.js';

function wordsOf({ statement, approvals }: OrderedTransfer): string[] {
  if (statement === null || approvals.every(({ follows }) => follows === undefined)) return [];
  const given = approvals.map((one) => ({ ...one, digest: givenApprovalDigest(one, statement) }));
  return given.flatMap(({ credentialId, follows = [] }) => {
    const before = given.filter(({ digest }) => follows.includes(digest)).map((one) => one.credentialId);
    if (before.length === 0) return [];
    return [
      `${statement.transferId}: the approval with ${credentialId} was given after those with ${before.join(', ')}, whose signatures it names`,
    ];
  });
}

export function followedWords({ transfers }: SigningOrder): string[] {
  return transfers.flatMap(wordsOf);
}
