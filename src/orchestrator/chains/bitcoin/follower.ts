// Brings signed transactions into the chain and says where they stand. What is mined comes from the own scanned blocks;
// the node is asked only what waits in its mempool.

import type { EntityManager } from 'typeorm';
import { Fault } from '../../../core/fault.js';
import type { DatabaseDoor } from '../../database/database.js';
import type { BroadcastResult, Observation, SignedTransaction } from '../chain-driver.js';
import type { BitcoinFaultCode } from './bitcoin.errors.js';
import type { BitcoinChain } from './bitcoin-chain.js';
import { blockHashAt, type Cursor, readCursor } from './blocks.store.js';
import { ownTransactions, type StoredTransaction, signedWithTxids, transactionOf } from './coins.store.js';
import {
  type OwnTransactions,
  type SignedByUs,
  type Standing,
  standingOf,
  unconfirmedParents,
} from './family.js';

/** A transaction with what the scanned chain shows of it at one moment. */
interface Sighting {
  readonly stored: StoredTransaction;
  readonly cursor: Cursor;
  readonly standing: Standing;
  /** Hash of the scanned block at the standing's height. */
  readonly blockHash: string | undefined;
  /** Own unconfirmed transactions that it hangs on, those first that have to come first. */
  readonly ancestors: readonly string[];
}

export class Follower {
  constructor(private readonly database: DatabaseDoor) {}

  async broadcast(chain: BitcoinChain, transaction: SignedTransaction): Promise<BroadcastResult> {
    const { standing, ancestors } = await this.sighting(chain, transaction);
    // Nodes say "missing inputs" of a mined transaction whose outputs are spent.
    if (standing.kind === 'mined') return { kind: 'already-known' };
    // An evicted parent takes its children along; without it the child is refused for missing inputs.
    for (const parent of ancestors) await chain.node.submit(parent);
    const submission = await chain.node.submit(transaction.signedHex);
    return submission.kind === 'rejected'
      ? { kind: 'rejected', reason: `${submission.rejection}: ${submission.words}` }
      : submission;
  }

  async observe(chain: BitcoinChain, transaction: SignedTransaction): Promise<Observation> {
    const first = await this.sighting(chain, transaction);
    if (first.cursor.stopped !== undefined) return { kind: 'unknown', reason: first.cursor.stopped };
    const seen = this.settled(chain, first);
    if (seen !== undefined) return seen;
    try {
      if (await chain.node.isWaiting(transaction.transactionId)) return { kind: 'pending' };
      const tip = await chain.node.tip();
      // It may have been mined between the two looks; only when all is scanned is "nowhere" an answer.
      const second = await this.sighting(chain, transaction);
      const now = this.settled(chain, second);
      if (now !== undefined) return now;
      return second.cursor.hash === tip.hash
        ? { kind: 'unseen' }
        : { kind: 'unknown', reason: 'scanner-behind' };
    } catch (error) {
      if (error instanceof Fault && error.code === 'chain-unavailable') {
        return { kind: 'unknown', reason: 'chain-unavailable' };
      }
      throw error;
    }
  }

  private settled(
    chain: BitcoinChain,
    { stored, standing, cursor, blockHash }: Sighting,
  ): Observation | undefined {
    if (standing.kind === 'unconfirmed') return undefined;
    const confirmations = cursor.height - standing.height + 1;
    const { finalConfirmations, reorgDepth } = chain.settings;
    const final = confirmations >= finalConfirmations;
    const where = {
      blockHash: blockHash ?? '',
      blockHeight: standing.height,
      final,
      buried: final && confirmations > reorgDepth,
    };
    if (standing.kind === 'conflicted') return { kind: 'conflicted', by: standing.by, ...where };
    return { kind: 'mined', ...where, confirmations, feePaid: stored.plan.feeSats };
  }

  private sighting(chain: BitcoinChain, transaction: SignedTransaction): Promise<Sighting> {
    // In a transaction, so that no block comes between the looks at cursor, coins and blocks.
    return this.database.transaction(async (db) => {
      const cursor = await readCursor(db, chain.chain, 'hold');
      const stored = await transactionOf(db, transaction.transactionKey);
      const own = await ownTransactions(db, chain.chain, stored === undefined ? [] : [stored]);
      const signed = own.signed.get(transaction.transactionId);
      if (cursor === undefined || stored === undefined || signed === undefined) {
        throw new Fault<BitcoinFaultCode>(
          'plan-unknown',
          'a transaction is followed that was never planned',
          {
            facts: { transactionKey: transaction.transactionKey },
          },
        );
      }
      const standing = standingOf(signed, own);
      return {
        stored,
        cursor,
        standing,
        blockHash:
          standing.kind === 'unconfirmed' ? undefined : await blockHashAt(db, chain.chain, standing.height),
        ancestors: standing.kind === 'unconfirmed' ? await ancestorsOf(db, chain.chain, signed, own) : [],
      };
    });
  }
}

/** Raw bytes of the unconfirmed own transactions that this one hangs on, the eldest first. */
async function ancestorsOf(
  db: EntityManager,
  chain: string,
  transaction: SignedByUs,
  own: OwnTransactions,
): Promise<readonly string[]> {
  const order: string[] = [];
  const visit = (child: SignedByUs): void => {
    for (const parent of unconfirmedParents(child, own)) {
      if (order.includes(parent.txid)) continue;
      visit(parent);
      order.push(parent.txid);
    }
  };
  visit(transaction);
  const stored = await signedWithTxids(db, chain, order);
  const raw = new Map(stored.map(({ txid, signedHex }) => [txid, signedHex]));
  return order.flatMap((txid) => raw.get(txid) ?? []);
}
