// PSBTs for tests, honest or with any one thing wrong. Transactions are serialized by bitcoinjs-lib and the container is
// written here field by field, so nothing of the code under test takes part. Not for production: its keys are known.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import { Transaction } from 'bitcoinjs-lib';
import { pointFromScalar, privateNegate, sign } from 'tiny-secp256k1';
import { p2wpkhScript } from './address.js';

export interface TestKey {
  readonly secret: Uint8Array;
  readonly publicKey: string;
  /** P2WPKH scriptPubKey, hex. */
  readonly script: string;
}

/** The same key for the same name. */
export function testKey(name: string): TestKey {
  const secret = sha256(new TextEncoder().encode(`test key ${name}`));
  const publicKey = bytesToHex(pointFromScalar(secret, true) ?? new Uint8Array(0));
  return { secret, publicKey, script: p2wpkhScript(publicKey) };
}

/** r || s as a token may give it: with a high s when asked. */
export function tokenSignature(key: TestKey, digest: Uint8Array, highS: boolean): Uint8Array {
  const rs64 = sign(digest, key.secret).slice();
  if (highS) rs64.set(privateNegate(rs64.slice(32)), 32);
  return rs64;
}

export interface Coin {
  readonly script: string;
  readonly sats: bigint;
}

/** A transaction with these outputs; `salt` makes its id its own. With a witness when asked. */
export function previousTransaction(coins: readonly Coin[], salt: number, witness = false): Transaction {
  const transaction = new Transaction();
  transaction.version = 2;
  const saltHash = sha256(new TextEncoder().encode(`previous ${salt}`));
  transaction.addInput(
    saltHash,
    0,
    0xfffffffd,
    witness ? new Uint8Array(0) : Uint8Array.of(0x51, salt & 0x7f),
  );
  if (witness) transaction.setWitness(0, [new Uint8Array(71).fill(7), new Uint8Array(33).fill(2)]);
  transaction.outs = coins.map(({ script, sats }) => ({ script: hexToBytes(script), value: sats }));
  return transaction;
}

export interface DraftInput {
  previous: Transaction;
  hash: Uint8Array;
  index: number;
  sequence: number;
  scriptSig: Uint8Array;
  /** PSBT fields: key in hex to value in hex. */
  fields: Record<string, string>;
}

export interface Draft {
  version: number;
  lockTime: number;
  inputs: DraftInput[];
  outputs: { script: string; sats: bigint; fields: Record<string, string> }[];
  globalFields: Record<string, string>;
}

function lengthBytes(length: number): Uint8Array {
  if (length < 0xfd) return Uint8Array.of(length);
  const wide = new Uint8Array(5);
  const view = new DataView(wide.buffer);
  wide[0] = length <= 0xffff ? 0xfd : 0xfe;
  if (length <= 0xffff) view.setUint16(1, length, true);
  else view.setUint32(1, length, true);
  return length <= 0xffff ? wide.slice(0, 3) : wide;
}

export function witnessUtxo({ script, sats }: Coin): string {
  const amount = new Uint8Array(8);
  new DataView(amount.buffer).setBigUint64(0, sats, true);
  const bytes = hexToBytes(script);
  return bytesToHex(concatBytes(amount, lengthBytes(bytes.length), bytes));
}

export function inputOf(previous: Transaction, index: number): DraftInput {
  const spent = previous.outs[index];
  const utxo = spent
    ? { '01': witnessUtxo({ script: bytesToHex(spent.script), sats: BigInt(spent.value) }) }
    : {};
  return {
    previous,
    hash: previous.getHash(),
    index,
    sequence: 0xfffffffd,
    scriptSig: new Uint8Array(0),
    fields: { '00': previous.toHex(), ...utxo },
  };
}

/** One input for each coin, each from a transaction of its own. */
export function draftOf(coins: readonly Coin[], outputs: readonly Coin[]): Draft {
  return {
    version: 2,
    lockTime: 800_000,
    inputs: coins.map((coin, index) => inputOf(previousTransaction([coin], index), 0)),
    outputs: outputs.map((output) => ({ ...output, fields: {} })),
    globalFields: {},
  };
}

function mapBytes(fields: Record<string, string>): Uint8Array {
  const entries = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
  const parts = entries.flatMap(([key, value]) => [hexToBytes(key), hexToBytes(value)]);
  return concatBytes(...parts.flatMap((part) => [lengthBytes(part.length), part]), Uint8Array.of(0));
}

export function unsignedTransaction(draft: Draft): Transaction {
  const transaction = new Transaction();
  transaction.version = draft.version;
  transaction.locktime = draft.lockTime;
  for (const { hash, index, sequence, scriptSig } of draft.inputs) {
    transaction.addInput(hash, index, sequence, scriptSig);
  }
  transaction.outs = draft.outputs.map(({ script, sats }) => ({ script: hexToBytes(script), value: sats }));
  return transaction;
}

export function psbtBytes(draft: Draft): Uint8Array {
  return concatBytes(
    hexToBytes('70736274ff'),
    mapBytes({ '00': unsignedTransaction(draft).toHex(), ...draft.globalFields }),
    ...draft.inputs.map((input) => mapBytes(input.fields)),
    ...draft.outputs.map((output) => mapBytes(output.fields)),
  );
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

export function psbtOf(draft: Draft): string {
  return toBase64(psbtBytes(draft));
}
