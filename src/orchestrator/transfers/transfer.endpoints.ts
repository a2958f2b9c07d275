// The endpoints of transfers: who may call them, what they take and give.

import { endpoint } from '../http/endpoint.js';
import {
  exampleCertificate,
  exampleRequest,
  exampleSummary,
  exampleTransfer,
  exampleTransferId,
} from '../http/examples.js';
import {
  certificateFile,
  listQuery,
  submitBody,
  transferPage,
  transferParams,
  transferView,
} from './transfer.dto.js';

export const submitTransfer = endpoint({
  operation: 'submitTransfer',
  method: 'POST',
  path: '/v1/transfers',
  tag: 'Transfers',
  summary: 'Ask for a transfer',
  description:
    "Takes a request that the calling request key has signed. It becomes exactly one transfer, whose id follows from the request: submitting the same request again, with whatever Idempotency-Key, gives the same transfer. A request id is used once and for ever. `refused`, `expired` and `cancelled` are this service's own word: pay again, with a new id, only once the transfer is `void`, which the signer attests (the signer of this version gives no voids yet).",
  access: 'backend',
  idempotencyKey: 'required',
  body: { schema: submitBody, example: exampleRequest },
  answer: { is: 'created', description: 'The transfer.', schema: transferView, example: exampleTransfer },
  refusals: [
    'request-of-another-key',
    'request-other-deployment',
    'request-key-unknown',
    'request-signature-invalid',
    'request-lifetime',
    'request-from-the-future',
    'request-expired',
    'requester-not-owner',
    'wallet-unknown',
    'chain-mismatch',
    'asset-not-registered',
    'request-id-used',
    'destination-invalid',
    'chain-not-served',
  ],
});

export const listTransfers = endpoint({
  operation: 'listTransfers',
  method: 'GET',
  path: '/v1/transfers',
  tag: 'Transfers',
  summary: 'List transfers, newest first',
  description:
    'Officers see all transfers, a request key those of its own owners. Pages follow each other by cursor: transfers that come in meanwhile shift nothing.',
  access: 'authenticated',
  query: listQuery,
  answer: {
    is: 'ok',
    description: 'A page.',
    schema: transferPage,
    example: { items: [exampleSummary], nextCursor: null },
  },
  refusals: ['cursor-invalid'],
});

export const getTransfer = endpoint({
  operation: 'getTransfer',
  method: 'GET',
  path: '/v1/transfers/:transferId',
  tag: 'Transfers',
  summary: 'Show a transfer',
  description:
    'Everything about it: decision, limits, approvals, transactions, and how it came to be where it is.',
  access: 'authenticated',
  params: transferParams,
  answer: { is: 'ok', description: 'The transfer.', schema: transferView, example: exampleTransfer },
  refusals: ['transfer-unknown'],
});

export const cancelTransfer = endpoint({
  operation: 'cancelTransfer',
  method: 'POST',
  path: '/v1/transfers/:transferId/cancel',
  tag: 'Transfers',
  summary: 'Cancel a transfer',
  description:
    'Ends a transfer for which nothing can have been signed yet. Once a signature may exist it is too late: what was signed stays spendable until a conflicting transaction is buried.',
  access: 'authenticated',
  idempotencyKey: 'optional',
  params: transferParams,
  answer: {
    is: 'ok',
    description: 'The cancelled transfer.',
    schema: transferView,
    example: { ...exampleTransfer, state: 'cancelled', reason: { code: 'cancelled-by-caller', facts: {} } },
  },
  refusals: ['transfer-unknown', 'transfer-not-cancellable', 'transfer-being-signed'],
});

export const getCertificates = endpoint({
  operation: 'getCertificates',
  method: 'GET',
  path: '/v1/transfers/:transferId/certificates',
  tag: 'Transfers',
  summary: "Download the signer's decision certificates",
  description:
    'One for each transaction that was signed for the transfer. `portcullis verify` checks the file offline against the governance log.',
  access: 'authenticated',
  params: transferParams,
  answer: {
    is: 'ok',
    description: 'A JSON file.',
    schema: certificateFile,
    example: { transferId: exampleTransferId, certificates: [exampleCertificate] },
    fileName: 'certificates.json',
  },
  refusals: ['transfer-unknown', 'certificate-missing'],
});
