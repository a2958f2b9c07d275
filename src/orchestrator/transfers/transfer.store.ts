// Reading and moving transfers and transactions. Every move is checked against the allowed ones, raises the version, and
// is written together with its transition; a row that somebody else moved meanwhile undoes the whole transaction.

import type { EntityManager } from 'typeorm';
import { attestedBytes, decisionsOf } from '../../core/certificates/certificate.js';
import { type Facts, Fault } from '../../core/fault.js';
import type { AttestedVoid } from '../../core/recovery/void.js';
import { sha256Hex } from '../../platform/sha256.js';
import type { SignResult } from '../../signer-protocol/messages.js';
import { forUpdate, insertNew } from '../database/sql.js';
import {
  SignatureRow,
  TransactionCancelRow,
  TransactionRow,
  TransactionTransferRow,
  TransferRow,
  TransitionRow,
} from './transfer.entity.js';
import type { TransferFaultCode } from './transfer.errors.js';
import {
  type Mover,
  mayMove,
  personMayMove,
  personMayMoveTransaction,
  reorganisationMayMove,
  reorganisationMayMoveTransaction,
  type TransactionState,
  type TransferState,
  transactionMayMove,
} from './transfer-states.js';

/** Why, when and by whom something is moved. */
export interface Move {
  readonly reason: string;
  readonly facts?: Facts;
  readonly nowMs: number;
  readonly by: string;
}

export type TransferPatch = Partial<
  Pick<
    TransferRow,
    'statement' | 'decision' | 'transactionKey' | 'signerRefusals' | 'waitingFor' | 'attestedVoid' | 'burials'
  >
>;

export type TransactionPatch = Partial<Omit<TransactionRow, 'transactionKey' | 'version' | 'state'>>;

/** The first transition, with which the row itself is inserted. */
export async function recordArrival(db: EntityManager, row: TransferRow, move: Move): Promise<void> {
  await db.insert(TransitionRow, {
    transferId: row.transferId,
    version: row.version,
    fromState: null,
    toState: row.state,
    reason: move.reason,
    facts: move.facts ?? {},
    atMs: move.nowMs,
    movedBy: move.by,
    decision: null,
  });
}

/** Moves a transfer and changes `row` accordingly. Throws `transfer-move-forbidden`, `transfer-changed`. */
export async function moveTransfer(
  db: EntityManager,
  row: TransferRow,
  to: TransferState,
  move: Move,
  patch: TransferPatch = {},
  mover: Mover = 'program',
): Promise<void> {
  const from = row.state;
  const may =
    mayMove(from, to) ||
    (mover === 'person' && personMayMove(from, to)) ||
    (mover === 'reorganisation' && reorganisationMayMove(from, to));
  if (!may) {
    throw new Fault<TransferFaultCode>('transfer-move-forbidden', 'a transfer cannot move so', {
      facts: { transferId: row.transferId, from, to, reason: move.reason },
    });
  }
  const version = row.version + 1;
  const facts = { ...move.facts };
  const changes = {
    waitingFor: null,
    ...patch,
    state: to,
    reason: move.reason,
    facts,
    version,
    updatedAtMs: move.nowMs,
  };
  await changeTransfer(db, row, changes);
  await db.insert(TransitionRow, {
    transferId: row.transferId,
    version,
    fromState: from,
    toState: to,
    reason: move.reason,
    facts,
    atMs: move.nowMs,
    movedBy: move.by,
    decision: patch.decision ? JSON.stringify(patch.decision) : null,
  });
}

/** Says why a transfer stays where it is, without moving it; null: nothing keeps it any more. */
export async function noteWaiting(
  db: EntityManager,
  row: TransferRow,
  waitingFor: string | null,
): Promise<void> {
  if (row.waitingFor === waitingFor) return;
  await changeTransfer(db, row, { waitingFor });
}

/** Keeps the signer's void of a transfer, wherever that stands. */
export async function keepVoid(
  db: EntityManager,
  row: TransferRow,
  attestedVoid: AttestedVoid,
): Promise<void> {
  if (row.attestedVoid === null) await changeTransfer(db, row, { attestedVoid });
}

/** Notes for the audit log what the signer decided when it signed: a signature is made once, however often it is had. */
export async function noteSignature(
  db: EntityManager,
  { transactionKey, walletId }: TransactionRow,
  { certificate, transactionId }: SignResult,
  nowMs: number,
): Promise<void> {
  const ended = await db.findBy(TransactionCancelRow, { transactionKey });
  const { reservation, journalSequence, journalHash } = certificate;
  await insertNew(db, SignatureRow, {
    transactionKey,
    transactionId,
    walletId,
    transfers: [...(await transferIdsOf(db, transactionKey)), ...ended.map(({ transferId }) => transferId)],
    policyHash: reservation.policyHash,
    decisions: JSON.stringify(decisionsOf(certificate)),
    journalSequence,
    journalHash,
    certificateSha256: sha256Hex(attestedBytes(certificate)),
    recordedAtMs: nowMs,
  });
}

/** Notes that a quorum has buried what was signed for it, where it stays as it is. */
export async function noteBurial(db: EntityManager, row: TransferRow): Promise<void> {
  await changeTransfer(db, row, { burials: row.burials + 1 });
}

async function changeTransfer(
  db: EntityManager,
  row: TransferRow,
  changes: Partial<TransferRow>,
): Promise<void> {
  const { transferId, version } = row;
  const { affected } = await db.update(TransferRow, { transferId, version }, changes);
  if (affected !== 1) throw changed({ transferId });
  Object.assign(row, changes);
}

/** Moves a transaction and changes `row` accordingly. Staying in the same state is allowed: it then only takes the patch. */
export async function moveTransaction(
  db: EntityManager,
  row: TransactionRow,
  to: TransactionState,
  nowMs: number,
  patch: TransactionPatch = {},
  mover: Mover = 'program',
): Promise<void> {
  const may =
    row.state === to ||
    transactionMayMove(row.state, to) ||
    (mover === 'person' && personMayMoveTransaction(row.state, to)) ||
    (mover === 'reorganisation' && reorganisationMayMoveTransaction(row.state, to));
  if (!may) {
    throw new Fault<TransferFaultCode>('transfer-move-forbidden', 'a transaction cannot move so', {
      facts: { transactionKey: row.transactionKey, from: row.state, to },
    });
  }
  const { transactionKey, version } = row;
  const changes = { ...patch, state: to, version: version + 1, updatedAtMs: nowMs };
  const { affected } = await db.update(TransactionRow, { transactionKey, version }, changes);
  if (affected !== 1) throw changed({ transactionKey });
  Object.assign(row, changes);
}

function changed(facts: Facts): Fault<TransferFaultCode> {
  return new Fault('transfer-changed', 'a row was changed by somebody else meanwhile', { facts });
}

export async function transferForUpdate(
  db: EntityManager,
  transferId: string,
): Promise<TransferRow | undefined> {
  const select = db
    .createQueryBuilder(TransferRow, 'transfer')
    .where('transfer.transferId = :transferId', { transferId });
  return (await forUpdate(db, select).getOne()) ?? undefined;
}

/** Throws `transfer-inconsistent` when it is not there. */
export async function transactionForUpdate(
  db: EntityManager,
  transactionKey: string,
): Promise<TransactionRow> {
  const select = db
    .createQueryBuilder(TransactionRow, 'transaction')
    .where('transaction.transactionKey = :transactionKey', { transactionKey });
  return required(await forUpdate(db, select).getOne(), { transactionKey });
}

/** The transfers that a transaction pays, in the order of its plan, taken for the rest of the transaction. */
export async function transfersOfForUpdate(
  db: EntityManager,
  transactionKey: string,
): Promise<TransferRow[]> {
  return forUpdate(db, ofTransaction(db, transactionKey)).getMany();
}

/** As `transfersOfForUpdate`, for looking only. */
export async function transfersOf(db: EntityManager, transactionKey: string): Promise<TransferRow[]> {
  return ofTransaction(db, transactionKey).getMany();
}

function ofTransaction(db: EntityManager, transactionKey: string) {
  return db
    .createQueryBuilder(TransferRow, 'transfer')
    .innerJoin(TransactionTransferRow, 'link', 'link.transferId = transfer.transferId')
    .where('link.transactionKey = :transactionKey', { transactionKey })
    .orderBy('link.position', 'ASC');
}

/** Every transaction that was ever planned for a transfer, oldest first. */
export async function transactionsOf(db: EntityManager, transferId: string): Promise<TransactionRow[]> {
  return db
    .createQueryBuilder(TransactionRow, 'transaction')
    .innerJoin(TransactionTransferRow, 'link', 'link.transactionKey = transaction.transactionKey')
    .where('link.transferId = :transferId', { transferId })
    .orderBy('transaction.ordinal', 'ASC')
    .getMany();
}

/** Every payment of the wallet to itself that was ever planned to end a transfer, oldest first. */
export async function cancelsOf(db: EntityManager, transferId: string): Promise<TransactionRow[]> {
  return db
    .createQueryBuilder(TransactionRow, 'transaction')
    .innerJoin(TransactionCancelRow, 'link', 'link.transactionKey = transaction.transactionKey')
    .where('link.transferId = :transferId', { transferId })
    .orderBy('transaction.ordinal', 'ASC')
    .getMany();
}

export async function transferIdsOf(db: EntityManager, transactionKey: string): Promise<string[]> {
  const links = await db.find(TransactionTransferRow, {
    where: { transactionKey },
    order: { position: 'ASC' },
  });
  return links.map((link) => link.transferId);
}

/** Throws `transfer-inconsistent` for null: a row that others refer to is not there. */
export function required<T>(row: T | null | undefined, facts: Facts): T {
  if (row === null || row === undefined) {
    throw new Fault<TransferFaultCode>('transfer-inconsistent', 'something that must be there is missing', {
      facts,
    });
  }
  return row;
}
