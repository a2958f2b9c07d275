// What the API can do with transfers: take a request, show, list, cancel. Moving a transfer along is the workers' part.

import type { EntityManager } from 'typeorm';
import type { Certificate } from '../../core/certificates/certificate.js';
import { accepted, type Outcome, refused } from '../../core/fault.js';
import { requestDigest, type SignedRequest, transferIdOf } from '../../core/statements/request.js';
import { asAttested } from '../certificates/certificate.archive.js';
import type { Alongside } from '../database/alongside.js';
import { insertNew } from '../database/sql.js';
import { verifyTransfer } from './assess.js';
import type { PipelineParts } from './pipeline.js';
import { releaseTransaction } from './release.js';
import { ASKED_AGAIN } from './signer-refusals.js';
import type { Resolution } from './transfer.dto.js';
import { TransactionRow, TransactionTransferRow, TransferRow } from './transfer.entity.js';
import type { TransferRefusalCode } from './transfer.errors.js';
import { pageOf, viewOf } from './transfer.reader.js';
import {
  type Move,
  moveTransaction,
  moveTransfer,
  recordArrival,
  transactionForUpdate,
  transferForUpdate,
  transfersOfForUpdate,
} from './transfer.store.js';
import type { TransferFilter, TransferPage, TransferView } from './transfer.view.js';
import { isBeforeReservation } from './transfer-states.js';
import { lock, wake } from './work.store.js';

/** Who asks over the API, for the books: `request-key:<keyId>` or `person:<personId>`. */
export type Caller = `request-key:${string}` | `person:${string}`;

type Result<Code extends TransferRefusalCode = TransferRefusalCode> = Outcome<TransferView, Code>;

export class TransferService {
  constructor(private readonly parts: PipelineParts) {}

  /**
   * Takes a signed request. The same request gives the same transfer again, however often and at whatever time; another
   * one under its request id is refused (`request-id-used`). `alongside` runs in the transaction that writes the transfer
   * or finds it there. The request is hostile. Throws Fault
   * `governance-unavailable` while the roster of request keys is not known.
   */
  async submit(request: SignedRequest, alongside?: Alongside): Promise<Result> {
    const { database, governance, verifier, clock, drivers } = this.parts;
    const now = governance.now();
    const nowMs = clock.nowMs();
    const { statement } = request;
    const digest = requestDigest(statement);
    const transferId = transferIdOf(digest);
    const known = await database.read((db) => db.findOneBy(TransferRow, { transferId }));
    // Whoever has the signed request may learn what became of it, also when it has expired or its key has gone since.
    const again = known !== null && known.request.signature === request.signature;
    if (!again) {
      const verified = verifyTransfer(now, request, verifier, nowMs, known !== null);
      if (verified.kind === 'refused') return verified;
      const { family } = verified.value.chain;
      if (!drivers.some((driver) => driver.family === family)) {
        return refused('chain-not-served', { chain: statement.chain });
      }
    }
    return database.transaction(async (db): Promise<Result> => {
      const row = arrival(request, digest, nowMs);
      if (await insertNew(db, TransferRow, row)) {
        const move = { reason: 'request-accepted', nowMs, by: `request-key:${statement.keyId}` };
        await recordArrival(db, row, move);
        await wake(db, 'transfer', transferId, nowMs);
      }
      const stored = await db.findOneBy(TransferRow, { transferId });
      if (!stored) return refused('request-id-used', { requestId: statement.requestId });
      await alongside?.(db);
      return accepted(await viewOf(db, stored, now.state));
    });
  }

  async get(transferId: string): Promise<Result<'transfer-unknown'>> {
    const state = this.parts.governance.state();
    return this.parts.database.read(async (db) => {
      const row = await db.findOneBy(TransferRow, { transferId });
      return row ? accepted(await viewOf(db, row, state)) : refused('transfer-unknown', { transferId });
    });
  }

  async request(transferId: string): Promise<Outcome<SignedRequest, 'transfer-unknown'>> {
    const row = await this.parts.database.read((db) => db.findOneBy(TransferRow, { transferId }));
    return row ? accepted(row.request) : refused('transfer-unknown', { transferId });
  }

  async list(filter: TransferFilter): Promise<Outcome<TransferPage, 'cursor-invalid'>> {
    return this.parts.database.read((db) => pageOf(db, filter));
  }

  /**
   * Ends a transfer for which nothing can have been signed. A plan with others in it is given up, and the others are
   * planned anew. Refuses `transfer-being-signed`, `transfer-not-cancellable`.
   */
  async cancel(transferId: string, by: Caller, alongside?: Alongside): Promise<Result> {
    const { database, governance, clock } = this.parts;
    const { state } = governance.now();
    // Read before the transaction, because its transaction's work row is to be locked before the transfer's own row.
    const seen = await database.read((db) => db.findOneBy(TransferRow, { transferId }));
    if (!seen) return refused('transfer-unknown', { transferId });
    return database.transaction(async (db): Promise<Result> => {
      if (seen.transactionKey !== null) {
        await lock(db, 'transaction', seen.transactionKey);
        await lock(db, 'wallet', seen.walletId);
      }
      const row = await transferForUpdate(db, transferId);
      if (!row) return refused('transfer-unknown', { transferId });
      if (row.transactionKey !== seen.transactionKey) {
        // It was planned, or its plan was given up, in this very moment; the caller may ask again.
        return refused('transfer-being-signed', { transferId, state: row.state });
      }
      const move = { reason: 'cancelled-by-caller', facts: { by }, nowMs: clock.nowMs(), by };
      const ended = await this.end(db, row, move);
      if (ended.kind === 'refused') return ended;
      await alongside?.(db);
      const after = await db.findOneByOrFail(TransferRow, { transferId });
      return accepted(await viewOf(db, after, state));
    });
  }

  private async end(
    db: EntityManager,
    row: TransferRow,
    move: Move,
  ): Promise<Outcome<TransferRow, TransferRefusalCode>> {
    const { transferId, state, transactionKey } = row;
    if (isBeforeReservation(state)) {
      await moveTransfer(db, row, 'cancelled', move);
      return accepted(row);
    }
    if ((state !== 'reserved' && state !== 'built') || transactionKey === null) {
      return refused('transfer-not-cancellable', { transferId, state });
    }
    const transaction = await transactionForUpdate(db, transactionKey);
    if (transaction.state !== 'planned' && transaction.state !== 'built') {
      return refused('transfer-being-signed', { transferId, state });
    }
    await releaseTransaction(db, this.parts, transaction, {
      ...move,
      fateOf: (transfer) =>
        transfer.transferId === transferId
          ? { to: 'cancelled', reason: move.reason, facts: move.facts ?? {} }
          : { to: 'approved', reason: 'batch-released' },
    });
    return accepted(row);
  }

  /**
   * What a person does about an `indeterminate` transfer: have the signer asked once more for the same bytes, or say what
   * they found out. The latter changes the books alone: what is reserved stays reserved, since a signature may be out.
   * Refuses `transfer-not-indeterminate`, `transfer-nothing-to-ask`.
   */
  async resolve(
    transferId: string,
    resolution: Resolution,
    by: Caller,
    alongside?: Alongside,
  ): Promise<Result> {
    const { database, governance, clock } = this.parts;
    const { state } = governance.now();
    const seen = await database.read((db) => db.findOneBy(TransferRow, { transferId }));
    if (!seen) return refused('transfer-unknown', { transferId });
    return database.transaction(async (db): Promise<Result> => {
      if (seen.transactionKey !== null) {
        await lock(db, 'transaction', seen.transactionKey);
        await lock(db, 'wallet', seen.walletId);
      }
      const row = await transferForUpdate(db, transferId);
      if (row?.state !== 'indeterminate' || row.transactionKey !== seen.transactionKey) {
        return refused('transfer-not-indeterminate', { transferId, state: row?.state ?? seen.state });
      }
      const nowMs = clock.nowMs();
      if (resolution.how === 'ask-signer') {
        const asked = await this.askAgain(db, row, { reason: ASKED_AGAIN, nowMs, by });
        if (asked.kind === 'refused') return asked;
      } else {
        const { how, note } = resolution;
        const move = { reason: `recorded-as-${how}`, facts: { note }, nowMs, by };
        await moveTransfer(db, row, how === 'paid' ? 'settled' : 'failed', move, {}, 'person');
      }
      await alongside?.(db);
      const after = await db.findOneByOrFail(TransferRow, { transferId });
      return accepted(await viewOf(db, after, state));
    });
  }

  /** Takes a transaction without a known signature, and all that it pays, back to where the signer is asked. */
  private async askAgain(
    db: EntityManager,
    { transferId, transactionKey }: TransferRow,
    move: Move,
  ): Promise<Outcome<TransactionRow, TransferRefusalCode>> {
    if (transactionKey === null) return refused('transfer-nothing-to-ask', { transferId });
    const transaction = await transactionForUpdate(db, transactionKey);
    const transfers = await transfersOfForUpdate(db, transactionKey);
    const open = transaction.state === 'indeterminate' && transaction.signedHex === null;
    // Of a batch of which a part was recorded as paid or not, no signature is to be asked for any more.
    if (!open || transfers.some((one) => one.state !== 'indeterminate')) {
      return refused('transfer-nothing-to-ask', { transferId, transaction: transaction.state });
    }
    await moveTransaction(
      db,
      transaction,
      'signing',
      move.nowMs,
      { reason: ASKED_AGAIN, facts: {} },
      'person',
    );
    for (const one of transfers) await moveTransfer(db, one, 'built', move, {}, 'person');
    await wake(db, 'transaction', transactionKey, move.nowMs);
    return accepted(transaction);
  }

  /** The signer's decision certificate for a transaction of this transfer: attested once the archive has it so. */
  async certificate(
    transferId: string,
    transactionKey: string,
  ): Promise<Outcome<Certificate, 'transfer-unknown' | 'transaction-unknown' | 'certificate-missing'>> {
    return this.parts.database.read(async (db) => {
      if (!(await db.existsBy(TransferRow, { transferId })))
        return refused('transfer-unknown', { transferId });
      const pays = await db.existsBy(TransactionTransferRow, { transferId, transactionKey });
      const row = pays ? await db.findOneBy(TransactionRow, { transactionKey }) : null;
      if (!row) return refused('transaction-unknown', { transferId, transactionKey });
      if (row.certificate === null) return refused('certificate-missing', { transferId, transactionKey });
      return accepted(await asAttested(db, row.certificate));
    });
  }
}

function arrival(request: SignedRequest, digest: string, nowMs: number): TransferRow {
  const { statement } = request;
  return {
    transferId: transferIdOf(digest),
    requestId: statement.requestId,
    request,
    requestDigest: digest,
    chain: statement.chain,
    walletId: statement.wallet,
    requester: statement.requester,
    customer: statement.customer,
    state: 'requested',
    reason: 'request-accepted',
    facts: {},
    waitingFor: null,
    version: 1,
    statement: null,
    decision: null,
    transactionKey: null,
    signerRefusals: 0,
    receivedAtMs: nowMs,
    updatedAtMs: nowMs,
    expiresAtMs: statement.expiresAtMs,
    attestedVoid: null,
    burials: 0,
  };
}
