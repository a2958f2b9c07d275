// Signed Ethereum transactions: put together from the unsigned bytes and a token's signature, and checked against the
// intent that was decoded before. For the signer as its last step, and for whoever verifies offline. It signs nothing.

import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import { accepted, type Facts, Fault, type Outcome, refused } from '../../fault.js';
import { isLowS, recoverPublicKey } from '../ecdsa.js';
import type { EthereumIntent } from '../intent.js';
import { addressOfPublicKey } from './address.js';
import { readEip1559, signingHashOf } from './decode.js';
import { type RlpItem, rlpList } from './rlp.js';

export type EthereumAssembleFaultCode = 'unsigned-refused' | 'signature-malformed';

/**
 * Closed.
 * - `signed-malformed`: no signed type-2 transaction, or a signature that is not in its one form (low s, no leading zero)
 * - `transaction-mismatch`: another transaction than the intent's
 * - `signature-invalid`: not signed by the wallet's key
 */
export type EthereumSignedCode = 'signed-malformed' | 'transaction-mismatch' | 'signature-invalid';

export interface SignedEthereum {
  /** keccak256 of the signed bytes, `0x` and lower-case hex. */
  readonly transactionId: string;
  readonly yParity: 0 | 1;
  /** r || s, low s. */
  readonly rs64: Uint8Array;
}

/** A number as RLP carries it. */
function trimmed(bytes: Uint8Array): RlpItem {
  const first = bytes.findIndex((byte) => byte !== 0);
  return { kind: 'bytes', payload: first === -1 ? new Uint8Array(0) : bytes.subarray(first) };
}

function padded32({ payload }: RlpItem): Uint8Array {
  const bytes = new Uint8Array(32);
  bytes.set(payload, 32 - payload.length);
  return bytes;
}

function isTrimmed({ kind, payload }: RlpItem): boolean {
  return kind === 'bytes' && payload.length <= 32 && payload[0] !== 0;
}

function unsignedRefused(facts: Facts): Fault<EthereumAssembleFaultCode> {
  return new Fault('unsigned-refused', 'not an unsigned transaction', { facts });
}

function transactionIdOf(bytes: Uint8Array): string {
  return `0x${bytesToHex(keccak_256(bytes))}`;
}

/**
 * The signed transaction (lower-case hex, no 0x) and its id. `hex` is an unsigned transaction that `decodeEip1559` has
 * accepted, `rs64` a low-s signature of its signing hash, `yParity` from `recoveryIdOf`. Throws `unsigned-refused` when it
 * is not nine fields and no more, `signature-malformed`. Whose signature it is, is for `verifySignedEthereum` to say.
 */
export function assembleEthereum(
  hex: string,
  rs64: Uint8Array,
  yParity: 0 | 1,
): { readonly hex: string; readonly transactionId: string } {
  const fields = readEip1559(hex);
  if (fields.kind === 'refused') throw unsignedRefused({ ...fields.facts, code: fields.code });
  const { unsigned, signature } = fields.value;
  if (unsigned.length !== 9 || signature.length > 0) {
    throw unsignedRefused({ fields: unsigned.length + signature.length });
  }
  if (!isLowS(rs64)) {
    throw new Fault<EthereumAssembleFaultCode>('signature-malformed', 'not a 64-byte signature with low s');
  }
  const signed = concatBytes(
    Uint8Array.of(2),
    rlpList([
      ...unsigned,
      trimmed(Uint8Array.of(yParity)),
      trimmed(rs64.subarray(0, 32)),
      trimmed(rs64.subarray(32)),
    ]),
  );
  return { hex: bytesToHex(signed), transactionId: transactionIdOf(signed) };
}

/**
 * Whether a signed transaction (lower-case hex, no 0x) is the one of the intent and signed by `address` (EIP-55).
 * `hex` is hostile; the intent comes from decoding the unsigned bytes.
 */
export function verifySignedEthereum(
  hex: string,
  intent: Pick<EthereumIntent, 'signingHash'>,
  address: string,
): Outcome<SignedEthereum, EthereumSignedCode> {
  const fields = readEip1559(hex);
  if (fields.kind === 'refused') return refused('signed-malformed', { ...fields.facts, reason: fields.code });
  const [parity, r, s, ...more] = fields.value.signature;
  if (parity === undefined || r === undefined || s === undefined || more.length > 0) {
    return refused('signed-malformed', { reason: 'not twelve fields' });
  }
  const yParity = parity.payload.length === 0 ? 0 : 1;
  const flawless = parity.kind === 'bytes' && (yParity === 0 || bytesToHex(parity.payload) === '01');
  if (!flawless || !isTrimmed(r) || !isTrimmed(s)) {
    return refused('signed-malformed', { reason: 'signature is not in its one encoding' });
  }
  const rs64 = concatBytes(padded32(r), padded32(s));
  if (!isLowS(rs64))
    return refused('signed-malformed', { reason: 'signature is out of range or has a high s' });
  const digest = signingHashOf(fields.value.unsigned);
  if (bytesToHex(digest) !== bytesToHex(intent.signingHash)) {
    return refused('transaction-mismatch', { signingHash: bytesToHex(digest) });
  }
  const publicKey = recoverPublicKey(digest, rs64, yParity);
  if (publicKey === undefined || addressOfPublicKey(bytesToHex(publicKey)) !== address) {
    return refused('signature-invalid', { address });
  }
  return accepted({ transactionId: transactionIdOf(hexToBytes(hex)), yParity, rs64 });
}
