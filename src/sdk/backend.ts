// What an exchange's backend does with Portcullis: sign a request once, submit it as often as it takes, and read what
// became of it. Runs wherever `fetch` does; the key stays with the caller, who signs bytes.
//
// Three things that a backend must know:
// - A request id is used once and for ever. The same request sent again is the same transfer, however often and after
//   whatever crash; another request under a used id is refused, also when the first one was refused or expired.
// - A request that ended `refused` or `expired` may still be paid as long as it could be signed. Before the same
//   customer is paid by a new request, the backend needs the signer's attested `void` of the old one: proof that it
//   was never signed and never can be. `requestVoid` asks for it and verifies it; without one, do not ask anew.
// - `signed` is spendable. A transfer that was signed is paid until a conflicting transaction is buried, whatever
//   state it is shown in.

import { bytesToHex } from '@noble/hashes/utils.js';
import { accepted, type Outcome, refused } from '../core/fault.js';
import { entryHash, type GovernanceEntry } from '../core/governance/entry.js';
import { replayLog } from '../core/governance/replay.js';
import type { GovernanceRefusalCode } from '../core/governance/state.js';
import { type AttestedVoid, type VoidAuthority, verifyVoid } from '../core/recovery/void.js';
import {
  type RequestStatement,
  requestBytes,
  requestDigest,
  type SignedRequest,
  transferIdOf,
} from '../core/statements/request.js';
import { portableVerifier, type SignatureVerifier } from '../core/statements/signature.js';
import { type Api, sdkFault } from './api.js';
import { type Transfer, transfer, voided } from './shapes.js';

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

/**
 * What voids are verified with, from the deployment's genesis entry or from its governance log: a file that the backend keeps,
 * or had from anybody. The deployment id is the backend's own configuration; it is the genesis entry's hash, so nobody can
 * offer another one. Genesis alone knows the first attestation key; once governance has named another one, it takes the log, as
 * far as it goes: a log that was cut short before that entry still believes the key from before.
 */
export function voidAuthorityOf(
  log: GovernanceEntry | readonly GovernanceEntry[],
  deploymentId: string,
  verifier: SignatureVerifier = portableVerifier,
): Outcome<VoidAuthority, 'genesis-of-another-deployment' | GovernanceRefusalCode> {
  const entries = 'body' in log ? [log] : log;
  const [genesis] = entries;
  if (!genesis || entryHash(genesis.body) !== deploymentId)
    return refused('genesis-of-another-deployment', { deploymentId });
  const replayed = replayLog(entries, verifier);
  return replayed.kind === 'refused'
    ? replayed
    : accepted({ deploymentId, attestationKey: replayed.value.attestation.publicKey });
}

/**
 * The signer's void of a request, verified: only with this in hand may its customer be paid by a new request. To be kept
 * with the request. The API only carries it and is not believed: refusals are its own or `verifyVoid`'s. `transfer-signed`
 * means that the request is paid, or may be. Safe to repeat; faults as of `submitRequest`.
 */
export async function requestVoid(
  api: Api,
  request: SignedRequest,
  authority: VoidAuthority,
  verifier: SignatureVerifier = portableVerifier,
): Promise<Outcome<AttestedVoid>> {
  const transferId = transferIdFor(request.statement);
  const answer = await api.post(`/v1/transfers/${transferId}/void`, request, voided);
  if (answer.kind === 'refused') return answer;
  return verifyVoid(answer.value.void, request.statement, authority, verifier);
}
