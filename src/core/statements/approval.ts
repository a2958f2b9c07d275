// The transfer's statement: what an officer sees and signs. It says in full what will happen, is rebuilt by the signer
// from the verified request, and is compared there field by field with what was signed.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { accepted, type Outcome, refused } from '../fault.js';
import { type CanonicalValue, canonicalJson } from './canonical-json.js';
import {
  asset,
  baseUnits,
  chainId,
  destination,
  identifier,
  sha256Hex,
  signature64,
  timestampMs,
  transferKind,
} from './fields.js';
import { onceFor, statementBytes } from './preimage.js';
import { type RequestStatement, requestDigest, transferId, transferIdOf } from './request.js';

export const APPROVE_TYPE = 'portcullis/approve/v1';
export const REJECT_TYPE = 'portcullis/reject/v1';

export const verdict = z.enum(['approve', 'reject']);
export type Verdict = z.infer<typeof verdict>;

/** Frozen once parsed. */
export const transferStatement = z
  .strictObject({
    deploymentId: sha256Hex,
    transferId,
    requestDigest: sha256Hex,
    kind: transferKind,
    chain: chainId,
    wallet: identifier,
    asset,
    amount: baseUnits,
    destination,
    feeCeiling: baseUnits,
    requester: identifier,
    customer: identifier,
    /** SHA-256 over the policy documents in force when the statement was made. */
    policyHash: sha256Hex,
    /** Hash of the newest governance entry when the statement was made. */
    governanceHead: sha256Hex,
    expiresAtMs: timestampMs,
  })
  .readonly();
export type TransferStatement = z.infer<typeof transferStatement>;

export const approval = z.strictObject({
  /** The credential that signed, as the roster names it. Not signed: a wrong one only makes the signature invalid. */
  credentialId: identifier,
  verdict,
  signature: signature64,
});
export type Approval = z.infer<typeof approval>;

/** Policy and governance as they stand, which a statement pins. */
export interface StatementContext {
  readonly policyHash: string;
  readonly governanceHead: string;
  readonly expiresAtMs: number;
}

/** The statement of the transfer that a request becomes. Pure: the same inputs give the same statement everywhere. */
export function statementOf(request: RequestStatement, context: StatementContext): TransferStatement {
  const digest = requestDigest(request);
  return {
    deploymentId: request.deploymentId,
    transferId: transferIdOf(digest),
    requestDigest: digest,
    kind: request.kind,
    chain: request.chain,
    wallet: request.wallet,
    asset: request.asset,
    amount: request.amount,
    destination: request.destination,
    feeCeiling: request.feeCeiling,
    requester: request.requester,
    customer: request.customer,
    policyHash: context.policyHash,
    governanceHead: context.governanceHead,
    expiresAtMs: context.expiresAtMs,
  };
}

const bytesByVerdict: Readonly<Record<Verdict, (statement: TransferStatement) => Uint8Array>> = {
  approve: onceFor((statement) => statementBytes(APPROVE_TYPE, statement)),
  reject: onceFor((statement) => statementBytes(REJECT_TYPE, statement)),
};

/**
 * The bytes that an officer's key signs: the verdict is part of the type, so a rejection can never serve as an approval. Not
 * to be written to.
 */
export function approvalBytes(of: Verdict, statement: TransferStatement): Uint8Array {
  return bytesByVerdict[of](statement);
}

/** SHA-256 of the bytes to sign: what CKM_ECDSA gets. */
export function approvalDigest(of: Verdict, statement: TransferStatement): Uint8Array {
  return sha256(approvalBytes(of, statement));
}

/** Short form of a statement for logs and screens. */
export function statementDigest(statement: TransferStatement): string {
  return bytesToHex(approvalDigest('approve', statement));
}

export type StatementMismatchCode =
  | 'approval-other-transfer'
  | 'approval-other-deployment'
  | 'approval-altered';

function isSame(one: CanonicalValue, other: CanonicalValue): boolean {
  return one === other || canonicalJson(one) === canonicalJson(other);
}

/**
 * Compares a signed statement with the request that it claims to be about. Policy, governance head and expiry are the
 * caller's to judge. Input is hostile.
 */
export function matchStatement(
  statement: TransferStatement,
  request: RequestStatement,
): Outcome<TransferStatement, StatementMismatchCode> {
  if (statement.deploymentId !== request.deploymentId) {
    return refused('approval-other-deployment', {
      statement: statement.deploymentId,
      request: request.deploymentId,
    });
  }
  const expected = statementOf(request, statement);
  if (statement.requestDigest !== expected.requestDigest || statement.transferId !== expected.transferId) {
    return refused('approval-other-transfer', {
      statement: statement.transferId,
      request: expected.transferId,
    });
  }
  const fields = Object.keys(expected) as (keyof TransferStatement)[];
  const differing = fields.find((field) => !isSame(statement[field], expected[field]));
  return differing === undefined ? accepted(statement) : refused('approval-altered', { field: differing });
}
