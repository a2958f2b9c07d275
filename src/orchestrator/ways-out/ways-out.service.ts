// What is known of a transfer, for the person who has to decide: the signer's record, the nodes' view of each transaction, and
// from both the draft of a burial. It shows and drafts; it changes nothing and is believed by nobody.

import type { EntityManager } from 'typeorm';
import { accepted, Fault, type Outcome, refused } from '../../core/fault.js';
import { BURIAL_TYPE, type BurialStatement, LEAST_CONFIRMATIONS } from '../../core/recovery/burial.js';
import type { TransactionRecord, TransferRecord } from '../../signer-protocol/messages.js';
import type { Observation } from '../chains/chain-driver.js';
import { signedOf } from '../transfers/following.steps.js';
import { type PipelineParts, servedWallet } from '../transfers/pipeline.js';
import { TransactionRow, TransferRow } from '../transfers/transfer.entity.js';
import { cancelsOf, transactionsOf, transferIdsOf } from '../transfers/transfer.store.js';
import { type Contest, contestOf } from './cancels.js';
import { type Known, waysOf } from './ways.js';
import type { KnownTransactionView, SightingView, WaysOutView } from './ways-out.dto.js';

const DRAFT_LIFETIME_MS = 24 * 60 * 60 * 1000;
/** What one burial may name. */
const MAX_TRANSFERS = 200;
const MAX_DEAD = 400;

/** A transaction of these books with the name that the signer knows it by. */
interface Own {
  readonly row: TransactionRow;
  readonly signerKey: string;
  readonly purpose: 'pays' | 'cancels';
  readonly transferIds: readonly string[];
  readonly seen: Observation | undefined;
}

/** What lies in the chain in place of others, at a known depth. */
interface Winner {
  readonly own: Own;
  readonly place: {
    readonly blockHash: string;
    readonly blockHeight: number;
    readonly confirmations: number;
  };
}

export class WaysOut {
  constructor(private readonly parts: PipelineParts) {}

  /** Refuses `transfer-unknown`. A node or a signer that does not answer is shown, not thrown. */
  async show(transferId: string): Promise<Outcome<WaysOutView, 'transfer-unknown'>> {
    const { database, clock } = this.parts;
    const found = await database.read(async (db) => {
      const row = await db.findOneBy(TransferRow, { transferId });
      if (!row) return undefined;
      const contest = await contestOf(db, transferId);
      return { row, contest, rows: await this.rowsOf(db, transferId, contest) };
    });
    if (!found) return refused('transfer-unknown', { transferId });
    const { row, contest, rows } = found;
    const own: Own[] = [];
    for (const one of rows) own.push({ ...one, seen: await this.observed(one.row) });
    const record = (await this.records([transferId]))?.[0];
    const winner = this.winnerOf(own, new Set(contest.transfers.map((one) => one.transferId)));
    const burial = record && winner ? await this.draft(transferId, own, winner) : undefined;
    const known: Known = { row, contest, record, winner: winner?.place, burial, chain: row.chain };
    return accepted({
      transferId,
      state: row.state,
      asOfMs: clock.nowMs(),
      signer: record ?? null,
      transactions: this.transactionViews(transferId, own, record, winner),
      ways: waysOf(known),
      burial: burial ?? null,
    });
  }

  private async rowsOf(
    db: EntityManager,
    transferId: string,
    { rivals }: Contest,
  ): Promise<Omit<Own, 'seen'>[]> {
    const cancels = await cancelsOf(db, transferId);
    const all = new Map<string, TransactionRow>();
    for (const row of [...(await transactionsOf(db, transferId)), ...cancels, ...rivals]) {
      all.set(row.transactionKey, row);
    }
    // What lies in the chain in the place of one of them, also when it pays something else.
    for (const { facts, walletId } of [...all.values()]) {
      if (typeof facts.by !== 'string') continue;
      const by = await db.findOneBy(TransactionRow, { transactionId: facts.by, walletId });
      if (by) all.set(by.transactionKey, by);
    }
    const rows: Omit<Own, 'seen'>[] = [];
    for (const row of [...all.values()].toSorted((a, b) => a.ordinal - b.ordinal)) {
      const { driver } = servedWallet(this.parts, row.walletId);
      const transferIds = await transferIdsOf(db, row.transactionKey);
      const purpose = transferIds.length === 0 ? 'cancels' : 'pays';
      rows.push({ row, signerKey: driver.signerKey(row), purpose, transferIds });
    }
    return rows;
  }

  private async observed(row: TransactionRow): Promise<Observation | undefined> {
    if (row.signedHex === null) return undefined;
    try {
      return await servedWallet(this.parts, row.walletId).driver.observe(signedOf(row));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return { kind: 'unknown', reason: error.code };
    }
  }

  private async records(transferIds: readonly string[]): Promise<readonly TransferRecord[] | undefined> {
    try {
      return await this.parts.signer.records(transferIds);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return undefined;
    }
  }

  /** The deepest that pays none of these transfers. */
  private winnerOf(own: readonly Own[], transferIds: ReadonlySet<string>): Winner | undefined {
    const winners = own.flatMap((one): Winner[] => {
      const { seen } = one;
      if (seen?.kind !== 'mined' || one.transferIds.some((id) => transferIds.has(id))) return [];
      const { blockHash, blockHeight, confirmations } = seen;
      return [{ own: one, place: { blockHash, blockHeight, confirmations } }];
    });
    return winners.toSorted((a, b) => b.place.confirmations - a.place.confirmations)[0];
  }

  /** A statement for all transfers that hang together, when what lies in the chain is deep enough. */
  private async draft(
    transferId: string,
    own: readonly Own[],
    { own: winner, place }: Winner,
  ): Promise<BurialStatement | undefined> {
    const { governance, clock } = this.parts;
    const state = governance.state();
    const family = state.chains.get(winner.row.chain)?.family;
    if (family === undefined || place.confirmations < LEAST_CONFIRMATIONS[family]) return undefined;
    const together = new Set([transferId]);
    const dead = new Set<string>();
    for (let before = 0; before < together.size && together.size <= MAX_TRANSFERS; ) {
      before = together.size;
      const records = await this.records([...together]);
      if (!records) return undefined;
      for (const { transactionKey } of records.flatMap(livingOf)) {
        if (transactionKey === winner.signerKey) continue;
        dead.add(transactionKey);
        for (const id of own.find(({ signerKey }) => signerKey === transactionKey)?.transferIds ?? []) {
          together.add(id);
        }
      }
    }
    const pays = winner.transferIds.some((id) => together.has(id));
    if (dead.size === 0 || dead.size > MAX_DEAD || together.size > MAX_TRANSFERS || pays) return undefined;
    const nowMs = clock.nowMs();
    return {
      type: BURIAL_TYPE,
      deploymentId: state.deploymentId,
      governanceHead: state.head,
      transferIds: [...together],
      dead: [...dead],
      conflicting: {
        transactionKey: winner.signerKey,
        transactionId: winner.row.transactionId ?? '',
        ...place,
        blockHash: place.blockHash.replace(/^0x/, ''),
      },
      createdAtMs: nowMs,
      expiresAtMs: nowMs + DRAFT_LIFETIME_MS,
    };
  }

  private transactionViews(
    transferId: string,
    own: readonly Own[],
    record: TransferRecord | undefined,
    winner: Winner | undefined,
  ): KnownTransactionView[] {
    const recorded = new Map((record?.transactions ?? []).map((one) => [one.transactionKey, one]));
    const known = own.map(
      ({ row, signerKey, purpose, transferIds, seen }): KnownTransactionView => ({
        transactionKey: signerKey,
        planKey: row.transactionKey,
        transactionId: row.transactionId,
        purpose,
        state: row.state,
        signerState: recorded.get(signerKey)?.state ?? null,
        transferIds: [...transferIds],
        maxFee: row.maxFee.toString(),
        chain: seen === undefined ? null : sightingOf(seen, winner),
      }),
    );
    const names = new Set(own.map(({ signerKey }) => signerKey));
    const others = [...recorded.values()].filter(({ transactionKey }) => !names.has(transactionKey));
    return [
      ...known,
      ...others.map(({ transactionKey, transactionId, purpose, state }) => ({
        transactionKey,
        planKey: null,
        transactionId,
        purpose,
        state: null,
        signerState: state,
        transferIds: purpose === 'pays' ? [transferId] : [],
        maxFee: null,
        chain: null,
      })),
    ];
  }
}

function livingOf({ transactions }: TransferRecord): TransactionRecord[] {
  return transactions.filter(({ state }) => state === 'reserved' || state === 'signed');
}

function sightingOf(seen: Observation, winner: Winner | undefined): SightingView {
  const place = 'blockHash' in seen ? seen : undefined;
  const by = seen.kind === 'conflicted' ? seen.by : null;
  const ofWinner = by !== null && winner?.own.row.transactionId === by ? winner.place.confirmations : null;
  return {
    kind: seen.kind,
    blockHash: place?.blockHash ?? null,
    blockHeight: place?.blockHeight ?? null,
    confirmations: seen.kind === 'mined' ? seen.confirmations : ofWinner,
    conflictingBy: by,
    why: seen.kind === 'unknown' ? seen.reason : null,
  };
}
