// Officers' approvals: what they are asked to sign, and taking what they signed. Whether a transfer has enough of them
// is the policy's question; the signer asks it again for itself.

import type { ApprovalRefusalCode } from '../../core/authorization/approvals.js';
import { Fault, type Outcome } from '../../core/fault.js';
import type { Approval, TransferStatement } from '../../core/statements/approval.js';
import type { Alongside } from '../database/alongside.js';
import type { RequirementView, TransferView } from '../transfers/transfer.view.js';

export type ApprovalServiceRefusalCode =
  | ApprovalRefusalCode
  | 'transfer-unknown'
  | 'transfer-not-awaiting-approvals'
  | 'approver-not-in-group'
  | 'approval-other-statement';

/** What an officer is shown and signs. */
export interface StatementToSign {
  readonly statement: TransferStatement;
  /** SHA-256 over the bytes to sign for `approve`, hex: to compare between screens. */
  readonly statementDigest: string;
  readonly required: readonly RequirementView[];
  readonly missing: readonly RequirementView[];
}

export class ApprovalService {
  /** The one statement of a transfer that all its officers sign. Refuses `transfer-not-awaiting-approvals`. */
  async statementFor(
    _transferId: string,
  ): Promise<Outcome<StatementToSign, 'transfer-unknown' | 'transfer-not-awaiting-approvals'>> {
    throw new Fault('not-built', 'not built yet');
  }

  /**
   * Takes one officer's verdict over the transfer's statement. The approval is hostile. An approval that completes what
   * the policy asks for moves the transfer to `approved`; one valid rejection ends it (`refused`, `rejected-by-officer`).
   * `alongside` runs in the transaction that stores the verdict.
   */
  async submit(
    _transferId: string,
    _approval: Approval,
    _alongside?: Alongside,
  ): Promise<Outcome<TransferView, ApprovalServiceRefusalCode>> {
    throw new Fault('not-built', 'not built yet');
  }
}
