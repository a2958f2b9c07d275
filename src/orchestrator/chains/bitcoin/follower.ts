// Brings signed transactions into the chain and says where they stand. What is mined comes from the own scanned blocks;
// the node is asked only what waits in its mempool.

import { Fault } from '../../../core/fault.js';
import type { Database } from '../../database/database.js';
import type { BroadcastResult, Observation, SignedTransaction } from '../chain-driver.js';
import type { BitcoinFaultCode } from './bitcoin.errors.js';
import type { BitcoinChain } from './bitcoin-chain.js';
import { blockHashAt, type Cursor, readCursor } from './blocks.store.js';
import { ownTransactions, type StoredTransaction, signedWithTxids, transactionOf } from './coins.store.js';
import { type Standing, standingOf, unconfirmedParents } from './family.js';

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
  constructor(private readonly database: Database) {}

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
    const final = confirmations >= chain.settings.finalConfirmations;
    if (standing.kind === 'conflicted') return { kind: 'conflicted', by: standing.by, final };
    return {
      kind: 'mined',
      blockHash: blockHash ?? '',
      blockHeight: standing.height,
      confirmations,
      final,
      feePaid: stored.plan.feeSats,
    };
  }

  private sighting(chain: BitcoinChain, transaction: SignedTransaction): Promise<Sighting> {
    // A transaction, so that cursor, coins and block are of one moment on SQLite; on PostgreSQL the cursor is read last.
    return this.database.transaction(async (db) => {
      const stored = await transactionOf(db, transaction.transactionKey);
      if (stored === undefined) {
        throw new Fault<BitcoinFaultCode>(
          'plan-unknown',
          'a transaction is followed that was never planned',
          {
            facts: { transactionKey: transaction.transactionKey },
          },
        );
      }
      const own = await ownTransactions(db, chain.chain, [stored]);
      const signed = own.signed.get(stored.txid);
      const standing: Standing = signed ? standingOf(signed, own) : { kind: 'unconfirmed' };
      const parents = signed ? unconfirmedParents(signed, own) : [];
      return {
        stored,
        standing,
        blockHash:
          standing.kind === 'unconfirmed' ? undefined : await blockHashAt(db, chain.chain, standing.height),
        ancestors: [],
        cursor: (await readCursor(db, chain.chain)) ?? { height: -1, hash: undefined, stopped: undefined },
      };
    });
  }
}
