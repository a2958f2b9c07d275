// The API's answers as far as clients read them. Unknown fields are dropped, not refused: a newer orchestrator
// may say more. What a person or a signature relies on is held to the same schemas as everywhere.

import { z } from 'zod';
import { certificate } from '../core/certificates/certificate.js';
import { classCounts } from '../core/governance/credential-class.js';
import { governanceEntry } from '../core/governance/entry.js';
import { signedHead } from '../core/governance/fresh-head.js';
import { spanFields } from '../core/policy/counter.js';
import { approval, MAX_APPROVALS, transferStatement, verdict } from '../core/statements/approval.js';
import {
  asset,
  baseUnits,
  chainId,
  destination,
  identifier,
  sha256Hex,
  timestampMs,
} from '../core/statements/fields.js';
import { signedRequest, transferId } from '../core/statements/request.js';

export const facts = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const reason = z.object({ code: z.string(), facts });
/** Of several alternatives, named by number, the requirements of one have to be met. */
export const requirement = z.object({
  group: identifier,
  quorum: z.int(),
  except: z.array(identifier).exactOptional(),
  notMembersOf: z.array(identifier).exactOptional(),
  with: classCounts.exactOptional(),
  alternative: z.int().exactOptional(),
  step: z.int().exactOptional(),
});

export const transferSummary = z.object({
  transferId,
  requestId: identifier,
  requestDigest: sha256Hex,
  state: z.string(),
  reason,
  waitingFor: z.string().nullable(),
  kind: z.string(),
  chain: chainId,
  wallet: identifier,
  asset,
  amount: baseUnits,
  destination,
  feeCeiling: baseUnits,
  keyId: identifier,
  requester: identifier,
  customer: identifier,
  receivedAtMs: timestampMs,
  updatedAtMs: timestampMs,
  expiresAtMs: timestampMs,
});
export type TransferSummary = z.infer<typeof transferSummary>;

const transaction = z.object({
  transactionKey: z.string(),
  state: z.string(),
  transactionId: z.string().nullable(),
  maxFee: baseUnits,
  feePaid: baseUnits.nullable(),
  blockHash: z.string().nullable(),
  blockHeight: z.int().nullable(),
  confirmations: z.int(),
  replaces: z.string().nullable(),
  certified: z.boolean(),
  reason: reason.nullable(),
});
export type Transaction = z.infer<typeof transaction>;

export const transfer = z.object({
  ...transferSummary.shape,
  rule: z.string().nullable(),
  policyHash: sha256Hex.nullable(),
  limits: z
    .array(
      z.object({
        limitId: z.string(),
        key: z.string(),
        ...spanFields,
        max: baseUnits,
        usedBefore: baseUnits,
        usedAfter: baseUnits,
      }),
    )
    .default([]),
  approvals: z.object({
    required: z.array(requirement),
    given: z.array(
      z.object({
        personId: identifier,
        credentialId: identifier,
        verdict,
        after: z.array(identifier).default([]),
        atMs: timestampMs,
      }),
    ),
    missing: z.array(requirement),
    statementDigest: sha256Hex.nullable(),
  }),
  /** Whether it can still be paid by what was signed for it, whatever its state says. */
  spendable: z.object({ is: z.enum(['no', 'maybe', 'yes']), transactionIds: z.array(z.string()) }),
  /** The signer's word that it is never signed, once somebody had it. Shown; whoever relies on it verifies it. */
  void: z.object({ statement: z.object({ basis: z.string(), voidedAtMs: timestampMs }) }).nullish(),
  transactions: z.array(transaction),
  transitions: z.array(
    z.object({
      sequence: z.int(),
      from: z.string().nullable(),
      to: z.string(),
      reason,
      atMs: timestampMs,
      by: z.string(),
    }),
  ),
});
export type Transfer = z.infer<typeof transfer>;

export const transferPage = z.object({ items: z.array(transferSummary), nextCursor: z.string().nullable() });

export const statementToSign = z.object({
  statement: transferStatement,
  statementDigest: sha256Hex,
  /** Where the rule has steps, what an approval names as given before it. */
  follows: z
    .array(approval)
    .max(MAX_APPROVALS - 1)
    .default([]),
  required: z.array(requirement),
  missing: z.array(requirement),
  /** What the backend signed; the statement is built from it. */
  request: signedRequest,
});
export type StatementToSign = z.infer<typeof statementToSign>;

export const certificateFile = z.object({ transferId, certificates: z.array(certificate) });
export const certificatePage = z.object({
  certificates: z.array(certificate),
  nextFrom: z.int().nullable(),
});

export const governancePage = z.object({ entries: z.array(governanceEntry), nextFrom: z.int().nullable() });

export const governanceHead = z.object({ sequence: z.int(), head: sha256Hex });

/** What is in it is checked by `verifyVoid`. */
export const voided = z.object({ void: z.unknown() });

/** States that nothing leads out of. */
export const ENDED: readonly string[] = [
  'settled',
  'refused',
  'expired',
  'cancelled',
  'replaced',
  'void',
  'failed',
  'indeterminate',
];

/** The newest word of a governor about the log's head, and how old it may be. */
export const governanceHeadWord = z.object({
  newest: signedHead.nullable(),
  freshForMs: z.int(),
});
