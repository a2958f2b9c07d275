// What becomes of a transfer whose transaction the signer refused and has certainly not signed. Pure.

import { MAX_CLOCK_SKEW_MS } from '../../core/authorization/requests.js';
import type { FactRefusalCode } from '../../core/facts/verify.js';
import type { Refusal } from '../../core/fault.js';
import type { HeadRefusalCode } from '../../core/governance/fresh-head.js';
import type { PolicyRefusalCode } from '../../core/policy/types.js';
import type { Fate } from './release.js';
import type { TransferRow } from './transfer.entity.js';

/** What was planned under a governance that is no longer the signer's: planned anew, under the newer one. */
const ABOUT_GOVERNANCE: readonly string[] = [
  'policy-not-in-force',
  'governance-head-unknown',
  'approvals-insufficient',
  'approver-not-in-roster',
  'approval-follows-unknown',
  'approval-without-statement',
];

const EXPIRIES: readonly string[] = ['request-expired', 'approval-expired'];

/** The signer's own: somebody else's order came with a newer one, or it can't tell, having been started since. */
type ConflictingFact = 'fact-sequence-decreased' | 'fact-order-unknown';

/** The signer began again after a lost store, later than this was asked for. */
export const BEFORE_RESTORE = 'request-before-restore';

/** Nothing is signed for the wallet until a quorum thaws it: whatever waits for that, waits where it is. */
export const WALLET_FROZEN = 'wallet-frozen';

/** Nobody has vouched for governance's head lately: what nobody approves waits until a governor has. */
const WAITING_FOR_A_WORD: readonly string[] = [
  'head-missing',
  'head-stale',
  'head-unknown',
  'head-signer-not-governor',
  'head-signature-invalid',
] satisfies HeadRefusalCode[];

/** The signer's host says another time than the signer measured: somebody sets that right, or a quorum says the time. */
const CLOCK_DIVERGED = 'clock-diverged';

/**
 * Whether a rule lets it pass is not known for want of a fact: in a moment it may be. That a token is another one is a
 * watcher's word as well, which may be better the next time.
 */
const WAITING_FOR_FACTS: readonly string[] = [
  'fact-missing',
  'facts-disagree',
  'token-changed',
] satisfies PolicyRefusalCode[];

export function waitsForFacts(code: string): boolean {
  return WAITING_FOR_FACTS.includes(code);
}

/** Facts that the signer does not take: others are put into the order at the next try. */
const ABOUT_FACTS: readonly string[] = [
  'fact-too-old',
  'fact-from-the-future',
  'fact-sequence-decreased',
  'fact-order-unknown',
  'fact-key-unknown',
  'fact-kind-not-allowed',
] satisfies (FactRefusalCode | ConflictingFact)[];

/** The request key has begun as many holds as it may in a day: this one begins when an earlier one is a day old. */
const HOLDS_TOO_MANY = 'holds-too-many';

/** The transaction is good as it is, and is asked for again until somebody has done something. */
export function waitsAtSigner(code: string): boolean {
  return (
    code === WALLET_FROZEN ||
    code === CLOCK_DIVERGED ||
    code === HOLDS_TOO_MANY ||
    WAITING_FOR_A_WORD.includes(code) ||
    waitsForFacts(code) ||
    ABOUT_FACTS.includes(code)
  );
}

/** The rule of a transfer holds it, and the signer still measures the time. */
export const TRANSFER_HELD = 'transfer-held';

/** The refusal with the time at which to ask again: about when the signer will have measured enough, if it runs on. */
export function withHoldUntil<R extends Refusal>(refusal: R, nowMs: number): R {
  const { leftMs } = refusal.facts;
  if (refusal.code !== TRANSFER_HELD || typeof leftMs !== 'number') return refusal;
  return { ...refusal, facts: { ...refusal.facts, heldUntilMs: nowMs + leftMs } };
}

/** When to ask again for a transfer that is held; undefined for any other. */
export function heldUntilMs({
  state,
  waitingFor,
  facts,
}: Pick<TransferRow, 'state' | 'waitingFor' | 'facts'>): number | undefined {
  const { heldUntilMs: untilMs } = facts;
  return state === 'approved' && waitingFor === TRANSFER_HELD && typeof untilMs === 'number'
    ? untilMs
    : undefined;
}

/** A person has the signer asked once more, for what it had been asked for before. */
export const ASKED_AGAIN = 'signer-asked-again';

/**
 * May a signer whose store was lost since have been asked for the same bytes before? `plannedAtMs` is before they were first
 * offered to it. The restore was drawn up after the store was lost, and says when, five minutes less than what it kills.
 * What was offered more than once may have been offered to the lost one, whatever the clocks of this host and of the
 * signer's say.
 */
export function mayBeOfLostStore(
  { code, facts }: Refusal,
  plannedAtMs: number,
  offeredBefore: boolean,
): boolean {
  const { deadUpToMs } = facts;
  if (code !== BEFORE_RESTORE) return false;
  if (offeredBefore) return true;
  return typeof deadUpToMs !== 'number' || plannedAtMs <= deadUpToMs - MAX_CLOCK_SKEW_MS;
}

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
  // Says whose no it was, which the log goes by.
  const said = { ...facts, refusedBy: 'signer' };
  const named = typeof about === 'string' && transferIds.includes(about);
  if (named && about !== transfer.transferId)
    return { to: 'approved', reason: 'batch-released', facts: { code } };
  if (named && code === TRANSFER_HELD) return { to: 'approved', reason: code, facts, waitingFor: code };
  if (EXPIRIES.includes(code)) {
    // Named or not, only time is at fault; one that is not expired itself finds that out when it is looked at again.
    return named
      ? { to: 'expired', reason: code, facts: said }
      : { to: 'approved', reason: code, facts: said, signerRefused: true };
  }
  const mayTryAgain = (!named || isAboutGovernance(code)) && transfer.signerRefusals + 1 < maxRefusals;
  return mayTryAgain
    ? { to: 'approved', reason: 'signer-refused', facts: { ...said, code }, signerRefused: true }
    : { to: 'refused', reason: code, facts: said, signerRefused: true };
}
