// What becomes of a transfer whose transaction the signer refused and has certainly not signed. Pure.

import type { Refusal } from '../../core/fault.js';
import type { Fate } from './release.js';
import type { TransferRow } from './transfer.entity.js';

/** What was planned under a governance that is no longer the signer's: planned anew, under the newer one. */
const ABOUT_GOVERNANCE: readonly string[] = [
  'policy-not-in-force',
  'governance-head-unknown',
  'approvals-insufficient',
  'approver-not-in-roster',
  'approval-without-statement',
];

const EXPIRIES: readonly string[] = ['request-expired', 'approval-expired'];

export function isAboutGovernance(code: string): boolean {
  return ABOUT_GOVERNANCE.includes(code);
}

/**
 * A refusal that names a transfer of the plan ends that one, with the signer's code; the others of the plan go back to
 * be planned without it. One that names none sends all back, a bounded number of times.
 */
export function fateAfterRefusal(
  transfer: Pick<TransferRow, 'transferId' | 'signerRefusals'>,
  transferIds: readonly string[],
  { code, facts }: Refusal,
  maxRefusals: number,
): Fate {
  const about = facts.transferId;
  const named = typeof about === 'string' && transferIds.includes(about);
  if (named && about !== transfer.transferId)
    return { to: 'approved', reason: 'batch-released', facts: { code } };
  if (EXPIRIES.includes(code)) {
    // Named or not, only time is at fault; one that is not expired itself finds that out when it is looked at again.
    return named
      ? { to: 'expired', reason: code, facts }
      : { to: 'approved', reason: code, facts, signerRefused: true };
  }
  const mayTryAgain = (!named || isAboutGovernance(code)) && transfer.signerRefusals + 1 < maxRefusals;
  return mayTryAgain
    ? { to: 'approved', reason: 'signer-refused', facts: { ...facts, code }, signerRefused: true }
    : { to: 'refused', reason: code, facts, signerRefused: true };
}
