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
  officerSignature,
  timestampMs,
  transferKind,
} from './fields.js';
import { onceFor, statementBytes } from './preimage.js';
import { type RequestStatement, requestDigest, transferId, transferIdOf } from './request.js';

export const APPROVE_TYPE = 'portcullis/approve/v1';
/** An approval that names the approvals which it follows. */
export const APPROVE_AFTER_TYPE = 'portcullis/approve-after/v1';
export const REJECT_TYPE = 'portcullis/reject/v1';
const GIVEN_TYPE = 'portcullis/given-approval/v1';

/** The most approvals of one transfer that a signer looks at. */
export const MAX_APPROVALS = 32;

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

const isRising = (texts: readonly string[]) =>
  texts.every((text, index) => index === 0 || text > (texts[index - 1] ?? ''));

export const approvalFollows = z
  .array(sha256Hex)
  .min(1)
  .max(MAX_APPROVALS - 1)
  .refine(isRising, 'rising, and each once');

export const approval = z
  .strictObject({
    /** The credential that signed, as the roster names it. Not signed: a wrong one only makes the signature invalid. */
    credentialId: identifier,
    verdict,
    signature: officerSignature,
    follows: approvalFollows
      .describe(
        'Digests of the approvals that whoever signed had before them, where the rule has steps. Signed with the statement.',
      )
      .exactOptional(),
  })
  .refine(
    ({ verdict: of, follows }) => of === 'approve' || follows === undefined,
    'a rejection follows nothing',
  );
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
 * The bytes that an officer's key signs: the verdict is part of the type, so a rejection can never serve as an approval; and
 * so is whether it follows others. Not to be written to.
 */
export function approvalBytes(
  of: Verdict,
  statement: TransferStatement,
  follows: readonly string[] = [],
): Uint8Array {
  return of === 'approve' && follows.length > 0
    ? statementBytes(APPROVE_AFTER_TYPE, { ...statement, follows })
    : bytesByVerdict[of](statement);
}

/** SHA-256 of the bytes to sign: what CKM_ECDSA gets. */
export function approvalDigest(
  of: Verdict,
  statement: TransferStatement,
  follows: readonly string[] = [],
): Uint8Array {
  return sha256(approvalBytes(of, statement, follows));
}

/**
 * What a later approval names this one by, hex. It takes in the signature, which nobody can know before it is given, and
 * what was signed: whoever names it came after it.
 */
export function givenApprovalDigest(given: Approval, statement: TransferStatement): string {
  const signed = bytesToHex(approvalDigest(given.verdict, statement, given.follows));
  return bytesToHex(sha256(statementBytes(GIVEN_TYPE, { approval: given, signed })));
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
