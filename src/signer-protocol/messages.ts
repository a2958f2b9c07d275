// The messages between orchestrator and signer, version 1. Schemas are strict: an unknown field is refused, since it
// may be one whose meaning the other side relies on.

import { z } from 'zod';
import { signingOrder } from '../core/authorization/signing-order.js';
import { certificate, MAX_ATTESTED_TOGETHER } from '../core/certificates/certificate.js';
import { MOST_PENDING } from '../core/governance/apply.js';
import { governanceEntry } from '../core/governance/entry.js';
import { burial, transactionKey } from '../core/recovery/burial.js';
import { type AttestedVoid, attestedVoid } from '../core/recovery/void.js';
import {
  identifier,
  secp256k1PublicKey,
  sha256Hex,
  timestampMs,
  wholeNumber,
} from '../core/statements/fields.js';
import { signedRequest, transferId } from '../core/statements/request.js';

export const PROTOCOL_VERSION = 1;

const messageId = z.string().regex(/^[A-Za-z0-9-]{1,64}$/);

/** What a checkpoint of the audit log says. A log without entries has none. */
export const logHead = z.strictObject({ size: wholeNumber(1), root: sha256Hex });
export type LogHead = z.infer<typeof logHead>;

export const growth = z.strictObject({
  /** Entries in the checkpoint that the signer signed last of the log that governance names; 0 when it signed none. */
  from: wholeNumber(0),
  ...logHead.shape,
  /** The consistency proof of RFC 6962 §2.1.2 from that checkpoint to `size` entries; empty when it begins at 0. */
  path: z.array(sha256Hex).max(64),
});
/** A log as it is now, and the proof that it has only grown since the signer vouched for it. */
export type Growth = z.infer<typeof growth>;

/** What the signer can be asked. There is no verb that signs a text, a digest or typed data that a caller made. */
export const query = z.discriminatedUnion('verb', [
  z.strictObject({
    version: z.literal(PROTOCOL_VERSION),
    id: messageId,
    verb: z.literal('status'),
    /** Transfers of which to say what the signer has done for them. */
    transferIds: z.array(transferId).max(100),
  }),
  z.strictObject({ version: z.literal(PROTOCOL_VERSION), id: messageId, verb: z.literal('public-keys') }),
  /** Ends a request for good, unless something was signed for it. */
  z.strictObject({
    version: z.literal(PROTOCOL_VERSION),
    id: messageId,
    verb: z.literal('void'),
    request: signedRequest,
  }),
  /** A quorum's word that what was signed for some transfers can never be mined. */
  z.strictObject({ version: z.literal(PROTOCOL_VERSION), id: messageId, verb: z.literal('bury'), burial }),
  z.strictObject({
    version: z.literal(PROTOCOL_VERSION),
    id: messageId,
    verb: z.literal('sign'),
    order: signingOrder,
  }),
  /** A signed checkpoint of the audit log. Its text is the signer's own. */
  z.strictObject({
    version: z.literal(PROTOCOL_VERSION),
    id: messageId,
    verb: z.literal('checkpoint'),
    ...growth.shape,
  }),
  /** Decision certificates in the order of their reservations, attested together. */
  z.strictObject({
    version: z.literal(PROTOCOL_VERSION),
    id: messageId,
    verb: z.literal('certificates'),
    fromOrdinal: wholeNumber(1),
    most: wholeNumber(1, MAX_ATTESTED_TOGETHER),
  }),
  z.strictObject({
    version: z.literal(PROTOCOL_VERSION),
    id: messageId,
    verb: z.literal('governance-read'),
    fromSequence: wholeNumber(0),
  }),
  z.strictObject({
    version: z.literal(PROTOCOL_VERSION),
    id: messageId,
    verb: z.literal('governance-append'),
    entry: governanceEntry,
  }),
]);
export type Query = z.infer<typeof query>;
export type Verb = Query['verb'];

/** One transaction that was reserved to pay or to cancel a transfer. */
export const transactionRecord = z.strictObject({
  transactionKey,
  purpose: z.enum(['pays', 'cancels']),
  /**
   * `reserved`: begun, not signed. `signed`: spendable. `void`: never signed, and never will be. `dead`: a quorum says that
   * it cannot be mined. `buried`: a quorum says that it lies in the chain and keeps the others from it.
   */
  state: z.enum(['reserved', 'signed', 'void', 'dead', 'buried']),
  /** Null while it is not signed. */
  transactionId: z.string().max(66).nullable(),
});
export type TransactionRecord = z.infer<typeof transactionRecord>;

export const transferRecord = z.strictObject({
  transferId,
  /**
   * `unseen`: no signature was ever made or begun. `reserved`: one was begun and none has left. `signed`: spendable. `dead`:
   * what was signed cannot be mined, says a quorum. `void`: it will never be signed.
   */
  state: z.enum(['unseen', 'reserved', 'signed', 'dead', 'void']),
  /** Of all that was ever signed to pay it. */
  transactionIds: z.array(z.string().max(66)),
  transactions: z.array(transactionRecord),
});
export type TransferRecord = z.infer<typeof transferRecord>;

export const tokenReport = z.strictObject({
  name: identifier,
  ready: z.boolean(),
  label: z.string(),
  serial: z.string(),
  model: z.string(),
  manufacturer: z.string(),
  /** Code of the fault that keeps it from being ready. */
  fault: z.string().optional(),
});

/** An entry of governance that loosens and waits. */
export const pendingReport = z.strictObject({
  hash: sha256Hex,
  sequence: wholeNumber(1),
  /** Of the time that the signer measures while it runs; 0 when it may be activated. */
  leftMs: wholeNumber(0),
});
export type PendingReport = z.infer<typeof pendingReport>;

export const statusResult = z.strictObject({
  signerVersion: z.string(),
  deploymentId: sha256Hex,
  governanceSequence: z.int(),
  governanceHead: sha256Hex,
  policyHash: sha256Hex,
  journalSequence: z.int(),
  journalHead: sha256Hex,
  /** Journal sequence that the record on the token covers. */
  anchoredSequence: z.int(),
  /** The newest one of the log that governance names which was signed, or was begun; null when there is none. */
  checkpoint: logHead.nullable(),
  /** Code of what keeps the audit log's key from signing checkpoints, as it was found last; null when nothing does. */
  auditKeyFault: z.string().max(64).nullable(),
  nowMs: timestampMs,
  pending: z.array(pendingReport).max(MOST_PENDING),
  tokens: z.array(tokenReport),
  /** Next nonce by Ethereum wallet: the only one that can be signed next. */
  nonces: z.array(z.strictObject({ walletId: identifier, next: z.int() })),
  transfers: z.array(transferRecord),
});
export type StatusResult = z.infer<typeof statusResult>;

export const publicKeysResult = z.strictObject({
  wallets: z.array(
    z.strictObject({
      walletId: identifier,
      keys: z.array(
        z.strictObject({
          label: identifier,
          publicKey: secp256k1PublicKey,
          address: z.string(),
          unextractable: z.boolean(),
          bornInToken: z.boolean(),
        }),
      ),
    }),
  ),
});
export type PublicKeysResult = z.infer<typeof publicKeysResult>;

export const signResult = z.strictObject({
  signedTransaction: z.string().regex(/^[0-9a-f]+$/),
  transactionId: z.string().max(66),
  /** True when this very transaction had been signed before and the same signature is given again. */
  repeated: z.boolean(),
  certificate,
});
export type SignResult = z.infer<typeof signResult>;

export const governanceResult = z.strictObject({
  /** At most 50 entries from the sequence asked for, fewer where they are large; at least one where there is one. */
  entries: z.array(governanceEntry),
  sequence: z.int(),
  head: sha256Hex,
});
export type GovernanceResult = z.infer<typeof governanceResult>;

export const buryResult = z.strictObject({
  /** Where the signer's journal says so. */
  journalSequence: z.int(),
  transfers: z.array(transferRecord),
});
export type BuryResult = z.infer<typeof buryResult>;

export const checkpointResult = z.strictObject({
  /** The signed note (C2SP tlog-checkpoint), base64. */
  note: z.base64().max(4_096),
  size: wholeNumber(1),
});
export type CheckpointResult = z.infer<typeof checkpointResult>;

export const certificatesResult = z.strictObject({
  /** At most as many as were asked for, fewer where they are large; at least one where there is one. Each is attested. */
  certificates: z.array(certificate).max(MAX_ATTESTED_TOGETHER),
  /** How many reservations there are. */
  newestOrdinal: wholeNumber(0),
  /** The first reservation that this signer has or will have: those before it were lost with a store. */
  keptFrom: wholeNumber(1),
});
export type CertificatesResult = z.infer<typeof certificatesResult>;

export interface ResultOf {
  readonly void: AttestedVoid;
  readonly bury: BuryResult;
  readonly status: StatusResult;
  readonly 'public-keys': PublicKeysResult;
  readonly sign: SignResult;
  readonly checkpoint: CheckpointResult;
  readonly certificates: CertificatesResult;
  readonly 'governance-read': GovernanceResult;
  readonly 'governance-append': GovernanceResult;
}

/** The schema of each verb's result, for whoever receives it. */
export const resultSchemas = {
  void: attestedVoid,
  bury: buryResult,
  status: statusResult,
  'public-keys': publicKeysResult,
  sign: signResult,
  checkpoint: checkpointResult,
  certificates: certificatesResult,
  'governance-read': governanceResult,
  'governance-append': governanceResult,
} as const;

const facts = z.record(z.string().max(64), z.union([z.string().max(500), z.number(), z.boolean()]));

/** `refused`: the rules say no, and will say so again. `fault`: something broke; the same query may be sent again. */
export const reply = z.discriminatedUnion('kind', [
  z.strictObject({
    version: z.literal(PROTOCOL_VERSION),
    id: messageId,
    kind: z.literal('done'),
    result: z.unknown(),
  }),
  z.strictObject({
    version: z.literal(PROTOCOL_VERSION),
    id: messageId,
    kind: z.literal('refused'),
    code: z.string().max(64),
    facts,
  }),
  z.strictObject({
    version: z.literal(PROTOCOL_VERSION),
    id: messageId,
    kind: z.literal('fault'),
    code: z.string().max(64),
    facts,
  }),
]);
export type Reply = z.infer<typeof reply>;
