// Unsigned type-2 transactions for tests, honest or with any one field wrong, encoded by ethers so that nothing of the
// code under test takes part. Not for production: its keys are known.

import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { encodeRlp, Interface, keccak256, Transaction } from 'ethers';
import { pointFromScalar, privateNegate, sign } from 'tiny-secp256k1';
import type { Erc20Token } from '../../governance/entry.js';
import { addressOfPublicKey } from './address.js';

export const CHAIN_ID = 31_337n;
export const SECRET = hexToBytes('4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318');
export const PUBLIC_KEY = bytesToHex(pointFromScalar(SECRET, true) ?? new Uint8Array(0));
export const OWN_ADDRESS = addressOfPublicKey(PUBLIC_KEY);
export const ALICE = '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb';
export const MALLORY = '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB';
export const TOKEN_CONTRACT = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';
export const OTHER_CONTRACT = '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359';

const erc20 = new Interface([
  'function transfer(address to, uint256 amount) returns (bool)',
  'function approve(address spender, uint256 amount) returns (bool)',
  'function transferFrom(address from, address to, uint256 amount) returns (bool)',
]);

export function calldata(method: 'transfer' | 'approve', to: string, amount: bigint): string {
  return erc20.encodeFunctionData(method, [to, amount]);
}

export function transferFromCalldata(from: string, to: string, amount: bigint): string {
  return erc20.encodeFunctionData('transferFrom', [from, to, amount]);
}

export const TOKEN: Erc20Token = {
  chain: `eip155:${CHAIN_ID}`,
  contract: TOKEN_CONTRACT,
  symbol: 'TST',
  decimals: 6,
  codeHash: 'ab'.repeat(32),
};

export interface TransactionFields {
  chainId: bigint;
  nonce: bigint;
  maxPriorityFeePerGas: bigint;
  maxFeePerGas: bigint;
  gasLimit: bigint;
  to: string;
  value: bigint;
  data: string;
}

export const NATIVE: TransactionFields = {
  chainId: CHAIN_ID,
  nonce: 7n,
  maxPriorityFeePerGas: 1_000_000_000n,
  maxFeePerGas: 30_000_000_000n,
  gasLimit: 21_000n,
  to: ALICE,
  value: 10n ** 18n,
  data: '0x',
};

export const ERC20: TransactionFields = {
  ...NATIVE,
  gasLimit: 60_000n,
  to: TOKEN_CONTRACT,
  value: 0n,
  data: calldata('transfer', ALICE, 2_500_000n),
};

/** As ethers writes it; hex without 0x. */
export function unsignedHex(fields: TransactionFields): string {
  const { nonce, to, ...rest } = fields;
  const transaction = Transaction.from({ ...rest, to: to === '' ? null : to, nonce: Number(nonce), type: 2 });
  return transaction.unsignedSerialized.slice(2);
}

/** A number as RLP carries it. */
export function rlpNumber(value: bigint): string {
  const hex = value.toString(16);
  return value === 0n ? '0x' : `0x${hex.length % 2 === 1 ? '0' : ''}${hex}`;
}

type Rlp = string | Rlp[];

/** The nine fields in their order, for tests that put something else in their place. */
export function rawFields(fields: TransactionFields): Rlp[] {
  const { chainId, nonce, maxPriorityFeePerGas, maxFeePerGas, gasLimit, to, value, data } = fields;
  return [
    rlpNumber(chainId),
    rlpNumber(nonce),
    rlpNumber(maxPriorityFeePerGas),
    rlpNumber(maxFeePerGas),
    rlpNumber(gasLimit),
    to.toLowerCase(),
    rlpNumber(value),
    data,
    [],
  ];
}

/** Hex without 0x of a type byte and an RLP list. */
export function rawHex(fields: Rlp[], type = '02'): string {
  return `${type}${encodeRlp(fields).slice(2)}`;
}

export function signingHash(hex: string): Uint8Array {
  return hexToBytes(keccak256(`0x${hex}`).slice(2));
}

/** r || s as a token may give it: with a high s when asked. */
export function tokenSignature(digest: Uint8Array, highS: boolean, secret: Uint8Array = SECRET): Uint8Array {
  const rs64 = sign(digest, secret).slice();
  if (highS) rs64.set(privateNegate(rs64.slice(32)), 32);
  return rs64;
}
