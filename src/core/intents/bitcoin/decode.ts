// From PSBT bytes to what the transaction would really do. The bytes are hostile: whatever is not expected is refused,
// amounts come from full previous transactions whose hash the outpoint commits to, and nothing is estimated or repaired.
// It does NOT know whose inputs these are or what was asked; that is match.ts.

import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { accepted, type Outcome, refused } from '../../fault.js';
import { MAX_SATS, sats } from '../../money/amount.js';
import type { BitcoinIntent, CreatedOutput, SpentOutput } from '../intent.js';
import { addressOfScript, type BitcoinNetwork, dustSats, isP2wpkh } from './address.js';
import { ByteReader, readOrReason } from './bytes.js';
import { type Psbt, type PsbtMap, readPsbt, UNSIGNED_TRANSACTION } from './psbt.js';
import { SIGHASH_ALL, sighashesAll } from './sighash.js';
import {
  type BitcoinTransaction,
  displayHash,
  outpointOf,
  readOutput,
  readTransaction,
  type TransactionInput,
  type TransactionOutput,
} from './transaction.js';

/**
 * Closed.
 * - `too-large`, `psbt-malformed` (with a reason), `psbt-field-not-allowed`: the container
 * - `transaction-version`, `input-count`, `output-count`, `script-sig-not-empty`, `sequence-not-allowed`,
 *   `locktime-not-allowed`, `input-duplicate`: the unsigned transaction
 * - `previous-transaction-missing`, `-malformed`, `-mismatch` (not the one that the outpoint names),
 *   `previous-output-missing`, `witness-utxo-missing`, `witness-utxo-malformed`, `input-amount-mismatch`,
 *   `input-script-mismatch` (witness UTXO and previous transaction disagree), `input-script-unsupported`,
 *   `sighash-not-all`: an input
 * - `output-script-unsupported`, `output-dust`, `amount-out-of-range`, `fee-negative`: outputs and sums
 */
export type BitcoinDecodeCode =
  | 'too-large'
  | 'psbt-malformed'
  | 'psbt-field-not-allowed'
  | 'transaction-version'
  | 'input-count'
  | 'output-count'
  | 'script-sig-not-empty'
  | 'sequence-not-allowed'
  | 'locktime-not-allowed'
  | 'input-duplicate'
  | 'previous-transaction-missing'
  | 'previous-transaction-malformed'
  | 'previous-transaction-mismatch'
  | 'previous-output-missing'
  | 'witness-utxo-missing'
  | 'witness-utxo-malformed'
  | 'input-amount-mismatch'
  | 'input-script-mismatch'
  | 'input-script-unsupported'
  | 'sighash-not-all'
  | 'output-script-unsupported'
  | 'output-dust'
  | 'amount-out-of-range'
  | 'fee-negative';

type Decoded<T> = Outcome<T, BitcoinDecodeCode>;

export const MAX_PSBT_BYTES = 4_718_592;
/** With the bound on outputs, keeps the weight below the 400,000 that nodes relay. */
export const MAX_INPUTS = 500;
export const MAX_OUTPUTS = 1_000;
/** Signals replaceability (BIP-125), leaves the lock time in force, sets no relative lock (BIP-68). */
export const SEQUENCE = 0xfffffffd;
/** Lock times below are block heights. */
const FIRST_TIMESTAMP_LOCK = 500_000_000;

const NON_WITNESS_UTXO = '00';
const WITNESS_UTXO = '01';
const SIGHASH_TYPE = '03';
const INPUT_FIELDS: ReadonlySet<string> = new Set([NON_WITNESS_UTXO, WITNESS_UTXO, SIGHASH_TYPE]);
const NO_FIELDS: ReadonlySet<string> = new Set();

/** Everything that the bytes say except addresses, which depend on the network. */
export interface UnsignedBitcoin {
  readonly transaction: BitcoinTransaction;
  readonly spent: readonly SpentOutput[];
  readonly feeSats: bigint;
  readonly sighashes: readonly Uint8Array[];
  readonly transactionId: string;
}

function bytesOfBase64(base64: string): Uint8Array | undefined {
  try {
    const binary = atob(base64);
    // `atob` forgives white space, missing padding and stray bits; only the one canonical spelling is let through.
    if (btoa(binary) !== base64) return undefined;
    const bytes = new Uint8Array(binary.length);
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = binary.charCodeAt(at);
    return bytes;
  } catch {
    // Not base64 at all.
    return undefined;
  }
}

function checkFields(psbt: Psbt): Decoded<undefined> {
  const groups: [string, readonly PsbtMap[], ReadonlySet<string>][] = [
    ['global', [psbt.global], new Set([UNSIGNED_TRANSACTION])],
    ['input', psbt.inputs, INPUT_FIELDS],
    ['output', psbt.outputs, NO_FIELDS],
  ];
  for (const [map, maps, allowed] of groups) {
    for (const [index, fields] of maps.entries()) {
      const field = [...fields.keys()].find((key) => !allowed.has(key));
      if (field !== undefined) {
        return refused('psbt-field-not-allowed', { map, index, field: field.slice(0, 80) });
      }
    }
  }
  return accepted(undefined);
}

function checkTransaction({ version, inputs, outputs, lockTime }: BitcoinTransaction): Decoded<undefined> {
  if (version !== 2) return refused('transaction-version', { version });
  if (inputs.length > MAX_INPUTS) return refused('input-count', { inputs: inputs.length, max: MAX_INPUTS });
  if (outputs.length > MAX_OUTPUTS) {
    return refused('output-count', { outputs: outputs.length, max: MAX_OUTPUTS });
  }
  if (lockTime >= FIRST_TIMESTAMP_LOCK) return refused('locktime-not-allowed', { lockTime });
  const outpoints = new Set<string>();
  for (const [inputIndex, input] of inputs.entries()) {
    if (input.scriptSig.length > 0) return refused('script-sig-not-empty', { inputIndex });
    if (input.sequence !== SEQUENCE) {
      return refused('sequence-not-allowed', { inputIndex, sequence: input.sequence });
    }
    const outpoint = outpointOf(input);
    if (outpoints.has(outpoint)) return refused('input-duplicate', { inputIndex, outpoint });
    outpoints.add(outpoint);
  }
  return accepted(undefined);
}

/** The output that `input` spends, from the full previous transaction: the only source that the outpoint commits to. */
function previousOutput(
  input: TransactionInput,
  fields: PsbtMap,
  inputIndex: number,
): Decoded<TransactionOutput> {
  const bytes = fields.get(NON_WITNESS_UTXO);
  if (bytes === undefined) return refused('previous-transaction-missing', { inputIndex });
  const previous = readOrReason(() => readTransaction(bytes, 'skipped'));
  if (!previous.ok) {
    return refused('previous-transaction-malformed', { inputIndex, reason: previous.reason });
  }
  const transactionId = displayHash(previous.value.hash);
  if (transactionId !== displayHash(input.previousHash)) {
    return refused('previous-transaction-mismatch', {
      inputIndex,
      outpoint: outpointOf(input),
      transactionId,
    });
  }
  const output = previous.value.outputs[input.previousIndex];
  return output === undefined
    ? refused('previous-output-missing', { inputIndex, outpoint: outpointOf(input) })
    : accepted(output);
}

function readWitnessUtxo(bytes: Uint8Array): TransactionOutput {
  const reader = new ByteReader(bytes);
  const output = readOutput(reader);
  reader.end();
  return output;
}

function spentOutput(input: TransactionInput, fields: PsbtMap, inputIndex: number): Decoded<SpentOutput> {
  const sighashType = fields.get(SIGHASH_TYPE);
  if (sighashType !== undefined && bytesToHex(sighashType) !== '01000000') {
    return refused('sighash-not-all', { inputIndex, expected: SIGHASH_ALL });
  }
  const previous = previousOutput(input, fields, inputIndex);
  if (previous.kind === 'refused') return previous;
  const { amount } = previous.value;
  const script = bytesToHex(previous.value.script);

  const witnessUtxo = fields.get(WITNESS_UTXO);
  if (witnessUtxo === undefined) return refused('witness-utxo-missing', { inputIndex });
  const stated = readOrReason(() => readWitnessUtxo(witnessUtxo));
  if (!stated.ok) return refused('witness-utxo-malformed', { inputIndex, reason: stated.reason });
  if (stated.value.amount !== amount) {
    return refused('input-amount-mismatch', {
      inputIndex,
      statedSats: stated.value.amount.toString(),
      previousSats: amount.toString(),
    });
  }
  if (bytesToHex(stated.value.script) !== script) return refused('input-script-mismatch', { inputIndex });
  if (!isP2wpkh(script)) {
    return refused('input-script-unsupported', { inputIndex, script: script.slice(0, 80) });
  }
  if (amount > MAX_SATS) return refused('amount-out-of-range', { inputIndex, amountSats: amount.toString() });
  return accepted({
    outpoint: outpointOf(input),
    amountSats: sats(amount),
    script,
    sequence: input.sequence,
  });
}

function spentOutputs(psbt: Psbt): Decoded<SpentOutput[]> {
  const spent: SpentOutput[] = [];
  for (const [index, input] of psbt.transaction.inputs.entries()) {
    const output = spentOutput(input, psbt.inputs[index] ?? new Map(), index);
    if (output.kind === 'refused') return output;
    spent.push(output.value);
  }
  return accepted(spent);
}

function checkOutputs(outputs: readonly TransactionOutput[]): Decoded<undefined> {
  for (const [outputIndex, { amount, script: bytes }] of outputs.entries()) {
    const script = bytesToHex(bytes);
    const amountSats = amount.toString();
    if (amount > MAX_SATS) return refused('amount-out-of-range', { outputIndex, amountSats });
    // Whether a script has an address does not depend on the network.
    if (addressOfScript(script, 'mainnet') === undefined) {
      return refused('output-script-unsupported', { outputIndex, script: script.slice(0, 80) });
    }
    if (amount < dustSats(script)) {
      return refused('output-dust', { outputIndex, amountSats, dustSats: dustSats(script).toString() });
    }
  }
  return accepted(undefined);
}

function feeOf(spent: readonly SpentOutput[], outputs: readonly TransactionOutput[]): Decoded<bigint> {
  const inSats = spent.reduce((sum, input) => sum + input.amountSats, 0n);
  const outSats = outputs.reduce((sum, output) => sum + output.amount, 0n);
  const facts = { inSats: inSats.toString(), outSats: outSats.toString() };
  if (inSats > MAX_SATS || outSats > MAX_SATS) return refused('amount-out-of-range', facts);
  return outSats > inSats ? refused('fee-negative', facts) : accepted(inSats - outSats);
}

/**
 * All that a base64 PSBT (BIP-174 version 0) says, but for addresses. Input is hostile; everything is checked that
 * `decodePsbt` promises.
 */
export function readUnsignedBitcoin(base64: string): Decoded<UnsignedBitcoin> {
  if (base64.length > Math.ceil(MAX_PSBT_BYTES / 3) * 4) {
    return refused('too-large', { characters: base64.length, maxBytes: MAX_PSBT_BYTES });
  }
  const bytes = bytesOfBase64(base64);
  if (bytes === undefined) return refused('psbt-malformed', { reason: 'not canonical base64' });
  const read = readOrReason(() => readPsbt(bytes));
  if (!read.ok) return refused('psbt-malformed', { reason: read.reason });
  const psbt = read.value;
  const { transaction } = psbt;

  const structure = checkTransaction(transaction);
  if (structure.kind === 'refused') return structure;
  const fields = checkFields(psbt);
  if (fields.kind === 'refused') return fields;
  const spent = spentOutputs(psbt);
  if (spent.kind === 'refused') return spent;
  const outputs = checkOutputs(transaction.outputs);
  if (outputs.kind === 'refused') return outputs;
  const fee = feeOf(spent.value, transaction.outputs);
  if (fee.kind === 'refused') return fee;

  return accepted({
    transaction,
    spent: spent.value,
    feeSats: fee.value,
    sighashes: sighashesAll(
      transaction,
      spent.value.map(({ amountSats, script }) => ({ amount: amountSats, script: hexToBytes(script) })),
    ),
    transactionId: displayHash(transaction.hash),
  });
}

/**
 * Virtual bytes once signed: every witness a count, a DER signature of at most 71 bytes (low s) with its sighash byte,
 * and a compressed key, each with a length. BIP-141.
 */
function signedVbytes({ inputs, outputs }: BitcoinTransaction): number {
  const count = (items: number) => (items < 0xfd ? 1 : 3);
  const outputBytes = outputs.reduce((sum, output) => sum + 8 + 1 + output.script.length, 0);
  const base = 4 + count(inputs.length) + inputs.length * 41 + count(outputs.length) + outputBytes + 4;
  const witness = 2 + inputs.length * (1 + 1 + 72 + 1 + 33);
  return Math.ceil((base * 4 + witness) / 4);
}

/**
 * What a base64 PSBT (BIP-174 version 0, unsigned, all inputs P2WPKH with SIGHASH_ALL) would really do on `network`.
 * Input is hostile. The fee is the exact difference of previous outputs and outputs, never estimated. A PSBT that is
 * accepted has no second encoding: its bytes follow from what they say.
 */
export function decodePsbt(base64: string, network: BitcoinNetwork): Decoded<BitcoinIntent> {
  const read = readUnsignedBitcoin(base64);
  return read.kind === 'refused' ? read : intentOf(read.value, network);
}

/** What a transaction that was read would do on `network`. */
export function intentOf(unsigned: UnsignedBitcoin, network: BitcoinNetwork): Decoded<BitcoinIntent> {
  const { transaction, spent, feeSats, sighashes, transactionId } = unsigned;
  const outputs: CreatedOutput[] = [];
  for (const [outputIndex, output] of transaction.outputs.entries()) {
    const script = bytesToHex(output.script);
    const address = addressOfScript(script, network);
    if (address === undefined) return refused('output-script-unsupported', { outputIndex });
    outputs.push({ amountSats: sats(output.amount), script, address });
  }
  return accepted({
    family: 'bitcoin',
    version: transaction.version,
    lockTime: transaction.lockTime,
    inputs: spent,
    outputs,
    feeSats: sats(feeSats),
    signedVbytes: signedVbytes(transaction),
    sighashes,
    transactionId,
  });
}
