// The tables of transfers and of what pays them. Shapes only; what may change, and when, is in the stores.
//
// Whoever can write to the database can put anything in here. The request is verified again before a plan is made from
// it, and the signer believes none of this.

import { Column, Entity } from 'typeorm';
import { z } from 'zod';
import { unsignedTransaction } from '../../core/authorization/signing-order.js';
import { certificate } from '../../core/certificates/certificate.js';
import { approvalRequirement } from '../../core/policy/approvals.js';
import { type Calendar, calendar } from '../../core/policy/calendar.js';
import { spanFields } from '../../core/policy/counter.js';
import { burial } from '../../core/recovery/burial.js';
import { attestedVoid } from '../../core/recovery/void.js';
import { approvalFollows, transferStatement, verdict } from '../../core/statements/approval.js';
import { baseUnits, sha256Hex } from '../../core/statements/fields.js';
import { signedRequest } from '../../core/statements/request.js';
import { CertificateRow } from '../certificates/certificate.entity.js';
import {
  amountColumn,
  integerColumn,
  jsonColumn,
  oneOfColumn,
  textColumn,
  timeColumn,
} from '../database/columns.js';
import { transactionStates, transferStates } from './transfer-states.js';

export const factsJson = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

/** The policy's answer as it is kept: amounts as text. */
export const storedDecision = z.strictObject({
  kind: z.enum(['allow', 'approve']),
  rule: z.string(),
  policyHash: sha256Hex,
  requirements: z.array(approvalRequirement),
  /** How long the signer waits once nothing else is missing; absent where it does not. */
  holdMs: z.int().min(1).exactOptional(),
  limits: z.array(
    z.strictObject({
      limitId: z.string(),
      key: z.string(),
      ...spanFields,
      amount: baseUnits,
      usedBefore: baseUnits,
      usedAfter: baseUnits,
      max: baseUnits,
    }),
  ),
});
export type StoredDecision = z.infer<typeof storedDecision>;

const transferStateColumn = oneOfColumn(transferStates);
const transactionStateColumn = oneOfColumn(transactionStates);

@Entity('transfers')
export class TransferRow {
  @Column(textColumn({ primary: true })) transferId!: string;
  @Column(textColumn()) requestId!: string;
  @Column(jsonColumn(signedRequest)) request!: z.infer<typeof signedRequest>;
  @Column(textColumn()) requestDigest!: string;
  @Column(textColumn()) chain!: string;
  @Column(textColumn()) walletId!: string;
  @Column(textColumn()) requester!: string;
  @Column(textColumn()) customer!: string;
  @Column(transferStateColumn) state!: (typeof transferStates)[number];
  /** Code of the newest transition, and its facts. */
  @Column(textColumn()) reason!: string;
  @Column(jsonColumn(factsJson)) facts!: z.infer<typeof factsJson>;
  /** Why it does not go on for now; null when it does. */
  @Column(textColumn({ nullable: true })) waitingFor!: string | null;
  @Column(integerColumn()) version!: number;
  /** What officers sign; null when nobody has to. */
  @Column(jsonColumn(transferStatement, { nullable: true })) statement!: z.infer<
    typeof transferStatement
  > | null;
  @Column(jsonColumn(storedDecision, { nullable: true })) decision!: StoredDecision | null;
  /** The plan that pays it now; null before a reservation and after its release. */
  @Column(textColumn({ nullable: true })) transactionKey!: string | null;
  /** How often the signer refused a plan with it, for reasons that were not this transfer's own. */
  @Column(integerColumn()) signerRefusals!: number;
  @Column(timeColumn()) receivedAtMs!: number;
  @Column(timeColumn()) updatedAtMs!: number;
  /** The request's. */
  @Column(timeColumn()) expiresAtMs!: number;
  /** The signer's word that it is never signed; null until somebody had it. */
  @Column(jsonColumn(attestedVoid, { nullable: true })) attestedVoid!: z.infer<typeof attestedVoid> | null;
  /** How often a quorum has buried what was signed for it: its limits stay charged, and are not charged again. */
  @Column(integerColumn()) burials!: number;
}

@Entity('transitions')
export class TransitionRow {
  @Column(textColumn({ primary: true })) transferId!: string;
  /** Of the transfer after it; 1 is the first. */
  @Column(integerColumn({ primary: true })) version!: number;
  @Column(textColumn({ nullable: true })) fromState!: string | null;
  @Column(textColumn()) toState!: string;
  @Column(textColumn()) reason!: string;
  @Column(jsonColumn(factsJson)) facts!: z.infer<typeof factsJson>;
  @Column(timeColumn()) atMs!: number;
  @Column(textColumn()) movedBy!: string;
  /** What policies said, where they were asked with the move, as JSON; null where they were not. For the audit log alone. */
  @Column(textColumn({ nullable: true })) decision!: string | null;
}

@Entity('transactions')
export class TransactionRow {
  @Column(textColumn({ primary: true })) transactionKey!: string;
  @Column(textColumn()) walletId!: string;
  @Column(textColumn()) chain!: string;
  @Column(integerColumn()) ordinal!: number;
  @Column(transactionStateColumn) state!: (typeof transactionStates)[number];
  /** The driver's own text. */
  @Column(textColumn()) plan!: string;
  @Column(amountColumn()) maxFee!: bigint;
  @Column(textColumn({ nullable: true })) replaces!: string | null;
  @Column(jsonColumn(unsignedTransaction, { nullable: true })) unsigned!: z.infer<
    typeof unsignedTransaction
  > | null;
  @Column(textColumn({ nullable: true })) signedHex!: string | null;
  @Column(textColumn({ nullable: true })) transactionId!: string | null;
  @Column(jsonColumn(certificate, { nullable: true })) certificate!: z.infer<typeof certificate> | null;
  @Column(amountColumn({ nullable: true })) feePaid!: bigint | null;
  @Column(textColumn({ nullable: true })) blockHash!: string | null;
  @Column(integerColumn({ nullable: true })) blockHeight!: number | null;
  @Column(integerColumn()) confirmations!: number;
  @Column(textColumn({ nullable: true })) reason!: string | null;
  @Column(jsonColumn(factsJson)) facts!: z.infer<typeof factsJson>;
  @Column(integerColumn()) version!: number;
  @Column(timeColumn()) plannedAtMs!: number;
  @Column(timeColumn({ nullable: true })) signedAtMs!: number | null;
  @Column(timeColumn({ nullable: true })) broadcastAtMs!: number | null;
  /** Not before this is a replacement with a higher fee thought of. */
  @Column(timeColumn({ nullable: true })) bumpAtMs!: number | null;
  @Column(timeColumn()) updatedAtMs!: number;
}

@Entity('transaction_transfers')
export class TransactionTransferRow {
  @Column(textColumn({ primary: true })) transactionKey!: string;
  @Column(integerColumn({ primary: true })) position!: number;
  @Column(textColumn()) transferId!: string;
}

/** A transfer that a payment of its wallet to itself ends when it is mined. */
@Entity('transaction_cancels')
export class TransactionCancelRow {
  @Column(textColumn({ primary: true })) transactionKey!: string;
  @Column(textColumn({ primary: true })) transferId!: string;
  @Column(textColumn()) askedBy!: string;
  @Column(timeColumn()) askedAtMs!: number;
}

/** What the signer decided when it signed. For the audit log alone. */
@Entity('signatures')
export class SignatureRow {
  @Column(textColumn({ primary: true })) transactionKey!: string;
  @Column(textColumn()) transactionId!: string;
  @Column(textColumn()) walletId!: string;
  /** Ids of what it pays, or ends as a cancel. */
  @Column(jsonColumn(z.array(z.string()))) transfers!: string[];
  @Column(textColumn()) policyHash!: string;
  /** JSON, as its certificate has them. */
  @Column(textColumn()) decisions!: string;
  @Column(integerColumn()) journalSequence!: number;
  @Column(textColumn()) journalHash!: string;
  /** Of the certificate as canonical JSON, hex. */
  /** Of its canonical form without the attestation, which comes later. */
  @Column(textColumn()) certificateSha256!: string;
  @Column(timeColumn()) recordedAtMs!: number;
}

/** A quorum's word that the signer has accepted. */
@Entity('burials')
export class BurialRow {
  @Column(integerColumn({ primary: true })) journalSequence!: number;
  @Column(jsonColumn(burial)) burial!: z.infer<typeof burial>;
  @Column(textColumn()) handedInBy!: string;
  @Column(timeColumn()) acceptedAtMs!: number;
}

@Entity('approvals')
export class ApprovalRow {
  @Column(textColumn({ primary: true })) transferId!: string;
  @Column(textColumn({ primary: true })) statementDigest!: string;
  @Column(textColumn({ primary: true })) personId!: string;
  @Column(textColumn()) credentialId!: string;
  @Column(oneOfColumn(verdict.options))
  verdict!: z.infer<typeof verdict>;
  @Column(textColumn()) signature!: string;
  /** Digests of the approvals that it names; null where it names none. */
  @Column(jsonColumn(approvalFollows, { nullable: true })) follows!: string[] | null;
  @Column(timeColumn()) receivedAtMs!: number;
}

@Entity('limit_counters')
export class LimitCounterRow {
  @Column(textColumn({ primary: true })) limitId!: string;
  @Column(textColumn({ primary: true })) counterKey!: string;
  @Column(integerColumn({ primary: true })) windowMs!: number;
  /** JSON of its buckets; see core/policy/counter.ts. */
  @Column(textColumn()) counter!: string;
}

@Entity('limit_charges')
export class LimitChargeRow {
  @Column(textColumn({ primary: true })) transferId!: string;
  @Column(textColumn({ primary: true })) limitId!: string;
  @Column(textColumn({ primary: true })) counterKey!: string;
  @Column(integerColumn({ primary: true })) windowMs!: number;
  /** Null where the window rolls. */
  @Column(jsonColumn(calendar, { nullable: true })) calendar!: Calendar | null;
  @Column(integerColumn()) bucket!: number;
  @Column(amountColumn()) amount!: bigint;
}

@Entity('work')
export class WorkRow {
  @Column(textColumn({ primary: true })) kind!: string;
  @Column(textColumn({ primary: true })) subject!: string;
  /** Null: dormant until somebody wakes it. */
  @Column(timeColumn({ nullable: true })) dueAtMs!: number | null;
  @Column(integerColumn()) attempts!: number;
  /** Counts the claims; a step whose number is not the newest has lost its lease and may write nothing. */
  @Column(integerColumn()) fence!: number;
  @Column(textColumn({ nullable: true })) leaseOwner!: string | null;
  @Column(timeColumn()) leaseUntilMs!: number;
  @Column(textColumn({ nullable: true })) lastFault!: string | null;
}

export const transferEntities = [
  TransferRow,
  TransitionRow,
  TransactionRow,
  TransactionTransferRow,
  TransactionCancelRow,
  SignatureRow,
  BurialRow,
  ApprovalRow,
  LimitCounterRow,
  LimitChargeRow,
  WorkRow,
  CertificateRow,
];
