// The request: what an exchange's backend asks for, signed with its registered Ed25519 key. The signer verifies this
// signature itself, so that neither the orchestrator nor its database can make or change a request.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { z } from 'zod';
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

export const REQUEST_TYPE = 'portcullis/request/v1';

/** What is asked for, whoever asks, and when. */
export const requestContent = {
  /** The registered request key that signs it. */
  keyId: identifier,
  kind: transferKind,
  chain: chainId,
  wallet: identifier,
  asset,
  /** Base units of the asset; at least 1. */
  amount: baseUnits.refine((text) => text !== '0', 'amount must be at least 1'),
  destination,
  /** The most that this transfer may cost in fees, in base units of the chain's own coin. */
  feeCeiling: baseUnits,
  /** Who wants it: one of the key's owners. They can never approve it. */
  requester: identifier,
  /** The backend's reference to its customer; no personal data. */
  customer: identifier,
};

/** Frozen once parsed. */
export const requestStatement = z
  .strictObject({
    type: z.literal(REQUEST_TYPE),
    /** The deployment that may act on it; from its genesis. */
    deploymentId: sha256Hex,
    /** Chosen by the backend, once and for ever: a request id is never used for another request. */
    requestId: identifier,
    ...requestContent,
    createdAtMs: timestampMs,
    /** From then on it is dead. */
    expiresAtMs: timestampMs,
  })
  .readonly();
export type RequestStatement = z.infer<typeof requestStatement>;

export const signedRequest = z.strictObject({ statement: requestStatement, signature: signature64 });
export type SignedRequest = z.infer<typeof signedRequest>;

/** The bytes that the request key signs. Not to be written to. */
export const requestBytes: (statement: RequestStatement) => Uint8Array = onceFor((statement) =>
  statementBytes(REQUEST_TYPE, statement),
);

/** SHA-256 of the signed bytes, hex: the identity of a request everywhere. */
export const requestDigest: (statement: RequestStatement) => string = onceFor((statement) =>
  bytesToHex(sha256(requestBytes(statement))),
);

/** The transfer that a request becomes. It follows from the request, so nobody can make two transfers of one. */
export function transferIdOf(digest: string): string {
  return `tr-${digest.slice(0, 40)}`;
}

export const transferId = z.string().regex(/^tr-[0-9a-f]{40}$/);
