// The ways out that only people open, as clients of the API read and use them. Nothing of it is believed because the API
// says so: what officers sign they compare with the chain.

import { z } from 'zod';
import type { Outcome } from '../core/fault.js';
import { burialStatement, transactionKey } from '../core/recovery/burial.js';
import { restoredWallet } from '../core/recovery/restore.js';
import { baseUnits, chainId, identifier, timestampMs, wholeNumber } from '../core/statements/fields.js';
import { type SignedRequest, signedRequest, transferId } from '../core/statements/request.js';
import type { Api } from './api.js';

const signerRecord = z.object({
  state: z.string(),
  transactions: z.array(
    z.object({
      transactionKey,
      purpose: z.string(),
      state: z.string(),
      transactionId: z.string().nullable(),
    }),
  ),
});

const knownTransaction = z.object({
  transactionKey: z.string().nullable(),
  transactionId: z.string().nullable(),
  purpose: z.string(),
  /** In the orchestrator's books; null when only the signer knows it. */
  state: z.string().nullable(),
  signerState: z.string().nullable(),
  transferIds: z.array(transferId),
  maxFee: baseUnits.nullable(),
  /** What its nodes say. */
  chain: z
    .object({
      kind: z.string(),
      blockHash: z.string().nullable(),
      blockHeight: z.int().nullable(),
      confirmations: z.int().nullable(),
      conflictingBy: z.string().nullable(),
      why: z.string().nullable(),
    })
    .nullable(),
});

export const waysOut = z.object({
  transferId,
  state: z.string(),
  asOfMs: timestampMs,
  /** Null when the signer does not answer. */
  signer: signerRecord.nullable(),
  transactions: z.array(knownTransaction),
  ways: z.array(z.object({ way: z.string(), open: z.boolean(), why: z.string(), cost: z.string() })),
  burial: burialStatement.nullable(),
});
export type WaysOut = z.infer<typeof waysOut>;

export const cancelAnswer = z.object({
  transferId,
  planKey: z.string(),
  replaces: z.string(),
  maxFee: baseUnits,
  transferIds: z.array(transferId),
  again: z.boolean(),
});

export const buryAnswer = z.object({
  journalSequence: z.int(),
  transfers: z.array(z.object({ transferId, state: z.string().nullable() })),
});

export const restoreFacts = z.object({
  asOfMs: timestampMs,
  wallets: z.array(
    z.object({
      walletId: identifier,
      chain: chainId,
      wallet: restoredWallet.nullable(),
      highestSignedNonce: wholeNumber(0).nullable(),
      why: z.string().nullable(),
    }),
  ),
});
export type RestoreFacts = z.infer<typeof restoreFacts>;

export const refreshAnswer = z.object({
  walletId: identifier,
  planned: z.array(z.string()),
  underWay: wholeNumber(0),
  remaining: wholeNumber(0),
  why: z.string().nullable(),
});
export type RefreshAnswer = z.infer<typeof refreshAnswer>;

/** What was signed for a transfer, to the letter. The caller compares it with the transfer's id. */
export function readRequest(api: Api, id: string): Promise<Outcome<SignedRequest>> {
  return api.get(`/v1/transfers/${id}/request`, signedRequest);
}
