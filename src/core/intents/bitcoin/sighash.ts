// BIP-143: the digests that P2WPKH inputs sign with SIGHASH_ALL. No other script and no other sighash type.

import { concatBytes } from '@noble/hashes/utils.js';
import { uint32Bytes, uint64Bytes } from './bytes.js';
import { type BitcoinTransaction, hash256, outputBytes } from './transaction.js';

export const SIGHASH_ALL = 1;

/** An output that an input spends: amount in satoshi, and its P2WPKH scriptPubKey of 22 bytes. */
export interface SpentCoin {
  readonly amount: bigint;
  readonly script: Uint8Array;
}

/** One digest for each input, in their order. `spent[i]` is what input i spends. */
export function sighashesAll(
  transaction: Omit<BitcoinTransaction, 'hash'>,
  spent: readonly SpentCoin[],
): Uint8Array[] {
  const { inputs, outputs } = transaction;
  const outpoints = inputs.map((input) => concatBytes(input.previousHash, uint32Bytes(input.previousIndex)));
  const hashPrevouts = hash256(concatBytes(...outpoints));
  const hashSequence = hash256(concatBytes(...inputs.map((input) => uint32Bytes(input.sequence))));
  const hashOutputs = hash256(concatBytes(...outputs.map(outputBytes)));
  return spent.map(({ amount, script }, index) =>
    hash256(
      concatBytes(
        uint32Bytes(transaction.version),
        hashPrevouts,
        hashSequence,
        outpoints[index] ?? new Uint8Array(0),
        // The script code of P2WPKH: length 25, then the P2PKH script of the same key hash.
        Uint8Array.of(0x19, 0x76, 0xa9, 0x14),
        script.subarray(2),
        Uint8Array.of(0x88, 0xac),
        uint64Bytes(amount),
        uint32Bytes(inputs[index]?.sequence ?? 0),
        hashOutputs,
        uint32Bytes(transaction.lockTime),
        uint32Bytes(SIGHASH_ALL),
      ),
    ),
  );
}
