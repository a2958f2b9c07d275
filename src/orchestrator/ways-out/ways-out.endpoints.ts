// The endpoints of the ways out: who may call them, what they take and give.

import { z } from 'zod';
import { identifier } from '../../core/statements/fields.js';
import { endpoint } from '../http/endpoint.js';
import {
  exampleBurial,
  exampleNowMs,
  exampleRequest,
  exampleRestoredWallet,
  exampleTransferId,
  exampleVoid,
} from '../http/examples.js';
import { submitBody, transferParams } from '../transfers/transfer.dto.js';
import {
  buryAnswer,
  buryBody,
  cancelAnswer,
  refreshAnswer,
  refreshBody,
  restoreFacts,
  voidAnswer,
  waysOutView,
} from './ways-out.dto.js';

export const voidTransfer = endpoint({
  operation: 'voidTransfer',
  method: 'POST',
  path: '/v1/transfers/:transferId/void',
  tag: 'Ways out',
  summary: "Have the signer's void of a request",
  description:
    "The signer ends the request for good and vouches for it, unless something was signed for it. Verify the void with the attestation key of the governance log, and against your own request: this service's word is not enough. Only then may the same customer be paid by a new request. The body is the request itself, so that it also works for one that this service never stored; asked again, it is the same void.",
  access: 'authenticated',
  handsIn: { kind: 'transition', what: 'void-asked' },
  params: transferParams,
  body: { schema: submitBody, example: exampleRequest },
  answer: {
    is: 'ok',
    description: 'The void.',
    schema: voidAnswer,
    example: { transferId: exampleTransferId, void: exampleVoid },
  },
  refusals: [
    'request-of-another-key',
    'request-of-another-transfer',
    'request-other-deployment',
    'request-key-unknown',
    'request-signature-invalid',
    'request-from-the-future',
    'transfer-not-voidable',
    'transfer-being-signed',
    'transfer-signed',
    'request-before-restore',
    'signer-refused',
  ],
});

export const getWaysOut = endpoint({
  operation: 'getWaysOut',
  method: 'GET',
  path: '/v1/transfers/:transferId/ways-out',
  tag: 'Ways out',
  summary: 'Show what is known of a transfer, and which ways lead on',
  description:
    "The signer's own record of it, its transactions as the nodes show them now, the ways that are open, and what a wrong choice would cost. Where what was signed can be buried, it drafts the statement that officers sign.",
  access: 'officer',
  params: transferParams,
  answer: {
    is: 'ok',
    description: 'What is known.',
    schema: waysOutView,
    example: {
      transferId: exampleTransferId,
      state: 'replaced',
      asOfMs: exampleNowMs,
      signer: {
        transferId: exampleTransferId,
        state: 'signed',
        transactionIds: ['e'.repeat(64)],
        transactions: [
          {
            transactionKey: `bitcoin:${'e'.repeat(64)}`,
            purpose: 'pays',
            state: 'signed',
            transactionId: 'e'.repeat(64),
          },
        ],
      },
      transactions: [
        {
          transactionKey: `bitcoin:${'e'.repeat(64)}`,
          planKey: 'btc-5f0c',
          transactionId: 'e'.repeat(64),
          purpose: 'pays',
          state: 'conflicted',
          signerState: 'signed',
          transferIds: [exampleTransferId],
          maxFee: '1200',
          chain: {
            kind: 'conflicted',
            blockHash: 'c'.repeat(64),
            blockHeight: 905_214,
            confirmations: 7,
            conflictingBy: exampleBurial.statement.conflicting.transactionId,
            why: null,
          },
        },
      ],
      ways: [
        {
          way: 'bury',
          open: true,
          why: 'A cancel of this signer lies 7 blocks deep and conflicts with all that was signed for the transfer.',
          cost: 'A quorum takes what was signed for dead, and the transfer is paid anew. If the block is taken back all the same, the customer can be paid twice.',
        },
      ],
      burial: exampleBurial.statement,
    },
  },
  refusals: ['transfer-unknown'],
});

export const cancelOnChain = endpoint({
  operation: 'cancelOnChain',
  method: 'POST',
  path: '/v1/transfers/:transferId/cancel-on-chain',
  tag: 'Ways out',
  summary: 'Outbid what was signed for a transfer by a payment to the wallet itself',
  description:
    'For a transfer that is stuck: the signer signs a transaction that pays the wallet itself and conflicts with everything that was signed for the transfer, at a higher fee. One of them will be mined. If it is the cancel, the transfer becomes `replaced`; if it is the payment, the transfer settles. In a batch it ends all transfers of the batch. Asked again, it is the same cancel.',
  access: 'officer',
  params: transferParams,
  answer: {
    is: 'ok',
    description: 'The cancel.',
    schema: cancelAnswer,
    example: {
      transferId: exampleTransferId,
      planKey: 'btc-77a1',
      replaces: 'btc-5f0c',
      maxFee: '2400',
      transferIds: [exampleTransferId],
      again: false,
    },
  },
  refusals: [
    'transfer-unknown',
    'transfer-not-stuck',
    'transfer-nothing-to-cancel',
    'cancel-impossible',
    'cancel-waits',
  ],
});

export const buryTransactions = endpoint({
  operation: 'buryTransactions',
  method: 'POST',
  path: '/v1/burials',
  tag: 'Ways out',
  summary: "Hand in a quorum's word that what was signed can never be mined",
  description:
    'The statement names the transfers, all that was ever signed for them, and the transaction of the same signer that lies in the chain instead. The signer compares it with its own journal and counts the quorum, without who asked for the transfers. Then the transfers are paid anew by other coins or another nonce while their requests live, and become `expired` otherwise. Handed in again, it is accepted again.',
  access: 'officer',
  handsIn: { kind: 'approval', what: 'burial-handed-in' },
  about: ({ statement }) => [...new Set(statement.transferIds)].map((id) => `transfer:${id}`),
  body: { schema: buryBody, example: exampleBurial },
  answer: {
    is: 'ok',
    description: 'Accepted.',
    schema: buryAnswer,
    example: { journalSequence: 212, transfers: [{ transferId: exampleTransferId, state: 'approved' }] },
  },
  refusals: [
    'burial-other-deployment',
    'burial-governance-moved',
    'burial-expired',
    'burial-too-shallow',
    'burial-transfer-unknown',
    'burial-conflicting-unknown',
    'burial-conflicting-pays',
    'burial-incomplete',
    'burial-not-conflicting',
    'transfer-being-signed',
    'governance-signature-invalid',
    'governance-signer-unknown',
    'governance-signer-duplicate',
    'governance-quorum-missing',
    'signer-refused',
  ],
});

export const getRestoreFacts = endpoint({
  operation: 'getRestoreFacts',
  method: 'GET',
  path: '/v1/restore-facts',
  tag: 'Ways out',
  summary: 'Show what a restore of the signer needs to know of the chains',
  description:
    "For every wallet, what is unspent or used according to this service's nodes. Officers compare it with nodes of their own before they sign.",
  access: 'officer',
  answer: {
    is: 'ok',
    description: 'By wallet.',
    schema: restoreFacts,
    example: {
      asOfMs: exampleNowMs,
      wallets: [
        {
          walletId: exampleRestoredWallet.walletId,
          chain: exampleRestoredWallet.chain,
          wallet: exampleRestoredWallet,
          highestSignedNonce: null,
          why: null,
        },
      ],
    },
  },
  refusals: [],
});

export const refreshWallet = endpoint({
  operation: 'refreshWallet',
  method: 'POST',
  path: '/v1/wallets/:walletId/refresh',
  tag: 'Ways out',
  summary: 'Use up what a lost store may have signed over',
  description:
    "After a restore: plans payments of the wallet to itself that spend the restored coins, or use up the restored nonces, so that what the lost store signed and nobody knows of can never be mined. The body is the wallet as the restore names it. To be called until nothing remains. On Ethereum it also takes the wallet's nonces up to the restore's `nextNonce`; before that the wallet pays nothing.",
  access: 'officer',
  params: z.strictObject({ walletId: identifier }),
  body: { schema: refreshBody, example: exampleRestoredWallet },
  answer: {
    is: 'ok',
    description: 'What was planned and what remains.',
    schema: refreshAnswer,
    example: {
      walletId: exampleRestoredWallet.walletId,
      planned: ['btc-90ee'],
      underWay: 1,
      remaining: 0,
      why: null,
    },
  },
  refusals: ['wallet-unknown', 'wallet-of-another-restore'],
});
