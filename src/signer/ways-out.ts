// The ways out that are no signature over a transaction: a request is voided, or what was signed for a transfer is taken
// for dead because a quorum says so. Each is one entry of the journal; nothing that was signed is forgotten by it.

import { MAX_CLOCK_SKEW_MS, type RequestOriginCode, verifyOrigin } from '../core/authorization/requests.js';
import { accepted, Fault, type Outcome, refused } from '../core/fault.js';
import type { GovernanceState } from '../core/governance/state.js';
import { type Burial, type BurialRefusalCode, burialBytes, verifyBurial } from '../core/recovery/burial.js';
import { VOID_TYPE, type VoidStatement } from '../core/recovery/void.js';
import {
  type RequestStatement,
  requestDigest,
  type SignedRequest,
  transferIdOf,
} from '../core/statements/request.js';
import type { SignatureVerifier } from '../core/statements/signature.js';
import { type KnownTransaction, transferSet } from './ledger.js';
import type { SignerClock } from './signer-clock.js';
import type { SignerStore } from './store.js';
import type { StoreFaultCode } from './store-file.js';

export type VoidingRefusalCode =
  | RequestOriginCode
  | 'request-from-the-future'
  | 'request-before-restore'
  | 'transfer-being-signed'
  | 'transfer-signed';

export type BuryingRefusalCode =
  | BurialRefusalCode
  | 'transfer-being-signed'
  | 'burial-transfer-unknown'
  | 'burial-conflicting-unknown'
  | 'burial-conflicting-pays'
  | 'burial-incomplete'
  | 'burial-not-conflicting';

export interface WayOut {
  readonly store: SignerStore;
  readonly clock: SignerClock;
  readonly verifier: SignatureVerifier;
  readonly state: GovernanceState;
  /** Is a signature over this transaction under way? */
  readonly isUnderWay: (transactionKey: string) => boolean;
}

function underWay(given: WayOut, transactions: readonly KnownTransaction[]): string | undefined {
  return transactions.find(({ transactionKey }) => given.isUnderWay(transactionKey))?.transactionKey;
}

/**
 * Where the journal says that this request is void; it says so now if it may. The request is hostile. Only what a registered
 * key asked for, or one that once was: nobody fills the journal with requests of their own. Refused once anything was signed
 * for it, unless a quorum has buried that.
 */
export function voidRequest(given: WayOut, request: SignedRequest): Outcome<number, VoidingRefusalCode> {
  const { store, clock, verifier, state } = given;
  const { ledger } = store;
  const origin = verifyOrigin(request, state.deploymentId, state.everRequestKeys, verifier);
  if (origin.kind === 'refused') return origin;
  const transferId = transferIdOf(requestDigest(request.statement));
  const earlier = ledger.voidSequenceOf(transferId);
  if (earlier !== undefined) return accepted(earlier);
  const cutoffMs = ledger.cutoffMs();
  if (cutoffMs !== undefined && request.statement.createdAtMs <= cutoffMs) {
    // It is dead as well, but whether the lost store signed it nobody here knows.
    return refused('request-before-restore', { transferId, deadUpToMs: cutoffMs });
  }
  const at = clock.now();
  if (request.statement.createdAtMs > at.wallMs + MAX_CLOCK_SKEW_MS) {
    // A store that was lost after this would be restored without the void, and to a time at which the request is not dead.
    return refused('request-from-the-future', { transferId, nowMs: at.wallMs });
  }
  const busy = underWay(given, ledger.transactionsOf(transferId));
  if (busy !== undefined) return refused('transfer-being-signed', { transferId, by: busy });
  const past = ledger.pastOf(transferId);
  if (past === 'signed') return refused('transfer-signed', { transferId });
  const basis = past === 'dead' ? 'buried' : 'never-signed';
  const { sequence } = store.append({ kind: 'voided', at, request, transferId, basis });
  return accepted(sequence);
}

/** The statement of a void as the journal has it: the same one whenever it is asked for. Throws `store-corrupt`. */
export function voidStatementAt(store: SignerStore, sequence: number, deploymentId: string): VoidStatement {
  const { hash, body } = store.read(sequence);
  if (body.kind !== 'voided') {
    throw new Fault<StoreFaultCode>('store-corrupt', 'the journal holds something else than a void there');
  }
  const { transferId, request, basis, at } = body;
  return {
    type: VOID_TYPE,
    deploymentId,
    transferId,
    requestId: request.statement.requestId,
    requestDigest: requestDigest(request.statement),
    basis,
    journalSequence: sequence,
    journalHash: hash,
    voidedAtMs: at.wallMs,
  };
}

/** The requests that a transaction was to pay, as its reservation has them. Throws `store-corrupt`. */
function requestsIn(store: SignerStore, { reservedSequence }: KnownTransaction): RequestStatement[] {
  const { body } = store.read(reservedSequence);
  if (body.kind !== 'reserved') {
    throw new Fault<StoreFaultCode>(
      'store-corrupt',
      'the journal holds something else than a reservation there',
    );
  }
  return body.order.transfers.map(({ request }) => request.statement);
}

function uniqueTransactions(transactions: readonly KnownTransaction[]): KnownTransaction[] {
  return [...new Map(transactions.map((one) => [one.transactionKey, one])).values()];
}

/** What is to be dead, compared with what the signer itself has done for these transfers. */
function checkDead(given: WayOut, { statement }: Burial): Outcome<KnownTransaction[], BuryingRefusalCode> {
  const { ledger } = given.store;
  const { transferIds, conflicting } = statement;
  const unknown = transferIds.find((transferId) => ledger.transactionsOf(transferId).length === 0);
  if (unknown !== undefined) return refused('burial-transfer-unknown', { transferId: unknown });
  const winner = ledger.transaction(conflicting.transactionKey);
  if (winner?.transactionId === undefined || winner.transactionId !== conflicting.transactionId) {
    return refused('burial-conflicting-unknown', { transactionKey: conflicting.transactionKey });
  }
  const paid = winner.transferIds.find((transferId) => transferIds.includes(transferId));
  if (paid !== undefined) return refused('burial-conflicting-pays', { transferId: paid });
  const living = uniqueTransactions(transferIds.flatMap((transferId) => ledger.livingOf(transferId)));
  const expected = living.filter(({ transactionKey }) => transactionKey !== conflicting.transactionKey);
  const keys = expected.map(({ transactionKey }) => transactionKey);
  if (transferSet(keys) !== transferSet(statement.dead)) {
    const missing = keys.find((key) => !statement.dead.includes(key)) ?? '';
    const extra = statement.dead.find((key) => !keys.includes(key)) ?? '';
    return refused('burial-incomplete', { missing, extra });
  }
  const other = expected.flatMap((one) => one.transferIds).find((id) => !transferIds.includes(id));
  if (other !== undefined) return refused('burial-incomplete', { transferId: other });
  const spends = new Set(ledger.spendsOf(conflicting.transactionKey));
  const compatible = keys.find((key) => !ledger.spendsOf(key).some((spend) => spends.has(spend)));
  if (compatible !== undefined) return refused('burial-not-conflicting', { transactionKey: compatible });
  const busy = underWay(given, expected);
  return busy === undefined ? accepted(expected) : refused('transfer-being-signed', { by: busy });
}

/**
 * Persons who cannot count: who asked for one of the transfers, and whoever else the key speaks for. Of the transfers that
 * are named, and not of the dead: cancels may be all that is left of those, and say of nobody who asked.
 */
function askers(given: WayOut, { statement: { transferIds } }: Burial): ReadonlySet<string> {
  const { store } = given;
  const one = transferIds.flatMap((transferId) => store.ledger.transactionsOf(transferId).slice(0, 1));
  const statements = uniqueTransactions(one).flatMap((transaction) => requestsIn(store, transaction));
  return new Set(
    statements.flatMap(({ requester, keyId }) => [
      requester,
      ...(given.state.everRequestKeys.get(keyId)?.owners ?? []),
    ]),
  );
}

/**
 * Takes what a quorum says is dead for dead; the journal sequence that says so. Hostile input. Sent again, the same
 * statement is accepted again.
 */
export function bury(given: WayOut, burial: Burial): Outcome<number, BuryingRefusalCode> {
  const { store, clock, verifier, state } = given;
  const { statement } = burial;
  const [first] = statement.transferIds;
  const earlier = store.ledger
    .burialsOf(first ?? '')
    .filter(({ transactionKey }) => transactionKey === statement.conflicting.transactionKey);
  for (const { journalSequence } of earlier) {
    const { body } = store.read(journalSequence);
    const isSame =
      body.kind === 'buried' &&
      Buffer.from(burialBytes(body.burial.statement)).equals(burialBytes(statement));
    if (isSame) return accepted(journalSequence);
  }
  const dead = checkDead(given, burial);
  if (dead.kind === 'refused') return dead;
  const at = clock.now();
  const verified = verifyBurial(burial, state, askers(given, burial), verifier, at.wallMs);
  if (verified.kind === 'refused') return verified;
  return accepted(store.append({ kind: 'buried', at, burial }).sequence);
}
