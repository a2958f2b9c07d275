// From a plan to a signed transaction: build the bytes, commit the intention to have them signed, ask the signer, record
// what it said. Asking is harmless to repeat (the signer gives the same answer to the same bytes), so whenever anything
// breaks after the intention was committed, the same bytes are asked for again. Nothing that may have been signed is
// ever given up here: if the signer cannot say `unseen`, a person decides.

import type { EntityManager } from 'typeorm';
import type { OrderedTransfer, SigningOrder } from '../../core/authorization/signing-order.js';
import { Fault, type Refusal } from '../../core/fault.js';
import type { SignedHead } from '../../core/governance/fresh-head.js';
import { freezeOf } from '../../core/governance/state.js';
import type { SignResult, TransferRecord } from '../../signer-protocol/messages.js';
import { newestHead } from '../governance/heads.js';
import { approvalOf, heldApprovals } from './approval.store.js';
import { validApprovals } from './assess.js';
import { signedOf } from './following.steps.js';
import { gatherFor } from './knowledge.js';
import { rememberPaid } from './knowledge.js';
import { type PipelineParts, servedWallet } from './pipeline.js';
import { type Fate, plannedOf, releaseTransaction } from './release.js';
import {
  ASKED_AGAIN,
  BEFORE_RESTORE,
  fateAfterRefusal,
  isAboutGovernance,
  mayBeOfLostStore,
  WALLET_FROZEN,
  waitsAtSigner,
  withHoldUntil,
} from './signer-refusals.js';
import { TransactionRow, type TransferRow } from './transfer.entity.js';
import type { TransferFaultCode } from './transfer.errors.js';
import {
  type Move,
  moveTransaction,
  moveTransfer,
  noteSignature,
  noteWaiting,
  required,
  transactionForUpdate,
  transactionsOf,
  transferIdsOf,
  transfersOf,
  transfersOfForUpdate,
} from './transfer.store.js';
import { mayMove } from './transfer-states.js';
import { type Claim, finish, hold, keep, type Lease, lock, nudge, wake } from './work.store.js';

/** Between two looks whether earlier transactions are signed. Whoever signs the last of them says so at once. */
const EARLIER_SIGNED_MS = 5_000;
/** Between two looks whether a wallet is thawed, or a governor has vouched. */
const AGAIN_MS = 5_000;

export class SigningSteps {
  constructor(private readonly parts: PipelineParts) {}

  /** One step of a transaction that is `planned`, `built` or `signing`; what to go on with when the next is due at once. */
  async run(lease: Lease, row: TransactionRow): Promise<Claim | undefined> {
    switch (row.state) {
      case 'planned':
        return this.build(lease, row.walletId);
      case 'built':
        return this.beginSigning(lease, row.walletId);
      default:
        return this.sign(lease, row);
    }
  }

  private because(reason: string, nowMs: number, facts: Move['facts'] = {}): Move {
    return { reason, facts, nowMs, by: this.parts.settings.worker };
  }

  private async build(lease: Lease, walletId: string): Promise<Claim | undefined> {
    return this.onPlan(lease, walletId, 'planned', async (db, row, nowMs) => {
      const { wallet, driver } = servedWallet(this.parts, row.walletId);
      const unsigned = await driver.build(db, wallet, await plannedOf(db, row));
      await moveTransaction(db, row, 'built', nowMs, { unsigned });
      if (row.replaces !== null) return;
      const built = this.because('built', nowMs, { maxFee: row.maxFee.toString() });
      for (const transfer of await transfersOfForUpdate(db, row.transactionKey)) {
        await moveTransfer(db, transfer, 'built', built);
      }
    });
  }

  /** Commits the intention. From here on only the signer's word brings the plan back. */
  private async beginSigning(lease: Lease, walletId: string): Promise<Claim | undefined> {
    return this.onPlan(lease, walletId, 'built', async (db, row, nowMs) => {
      if (!(await this.mustWaitForEarlier(db, row))) await moveTransaction(db, row, 'signing', nowMs);
    });
  }

  /** One transaction on a plan in a state, unless it has become pointless. What to go on with unless it has to wait. */
  private async onPlan(
    lease: Lease,
    walletId: string,
    state: TransactionRow['state'],
    work: (db: EntityManager, row: TransactionRow, nowMs: number) => Promise<void>,
  ): Promise<Claim | undefined> {
    const { database, clock, settings } = this.parts;
    return database.transaction(async (db) => {
      await hold(db, lease);
      await lock(db, 'wallet', walletId);
      const row = await transactionForUpdate(db, lease.subject);
      const nowMs = clock.nowMs();
      const isOpen = row.state === state && !(await this.gaveUp(db, row, nowMs));
      if (isOpen && this.isFrozen(walletId)) {
        await this.wait(db, lease, row, nowMs, WALLET_FROZEN);
        return undefined;
      }
      if (isOpen) await work(db, row, nowMs);
      if (row.state === 'released') {
        await finish(db, lease, null);
        return undefined;
      }
      const waits =
        row.state === state || (row.state === 'built' && (await this.mustWaitForEarlier(db, row)));
      if (!waits) return keep(db, lease, nowMs, settings.leaseMs);
      await finish(db, lease, nowMs + EARLIER_SIGNED_MS, true);
      return undefined;
    });
  }

  private isFrozen(walletId: string): boolean {
    return freezeOf(this.parts.governance.state(), walletId) !== undefined;
  }

  private async wait(
    db: EntityManager,
    lease: Lease,
    row: TransactionRow,
    nowMs: number,
    waitsFor: string,
  ): Promise<void> {
    // The transfers of a replacement are on their way: they wait for the chain.
    const waiting = row.replaces === null ? await transfersOfForUpdate(db, row.transactionKey) : [];
    for (const transfer of waiting) await noteWaiting(db, transfer, waitsFor);
    await finish(db, lease, nowMs + AGAIN_MS, true);
  }

  /** Releases a plan that has become pointless before anything was asked of the signer; true when it did. The wallet is locked. */
  private async gaveUp(db: EntityManager, row: TransactionRow, nowMs: number): Promise<boolean> {
    if (row.replaces !== null) return false;
    const { policyHash } = this.parts.governance.state();
    const stale = (transfer: TransferRow): Fate | undefined => {
      if (transfer.expiresAtMs <= nowMs) return { to: 'expired', reason: 'request-expired' };
      if ((transfer.statement?.expiresAtMs ?? Infinity) <= nowMs)
        return { to: 'expired', reason: 'approval-expired' };
      if (transfer.decision?.policyHash !== policyHash) return { to: 'approved', reason: 'policy-changed' };
      return undefined;
    };
    const transfers = await transfersOfForUpdate(db, row.transactionKey);
    const reasons = transfers.flatMap((transfer) => stale(transfer)?.reason ?? []);
    const [reason] = reasons;
    if (reason === undefined) return false;
    const fateOf = (transfer: TransferRow): Fate =>
      stale(transfer) ?? { to: 'approved', reason: 'batch-released' };
    await releaseTransaction(db, this.parts, row, { reason, nowMs, by: this.parts.settings.worker, fateOf });
    return true;
  }

  /** The signer signs the nonces of an Ethereum wallet without a gap, so they are asked for in their order. */
  private async mustWaitForEarlier(db: EntityManager, row: TransactionRow): Promise<boolean> {
    const { driver } = servedWallet(this.parts, row.walletId);
    if (driver.family !== 'ethereum' || row.replaces !== null) return false;
    const earlier = await db
      .createQueryBuilder(TransactionRow, 'earlier')
      .where('earlier.walletId = :walletId', { walletId: row.walletId })
      .andWhere('earlier.ordinal < :ordinal', { ordinal: BigInt(row.ordinal) })
      .andWhere('earlier.replaces IS NULL')
      .andWhere('earlier.signedHex IS NULL')
      .andWhere("earlier.state IN ('planned', 'built', 'signing', 'indeterminate')")
      // What a lost store may have signed keeps its nonce, which is used up apart from the others.
      .andWhere('(earlier.reason IS NULL OR earlier.reason <> :lost)', { lost: BEFORE_RESTORE })
      .getCount();
    return earlier > 0;
  }

  /** The one that may have waited for this signature. Its own step may be waiting for the wallet, which is ours now. */
  private async wakeNext(db: EntityManager, row: TransactionRow, nowMs: number): Promise<void> {
    const next = await db
      .createQueryBuilder(TransactionRow, 'next')
      .where('next.walletId = :walletId', { walletId: row.walletId })
      .andWhere('next.ordinal > :ordinal', { ordinal: BigInt(row.ordinal) })
      .andWhere("next.state = 'built'")
      .andWhere('next.replaces IS NULL')
      .orderBy('next.ordinal', 'ASC')
      .limit(1)
      .getOne();
    if (next) await nudge(db, 'transaction', next.transactionKey, nowMs);
  }

  private async sign(lease: Lease, row: TransactionRow): Promise<Claim | undefined> {
    const { database, signer } = this.parts;
    const subjects = await gatherFor(
      this.parts,
      this.parts.facts.isServed ? await database.read((db) => transfersOf(db, row.transactionKey)) : [],
    );
    const order = await database.read((db) => this.orderOf(db, row, subjects));
    let outcome: Awaited<ReturnType<typeof signer.sign>>;
    try {
      outcome = await signer.sign(order);
    } catch (error) {
      if (await this.recordSilence(lease, row, error)) return undefined;
      throw error;
    }
    if (outcome.kind === 'accepted') return this.recordSigned(lease, row, outcome.value);
    if (waitsAtSigner(outcome.code)) {
      await this.recordWaiting(lease, row, outcome.code);
      return undefined;
    }
    await this.recordRefused(lease, row, withHoldUntil(outcome, this.parts.clock.nowMs()));
    return undefined;
  }

  private async orderOf(
    db: EntityManager,
    row: TransactionRow,
    subjects: readonly string[],
  ): Promise<SigningOrder> {
    const transfers: OrderedTransfer[] = [];
    for (const transfer of await transfersOf(db, row.transactionKey)) {
      const { request } = transfer;
      const asked = transfer.decision?.kind === 'approve' ? transfer.statement : null;
      const held = await heldApprovals(db, transfer.transferId, asked);
      const approvals = validApprovals(
        this.parts.governance.now(),
        transfer,
        asked,
        held,
        this.parts.verifier,
      );
      transfers.push({
        request,
        statement: asked,
        approvals: approvals.map(approvalOf),
      });
    }
    const transaction = required(row.unsigned, { transactionKey: row.transactionKey, what: 'unsigned' });
    const head = await this.newestWord(db);
    const { facts, governance, clock } = this.parts;
    const held = facts.held(governance.state(), subjects, clock.nowMs());
    return {
      wallet: row.walletId,
      transaction,
      transfers,
      ...(head && { head }),
      ...(held.length > 0 && { facts: held }),
    };
  }

  /**
   * The newest word of a governor that counts. Whatever has approvals gets it too: the rule that it matches may need none. And it
   * tells the signer the time.
   */
  private async newestWord(db: EntityManager): Promise<SignedHead | undefined> {
    const { governance, verifier, clock } = this.parts;
    return newestHead(db, { state: governance.state(), verifier, nowMs: clock.nowMs() });
  }

  /**
   * Records a signature, whoever asked for it and however late it comes: what is signed is spendable, and is never
   * dropped because a lease was lost. Recording it twice changes nothing.
   */
  private async recordSigned(
    lease: Lease,
    asked: TransactionRow,
    result: SignResult,
  ): Promise<Claim | undefined> {
    if (JSON.stringify(result.certificate.reservation.order.transaction) !== JSON.stringify(asked.unsigned)) {
      throw new Fault<TransferFaultCode>(
        'signer-answer-inconsistent',
        'the signer answered for other bytes',
        {
          facts: { transactionKey: asked.transactionKey },
        },
      );
    }
    const { database, clock, settings } = this.parts;
    return database.transaction(async (db) => {
      await lock(db, 'transaction', asked.transactionKey);
      await lock(db, 'wallet', asked.walletId);
      const row = await transactionForUpdate(db, asked.transactionKey);
      const nowMs = clock.nowMs();
      const signature = {
        signedHex: result.signedTransaction,
        transactionId: result.transactionId,
        certificate: result.certificate,
        signedAtMs: nowMs,
      };
      const { transactionId } = result;
      await rememberPaid(db, result.certificate, nowMs);
      if (row.signedHex === null) await noteSignature(db, row, result, nowMs);
      if (row.state === 'signing') {
        await moveTransaction(db, row, 'signed', nowMs, { ...signature, reason: null, facts: {} });
        await servedWallet(this.parts, row.walletId).driver.signed(db, signedOf(row));
        if (row.replaces === null) {
          for (const transfer of await transfersOfForUpdate(db, row.transactionKey)) {
            await moveTransfer(db, transfer, 'signed', this.because('signed', nowMs, { transactionId }));
          }
        }
        await wake(db, 'transaction', row.transactionKey, nowMs);
        await this.wakeNext(db, row, nowMs);
      } else if (row.signedHex === null) {
        await this.surprise(db, row, nowMs, 'signed-after-release', { ...signature });
      }
      if (row.state === 'signed') return keep(db, lease, nowMs, settings.leaseMs);
      await finish(db, lease, null);
      return undefined;
    });
  }

  /** Whether it has signed this or not, it says so once what it waits for is there: it is asked again until then. */
  private async recordWaiting(lease: Lease, asked: TransactionRow, waitsFor: string): Promise<void> {
    const { database, clock, governance } = this.parts;
    await governance.refresh();
    await database.transaction(async (db) => {
      await hold(db, lease);
      const row = await transactionForUpdate(db, asked.transactionKey);
      await this.wait(db, lease, row, clock.nowMs(), waitsFor);
    });
  }

  /** The signer says no. Only if it has also never begun a signature for any of these transfers is the plan given up. */
  private async recordRefused(lease: Lease, asked: TransactionRow, refusal: Refusal): Promise<void> {
    const { database, clock, signer, governance, settings } = this.parts;
    if (isAboutGovernance(refusal.code)) await governance.refresh();
    const transferIds = await database.read((db) => transferIdsOf(db, asked.transactionKey));
    const records = await signer.records(transferIds);
    await database.transaction(async (db) => {
      await hold(db, lease);
      await lock(db, 'wallet', asked.walletId);
      const row = await transactionForUpdate(db, asked.transactionKey);
      const nowMs = clock.nowMs();
      const unexplained = await this.unexplained(db, row, records);
      const facts = { ...refusal.facts, code: refusal.code };
      if (row.state !== 'signing') return finish(db, lease, null);
      const offeredBefore = lease.attempts > 1 || row.reason === ASKED_AGAIN;
      if (row.replaces === null && mayBeOfLostStore(refusal, row.plannedAtMs, offeredBefore)) {
        await this.surprise(db, row, nowMs, BEFORE_RESTORE, {}, facts);
      } else if (unexplained) {
        const seen = { ...facts, transferId: unexplained.transferId, signer: unexplained.state };
        await this.surprise(db, row, nowMs, 'refused-though-begun', {}, seen);
      } else {
        await releaseTransaction(db, this.parts, row, {
          reason: refusal.code,
          facts,
          nowMs,
          by: settings.worker,
          fateOf: (transfer) => fateAfterRefusal(transfer, transferIds, refusal, settings.maxSignerRefusals),
        });
      }
      await finish(db, lease, null);
    });
  }

  /**
   * A transfer that the signer has begun to sign, by other transactions than those that we know of. What is void was never
   * signed and what is dead is never mined: neither needs explaining.
   */
  private async unexplained(
    db: EntityManager,
    row: TransactionRow,
    records: readonly TransferRecord[],
  ): Promise<TransferRecord | undefined> {
    for (const record of records) {
      const living = record.transactions.filter(
        ({ purpose, state }) => purpose === 'pays' && (state === 'reserved' || state === 'signed'),
      );
      const isNothing = record.state === 'unseen' || record.state === 'void';
      if (living.length === 0 && (isNothing || record.transactions.length > 0)) continue;
      const earlier = row.replaces === null ? [] : await transactionsOf(db, record.transferId);
      const known = new Set(earlier.map((one) => one.transactionId));
      const explained =
        living.length > 0 &&
        living.every(
          ({ state, transactionId }) =>
            state === 'signed' && transactionId !== null && known.has(transactionId),
        );
      if (!explained) return record;
    }
    return undefined;
  }

  /**
   * The signer does not answer. Once the requests are long dead, whether they were signed is for a person to find out:
   * true then, and nobody asks again.
   */
  private async recordSilence(lease: Lease, asked: TransactionRow, error: unknown): Promise<boolean> {
    const { database, clock, settings } = this.parts;
    return database.transaction(async (db) => {
      await hold(db, lease);
      const row = await transactionForUpdate(db, asked.transactionKey);
      const transfers = await transfersOfForUpdate(db, row.transactionKey);
      const nowMs = clock.nowMs();
      const first = Math.min(...transfers.map((transfer) => transfer.expiresAtMs));
      if (row.state !== 'signing' || row.replaces !== null) return false;
      const code = error instanceof Fault ? error.code : 'internal';
      if (nowMs < first + settings.silenceMs) {
        for (const transfer of transfers) await noteWaiting(db, transfer, code);
        return false;
      }
      await this.surprise(db, row, nowMs, 'signer-silent', {}, { code });
      await finish(db, lease, null);
      return true;
    });
  }

  /** Something was or may have been signed and the outcome is not known. A replacement's transfers are still paid by what it replaces. */
  private async surprise(
    db: EntityManager,
    row: TransactionRow,
    nowMs: number,
    reason: string,
    patch: Partial<TransactionRow> = {},
    facts: Move['facts'] = {},
  ): Promise<void> {
    await moveTransaction(db, row, 'indeterminate', nowMs, { ...patch, reason, facts: { ...facts } });
    if (row.replaces !== null) return;
    for (const transfer of await transfersOfForUpdate(db, row.transactionKey)) {
      if (!mayMove(transfer.state, 'indeterminate')) continue;
      const { transactionKey } = row;
      await moveTransfer(
        db,
        transfer,
        'indeterminate',
        this.because(reason, nowMs, { ...facts, transactionKey }),
      );
    }
  }
}
