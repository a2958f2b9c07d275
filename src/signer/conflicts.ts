// What was signed before, against what is to be signed now: no request id, outpoint or nonce serves twice, and all
// transactions for one transfer conflict pairwise. The signer asks no chain and believes nobody about one.

import type { Authorization } from '../core/authorization/authorize.js';
import { accepted, type Outcome, refused } from '../core/fault.js';
import { type KnownTransaction, type Ledger, transferSet } from './ledger.js';

export type ConflictRefusalCode =
  | 'request-id-used'
  | 'outpoint-used'
  | 'nonce-used'
  | 'nonce-gap'
  | 'transfer-already-signed'
  | 'cancel-spends-unused';

type Result = Outcome<Authorization, ConflictRefusalCode>;

function checkRequestIds(authorization: Authorization, ledger: Ledger): Result {
  const inThisOrder = new Map<string, string>();
  for (const { request } of authorization.transfers) {
    const { requestId } = request.statement;
    const used = inThisOrder.get(requestId) ?? ledger.requestDigestOf(requestId);
    if (used !== undefined && used !== request.digest) {
      return refused('request-id-used', { transferId: request.transferId, requestId });
    }
    inThisOrder.set(requestId, request.digest);
  }
  return accepted(authorization);
}

/** An outpoint or nonce that was used may be used again to pay the very same transfers, or to cancel. */
function checkSpend(spend: string, users: readonly KnownTransaction[], authorization: Authorization): Result {
  const transferIds = authorization.transfers.map(({ request }) => request.transferId);
  if (transferIds.length === 0) {
    return users.length > 0 ? accepted(authorization) : refused('cancel-spends-unused', { spend });
  }
  if (users.length === 0) return accepted(authorization);
  const paying = users.filter((user) => user.transferIds.length > 0);
  const same = transferSet(transferIds);
  if (paying.length > 0 && paying.every((user) => transferSet(user.transferIds) === same))
    return accepted(authorization);
  const code = authorization.decoded.intent.family === 'bitcoin' ? 'outpoint-used' : 'nonce-used';
  return refused(code, { spend, by: users[0]?.transactionKey ?? '' });
}

/** Every transaction that was ever reserved for a transfer must share an input or the nonce with this one. */
function checkTransfers(authorization: Authorization, ledger: Ledger): Result {
  const spends = new Set(authorization.decoded.spends);
  for (const { request } of authorization.transfers) {
    for (const earlier of ledger.transactionsOf(request.transferId)) {
      if (!ledger.spendsOf(earlier.transactionKey).some((spend) => spends.has(spend))) {
        return refused('transfer-already-signed', {
          transferId: request.transferId,
          by: earlier.transactionKey,
        });
      }
    }
  }
  return accepted(authorization);
}

/** Refuses whatever would let two things be paid by one request, or one thing twice. */
export function checkConflicts(authorization: Authorization, ledger: Ledger): Result {
  const ids = checkRequestIds(authorization, ledger);
  if (ids.kind === 'refused') return ids;
  const { nonce, wallet } = authorization.decoded;
  if (nonce !== undefined) {
    const next = ledger.nextNonce(wallet.walletId);
    if (nonce > next) return refused('nonce-gap', { nonce: nonce.toString(), next: next.toString() });
  }
  for (const spend of authorization.decoded.spends) {
    const checked = checkSpend(spend, ledger.usersOf(spend), authorization);
    if (checked.kind === 'refused') return checked;
  }
  return checkTransfers(authorization, ledger);
}

/** The most that cancelling may cost: what the transfers whose transactions it conflicts with were allowed to cost. */
export function cancelCeiling(spends: readonly string[], ledger: Ledger): bigint | undefined {
  const ceilings = new Map<string, bigint>();
  for (const user of spends.flatMap((spend) => ledger.usersOf(spend))) {
    if (user.transferIds.length > 0) ceilings.set(transferSet(user.transferIds), user.feeCeiling);
  }
  return ceilings.size === 0 ? undefined : [...ceilings.values()].reduce((sum, ceiling) => sum + ceiling, 0n);
}
