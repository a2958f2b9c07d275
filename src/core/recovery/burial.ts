// The burial: a quorum's word that what was signed for some transfers can never be mined any more, because a conflicting
// transaction, signed by the same signer and paying none of them, lies deep in the chain. It alone lets a transfer that
// was signed be paid by other inputs or another nonce. The signer asks no chain: the officers vouch for what they saw.

import { z } from 'zod';
import { accepted, type Outcome, refused } from '../fault.js';
import { entrySignatures } from '../governance/entry.js';
import { verifyQuorum } from '../governance/quorum.js';
import type { GovernanceState, QuorumRefusalCode } from '../governance/state.js';
import { sha256Hex, timestampMs, wholeNumber } from '../statements/fields.js';
import { statementBytes } from '../statements/preimage.js';
import { transferId } from '../statements/request.js';
import type { SignatureVerifier } from '../statements/signature.js';

export const BURIAL_TYPE = 'portcullis/burial/v1';

/** Confirmations below which no statement is taken: what a chain has been seen to take back is far less. */
export const LEAST_CONFIRMATIONS = { bitcoin: 6, ethereum: 64 } as const;
export const MAX_BURIAL_LIFETIME_MS = 7 * 24 * 60 * 60 * 1000;

/** Identity of a transaction's effect: `bitcoin:` txid, or `ethereum:` wallet and signing hash. */
export const transactionKey = z
  .string()
  .regex(/^(?:bitcoin:[0-9a-f]{64}|ethereum:[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}:[0-9a-f]{64})$/);

export const burialStatement = z.strictObject({
  type: z.literal(BURIAL_TYPE),
  deploymentId: sha256Hex,
  /** The newest governance entry: the signer refuses a statement that was signed under another one. */
  governanceHead: sha256Hex,
  /** The transfers that were to be paid. */
  transferIds: z
    .array(transferId)
    .min(1)
    .max(200)
    .refine((ids) => new Set(ids).size === ids.length, 'a transfer is named twice'),
  /** All that was ever signed or begun for them and is not dead yet: none of it can be mined beside the conflicting one. */
  dead: z.array(transactionKey).min(1).max(400),
  /** What is in the chain instead. Depth as the officers saw it. */
  conflicting: z.strictObject({
    transactionKey,
    /** As explorers show it; a convenience, compared with the signer's own record. */
    transactionId: z.string().regex(/^(?:0x)?[0-9a-f]{64}$/),
    blockHash: sha256Hex,
    blockHeight: wholeNumber(0),
    confirmations: wholeNumber(1),
  }),
  createdAtMs: timestampMs,
  expiresAtMs: timestampMs,
});
export type BurialStatement = z.infer<typeof burialStatement>;

export const burial = z.strictObject({ statement: burialStatement, signatures: entrySignatures });
export type Burial = z.infer<typeof burial>;

export function burialBytes(statement: BurialStatement): Uint8Array {
  return statementBytes(BURIAL_TYPE, statement);
}

export type BurialRefusalCode =
  | QuorumRefusalCode
  | 'burial-other-deployment'
  | 'burial-governance-moved'
  | 'burial-expired'
  | 'burial-too-shallow';

/**
 * Does the quorum of this state say so, and is the statement alive? `excluded` are the transfers' requesters and whoever
 * their keys speak for: they may sign and do not count. What the statement says of transactions is the signer's to compare.
 */
export function verifyBurial(
  { statement, signatures }: Burial,
  state: GovernanceState,
  excluded: ReadonlySet<string>,
  verifier: SignatureVerifier,
  nowMs: number,
): Outcome<BurialStatement, BurialRefusalCode> {
  if (statement.deploymentId !== state.deploymentId) {
    return refused('burial-other-deployment', { statement: statement.deploymentId });
  }
  if (statement.governanceHead !== state.head) {
    return refused('burial-governance-moved', { statement: statement.governanceHead, head: state.head });
  }
  const lifetimeMs = statement.expiresAtMs - statement.createdAtMs;
  if (statement.expiresAtMs <= nowMs || lifetimeMs <= 0 || lifetimeMs > MAX_BURIAL_LIFETIME_MS) {
    return refused('burial-expired', { expiresAtMs: statement.expiresAtMs, nowMs });
  }
  const { transactionKey: key, confirmations } = statement.conflicting;
  const least = key.startsWith('bitcoin:') ? LEAST_CONFIRMATIONS.bitcoin : LEAST_CONFIRMATIONS.ethereum;
  if (confirmations < least) return refused('burial-too-shallow', { confirmations, least });
  const signed = verifyQuorum(burialBytes(statement), signatures, state, verifier, excluded);
  return signed.kind === 'refused' ? signed : accepted(statement);
}
