// From the bytes of an unsigned type-2 transaction (EIP-1559) to what it would really do: move the chain's coin, or call
// `transfer(address,uint256)` on a contract. Everything else is refused here, where no policy and no quorum can allow it.
// It does NOT know which contracts are registered or what was asked; that is match.ts.

import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import { accepted, Fault, type Outcome, refused } from '../../fault.js';
import { MAX_UINT256, wei } from '../../money/amount.js';
import { toBigInt } from '../ecdsa.js';
import type { EthereumIntent } from '../intent.js';
import { checksumAddress } from './address.js';
import { type RlpItem, readRlpList, rlpList } from './rlp.js';

/**
 * Closed.
 * - `too-large`, `transaction-malformed` (with a reason), `already-signed`: not the bytes of an unsigned transaction
 * - `authorization-list` (type 4, EIP-7702), `transaction-type` (any other than 2), `access-list-not-empty`,
 *   `contract-creation`: kinds that are never signed
 * - `chain-id-out-of-range`, `nonce-out-of-range`, `gas-limit-out-of-range`, `priority-fee-above-max-fee`,
 *   `fee-out-of-range`, `amount-out-of-range`: numbers
 * - `destination-zero`: coins or tokens to the zero address
 * - `selector-not-allowed`, `calldata-malformed`, `value-with-calldata`: calls that are not exactly a token transfer
 */
export type EthereumDecodeCode =
  | 'too-large'
  | 'transaction-malformed'
  | 'already-signed'
  | 'authorization-list'
  | 'transaction-type'
  | 'access-list-not-empty'
  | 'contract-creation'
  | 'chain-id-out-of-range'
  | 'nonce-out-of-range'
  | 'gas-limit-out-of-range'
  | 'priority-fee-above-max-fee'
  | 'fee-out-of-range'
  | 'amount-out-of-range'
  | 'destination-zero'
  | 'selector-not-allowed'
  | 'calldata-malformed'
  | 'value-with-calldata';

type Decoded<T> = Outcome<T, EthereumDecodeCode>;

/** Several times what a token transfer takes, signed. */
export const MAX_TRANSACTION_BYTES = 1_024;
export const MIN_GAS_LIMIT = 21_000n;
export const MAX_GAS_LIMIT = 1_000_000n;
const MAX_SAFE = (1n << 53n) - 1n;
/** A thousand ether for each unit of gas: a bound so that products stay far below 2^256, not a fee policy. */
const MAX_FEE_PER_GAS = 10n ** 21n;

const EIP1559_TYPE = 2;
const EIP7702_TYPE = 4;
/** `transfer(address,uint256)`, ERC-20. */
const TRANSFER_SELECTOR = 'a9059cbb';
const CALLDATA_BYTES = 4 + 32 + 32;

/** The items of a type-2 payload, nine unsigned or twelve signed. */
export interface Eip1559Fields {
  readonly unsigned: readonly RlpItem[];
  /** yParity, r, s; none when unsigned. */
  readonly signature: readonly RlpItem[];
}

/** Lower-case hex without 0x to the fields of a type-2 transaction. Input is hostile. */
export function readEip1559(hex: string): Decoded<Eip1559Fields> {
  if (hex.length > MAX_TRANSACTION_BYTES * 2) return refused('too-large', { characters: hex.length });
  if (!/^(?:[0-9a-f]{2})+$/.test(hex)) {
    return refused('transaction-malformed', { reason: 'not lower-case hex without 0x' });
  }
  const bytes = hexToBytes(hex);
  const type = bytes[0] ?? 0xff;
  if (type === EIP7702_TYPE) return refused('authorization-list', { type });
  if (type !== EIP1559_TYPE) return refused('transaction-type', { type });
  try {
    const items = readRlpList(bytes.subarray(1));
    return accepted({ unsigned: items.slice(0, 9), signature: items.slice(9) });
  } catch (error) {
    if (error instanceof Fault && error.code === 'rlp-malformed') {
      return refused('transaction-malformed', { reason: error.message });
    }
    throw error;
  }
}

/** keccak256 of the unsigned serialization: what is signed (EIP-1559). */
export function signingHashOf(unsigned: readonly RlpItem[]): Uint8Array {
  return keccak_256(concatBytes(Uint8Array.of(EIP1559_TYPE), rlpList(unsigned)));
}

/** A number as RLP carries it: big-endian, no leading zero, at most 32 bytes. */
function integer(item: RlpItem | undefined): bigint | undefined {
  if (item?.kind !== 'bytes' || item.payload.length > 32 || item.payload[0] === 0) return undefined;
  return toBigInt(item.payload);
}

function bytesOf(item: RlpItem | undefined): Uint8Array | undefined {
  return item?.kind === 'bytes' ? item.payload : undefined;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

type Movement = EthereumIntent['movement'];

function tokenTransfer(to: Uint8Array, value: bigint, data: Uint8Array): Decoded<Movement> {
  const selector = bytesToHex(data.subarray(0, 4));
  if (selector !== TRANSFER_SELECTOR) return refused('selector-not-allowed', { selector });
  if (data.length !== CALLDATA_BYTES || !isZero(data.subarray(4, 16))) {
    return refused('calldata-malformed', { bytes: data.length });
  }
  if (value !== 0n) return refused('value-with-calldata', { amountWei: value.toString() });
  const recipient = data.subarray(16, 36);
  if (isZero(recipient)) return refused('destination-zero');
  return accepted({
    kind: 'erc20-transfer',
    contract: checksumAddress(to),
    to: checksumAddress(recipient),
    amountUnits: toBigInt(data.subarray(36)),
  });
}

function movementOf(to: Uint8Array, value: bigint, data: Uint8Array): Decoded<Movement> {
  if (to.length === 0) return refused('contract-creation');
  if (to.length !== 20) return refused('transaction-malformed', { reason: 'destination is not 20 bytes' });
  if (isZero(to)) return refused('destination-zero');
  if (data.length > 0) return tokenTransfer(to, value, data);
  return accepted({ kind: 'native', to: checksumAddress(to), amountWei: wei(value) });
}

/**
 * What an unsigned type-2 transaction (lower-case hex, no 0x, EIP-2718 type byte first) would really do. Input is
 * hostile. Data decides the kind: none is a native transfer, any must be exactly one `transfer(address,uint256)`.
 * A transaction that is accepted has no second encoding.
 */
export function decodeEip1559(hex: string): Decoded<EthereumIntent> {
  const fields = readEip1559(hex);
  if (fields.kind === 'refused') return fields;
  const { unsigned, signature } = fields.value;
  if (signature.length === 3) return refused('already-signed');
  if (unsigned.length !== 9 || signature.length > 0) {
    return refused('transaction-malformed', { reason: 'not nine fields' });
  }

  const chainIdNumber = integer(unsigned[0]);
  const nonce = integer(unsigned[1]);
  const priorityFee = integer(unsigned[2]);
  const maxFee = integer(unsigned[3]);
  const gasLimit = integer(unsigned[4]);
  const to = bytesOf(unsigned[5]);
  const value = integer(unsigned[6]);
  const data = bytesOf(unsigned[7]);
  const accessList = unsigned[8];
  if (
    chainIdNumber === undefined ||
    nonce === undefined ||
    priorityFee === undefined ||
    maxFee === undefined ||
    gasLimit === undefined ||
    to === undefined ||
    value === undefined ||
    data === undefined ||
    accessList?.kind !== 'list'
  ) {
    return refused('transaction-malformed', { reason: 'a field is of the wrong kind' });
  }

  if (accessList.payload.length > 0) return refused('access-list-not-empty');
  if (chainIdNumber < 1n || chainIdNumber > MAX_SAFE) {
    return refused('chain-id-out-of-range', { chainId: chainIdNumber.toString() });
  }
  if (nonce > MAX_SAFE) return refused('nonce-out-of-range', { nonce: nonce.toString() });
  if (gasLimit < MIN_GAS_LIMIT || gasLimit > MAX_GAS_LIMIT) {
    return refused('gas-limit-out-of-range', { gasLimit: gasLimit.toString() });
  }
  if (maxFee > MAX_FEE_PER_GAS) return refused('fee-out-of-range', { maxFeePerGasWei: maxFee.toString() });
  if (priorityFee > maxFee) {
    return refused('priority-fee-above-max-fee', {
      maxFeePerGasWei: maxFee.toString(),
      maxPriorityFeePerGasWei: priorityFee.toString(),
    });
  }
  const maxFeeWei = gasLimit * maxFee;
  if (value > MAX_UINT256 - maxFeeWei) {
    return refused('amount-out-of-range', { amountWei: value.toString() });
  }
  const movement = movementOf(to, value, data);
  if (movement.kind === 'refused') return movement;

  return accepted({
    family: 'ethereum',
    chainIdNumber,
    nonce,
    gasLimit,
    maxFeePerGasWei: wei(maxFee),
    maxPriorityFeePerGasWei: wei(priorityFee),
    maxFeeWei: wei(maxFeeWei),
    movement: movement.value,
    signingHash: signingHashOf(unsigned),
  });
}
