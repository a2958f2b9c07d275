// The container of BIP-174, version 0: key-value maps around an unsigned transaction. It reads strictly (shortest
// lengths, keys in ascending order and so each once, nothing after the end), which leaves every PSBT one encoding. What
// the fields say, and which may be there, is decode.ts.

import { bytesToHex } from '@noble/hashes/utils.js';
import { ByteReader, malformed } from './bytes.js';
import { type BitcoinTransaction, readTransaction } from './transaction.js';

/** One key-value map: value by key, the key in lower-case hex with its type first. */
export type PsbtMap = ReadonlyMap<string, Uint8Array>;

export interface Psbt {
  readonly transaction: BitcoinTransaction;
  readonly global: PsbtMap;
  /** One for each input and output of the transaction. */
  readonly inputs: readonly PsbtMap[];
  readonly outputs: readonly PsbtMap[];
}

/** Key of the unsigned transaction in the global map. */
export const UNSIGNED_TRANSACTION = '00';

/** More than any honest map has: bounds what hostile bytes can make us hold. */
const MAX_FIELDS = 32;

const MAGIC = '70736274ff';

function readMap(reader: ByteReader): PsbtMap {
  const map = new Map<string, Uint8Array>();
  let last = '';
  for (let keyBytes = reader.compactSize(); keyBytes > 0; keyBytes = reader.compactSize()) {
    const key = bytesToHex(reader.take(keyBytes));
    if (key <= last) throw malformed('keys of a map are not in ascending order');
    if (map.size === MAX_FIELDS) throw malformed('too many fields in a map');
    last = key;
    map.set(key, reader.varBytes());
  }
  return map;
}

/** Input is hostile. Throws `bytes-malformed`. */
export function readPsbt(bytes: Uint8Array): Psbt {
  const reader = new ByteReader(bytes);
  if (bytesToHex(reader.take(5)) !== MAGIC) throw malformed('magic bytes missing');
  const global = readMap(reader);
  const unsigned = global.get(UNSIGNED_TRANSACTION);
  if (unsigned === undefined) throw malformed('unsigned transaction missing');
  const transaction = readTransaction(unsigned, 'none');
  const inputs = transaction.inputs.map(() => readMap(reader));
  const outputs = transaction.outputs.map(() => readMap(reader));
  reader.end();
  return { transaction, global, inputs, outputs };
}
