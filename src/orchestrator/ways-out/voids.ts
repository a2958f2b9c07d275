// The signer's voids: asked for, checked, kept, and what they end here. Only the signer can give one; without its answer nothing
// changes. A crash after its answer loses nothing: asked again, it gives the same void.

import type { EntityManager } from 'typeorm';
import { accepted, Fault, type Outcome, refused } from '../../core/fault.js';
import { type AttestedVoid, verifyVoid } from '../../core/recovery/void.js';
import { requestDigest, type SignedRequest, transferIdOf } from '../../core/statements/request.js';
import type { PipelineParts } from '../transfers/pipeline.js';
import { type Fate, releaseTransaction } from '../transfers/release.js';
import { type TransactionRow, TransferRow } from '../transfers/transfer.entity.js';
import type { TransferFaultCode } from '../transfers/transfer.errors.js';
import type { Caller } from '../transfers/transfer.service.js';
import {
  keepVoid,
  moveTransfer,
  transactionForUpdate,
  transactionsOf,
  transferForUpdate,
} from '../transfers/transfer.store.js';
import type { TransferState } from '../transfers/transfer-states.js';
import { lock } from '../transfers/work.store.js';
import type { VoidAnswer } from './ways-out.dto.js';

/** Nothing of it is under way by itself. Whether anything was signed is the signer's to say. */
export const VOIDABLE: readonly TransferState[] = [
  'refused',
  'expired',
  'cancelled',
  'void',
  'indeterminate',
  'failed',
  'replaced',
];

export class Voids {
  constructor(private readonly parts: PipelineParts) {}

  /**
   * The signer's void of a request, known here or not. The request is hostile. Refuses `request-of-another-transfer`,
   * `transfer-not-voidable`, and with the signer's codes; throws the signer client's faults.
   */
  async void(transferId: string, request: SignedRequest, by: Caller): Promise<Outcome<VoidAnswer>> {
    const { database, signer } = this.parts;
    if (transferIdOf(requestDigest(request.statement)) !== transferId) {
      return refused('request-of-another-transfer', { transferId });
    }
    const known = await database.read((db) => db.findOneBy(TransferRow, { transferId }));
    if (known && !VOIDABLE.includes(known.state)) {
      return refused('transfer-not-voidable', { transferId, state: known.state });
    }
    const answer = await signer.void(request);
    if (answer.kind === 'refused') return answer;
    const given = this.checked(answer.value, request);
    await this.record(transferId, given, by);
    return accepted({ transferId, void: given });
  }

  /** Throws `signer-answer-inconsistent`: whoever answered is not the signer of the governance log. */
  private checked(given: AttestedVoid, request: SignedRequest): AttestedVoid {
    const { governance, verifier } = this.parts;
    const { deploymentId, attestation } = governance.state();
    const authority = { deploymentId, attestationKey: attestation.publicKey };
    const verified = verifyVoid(given, request.statement, authority, verifier);
    if (verified.kind === 'accepted') return verified.value;
    throw new Fault<TransferFaultCode>('signer-answer-inconsistent', 'a void of the signer does not verify', {
      facts: { ...verified.facts, code: verified.code },
    });
  }

  private async record(transferId: string, given: AttestedVoid, by: Caller): Promise<void> {
    const { database, clock } = this.parts;
    const seen = await database.read((db) => neverSigned(db, transferId));
    await database.transaction(async (db) => {
      for (const { transactionKey } of seen) await lock(db, 'transaction', transactionKey);
      const known = await db.findOneBy(TransferRow, { transferId });
      if (!known) return;
      await lock(db, 'wallet', known.walletId);
      const row = await transferForUpdate(db, transferId);
      if (!row) return;
      await keepVoid(db, row, given);
      // Planned meanwhile by somebody: the signer will refuse it, and then it can be voided here too.
      if (!VOIDABLE.includes(row.state) || row.state === 'void') return;
      const { basis, journalSequence } = given.statement;
      const move = { reason: 'voided', facts: { basis, journalSequence }, nowMs: clock.nowMs(), by };
      const fateOf = (transfer: TransferRow): Fate =>
        transfer.transferId === transferId
          ? { to: 'void', reason: move.reason, facts: move.facts }
          : { to: 'approved', reason: 'batch-released', facts: { voided: transferId } };
      for (const { transactionKey } of seen) {
        const transaction = await transactionForUpdate(db, transactionKey);
        if (!isNeverSigned(transaction)) continue;
        await releaseTransaction(db, this.parts, transaction, { ...move, fateOf, voided: true });
      }
      const after = await transferForUpdate(db, transferId);
      if (after && after.state !== 'void') {
        await moveTransfer(db, after, 'void', move, { transactionKey: null }, 'person');
      }
    });
  }
}

/** Of a transfer that is void: the signer may have begun it, and will never sign it. */
function isNeverSigned({ state, signedHex }: TransactionRow): boolean {
  return state === 'indeterminate' && signedHex === null;
}

async function neverSigned(db: EntityManager, transferId: string): Promise<TransactionRow[]> {
  const rows = (await transactionsOf(db, transferId)).filter(isNeverSigned);
  return rows.toSorted((a, b) => (a.transactionKey < b.transactionKey ? -1 : 1));
}
