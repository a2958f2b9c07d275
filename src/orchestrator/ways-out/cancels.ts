// Cancels on the chain: a payment of the wallet to itself that outbids what was signed for some transfers. It is planned here,
// signed, sent and followed like every other transaction. It decides nothing: the chain takes it, or what it outbids.

import type { EntityManager } from 'typeorm';
import { accepted, Fault, type Outcome, refused } from '../../core/fault.js';
import type { Wallet } from '../../core/governance/entry.js';
import { feeCapsOf } from '../../core/policy/decide.js';
import type { CancelResult, PlannedTransaction } from '../chains/chain-driver.js';
import { type PipelineParts, servedWallet } from '../transfers/pipeline.js';
import { plannedOf } from '../transfers/release.js';
import { insertPlan } from '../transfers/reserving.steps.js';
import { ALIVE } from '../transfers/rivals.js';
import { TransactionCancelRow, type TransactionRow, TransferRow } from '../transfers/transfer.entity.js';
import type { Caller } from '../transfers/transfer.service.js';
import { cancelsOf, transactionsOf, transferIdsOf } from '../transfers/transfer.store.js';
import type { TransactionState, TransferState } from '../transfers/transfer-states.js';
import { lock } from '../transfers/work.store.js';
import type { CancelAnswer } from './ways-out.dto.js';
import type { WayOutRefusalCode } from './ways-out.errors.js';

const STUCK: readonly TransferState[] = ['signed', 'broadcast', 'confirming', 'indeterminate'];
const IN_A_BLOCK: readonly TransactionState[] = ['mined', 'final', 'failed'];

/** What stops a wallet until a person has looked stops its cancels too. */
const STOPPED: readonly string[] = ['wallet-stopped', 'nonce-foreign', 'nonce-behind-signer'];

/** What was signed, or may have been, for a transfer and for those that it is paid with. */
export interface Contest {
  readonly transfers: readonly TransferRow[];
  /** Oldest first, earlier cancels among them; without what is dead. */
  readonly rivals: readonly TransactionRow[];
  /** A cancel that is on its way. */
  readonly cancel: TransactionRow | undefined;
}

type Result = Outcome<CancelAnswer, WayOutRefusalCode>;

/** Bound on transfers that hang together through batches. */
const MAX_TOGETHER = 500;

export async function contestOf(db: EntityManager, transferId: string): Promise<Contest> {
  const transfers = new Map<string, TransferRow>();
  const rivals = new Map<string, TransactionRow>();
  let cancel: TransactionRow | undefined;
  const open = [transferId];
  for (let id = open.shift(); id !== undefined && transfers.size < MAX_TOGETHER; id = open.shift()) {
    const row = transfers.has(id) ? null : await db.findOneBy(TransferRow, { transferId: id });
    if (!row) continue;
    transfers.set(id, row);
    const cancels = await cancelsOf(db, id);
    cancel ??= cancels.findLast(({ state }) => ALIVE.includes(state));
    for (const one of [...(await transactionsOf(db, id)), ...cancels]) {
      if (!mayBeSigned(one)) continue;
      rivals.set(one.transactionKey, one);
      open.push(...(await transferIdsOf(db, one.transactionKey)));
    }
  }
  return {
    transfers: [...transfers.values()],
    rivals: [...rivals.values()].toSorted((a, b) => a.ordinal - b.ordinal),
    cancel,
  };
}

function lower(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

function mayBeSigned({ state, signedHex }: TransactionRow): boolean {
  if (state === 'dead') return false;
  return signedHex !== null || state === 'signing' || state === 'indeterminate';
}

export class Cancels {
  constructor(private readonly parts: PipelineParts) {}

  /** Asked again, it is the same cancel. Throws `chain-unavailable` and the signer client's faults. */
  async cancel(transferId: string, by: Caller): Promise<Result> {
    const { database } = this.parts;
    const seen = await database.read((db) => contestOf(db, transferId));
    const ready = this.ready(transferId, seen);
    if (ready.kind === 'refused') return ready;
    if (ready.value) return accepted(ready.value);
    const walletId = seen.rivals[0]?.walletId ?? '';
    const { wallet, driver } = servedWallet(this.parts, walletId);
    const outlook = await driver.outlook(wallet, []);
    try {
      return await database.transaction((db) => this.plan(db, transferId, seen, wallet, outlook, by));
    } catch (error) {
      if (!(error instanceof Fault) || !STOPPED.includes(error.code)) throw error;
      return refused('cancel-impossible', { transferId, why: error.code });
    }
  }

  /** The cancel that is there already; undefined when one can be planned. */
  private ready(
    transferId: string,
    { transfers, rivals, cancel }: Contest,
  ): Outcome<CancelAnswer | undefined, WayOutRefusalCode> {
    const row = transfers.find((one) => one.transferId === transferId);
    if (!row) return refused('transfer-unknown', { transferId });
    const transferIds = transfers.map((one) => one.transferId);
    if (cancel) {
      const { transactionKey, replaces, maxFee } = cancel;
      return accepted({
        transferId,
        planKey: transactionKey,
        replaces: replaces ?? '',
        maxFee: maxFee.toString(),
        transferIds,
        again: true,
      });
    }
    const decided = rivals.some(({ state }) => IN_A_BLOCK.includes(state));
    if (!STUCK.includes(row.state) || decided) {
      return refused('transfer-not-stuck', { transferId, state: row.state });
    }
    return rivals.some(({ signedHex }) => signedHex !== null)
      ? accepted(undefined)
      : refused('transfer-nothing-to-cancel', { transferId });
  }

  private async plan(
    db: EntityManager,
    transferId: string,
    seen: Contest,
    wallet: Wallet,
    outlook: unknown,
    by: Caller,
  ): Promise<Result> {
    const { clock, settings } = this.parts;
    const { driver } = servedWallet(this.parts, wallet.walletId);
    const keys = seen.rivals.map(({ transactionKey }) => transactionKey).toSorted();
    for (const key of keys) await lock(db, 'transaction', key);
    await lock(db, 'wallet', wallet.walletId);
    const now = await contestOf(db, transferId);
    const ready = this.ready(transferId, now);
    if (ready.kind === 'refused') return ready;
    if (ready.value) return accepted(ready.value);
    const rivals: PlannedTransaction[] = [];
    for (const row of now.rivals) rivals.push(await plannedOf(db, row));
    const result: CancelResult = await driver.cancel(
      db,
      wallet,
      rivals,
      this.mostOf(now.transfers, wallet),
      outlook,
    );
    if (result.kind !== 'planned') {
      const code = result.kind === 'wait' ? 'cancel-waits' : 'cancel-impossible';
      return refused(code, { transferId, why: result.reason });
    }
    const { transaction } = result;
    const nowMs = clock.nowMs();
    await insertPlan(db, transaction, nowMs, nowMs + settings.bumpAfterMs[driver.family]);
    const transferIds = now.transfers.map((one) => one.transferId);
    for (const id of transferIds) {
      await db.insert(TransactionCancelRow, {
        transactionKey: transaction.transactionKey,
        transferId: id,
        askedBy: by,
        askedAtMs: nowMs,
      });
    }
    return accepted({
      transferId,
      planKey: transaction.transactionKey,
      replaces: transaction.replaces ?? '',
      maxFee: transaction.maxFee.toString(),
      transferIds,
      again: false,
    });
  }

  /** As the signer bounds it: what the transfers were allowed to cost, below the caps of the wallet's policies. */
  private mostOf(transfers: readonly TransferRow[], wallet: Wallet): bigint {
    const statements = transfers.map(({ request }) => request.statement);
    const ceiling = statements.reduce((sum, { feeCeiling }) => sum + BigInt(feeCeiling), 0n);
    const caps = feeCapsOf(this.parts.governance.policies(), { wallet: wallet.walletId, tier: wallet.tier });
    if (!caps) return 0n;
    const bounds = [ceiling, caps.absoluteMax];
    if (statements.every(({ asset }) => asset.kind === 'native')) {
      const moved = statements.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
      bounds.push((moved * caps.relativeMaxBasisPoints) / 10_000n);
    }
    return bounds.reduce(lower);
  }
}
