// The states of a transfer and of a transaction, and which may follow which. Pure; who moves them, and why, is elsewhere.
//
// A transaction has a life of its own: one pays several transfers (a Bitcoin batch), and a transfer may be paid by one
// of several that all conflict with one another (fee bumps). `signing` is a transaction's state alone: meanwhile its
// transfers are `built`.

export const transferStates = [
  'requested',
  'screened',
  'decided',
  'awaiting-approvals',
  'approved',
  'reserved',
  'built',
  'signed',
  'broadcast',
  'confirming',
  'settled',
  'refused',
  'expired',
  'cancelled',
  'replaced',
  'void',
  'failed',
  'indeterminate',
] as const;
export type TransferState = (typeof transferStates)[number];

export const transactionStates = [
  'planned',
  'built',
  'signing',
  'signed',
  'broadcast',
  'mined',
  'final',
  'failed',
  'conflicted',
  'released',
  'indeterminate',
  'dead',
] as const;
export type TransactionState = (typeof transactionStates)[number];

/**
 * A signature that turns up for a transaction that was given up makes its transfers `indeterminate`, also ones that had
 * come to an end or had been planned anew. No program leads out of `indeterminate`: only people do, here as in the ways
 * out that they open with the signer's word (a void) or a quorum's (a burial).
 */
const TRANSFER_MOVES: Readonly<Record<TransferState, readonly TransferState[]>> = {
  requested: ['screened', 'refused', 'expired', 'cancelled'],
  screened: ['decided', 'refused', 'expired', 'cancelled'],
  decided: ['awaiting-approvals', 'approved', 'refused', 'expired', 'cancelled'],
  // Back to `decided` when policy or roster changed under the approvals.
  'awaiting-approvals': ['approved', 'decided', 'refused', 'expired', 'cancelled'],
  approved: ['reserved', 'decided', 'refused', 'expired', 'cancelled', 'indeterminate'],
  // Back to `approved` when a plan that was certainly never signed is given up.
  reserved: ['built', 'approved', 'refused', 'expired', 'cancelled', 'indeterminate'],
  built: ['signed', 'approved', 'refused', 'expired', 'cancelled', 'indeterminate'],
  signed: ['broadcast', 'replaced', 'failed', 'indeterminate'],
  broadcast: ['confirming', 'replaced', 'failed', 'indeterminate'],
  // Back to `broadcast` when a reorganisation took the block away.
  confirming: ['settled', 'broadcast', 'replaced', 'failed', 'indeterminate'],
  settled: [],
  refused: ['void', 'indeterminate'],
  expired: ['void', 'indeterminate'],
  cancelled: ['void', 'indeterminate'],
  replaced: [],
  void: [],
  failed: [],
  indeterminate: [],
};

const TRANSACTION_MOVES: Readonly<Record<TransactionState, readonly TransactionState[]>> = {
  planned: ['built', 'released'],
  built: ['signing', 'released'],
  signing: ['signed', 'released', 'indeterminate'],
  signed: ['broadcast', 'mined', 'conflicted', 'failed', 'indeterminate'],
  broadcast: ['mined', 'conflicted', 'failed', 'indeterminate'],
  mined: ['final', 'broadcast', 'conflicted', 'failed', 'indeterminate'],
  final: [],
  failed: [],
  conflicted: [],
  released: ['indeterminate'],
  indeterminate: [],
  dead: [],
};

/**
 * A person has the signer asked once more for the same bytes, or says what they found out, or has the signer's void; a
 * quorum has buried what was signed: then it is paid anew, or has expired.
 */
const PERSONS_MOVES: Readonly<Partial<Record<TransferState, readonly TransferState[]>>> = {
  signed: ['approved', 'expired'],
  broadcast: ['approved', 'expired'],
  confirming: ['approved', 'expired'],
  replaced: ['approved', 'expired', 'void'],
  failed: ['void'],
  indeterminate: ['built', 'settled', 'failed', 'void', 'approved', 'expired'],
};

/** Asked again; given up because the signer says that it is void; dead because a quorum says so. */
const PERSONS_TRANSACTION_MOVES: Readonly<Partial<Record<TransactionState, readonly TransactionState[]>>> = {
  signing: ['dead'],
  signed: ['dead'],
  broadcast: ['dead'],
  mined: ['dead'],
  conflicted: ['dead'],
  indeterminate: ['signing', 'released', 'dead'],
};

/** What a chain that took back a decided transaction undoes: it is on its way again, and so is what it paid. */
const REORGANISED_TRANSFERS: readonly TransferState[] = ['settled', 'failed', 'replaced'];
const DECIDED: readonly TransactionState[] = ['final', 'failed', 'conflicted'];

/** Who moves something: the workers by themselves, a person who has looked at it, or a chain that took blocks back. */
export type Mover = 'program' | 'person' | 'reorganisation';

export function reorganisationMayMove(from: TransferState, to: TransferState): boolean {
  return to === 'broadcast' && REORGANISED_TRANSFERS.includes(from);
}

export function reorganisationMayMoveTransaction(from: TransactionState, to: TransactionState): boolean {
  return to === 'broadcast' && isDecided(from);
}

/** The chain has decided it, for good unless it is reorganised deeper than what counts as final. */
export function isDecided(state: TransactionState): boolean {
  return DECIDED.includes(state);
}

export function personMayMove(from: TransferState, to: TransferState): boolean {
  return PERSONS_MOVES[from]?.includes(to) ?? false;
}

export function personMayMoveTransaction(from: TransactionState, to: TransactionState): boolean {
  return PERSONS_TRANSACTION_MOVES[from]?.includes(to) ?? false;
}

export function mayMove(from: TransferState, to: TransferState): boolean {
  return TRANSFER_MOVES[from].includes(to);
}

export function transactionMayMove(from: TransactionState, to: TransactionState): boolean {
  return TRANSACTION_MOVES[from].includes(to);
}

/** Over as far as the books go. Only a chain that takes blocks back, or a person, moves it on. */
export function isFinished(state: TransferState): boolean {
  return [
    'settled',
    'refused',
    'expired',
    'cancelled',
    'replaced',
    'void',
    'failed',
    'indeterminate',
  ].includes(state);
}

/** No transaction has been planned for it yet, so that it can end without giving anything back. */
export function isBeforeReservation(state: TransferState): boolean {
  return ['requested', 'screened', 'decided', 'awaiting-approvals', 'approved'].includes(state);
}

/** A signature for it may be out: expiry and cancelling have no hold on it any more. */
export function isSigned(state: TransferState): boolean {
  return ['signed', 'broadcast', 'confirming', 'settled', 'replaced', 'failed', 'indeterminate'].includes(
    state,
  );
}

const ON_THE_WAY: readonly TransferState[] = ['signed', 'broadcast', 'confirming', 'settled'];

/** The states to pass through from one point of a signed transfer's way to a later one; empty when it is no later one. */
export function statesUpTo(from: TransferState, to: TransferState): readonly TransferState[] {
  const start = ON_THE_WAY.indexOf(from);
  const end = ON_THE_WAY.indexOf(to);
  return start < 0 || end <= start ? [] : ON_THE_WAY.slice(start + 1, end + 1);
}
