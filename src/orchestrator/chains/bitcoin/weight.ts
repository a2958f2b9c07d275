// How large a transaction of P2WPKH inputs will be once it is signed, and what that costs. Exact, from the lengths of its
// parts (BIP-141, BIP-144); the same size that the signer computes from the bytes.

/** Outpoint, empty scriptSig with its length, sequence: 41 bytes that count four times. */
const INPUT_BASE_BYTES = 41;
/** Item count, a DER signature of at most 71 bytes (low s) and its sighash byte, a compressed key; each with a length. */
const INPUT_WITNESS_BYTES = 1 + 1 + 72 + 1 + 33;
const INPUT_WEIGHT = INPUT_BASE_BYTES * 4 + INPUT_WITNESS_BYTES;
/** Version and lock time; then the segwit marker and flag, which count once. */
const BASE_BYTES = 8;
const MARKER_BYTES = 2;

/** Virtual bytes of one more input. It divides evenly: 272 weight units. */
export const INPUT_VBYTES = BigInt(INPUT_WEIGHT / 4);

/** Virtual bytes of a P2WPKH output, which is what change is: amount, length, 22 bytes. */
export const CHANGE_VBYTES = 31n;

/** The most inputs or outputs whose count takes one byte, which the sums here rely on. */
export const MAX_SHORT_COUNT = 252;

/** Virtual bytes of an output with this scriptPubKey (hex; at most 252 bytes, as all scripts with an address are). */
export function outputVbytes(script: string): bigint {
  return BigInt(8 + 1 + script.length / 2);
}

/** Virtual bytes of the whole signed transaction. */
export function transactionVbytes(inputs: number, outputScripts: readonly string[]): bigint {
  const outputBytes = outputScripts.reduce((sum, script) => sum + outputVbytes(script), 0n);
  const base = BigInt(BASE_BYTES + countBytes(inputs) + countBytes(outputScripts.length)) + outputBytes;
  const weight = base * 4n + BigInt(MARKER_BYTES + inputs * INPUT_WEIGHT);
  return (weight + 3n) / 4n;
}

/** Fee in satoshi at a rate in satoshi per 1,000 virtual bytes, rounded up as nodes do. */
export function feeAt(rateSatPerKvb: bigint, vbytes: bigint): bigint {
  return (rateSatPerKvb * vbytes + 999n) / 1000n;
}

function countBytes(items: number): number {
  return items <= MAX_SHORT_COUNT ? 1 : 3;
}
