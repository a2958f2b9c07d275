// What the API takes and shows of transfers, as schemas. Views are made by the service; the schemas document them, and
// tests hold every answer against them.

import { z } from 'zod';
import { certificate } from '../../core/certificates/certificate.js';
import { approvalRequirement } from '../../core/policy/approvals.js';
import { spanFields } from '../../core/policy/counter.js';
import { attestedVoid } from '../../core/recovery/void.js';
import { transferStatement, verdict } from '../../core/statements/approval.js';
import {
  asset,
  baseUnits,
  chainId,
  destination,
  identifier,
  sha256Hex,
  timestampMs,
  transferKind,
} from '../../core/statements/fields.js';
import { signedRequest, transferId } from '../../core/statements/request.js';
import type { TransferPage, TransferSummary, TransferView } from './transfer.view.js';
import { transactionStates, transferStates } from './transfer-states.js';

const code = z.string().max(64);
const facts = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const reason = z.strictObject({ code, facts });

export const transferState = z.enum(transferStates).meta({ id: 'TransferState' });

export const submitBody = signedRequest.meta({
  id: 'SignedRequest',
  description:
    'The statement, and the Ed25519 signature of the request key over the line `portcullis/request/v1` and the RFC 8785 canonical JSON of the statement.',
});

export const attestedVoidView = attestedVoid.meta({
  id: 'AttestedVoid',
  description:
    "The signer's word that a request is never signed, and the signature of its attestation key (P-256, registered in genesis) over the line `portcullis/void/v1` and the RFC 8785 canonical JSON of the statement.",
});

export const transferParams = z.strictObject({ transferId });

export const resolveBody = z
  .discriminatedUnion('how', [
    z.strictObject({
      how: z.literal('ask-signer').describe('Have the signer asked once more for the same bytes.'),
    }),
    z.strictObject({
      how: z.enum(['paid', 'not-paid']).describe('What a person has found out; only the books change.'),
      note: z
        .string()
        .regex(/^[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?$/)
        .describe('How they know: printable ASCII, at most 200 characters.'),
    }),
  ])
  .meta({ id: 'Resolution' });
export type Resolution = z.infer<typeof resolveBody>;

const summaryFields = {
  transferId,
  requestId: identifier,
  requestDigest: sha256Hex,
  state: transferState,
  reason: reason.describe('Why it is in this state.'),
  waitingFor: code
    .nullable()
    .describe('Why it does not go on at the moment, for example `insufficient-funds`.'),
  kind: transferKind,
  chain: chainId,
  wallet: identifier,
  asset,
  amount: baseUnits.describe('Base units of the asset.'),
  destination,
  feeCeiling: baseUnits.describe("Base units of the chain's coin."),
  keyId: identifier,
  requester: identifier,
  customer: identifier,
  receivedAtMs: timestampMs,
  updatedAtMs: timestampMs,
  expiresAtMs: timestampMs,
};

export const transferSummary = z
  .strictObject(summaryFields)
  .meta({ id: 'TransferSummary' }) satisfies z.ZodType<TransferSummary>;

export type TransferSummaryAnswer = z.infer<typeof transferSummary>;

export const transferView = z
  .strictObject({
    ...summaryFields,
    rule: z.string().nullable().describe('`document/rule` that decided; null before the decision.'),
    policyHash: sha256Hex.nullable(),
    limits: z.array(
      z.strictObject({
        limitId: z.string(),
        key: z.string().describe('Whose counter: the wallet, customer, destination, ….'),
        ...spanFields,
        amount: baseUnits,
        usedBefore: baseUnits,
        usedAfter: baseUnits,
        max: baseUnits,
      }),
    ),
    approvals: z.strictObject({
      required: z.array(approvalRequirement),
      given: z.array(
        z.strictObject({
          personId: identifier,
          credentialId: identifier,
          verdict,
          after: z
            .array(identifier)
            .describe('Persons whose approvals it names as given before it, where the rule has steps.'),
          atMs: timestampMs,
        }),
      ),
      missing: z
        .array(approvalRequirement)
        .describe(
          'How many more persons of which group, for each alternative and each of its steps; empty when one is met.',
        ),
      statement: transferStatement.nullable().describe('What officers sign; null when nobody has to.'),
      statementDigest: sha256Hex.nullable(),
    }),
    spendable: z
      .strictObject({
        is: z.enum(['no', 'maybe', 'yes']),
        transactionIds: z.array(z.string()),
      })
      .describe(
        'Whether it can still be paid by what was signed for it, whatever its state says: until one of its transactions, or one that conflicts with them all, is buried. `maybe`: the signer was asked, and no answer is recorded.',
      ),
    void: attestedVoidView
      .nullable()
      .describe('Once somebody had it of the signer: the request is never signed any more. Verify it.'),
    transactions: z.array(
      z.strictObject({
        transactionKey: z.string(),
        state: z.enum(transactionStates),
        transactionId: z.string().nullable().describe('Txid or transaction hash, once signed.'),
        transferIds: z.array(transferId),
        replaces: z.string().nullable(),
        maxFee: baseUnits,
        feePaid: baseUnits.nullable(),
        blockHash: z.string().nullable(),
        blockHeight: z.int().nullable(),
        confirmations: z.int(),
        plannedAtMs: timestampMs,
        signedAtMs: timestampMs.nullable(),
        broadcastAtMs: timestampMs.nullable(),
        reason: reason.nullable(),
        certified: z.boolean().describe('The signer gave a decision certificate for it.'),
      }),
    ),
    transitions: z.array(
      z.strictObject({
        sequence: z.int(),
        from: transferState.nullable(),
        to: transferState,
        reason,
        atMs: timestampMs,
        by: z.string(),
      }),
    ),
  })
  .meta({ id: 'Transfer' }) satisfies z.ZodType<TransferView>;

export type TransferAnswer = z.infer<typeof transferView>;

const MAX_PAGE = 200;
const pageSize = z
  .string()
  .regex(/^[1-9][0-9]{0,2}$/)
  .transform((text) => Number.parseInt(text, 10))
  .refine((limit) => limit <= MAX_PAGE, `at most ${MAX_PAGE}`);

export const listQuery = z.strictObject({
  state: transferState.exactOptional(),
  wallet: identifier.exactOptional(),
  requester: identifier.exactOptional(),
  customer: identifier.exactOptional(),
  requestId: identifier.exactOptional(),
  limit: pageSize.exactOptional().describe(`At most ${MAX_PAGE}; 50 unless said.`),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_.~-]{1,512}$/)
    .exactOptional()
    .describe("An earlier page's `nextCursor`, with the same filters."),
});

export const transferPage = z
  .strictObject({
    items: z.array(transferSummary).describe('Newest first.'),
    nextCursor: z.string().nullable().describe('Null on the last page.'),
  })
  .meta({ id: 'TransferPage' }) satisfies z.ZodType<TransferPage>;

export const certificateFile = z
  .strictObject({ transferId, certificates: z.array(certificate) })
  .meta({ id: 'Certificates' });
export type CertificateFile = z.infer<typeof certificateFile>;
