// What was signed before, against what is to be signed now: no request id, outpoint or nonce serves twice, and all
// transactions for one transfer conflict pairwise, those that cancel it included: the chain takes one of them, so a
// transfer is paid once at most and its fee ceiling is spent once at most. The signer asks no chain and believes nobody
// about one.

import type { Authorization, Cancelled } from '../core/authorization/authorize.js';
import type { SigningOrder } from '../core/authorization/signing-order.js';
import { accepted, type Outcome, refused } from '../core/fault.js';
import { requestDigest, transferIdOf } from '../core/statements/request.js';
import { type KnownTransaction, type Ledger, transferSet } from './ledger.js';

export type ConflictRefusalCode =
  | 'request-id-used'
  | 'outpoint-used'
  | 'nonce-used'
  | 'nonce-gap'
  | 'request-before-restore'
  | 'transfer-void'
  | 'transaction-dead'
  | 'transfer-already-signed'
  | 'cancel-spends-unused'
  | 'cancel-incomplete'
  | 'transactions-too-many';

/**
 * Transactions that pay one transfer, and again that cancel it. Fee bumps need a handful; each one costs room in the
 * journal for good, no limit, and nobody's approval.
 */
export const MAX_TRANSACTIONS_OF_TRANSFER = 100;

type Result = Outcome<Authorization, ConflictRefusalCode>;

/**
 * Requests that are over for good, whatever else is to be said of them: void, or made before the store was restored. Asked
 * of the order as it came: a request that says another time or another content than was signed is refused anyway.
 */
export function checkOver(order: SigningOrder, ledger: Ledger): Outcome<undefined, ConflictRefusalCode> {
  const cutoffMs = ledger.cutoffMs();
  for (const { request } of order.transfers) {
    const { createdAtMs } = request.statement;
    const transferId = transferIdOf(requestDigest(request.statement));
    if (cutoffMs !== undefined && createdAtMs <= cutoffMs) {
      return refused('request-before-restore', { transferId, createdAtMs, deadUpToMs: cutoffMs });
    }
    if (ledger.voidSequenceOf(transferId) !== undefined) return refused('transfer-void', { transferId });
  }
  return accepted(undefined);
}

function checkRequestIds(authorization: Authorization, ledger: Ledger): Result {
  const inThisOrder = new Map<string, string>();
  for (const { request } of authorization.transfers) {
    const { transferId } = request;
    const { requestId } = request.statement;
    const used = inThisOrder.get(requestId) ?? ledger.requestDigestOf(requestId);
    if (used !== undefined && used !== request.digest) {
      return refused('request-id-used', { transferId, requestId });
    }
    inThisOrder.set(requestId, request.digest);
  }
  return accepted(authorization);
}

/**
 * An outpoint or nonce that was used may be used again to pay the very same transfers, or to cancel. What only void or dead
 * transactions used is free. What a restore leaves to be used up is for cancels, which pay the wallet itself.
 */
function checkSpend(spend: string, authorization: Authorization, ledger: Ledger): Result {
  const everyUser = ledger.usersOf(spend);
  const users = everyUser.filter(({ ended }) => ended === undefined);
  const transferIds = authorization.transfers.map(({ request }) => request.transferId);
  const { nonce, wallet } = authorization.decoded;
  if (transferIds.length === 0) {
    const isOurs = users.length > 0 || ledger.restoredSpend(spend) !== undefined;
    return isOurs ? accepted(authorization) : refused('cancel-spends-unused', { spend });
  }
  if (everyUser.length === 0) {
    const isBefore = nonce !== undefined && nonce < ledger.nextNonce(wallet.walletId);
    return isBefore ? refused('nonce-used', { spend, by: 'before the restore' }) : accepted(authorization);
  }
  if (users.length === 0) return accepted(authorization);
  const paying = users.filter((user) => user.transferIds.length > 0);
  const same = transferSet(transferIds);
  if (paying.length > 0 && paying.every((user) => transferSet(user.transferIds) === same))
    return accepted(authorization);
  const code = authorization.decoded.intent.family === 'bitcoin' ? 'outpoint-used' : 'nonce-used';
  return refused(code, { spend, by: users[0]?.transactionKey ?? '' });
}

/** What was ever reserved to pay or to cancel these transfers and may still be mined or signed. */
function reservedFor(transferIds: readonly string[], ledger: Ledger): KnownTransaction[] {
  return transferIds.flatMap((id) => ledger.livingOf(id));
}

/**
 * Could a transaction be mined beside this one: does it share neither an input nor the nonce? Each is looked up once: those
 * of a batch come up again with each of its transfers, and asking every time kept the signer busy for tens of seconds.
 */
function compatibleWith({ decoded }: Authorization, ledger: Ledger): (other: KnownTransaction) => boolean {
  const spends = new Set(decoded.spends);
  const answers = new Map<string, boolean>();
  return ({ transactionKey }) => {
    const answer =
      answers.get(transactionKey) ?? !ledger.spendsOf(transactionKey).some((spend) => spends.has(spend));
    answers.set(transactionKey, answer);
    return answer;
  };
}

function checkTransfers(authorization: Authorization, ledger: Ledger): Result {
  const isCompatible = compatibleWith(authorization, ledger);
  for (const { request } of authorization.transfers) {
    const { transferId } = request;
    const other = reservedFor([transferId], ledger).find(isCompatible);
    if (other) return refused('transfer-already-signed', { transferId, by: other.transactionKey });
  }
  return accepted(authorization);
}

/** The transfers that a transaction pays, or those whose transactions a cancel spends against. */
function transfersTouched({ transfers, decoded }: Authorization, ledger: Ledger): string[] {
  if (transfers.length > 0) return transfers.map(({ request }) => request.transferId);
  return [...new Set(ledger.payersOf(decoded.spends).flatMap((user) => user.transferIds))];
}

/** A cancel ends every transaction of each transfer that it touches; half of them would leave it to cost once more. */
function checkCancel(authorization: Authorization, ledger: Ledger): Result {
  const touched = transfersTouched(authorization, ledger);
  const other = reservedFor(touched, ledger).find(compatibleWith(authorization, ledger));
  return other ? refused('cancel-incomplete', { by: other.transactionKey }) : accepted(authorization);
}

/** Is there room for one more? Asked of a transaction that was not reserved before. */
export function checkCount(authorization: Authorization, ledger: Ledger): Result {
  const cancelling = authorization.transfers.length === 0;
  const max = MAX_TRANSACTIONS_OF_TRANSFER;
  const full = transfersTouched(authorization, ledger).find(
    (id) => (cancelling ? ledger.cancelsOf(id) : ledger.transactionsOf(id)).length >= max,
  );
  if (full !== undefined) return refused('transactions-too-many', { transferId: full, max });
  const { spends } = authorization.decoded;
  const crowded = spends.find(
    (spend) => ledger.restoredSpend(spend) !== undefined && ledger.usersOf(spend).length >= max,
  );
  return crowded === undefined
    ? accepted(authorization)
    : refused('transactions-too-many', { spend: crowded, max });
}

/** Refuses whatever would let two things be paid by one request, or one thing twice. */
export function checkConflicts(
  authorization: Authorization,
  ledger: Ledger,
  known?: KnownTransaction,
): Result {
  const ids = checkRequestIds(authorization, ledger);
  if (ids.kind === 'refused') return ids;
  if (known?.ended !== undefined) {
    return refused('transaction-dead', { transactionKey: known.transactionKey, ended: known.ended });
  }
  const { nonce, wallet } = authorization.decoded;
  if (nonce !== undefined) {
    const next = ledger.nextNonce(wallet.walletId);
    if (nonce > next) return refused('nonce-gap', { nonce: nonce.toString(), next: next.toString() });
  }
  for (const spend of authorization.decoded.spends) {
    const checked = checkSpend(spend, authorization, ledger);
    if (checked.kind === 'refused') return checked;
  }
  return authorization.transfers.length === 0
    ? checkCancel(authorization, ledger)
    : checkTransfers(authorization, ledger);
}

/**
 * What spending these would cancel: each set of transfers once, however often its fee was bumped. What a restore leaves to
 * be used up may cost what the quorum said, once a transaction; what was to be moved with it is not known.
 */
export function cancelled(spends: readonly string[], ledger: Ledger): Cancelled | undefined {
  const sets = new Map(ledger.payersOf(spends).map((user) => [transferSet(user.transferIds), user]));
  if (sets.size === 0) {
    const ceilings = spends.flatMap((spend) => ledger.restoredSpend(spend)?.feeCeiling ?? []);
    const [feeCeiling] = ceilings;
    return feeCeiling === undefined ? undefined : { feeCeiling, moved: undefined };
  }
  const users = [...sets.values()];
  return {
    feeCeiling: users.reduce((sum, user) => sum + user.feeCeiling, 0n),
    moved: users.reduce<bigint | undefined>(
      (sum, { moved }) => (sum === undefined || moved === undefined ? undefined : sum + moved),
      0n,
    ),
  };
}
