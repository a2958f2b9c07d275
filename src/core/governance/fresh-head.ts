// An officer's word, once a day, that a head of the governance log is the newest that they know. Without one that is fresh
// nothing is signed unattended: whoever keeps a freeze or a removal from the signer gains a
// day at most. Attended transfers need none: what their officers sign names a head.

import { z } from 'zod';
import { accepted, type Outcome, refused } from '../fault.js';
import { identifier, sha256Hex, officerSignature, timestampMs, wholeNumber } from '../statements/fields.js';
import { statementBytes } from '../statements/preimage.js';
import type { SignatureVerifier } from '../statements/signature.js';
import { isSignedBy } from './quorum.js';
import type { Timelock } from './entry.js';
import { type GovernanceState, holderOf } from './state.js';

export const HEAD_TYPE = 'portcullis/head/v1';

/** How far a head's own time may lie ahead of the signer's. */
export const MAX_HEAD_SKEW_MS = 5 * 60 * 1000;

export const headStatement = z.strictObject({
  type: z.literal(HEAD_TYPE),
  deploymentId: sha256Hex,
  /** Sequence and hash of the newest entry that the officer knows. */
  sequence: wholeNumber(0, 1_000_000),
  head: sha256Hex,
  createdAtMs: timestampMs,
});
export type HeadStatement = z.infer<typeof headStatement>;

export const signedHead = z.strictObject({
  statement: headStatement,
  credentialId: identifier,
  signature: officerSignature,
});
export type SignedHead = z.infer<typeof signedHead>;

/**
 * `head-missing`: none was given. `head-stale`: older than governance asks. `head-unknown`: of another deployment, from the
 * future, or an entry that this log has not; then the log here may be the one that is behind.
 */
export type HeadRefusalCode =
  | 'head-missing'
  | 'head-stale'
  | 'head-unknown'
  | 'head-signer-not-governor'
  | 'head-signature-invalid';

const DAY_MS = 24 * 60 * 60 * 1_000;

/** How old a word may be for what nobody approves: what governance says, and a day where it says nothing. Never longer. */
export function freshForMs({ freshHeadMs }: Timelock): number {
  return freshHeadMs ?? DAY_MS;
}

export function headBytes(statement: HeadStatement): Uint8Array {
  return statementBytes(HEAD_TYPE, statement);
}

/** Is it a governor's word about an entry of this log, and not older than `maxAgeMs`? Hostile input. */
export function verifyHead(
  state: GovernanceState,
  signed: SignedHead | undefined,
  maxAgeMs: number,
  verifier: SignatureVerifier,
  nowMs: number,
): Outcome<SignedHead, HeadRefusalCode> {
  if (!signed) return refused('head-missing', { maxAgeMs });
  const { statement, credentialId, signature } = signed;
  const { deploymentId, sequence, head, createdAtMs } = statement;
  const isOurs = deploymentId === state.deploymentId && state.history[sequence] === head;
  if (!isOurs || createdAtMs > nowMs + MAX_HEAD_SKEW_MS) {
    return refused('head-unknown', { sequence, head, known: state.sequence });
  }
  if (createdAtMs + maxAgeMs <= nowMs) return refused('head-stale', { createdAtMs, maxAgeMs, nowMs });
  const holder = holderOf(state, credentialId);
  if (!holder || !state.groups.get(state.quorum.group)?.includes(holder.person.personId)) {
    return refused('head-signer-not-governor', { credentialId });
  }
  return isSignedBy(holder.credential, headBytes(statement), signature, verifier)
    ? accepted(signed)
    : refused('head-signature-invalid', { credentialId });
}
