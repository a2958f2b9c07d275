// The endpoints of approvals: what officers sign, and what they signed.

import { z } from 'zod';
import { approvalRequirement } from '../../core/policy/approvals.js';
import { approval, transferStatement } from '../../core/statements/approval.js';
import { sha256Hex } from '../../core/statements/fields.js';
import { endpoint } from '../http/endpoint.js';
import { exampleApproval, exampleToSign, exampleTransfer } from '../http/examples.js';
import { submitBody, transferParams, transferView } from '../transfers/transfer.dto.js';
import type { StatementToSign } from './approval.service.js';

const approvalBody = approval.meta({
  id: 'Approval',
  description:
    'A verdict, and the signature of the credential (P-256, r || s, for a token; a device or a passkey in the way of its class) over the line `portcullis/approve/v1` or `portcullis/reject/v1` and the RFC 8785 canonical JSON of the statement. One that follows others: over the line `portcullis/approve-after/v1` and the statement with `follows` in it.',
});

export const statementToSign = z
  .strictObject({
    statement: transferStatement,
    request: submitBody.describe(
      'What the request key signed: build the statement again from it, and verify its signature.',
    ),
    statementDigest: sha256Hex.describe(
      'SHA-256 of the bytes to sign for `approve`: to compare between screens.',
    ),
    follows: z
      .array(approvalBody)
      .describe(
        'The approvals given so far, where the rule has steps: an approval names their digests. Verify each, and compute its digest.',
      ),
    required: z.array(approvalRequirement),
    missing: z.array(approvalRequirement),
  })
  .meta({ id: 'StatementToSign' }) satisfies z.ZodType<StatementToSign>;

export const getStatement = endpoint({
  operation: 'getStatement',
  method: 'GET',
  path: '/v1/transfers/:transferId/statement',
  tag: 'Approvals',
  summary: 'Get what officers are asked to sign',
  description:
    'The same text for all officers, pinned to policy and governance as they stand. It says in full what will happen; the signer builds it again from the verified request and from the transaction itself.',
  access: 'officer',
  params: transferParams,
  answer: { is: 'ok', description: 'The statement.', schema: statementToSign, example: exampleToSign },
  refusals: ['transfer-unknown', 'transfer-not-awaiting-approvals', 'request-altered', 'request-expired'],
});

export const submitApproval = endpoint({
  operation: 'submitApproval',
  method: 'POST',
  path: '/v1/transfers/:transferId/approvals',
  tag: 'Approvals',
  summary: 'Approve or reject',
  description:
    'Takes the verdict that the calling officer has signed. One valid rejection ends the transfer; as many approvals as the policy asks for let it go on.',
  access: 'officer',
  idempotencyKey: 'optional',
  params: transferParams,
  body: { schema: approvalBody, example: exampleApproval },
  answer: {
    is: 'created',
    description: 'The transfer with this verdict.',
    schema: transferView,
    example: exampleTransfer,
  },
  refusals: [
    'approval-of-another-person',
    'transfer-unknown',
    'transfer-not-awaiting-approvals',
    'approver-not-in-roster',
    'approver-not-in-group',
    'approver-is-requester',
    'approver-duplicate',
    'approval-follows-unknown',
    'approval-out-of-turn',
    'approval-class-wanted',
    'approval-signature-invalid',
    'request-altered',
    'request-expired',
    'approval-expired',
    'policy-not-in-force',
    'governance-head-unknown',
  ],
});
