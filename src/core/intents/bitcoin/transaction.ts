// A Bitcoin transaction as bytes and as fields, legacy or with witnesses (BIP-144). It reads
// strictly and judges nothing: what a transaction may contain is decode.ts.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js';
import { ByteReader, compactSizeBytes, malformed, uint32Bytes, uint64Bytes } from './bytes.js';

export interface TransactionInput {
  /** Txid of the output spent, in the order of the bytes (not of display). */
  readonly previousHash: Uint8Array;
  readonly previousIndex: number;
  readonly scriptSig: Uint8Array;
  readonly sequence: number;
  /** Empty in the form without witnesses, or when they were not kept. */
  readonly witness: readonly Uint8Array[];
}

export interface TransactionOutput {
  /** As the 8 bytes say, unsigned: not checked against the number of coins there can be. */
  readonly amount: bigint;
  readonly script: Uint8Array;
}

export interface BitcoinTransaction {
  readonly version: number;
  readonly inputs: readonly TransactionInput[];
  readonly outputs: readonly TransactionOutput[];
  readonly lockTime: number;
  /** Double SHA-256 of the form without witnesses, in the order of the bytes. */
  readonly hash: Uint8Array;
}

const LEAST_INPUT_BYTES = 41;
const LEAST_OUTPUT_BYTES = 9;

export function hash256(bytes: Uint8Array): Uint8Array {
  return sha256(sha256(bytes));
}

/** A hash as people and nodes write it: reversed, lower-case hex. */
export function displayHash(hash: Uint8Array): string {
  return bytesToHex(Uint8Array.from(hash).reverse());
}

export function outpointOf(input: TransactionInput): string {
  return `${displayHash(input.previousHash)}:${input.previousIndex}`;
}

function readInput(reader: ByteReader): Omit<TransactionInput, 'witness'> {
  return {
    previousHash: reader.take(32),
    previousIndex: reader.uint32(),
    scriptSig: reader.varBytes(),
    sequence: reader.uint32(),
  };
}

/** `script` with its length before it, as in an output. */
export function readOutput(reader: ByteReader): TransactionOutput {
  return { amount: reader.uint64(), script: reader.varBytes() };
}

/** How a transaction's witnesses are read. BIP-174 allows none in an unsigned transaction. */
export type WitnessForm = 'none' | 'skipped' | 'kept';

function readWitnesses(reader: ByteReader, inputs: number, kept: boolean): Uint8Array[][] {
  const witnesses: Uint8Array[][] = [];
  let items = 0;
  for (let input = 0; input < inputs; input += 1) {
    const stack: Uint8Array[] = [];
    for (let left = reader.count(1); left > 0; left -= 1) {
      const item = reader.varBytes();
      items += 1;
      // Hostile bytes can hold millions of items; nobody needs those of a previous transaction.
      if (kept) stack.push(item);
    }
    witnesses.push(stack);
  }
  // Nodes refuse a witness section in which nothing is said; it would be a second encoding of the same transaction.
  if (items === 0) throw malformed('witness section without a witness');
  return witnesses;
}

/**
 * One whole transaction with at least one input and one output. Input is hostile. With `skipped` witnesses are read
 * past and left out. Throws `bytes-malformed`.
 */
export function readTransaction(bytes: Uint8Array, form: WitnessForm): BitcoinTransaction {
  const reader = new ByteReader(bytes);
  const version = reader.uint32();
  const hasWitness = form !== 'none' && reader.peek() === 0;
  if (hasWitness) {
    reader.take(1);
    if (reader.uint8() !== 1) throw malformed('unknown transaction flag');
  }
  const bodyStart = reader.position;
  const bare = Array.from({ length: reader.count(LEAST_INPUT_BYTES) }, () => readInput(reader));
  if (bare.length === 0) throw malformed('transaction without inputs');
  const outputs = Array.from({ length: reader.count(LEAST_OUTPUT_BYTES) }, () => readOutput(reader));
  if (outputs.length === 0) throw malformed('transaction without outputs');
  const body = bytes.subarray(bodyStart, reader.position);
  const witnesses = hasWitness ? readWitnesses(reader, bare.length, form === 'kept') : [];
  const lockTime = reader.uint32();
  reader.end();
  return {
    version,
    inputs: bare.map((input, index) => ({ ...input, witness: witnesses[index] ?? [] })),
    outputs,
    lockTime,
    hash: hash256(concatBytes(uint32Bytes(version), body, uint32Bytes(lockTime))),
  };
}

function withLength(bytes: Uint8Array): Uint8Array {
  return concatBytes(compactSizeBytes(bytes.length), bytes);
}

export function outputBytes(output: TransactionOutput): Uint8Array {
  return concatBytes(uint64Bytes(output.amount), withLength(output.script));
}

/** Wire form: with witnesses when any input has one (BIP-144), else without. The field `hash` is not looked at. */
export function writeTransaction(transaction: Omit<BitcoinTransaction, 'hash'>): Uint8Array {
  const { inputs, outputs } = transaction;
  const hasWitness = inputs.some((input) => input.witness.length > 0);
  return concatBytes(
    uint32Bytes(transaction.version),
    hasWitness ? Uint8Array.of(0, 1) : new Uint8Array(0),
    compactSizeBytes(inputs.length),
    ...inputs.map((input) =>
      concatBytes(
        input.previousHash,
        uint32Bytes(input.previousIndex),
        withLength(input.scriptSig),
        uint32Bytes(input.sequence),
      ),
    ),
    compactSizeBytes(outputs.length),
    ...outputs.map(outputBytes),
    ...(hasWitness
      ? inputs.map(({ witness }) => concatBytes(compactSizeBytes(witness.length), ...witness.map(withLength)))
      : []),
    uint32Bytes(transaction.lockTime),
  );
}
