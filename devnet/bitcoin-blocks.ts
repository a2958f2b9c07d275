// Builds regtest blocks by hand, for what no RPC verb offers on every node: blocks on an older parent, and blocks with
// chosen transactions. Regtest only: the proof of work is two tries, and the coinbase claims nothing.

import { createHash, randomBytes } from 'node:crypto';
import { Block, script, Transaction } from 'bitcoinjs-lib';

/** The block to build upon, as `getblockheader` describes it. */
export interface BlockParent {
  /** As displayed, that is, byte-reversed. */
  readonly hash: string;
  readonly height: number;
  /** Seconds; the new block's time is at least one more (BIP-113). */
  readonly medianTime: number;
  /** Compact target in hexadecimal; constant on regtest. */
  readonly bits: string;
}

/** BIP-141: marks the output that commits to the witnesses. */
const WITNESS_COMMITMENT_HEADER = Buffer.from('aa21a9ed', 'hex');
const OP_RETURN = 0x6a;
const VERSION_BITS = 0x20000000;
const MAX_NONCE = 0xffffffff;
const FINAL_SEQUENCE = 0xffffffff;

/**
 * A valid block on `parent` with these raw transactions after the coinbase, in this order. `time` in seconds; `salt` keeps
 * two empty blocks of one height apart, and is random unless given.
 */
export function buildBlock(
  parent: BlockParent,
  transactions: readonly string[],
  time: number,
  salt: Uint8Array = randomBytes(8),
): Block {
  const payload = transactions.map((hex) => Transaction.fromHex(hex));
  const coinbase = buildCoinbase(parent.height + 1, payload, salt);
  const block = new Block();
  block.version = VERSION_BITS;
  block.prevHash = Buffer.from(parent.hash, 'hex').reverse();
  block.bits = Number.parseInt(parent.bits, 16);
  block.timestamp = Math.max(time, parent.medianTime + 1);
  block.transactions = [coinbase, ...payload];
  block.merkleRoot = merkleRoot(block.transactions.map((transaction) => transaction.getHash()));
  for (block.nonce = 0; !block.checkProofOfWork(); block.nonce += 1) {
    if (block.nonce === MAX_NONCE) throw new RangeError('no proof of work found: is this regtest?');
  }
  return block;
}

function buildCoinbase(height: number, payload: readonly Transaction[], salt: Uint8Array): Transaction {
  const coinbase = new Transaction();
  coinbase.version = 2;
  // BIP-34: the height comes first.
  const unlocking = Buffer.concat([script.compile([script.number.encode(height)]), salt]);
  coinbase.addInput(Buffer.alloc(32), 0xffffffff, FINAL_SEQUENCE, unlocking);
  const reserved = Buffer.alloc(32);
  coinbase.setWitness(0, [reserved]);
  const witnessRoot = merkleRoot([
    Buffer.alloc(32),
    ...payload.map((transaction) => transaction.getHash(true)),
  ]);
  const commitment = doubleSha256(Buffer.concat([witnessRoot, reserved]));
  const output = script.compile([OP_RETURN, Buffer.concat([WITNESS_COMMITMENT_HEADER, commitment])]);
  coinbase.addOutput(output, 0n);
  return coinbase;
}

function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  let level = leaves;
  while (level.length > 1) {
    const above: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const left = level[i] ?? Buffer.alloc(0);
      above.push(doubleSha256(Buffer.concat([left, level[i + 1] ?? left])));
    }
    level = above;
  }
  const [root] = level;
  if (root === undefined) throw new RangeError('a block has at least its coinbase');
  return root;
}

function doubleSha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(createHash('sha256').update(bytes).digest()).digest();
}
