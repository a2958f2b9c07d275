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
  resolveBody,
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
    "Takes a request that the calling request key has signed. It becomes exactly one transfer, whose id follows from the request: submitting the same request again, with whatever Idempotency-Key, gives the same transfer. A request id is used once and for ever. `refused`, `expired` and `cancelled` are this service's own word: pay again, with a new id, only once the transfer is `void`, which the signer attests.",
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
    'kind-contradicted',
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

export const getRequest = endpoint({
  operation: 'getRequest',
  method: 'GET',
  path: '/v1/transfers/:transferId/request',
  tag: 'Transfers',
  summary: 'Show the signed request of a transfer',
  description:
    "What the request key signed, to the letter, in whatever state the transfer is. It proves itself: the transfer's id follows from it, and its signature is the request key's.",
  access: 'authenticated',
  params: transferParams,
  answer: { is: 'ok', description: 'The request.', schema: submitBody, example: exampleRequest },
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

export const resolveTransfer = endpoint({
  operation: 'resolveTransfer',
  method: 'POST',
  path: '/v1/transfers/:transferId/resolve',
  tag: 'Transfers',
  summary: 'Resolve an indeterminate transfer',
  description:
    'A signature for it was or may have been made, and the outcome is not known; nothing goes on by itself. An officer has the signer asked once more, which is harmless (the same bytes get the same answer), or records what they found out: then the transfer is `settled` or `failed` in the books, with their name and note, and nothing is signed, sent or given back.',
  access: 'officer',
  idempotencyKey: 'optional',
  params: transferParams,
  body: { schema: resolveBody, example: { how: 'ask-signer' } },
  answer: {
    is: 'ok',
    description: 'The transfer as it is now.',
    schema: transferView,
    example: { ...exampleTransfer, state: 'built', reason: { code: 'signer-asked-again', facts: {} } },
  },
  refusals: ['transfer-unknown', 'transfer-not-indeterminate', 'transfer-nothing-to-ask'],
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
  isRecorded: true,
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
