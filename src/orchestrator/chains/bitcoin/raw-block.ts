// A block from its raw bytes, checked as far as one block alone can be: it is the one that was asked for, its proof of
// work meets the target that it states, and it holds exactly the transactions that its header commits to. It does NOT
// check that the target is the right one (only that it is not absurdly easy, see least-work.ts), nor scripts or amounts:
// the node does, and is the operator's own.

import { Block, type Transaction } from 'bitcoinjs-lib';
import { Fault } from '../../../core/fault.js';
import type { BitcoinFaultCode } from './bitcoin.errors.js';

export interface BlockOutput {
  readonly script: string;
  readonly amountSats: bigint;
}

export interface BlockTransaction {
  readonly txid: string;
  readonly coinbase: boolean;
  /** Outpoints that it spends, in order; none for a coinbase. */
  readonly spends: readonly { readonly txid: string; readonly vout: number }[];
  readonly outputs: readonly BlockOutput[];
  /** Raw bytes without witnesses, hex: all that its id commits to. */
  rawWithoutWitness(): string;
}

export interface VerifiedBlock {
  readonly hash: string;
  readonly previous: string;
  readonly timeMs: number;
  readonly transactions: readonly BlockTransaction[];
}

/**
 * Decodes and verifies the block with this hash (as displayed). The bytes are a node's. Throws `block-malformed` when
 * they are no block, `block-mismatch` when it is another one, one whose header does not commit to what it holds, or one
 * that states an easier target than `easiestTarget`.
 */
export function verifiedBlock(hex: string, hash: string, easiestTarget?: bigint): VerifiedBlock {
  const block = decode(hex, hash);
  const mismatch = mismatchOf(block, hash, easiestTarget);
  if (mismatch !== undefined) {
    throw new Fault<BitcoinFaultCode>('block-mismatch', `a node gave a wrong block: ${mismatch}`, {
      facts: { hash, mismatch },
    });
  }
  return {
    hash,
    previous: displayed(block.prevHash ?? new Uint8Array(32)),
    timeMs: block.timestamp * 1_000,
    transactions: (block.transactions ?? []).map((transaction, index) =>
      blockTransaction(transaction, index === 0),
    ),
  };
}

function decode(hex: string, hash: string): Block {
  try {
    return Block.fromHex(hex);
  } catch (cause) {
    throw new Fault<BitcoinFaultCode>('block-malformed', 'a node gave bytes that are no block', {
      facts: { hash },
      cause,
    });
  }
}

function mismatchOf(block: Block, hash: string, easiestTarget: bigint | undefined): string | undefined {
  if (block.getId() !== hash) return 'its hash is another';
  if (easiestTarget !== undefined && targetOf(block) > easiestTarget) return 'its target is too easy';
  if (!block.checkProofOfWork()) return 'its proof of work does not meet its target';
  if (block.transactions === undefined || block.transactions.length === 0) return 'it has no transactions';
  if (!block.checkTxRoots()) return 'its header does not commit to its transactions';
  if (block.transactions[0]?.isCoinbase() !== true) return 'its first transaction is no coinbase';
  return undefined;
}

function targetOf(block: Block): bigint {
  return BigInt(`0x${Buffer.from(Block.calculateTarget(block.bits)).toString('hex')}`);
}

function blockTransaction(transaction: Transaction, coinbase: boolean): BlockTransaction {
  return {
    txid: transaction.getId(),
    coinbase,
    spends: coinbase
      ? []
      : transaction.ins.map(({ hash, index }) => ({ txid: displayed(hash), vout: index })),
    outputs: transaction.outs.map(({ script, value }) => ({
      script: Buffer.from(script).toString('hex'),
      amountSats: value,
    })),
    rawWithoutWitness: () => rawWithoutWitness(transaction),
  };
}

/** Raw bytes without witnesses, hex. */
export function rawWithoutWitness(transaction: Transaction): string {
  const bare = transaction.clone();
  bare.stripWitnesses();
  return bare.toHex();
}

function displayed(hash: Uint8Array): string {
  return Buffer.from(hash).reverse().toString('hex');
}
