// Burials: a quorum's word goes to the signer, which judges it; what it accepted is kept, and the transfers are paid anew or have
// expired. Everything here follows from the signer's yes, once for each burial.

import type { EntityManager } from 'typeorm';
import { accepted, type Outcome, refused } from '../../core/fault.js';
import type { Burial } from '../../core/recovery/burial.js';
import type { BuryResult } from '../../signer-protocol/messages.js';
import { insertNew, run } from '../database/sql.js';
import { type PipelineParts, servedWallet } from '../transfers/pipeline.js';
import { plannedOf, releaseTransaction } from '../transfers/release.js';
import { BurialRow, type TransactionRow, TransferRow } from '../transfers/transfer.entity.js';
import type { Caller } from '../transfers/transfer.service.js';
import {
  cancelsOf,
  type Move,
  moveTransaction,
  moveTransfer,
  noteBurial,
  transactionForUpdate,
  transactionsOf,
  transferForUpdate,
} from '../transfers/transfer.store.js';
import { mayMove, personMayMove, personMayMoveTransaction } from '../transfers/transfer-states.js';
import { lock, wake } from '../transfers/work.store.js';
import type { BuryAnswer } from './ways-out.dto.js';

/** Reasons that persons' records carry: what people have closed stays closed. */
const RECORDED = 'recorded-as-';

/** The transactions of these books that a burial is about. */
interface Concerned {
  readonly dead: readonly TransactionRow[];
  /** Planned, and never shown to the signer: they go with what they were to replace. */
  readonly unsigned: readonly TransactionRow[];
  /** The signer may be asked for it at this moment. */
  readonly beingSigned: readonly TransactionRow[];
}

export class Burials {
  constructor(private readonly parts: PipelineParts) {}

  /** The burial is hostile until the signer has judged it. Refusals are the signer's; throws the signer client's faults. */
  async bury(burial: Burial, by: Caller): Promise<Outcome<BuryAnswer>> {
    const { database, signer } = this.parts;
    const { transferIds } = burial.statement;
    const seen = await database.read((db) => this.concerned(db, burial));
    const [busy] = seen.beingSigned;
    if (busy) return refused('transfer-being-signed', { by: busy.transactionKey });
    const answer = await signer.bury(burial);
    if (answer.kind === 'refused') return answer;
    await this.record(burial, answer.value, by);
    return database.read(async (db) => {
      const transfers: BuryAnswer['transfers'] = [];
      for (const transferId of transferIds) {
        const row = await db.findOneBy(TransferRow, { transferId });
        transfers.push({ transferId, state: row?.state ?? null });
      }
      return accepted({ journalSequence: answer.value.journalSequence, transfers });
    });
  }

  private async concerned(db: EntityManager, { statement }: Burial): Promise<Concerned> {
    const all = new Map<string, TransactionRow>();
    for (const transferId of statement.transferIds) {
      for (const row of [...(await transactionsOf(db, transferId)), ...(await cancelsOf(db, transferId))]) {
        all.set(row.transactionKey, row);
      }
    }
    const rows = [...all.values()].toSorted((a, b) => (a.transactionKey < b.transactionKey ? -1 : 1));
    const isDead = (row: TransactionRow) =>
      row.state !== 'released' && statement.dead.includes(this.signerKeyOf(row));
    return {
      dead: rows.filter(isDead),
      unsigned: rows.filter(({ state }) => state === 'planned' || state === 'built'),
      beingSigned: rows.filter((row) => row.state === 'signing' && !isDead(row)),
    };
  }

  private signerKeyOf(row: TransactionRow): string {
    return servedWallet(this.parts, row.walletId).driver.signerKey(row);
  }

  private async record(burial: Burial, { journalSequence }: BuryResult, by: Caller): Promise<void> {
    const { database, clock } = this.parts;
    const { transactionId } = burial.statement.conflicting;
    const seen = await database.read((db) => this.concerned(db, burial));
    await database.transaction(async (db) => {
      const rows = [...seen.dead, ...seen.unsigned];
      for (const { transactionKey } of rows) await lock(db, 'transaction', transactionKey);
      for (const walletId of new Set(rows.map((row) => row.walletId))) await lock(db, 'wallet', walletId);
      const nowMs = clock.nowMs();
      const kept = { journalSequence, burial, handedInBy: by, acceptedAtMs: nowMs };
      // Handed in again: what follows from it has followed, and the transfers may be on their way anew.
      if (!(await insertNew(db, BurialRow, kept))) return;
      const move = { reason: 'buried', facts: { journalSequence, by: transactionId }, nowMs, by };
      for (const row of seen.unsigned) await this.giveUp(db, row, move);
      for (const row of seen.dead) await this.die(db, row, move);
      const dead = new Set(seen.dead.map(({ transactionKey }) => transactionKey));
      for (const transferId of burial.statement.transferIds.toSorted()) {
        await this.planAnew(db, transferId, dead, move);
      }
      for (const walletId of new Set(rows.map((row) => row.walletId)))
        await wake(db, 'wallet', walletId, nowMs);
    });
  }

  private async giveUp(db: EntityManager, { transactionKey }: TransactionRow, move: Move): Promise<void> {
    const row = await transactionForUpdate(db, transactionKey);
    if (row.state !== 'planned' && row.state !== 'built') return;
    const fateOf = () => ({ to: 'approved' as const, reason: move.reason });
    await releaseTransaction(db, this.parts, row, { ...move, fateOf });
  }

  private async die(
    db: EntityManager,
    { transactionKey, walletId }: TransactionRow,
    move: Move,
  ): Promise<void> {
    const row = await transactionForUpdate(db, transactionKey);
    if (!personMayMoveTransaction(row.state, 'dead')) return;
    const { reason, facts = {}, nowMs } = move;
    await moveTransaction(db, row, 'dead', nowMs, { reason, facts: { ...facts } }, 'person');
    await run(db, "UPDATE work SET due_at_ms = NULL WHERE kind = 'transaction' AND subject = ?", [
      transactionKey,
    ]);
    await servedWallet(this.parts, walletId).driver.buried(db, [await plannedOf(db, row)]);
  }

  /** To be paid by other coins or another nonce while its request lives. What people have closed stays closed. */
  private async planAnew(
    db: EntityManager,
    transferId: string,
    dead: ReadonlySet<string>,
    move: Move,
  ): Promise<void> {
    const row = await transferForUpdate(db, transferId);
    if (!row) return;
    const to = row.expiresAtMs > move.nowMs ? 'approved' : 'expired';
    const wasOfIt = row.transactionKey === null || dead.has(row.transactionKey);
    const may =
      personMayMove(row.state, to) || (wasOfIt && mayMove(row.state, to) && row.transactionKey !== null);
    if (!may || row.reason.startsWith(RECORDED)) return noteBurial(db, row);
    const patch = { transactionKey: null, signerRefusals: 0, burials: row.burials + 1 };
    await moveTransfer(db, row, to, move, patch, 'person');
    if (to === 'approved') await wake(db, 'transfer', transferId, move.nowMs);
  }
}
