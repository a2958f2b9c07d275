// What an exchange's backend does with Portcullis: sign a request once, submit it as often as it takes, and read what
// became of it. Runs wherever `fetch` does; the key stays with the caller, who signs bytes.
//
// Three things that a backend must know:
// - A request id is used once and for ever. The same request sent again is the same transfer, however often and after
//   whatever crash; another request under a used id is refused, also when the first one was refused or expired.
// - A request that ended `refused` or `expired` may still be paid as long as it could be signed. Before the same
//   customer is paid by a new request, the backend needs the signer's attested `void` of the old one: proof that it
//   was never signed and never can be. Without one, do not ask anew. (The signer of this version gives none yet: let a
//   person look at the transfer and its transactions first.)
// - `signed` is spendable. A transfer that was signed is paid until a conflicting transaction is buried, whatever
//   state it is shown in.

import { bytesToHex } from '@noble/hashes/utils.js';
import { accepted, type Outcome } from '../core/fault.js';
import {
  type RequestStatement,
  requestBytes,
  requestDigest,
  type SignedRequest,
  transferIdOf,
} from '../core/statements/request.js';
import { type Api, sdkFault } from './api.js';
import { type Transfer, transfer } from './shapes.js';

/** Ed25519 over the bytes, 64 bytes. The private key is the caller's business. */
export type SignBytes = (bytes: Uint8Array) => Promise<Uint8Array>;

/** To be kept by the backend before it is submitted: it is what makes a retry the same request. */
export async function signRequest(statement: RequestStatement, sign: SignBytes): Promise<SignedRequest> {
  return { statement, signature: bytesToHex(await sign(requestBytes(statement))) };
}

/** The transfer that a request becomes; known before it is submitted. */
export function transferIdFor(statement: RequestStatement): string {
  return transferIdOf(requestDigest(statement));
}

/**
 * Submits a signed request. Safe to repeat: the transfer id follows from the request and serves as idempotency key.
 * Refusals are the API's; faults `api-unreachable`, `api-unavailable` (submit again), `api-answer-malformed`.
 */
export async function submitRequest(api: Api, request: SignedRequest): Promise<Outcome<Transfer>> {
  const transferId = transferIdFor(request.statement);
  const answer = await api.post('/v1/transfers', request, transfer, transferId);
  if (answer.kind === 'refused') return answer;
  if (answer.value.transferId !== transferId) {
    throw sdkFault('api-answer-malformed', 'the API answered with another transfer', { asked: transferId });
  }
  return accepted(answer.value);
}

export function readTransfer(api: Api, transferId: string): Promise<Outcome<Transfer>> {
  return api.get(`/v1/transfers/${transferId}`, transfer);
}
