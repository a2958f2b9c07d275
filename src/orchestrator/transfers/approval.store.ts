// Approvals as they were received. They count only for the statement that they were made over.

import type { EntityManager } from 'typeorm';
import { type Approval, statementDigest, type TransferStatement } from '../../core/statements/approval.js';
import type { HeldApproval } from './assess.js';
import { ApprovalRow } from './transfer.entity.js';

/** Verdicts over this very statement, oldest first. */
export async function approvalRows(
  db: EntityManager,
  transferId: string,
  statement: TransferStatement | null,
): Promise<ApprovalRow[]> {
  if (statement === null) return [];
  return db.find(ApprovalRow, {
    where: { transferId, statementDigest: statementDigest(statement) },
    order: { receivedAtMs: 'ASC', personId: 'ASC' },
  });
}

export async function heldApprovals(
  db: EntityManager,
  transferId: string,
  statement: TransferStatement | null,
): Promise<HeldApproval[]> {
  const found = await approvalRows(db, transferId, statement);
  return found.map((row) => ({ ...approvalOf(row), personId: row.personId }));
}

/** What the officer sent. */
export function approvalOf({ credentialId, verdict, signature, follows }: Approval | ApprovalRow): Approval {
  return { credentialId, verdict, signature, ...(follows && { follows }) };
}
