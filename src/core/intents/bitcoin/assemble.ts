// Signed Bitcoin transactions: put together from a PSBT and a token's signatures, read back, and checked against the
// intent that was decoded before. For the signer as its last step, and for whoever verifies offline. It signs nothing.

import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import { accepted, Fault, type Outcome, refused } from '../../fault.js';
import {
  isLowS,
  normaliseLowS,
  portableSecp256k1,
  publicKeyBytes,
  type Secp256k1,
  verifyDigest,
} from '../ecdsa.js';
import type { BitcoinIntent } from '../intent.js';
import { p2wpkhScript } from './address.js';
import { readOrReason } from './bytes.js';
import { readUnsignedBitcoin, type UnsignedBitcoin } from './decode.js';
import { SIGHASH_ALL } from './sighash.js';
import {
  displayHash,
  outpointOf,
  readTransaction,
  type TransactionInput,
  writeTransaction,
} from './transaction.js';

/** One input's signature: r || s over the intent's digest, by the compressed key (lower-case hex) that owns the input. */
export interface InputSignature {
  readonly publicKey: string;
  /** High or low s. */
  readonly rs64: Uint8Array;
}

export type BitcoinAssembleFaultCode = 'unsigned-refused' | 'signature-count' | 'signed-refused';

/**
 * Closed.
 * - `signed-malformed`: no transaction, or not all inputs P2WPKH witnesses
 * - `witness-malformed`: not exactly a strict DER low-s signature with SIGHASH_ALL and a compressed key
 * - `transaction-mismatch`: another transaction than the intent's
 * - `public-key-mismatch`, `signature-invalid`: an input signed by a key that does not own it, or not validly
 */
export type BitcoinSignedCode =
  | 'signed-malformed'
  | 'witness-malformed'
  | 'transaction-mismatch'
  | 'public-key-mismatch'
  | 'signature-invalid';

export interface SignedBitcoin {
  readonly transactionId: string;
  readonly version: number;
  readonly lockTime: number;
  readonly inputs: readonly {
    readonly outpoint: string;
    readonly sequence: number;
    readonly publicKey: string;
    /** Low s. */
    readonly rs64: Uint8Array;
  }[];
  readonly outputs: readonly { readonly amountSats: bigint; readonly script: string }[];
}

/** The most that nodes relay; a larger one was never made here. */
const MAX_SIGNED_BYTES = 400_000;

function derBytes(rs64: Uint8Array): Uint8Array {
  return secp256k1.Signature.fromBytes(rs64, 'compact').toBytes('der');
}

/** r || s of a strict DER signature (BIP-66), or undefined. Input is hostile. */
function rs64OfDer(der: Uint8Array): Uint8Array | undefined {
  try {
    const rs64 = secp256k1.Signature.fromBytes(der, 'der').toBytes('compact');
    return isLowS(rs64) ? rs64 : undefined;
  } catch {
    // The library throws for anything but the one encoding that DER has of a signature.
    return undefined;
  }
}

function signatureOfWitness({ witness }: TransactionInput): InputSignature | undefined {
  const [signature, key] = witness;
  if (witness.length !== 2 || signature === undefined || key === undefined || key.length !== 33) {
    return undefined;
  }
  if (signature.at(-1) !== SIGHASH_ALL) return undefined;
  const rs64 = rs64OfDer(signature.subarray(0, -1));
  return rs64 === undefined ? undefined : { publicKey: bytesToHex(key), rs64 };
}

/** Reads a signed transaction (lower-case hex) whose inputs are all P2WPKH. Input is hostile. Checks no signature. */
export function decodeSignedBitcoin(hex: string): Outcome<SignedBitcoin, BitcoinSignedCode> {
  if (hex.length > MAX_SIGNED_BYTES * 2 || !/^(?:[0-9a-f]{2})+$/.test(hex)) {
    return refused('signed-malformed', { reason: 'not lower-case hex of a bounded length' });
  }
  const read = readOrReason(() => readTransaction(hexToBytes(hex), 'kept'));
  if (!read.ok) return refused('signed-malformed', { reason: read.reason });
  const { version, lockTime, outputs, hash } = read.value;
  const inputs = [];
  for (const [inputIndex, input] of read.value.inputs.entries()) {
    if (input.scriptSig.length > 0) {
      return refused('signed-malformed', { inputIndex, reason: 'scriptSig is not empty' });
    }
    const signature = signatureOfWitness(input);
    if (signature === undefined) return refused('witness-malformed', { inputIndex });
    inputs.push({ outpoint: outpointOf(input), sequence: input.sequence, ...signature });
  }
  return accepted({
    transactionId: displayHash(hash),
    version,
    lockTime,
    inputs,
    outputs: outputs.map(({ amount, script }) => ({ amountSats: amount, script: bytesToHex(script) })),
  });
}

/**
 * Whether a signed transaction (lower-case hex) is the one of the intent, with a valid signature of each input's owner.
 * `hex` is hostile; the intent comes from decoding the unsigned bytes.
 */
export function verifySignedBitcoin(
  hex: string,
  intent: Pick<BitcoinIntent, 'transactionId' | 'inputs' | 'sighashes'>,
  curve = portableSecp256k1,
): Outcome<SignedBitcoin, BitcoinSignedCode> {
  const decoded = decodeSignedBitcoin(hex);
  if (decoded.kind === 'refused') return decoded;
  const { transactionId, inputs } = decoded.value;
  // The txid covers all but the witnesses: equal ids mean equal inputs, outputs, sequences and lock time.
  if (transactionId !== intent.transactionId || inputs.length !== intent.inputs.length) {
    return refused('transaction-mismatch', { transactionId, expected: intent.transactionId });
  }
  const scripts = new Map<string, string | undefined>();
  for (const [inputIndex, { publicKey, rs64 }] of inputs.entries()) {
    const spent = intent.inputs[inputIndex];
    const digest = intent.sighashes[inputIndex];
    if (spent === undefined || digest === undefined) return refused('transaction-mismatch', { inputIndex });
    if (!scripts.has(publicKey)) scripts.set(publicKey, ownScriptOf(publicKey, curve));
    if (scripts.get(publicKey) !== spent.script) {
      return refused('public-key-mismatch', { inputIndex, publicKey });
    }
    if (!verifyDigest(publicKey, digest, rs64, curve))
      return refused('signature-invalid', { inputIndex, publicKey });
  }
  return decoded;
}

function ownScriptOf(publicKey: string, curve: Secp256k1): string | undefined {
  try {
    return p2wpkhScript(publicKey, curve);
  } catch {
    // 33 bytes that are no point: nobody's script.
    return undefined;
  }
}

/**
 * The signed transaction (lower-case hex) of a PSBT and one signature for each input, in their order. Throws
 * `unsigned-refused` (facts name the code beneath), and what `assembleUnsigned` throws.
 */
export function assembleBitcoin(
  base64: string,
  signatures: readonly InputSignature[],
  curve = portableSecp256k1,
): AssembledBitcoin {
  const unsigned = readUnsignedBitcoin(base64);
  if (unsigned.kind === 'refused') {
    throw new Fault<BitcoinAssembleFaultCode>('unsigned-refused', 'the PSBT is not one that may be signed', {
      facts: { ...unsigned.facts, code: unsigned.code },
    });
  }
  return assembleUnsigned(unsigned.value, signatures, curve);
}

export interface AssembledBitcoin {
  readonly hex: string;
  readonly transactionId: string;
}

/**
 * The same of a PSBT that was read before. The finished bytes are read back, and every signature in them verified,
 * before they are returned. Throws `signature-count`, `signed-refused` (facts name the code beneath),
 * `signature-malformed`, `public-key-malformed`.
 */
export function assembleUnsigned(
  { transaction, spent, sighashes, transactionId }: UnsignedBitcoin,
  signatures: readonly InputSignature[],
  curve = portableSecp256k1,
): AssembledBitcoin {
  if (signatures.length !== transaction.inputs.length) {
    throw new Fault<BitcoinAssembleFaultCode>('signature-count', 'not one signature for each input', {
      facts: { signatures: signatures.length, inputs: transaction.inputs.length },
    });
  }
  const witnesses = signatures.map(({ publicKey, rs64 }) => [
    concatBytes(derBytes(normaliseLowS(rs64)), Uint8Array.of(SIGHASH_ALL)),
    publicKeyBytes(publicKey, curve),
  ]);
  const hex = bytesToHex(
    writeTransaction({
      ...transaction,
      inputs: transaction.inputs.map((input, index) => ({ ...input, witness: witnesses[index] ?? [] })),
    }),
  );
  const verified = verifySignedBitcoin(hex, { transactionId, inputs: spent, sighashes }, curve);
  if (verified.kind === 'refused') {
    throw new Fault<BitcoinAssembleFaultCode>('signed-refused', 'the signed transaction does not verify', {
      facts: { ...verified.facts, code: verified.code },
    });
  }
  return { hex, transactionId };
}
