// What the API takes and shows of the ways out that only people open, as schemas. For people to look at and to sign: the
// signer believes none of it, and compares what a quorum signed with its own journal.

import { z } from 'zod';
import { burial, burialStatement, transactionKey } from '../../core/recovery/burial.js';
import { restoredWallet } from '../../core/recovery/restore.js';
import { baseUnits, chainId, identifier, timestampMs, wholeNumber } from '../../core/statements/fields.js';
import { transferId } from '../../core/statements/request.js';
import { transferRecord } from '../../signer-protocol/messages.js';
import { attestedVoidView } from '../transfers/transfer.dto.js';
import { transactionStates, transferStates } from '../transfers/transfer-states.js';

const transferState = z.enum(transferStates);

export const voidAnswer = z.strictObject({ transferId, void: attestedVoidView }).meta({ id: 'Voided' });
export type VoidAnswer = z.infer<typeof voidAnswer>;

/** What the nodes say of one transaction. */
export const sighting = z
  .strictObject({
    kind: z.enum(['unseen', 'pending', 'mined', 'failed', 'conflicted', 'unknown']),
    blockHash: z.string().nullable().describe('Where it is, or where what it conflicts with is.'),
    blockHeight: z.int().nullable(),
    confirmations: z.int().nullable().describe('Of that block, its own counted.'),
    conflictingBy: z.string().nullable().describe('Id of the transaction that lies in the chain instead.'),
    why: z.string().nullable().describe('Why nothing is known.'),
  })
  .meta({ id: 'Sighting' });
export type SightingView = z.infer<typeof sighting>;

export const wayNames = [
  'wait',
  'ask-signer',
  'void',
  'cancel-on-chain',
  'bury',
  'record-paid',
  'record-not-paid',
] as const;
export type WayName = (typeof wayNames)[number];

const knownTransaction = z.strictObject({
  transactionKey: transactionKey
    .nullable()
    .describe('As the signer and a burial name it; null for a plan whose bytes are not built.'),
  planKey: z.string().nullable().describe('Its key in these books; null when only the signer knows it.'),
  transactionId: z.string().nullable(),
  purpose: z.enum(['pays', 'cancels']),
  state: z.enum(transactionStates).nullable().describe('In these books.'),
  signerState: z.enum(['reserved', 'signed', 'void', 'dead', 'buried']).nullable(),
  transferIds: z.array(transferId).describe('All that it pays, or would end.'),
  maxFee: baseUnits.nullable(),
  chain: sighting.nullable().describe('Null for what is not signed, or not known here.'),
});
export type KnownTransactionView = z.infer<typeof knownTransaction>;

export const waysOutView = z
  .strictObject({
    transferId,
    state: transferState,
    asOfMs: timestampMs,
    signer: transferRecord.nullable().describe('Null when the signer does not answer.'),
    transactions: z.array(knownTransaction),
    ways: z.array(
      z.strictObject({
        way: z.enum(wayNames),
        open: z.boolean(),
        why: z.string().describe('Why it is open, or what is missing.'),
        cost: z.string().describe('What it does, and what a wrong choice would cost.'),
      }),
    ),
    burial: burialStatement
      .nullable()
      .describe('A draft, complete: what officers may sign, once they have looked at the chain themselves.'),
  })
  .meta({ id: 'WaysOut' });
export type WaysOutView = z.infer<typeof waysOutView>;

export const cancelAnswer = z
  .strictObject({
    transferId,
    planKey: z.string().describe('The cancel in these books; `ways-out` shows what becomes of it.'),
    replaces: z.string().describe('The transaction that it outbids, by its key in these books.'),
    maxFee: baseUnits,
    transferIds: z.array(transferId).describe('All transfers that it ends when it is mined.'),
    again: z.boolean().describe('It was planned before, and is on its way.'),
  })
  .meta({ id: 'CancelOnChain' });
export type CancelAnswer = z.infer<typeof cancelAnswer>;

export const buryBody = burial.meta({ id: 'Burial' });

export const buryAnswer = z
  .strictObject({
    journalSequence: z.int().describe("Where the signer's journal says so."),
    transfers: z.array(
      z.strictObject({
        transferId,
        state: transferState.nullable().describe('Null for a transfer that these books do not have.'),
      }),
    ),
  })
  .meta({ id: 'Buried' });
export type BuryAnswer = z.infer<typeof buryAnswer>;

export const restoreFacts = z
  .strictObject({
    asOfMs: timestampMs,
    wallets: z.array(
      z.strictObject({
        walletId: identifier,
        chain: chainId,
        wallet: restoredWallet
          .nullable()
          .describe(
            'As a restore names it, with a proposed `refreshFeeCeiling` and `nextNonce`. Null when the chain does not answer.',
          ),
        highestSignedNonce: wholeNumber(0)
          .nullable()
          .describe('The highest nonce that these books know a signature for. There may be higher ones.'),
        why: z.string().nullable().describe('Why there are no facts.'),
      }),
    ),
  })
  .meta({ id: 'RestoreFacts' });
export type RestoreFacts = z.infer<typeof restoreFacts>;

export const refreshBody = restoredWallet.meta({
  id: 'RestoredWallet',
  description: 'The wallet as the restore names it that the signer began again with.',
});

export const refreshAnswer = z
  .strictObject({
    walletId: identifier,
    planned: z.array(z.string()).describe('Keys of the self-payments that this call planned.'),
    underWay: wholeNumber(0).describe('Coins or nonces that a transaction uses up which is not final yet.'),
    remaining: wholeNumber(0).describe('Coins or nonces that nothing uses up yet: call again.'),
    why: z.string().nullable().describe('Why some remain.'),
  })
  .meta({ id: 'Refreshed' });
export type RefreshAnswer = z.infer<typeof refreshAnswer>;
