// A planned type-2 transaction: what the pipeline keeps as text, and the one sequence of bytes that it stands for.
// Pure. Where nonce and fees come from is nonces.store.ts and fees.ts.

import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { Fault } from '../../../core/fault.js';
import { decodeEip1559 } from '../../../core/intents/ethereum/decode.js';
import { type RlpItem, rlpList } from '../../../core/intents/ethereum/rlp.js';
import { baseUnits, chainId, evmAddress } from '../../../core/statements/fields.js';
import { transferId } from '../../../core/statements/request.js';
import type { EthereumFaultCode } from './ethereum.errors.js';
import { chainIdOf } from './settings.js';

/** `transfer(address,uint256)`, ERC-20. */
const TRANSFER_SELECTOR = 'a9059cbb';

const amount = baseUnits.transform((text) => BigInt(text));

const movement = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('native'), to: evmAddress, amountWei: amount }),
  z.strictObject({ kind: z.literal('erc20'), contract: evmAddress, to: evmAddress, amountUnits: amount }),
  /** 0 wei from the wallet to itself: uses up the nonce. */
  z.strictObject({ kind: z.literal('cancel') }),
]);
export type Movement = z.output<typeof movement>;

const ethereumPlan = z.strictObject({
  version: z.literal(1),
  chain: chainId,
  /** The wallet's address, EIP-55. */
  from: evmAddress,
  nonce: z.int().min(0),
  movement,
  /** The transfer that it pays, or that it cancels; null when it only uses up a nonce. */
  transferId: transferId.nullable(),
  gasLimit: amount,
  maxFeePerGasWei: amount,
  maxPriorityFeePerGasWei: amount,
  /** The most that this nonce may ever cost: ceiling of the transfer and of its policy. Replacements stay below it too. */
  feeBoundWei: amount,
  /** Head when the nonce was taken: before it, nobody can have used the nonce rightfully. */
  plannedAtHeight: z.int().min(0),
});
export type EthereumPlan = z.output<typeof ethereumPlan>;

/** The plan as text; amounts as decimal strings. */
export function planText(plan: EthereumPlan): string {
  return JSON.stringify(plan, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

/** Throws `plan-malformed`: only a bug or an edited database brings such a text. */
export function parsePlan(text: string): EthereumPlan {
  try {
    return ethereumPlan.parse(JSON.parse(text));
  } catch (cause) {
    throw new Fault<EthereumFaultCode>('plan-malformed', 'a stored Ethereum plan cannot be read', { cause });
  }
}

/** The most that the transaction can cost in fees. */
export function maxFeeOf(plan: Pick<EthereumPlan, 'gasLimit' | 'maxFeePerGasWei'>): bigint {
  return plan.gasLimit * plan.maxFeePerGasWei;
}

/** Wei that leave the wallet besides the fee. */
export function weiSentBy(of: Movement): bigint {
  return of.kind === 'native' ? of.amountWei : 0n;
}

/** `transfer(to, amount)` as calldata, lower-case hex without 0x. */
export function transferCalldata(to: string, units: bigint): string {
  return `${TRANSFER_SELECTOR}${to.slice(2).toLowerCase().padStart(64, '0')}${units.toString(16).padStart(64, '0')}`;
}

/** Address that the transaction is sent to, and its calldata as hex without 0x. */
export function callOf(from: string, of: Movement): { readonly to: string; readonly data: string } {
  switch (of.kind) {
    case 'native':
      return { to: of.to, data: '' };
    case 'erc20':
      return { to: of.contract, data: transferCalldata(of.to, of.amountUnits) };
    case 'cancel':
      return { to: from, data: '' };
  }
}

/**
 * The unsigned EIP-1559 payload, lower-case hex without 0x: type byte, then RLP of chain id, nonce, both fees, gas limit,
 * destination, value, data and an empty access list. The same plan gives the same bytes. Throws `plan-malformed` when
 * the signer's decoder would refuse them.
 */
export function unsignedHex(plan: EthereumPlan): string {
  const call = callOf(plan.from, plan.movement);
  const list = rlpList([
    integer(BigInt(chainIdOf(plan.chain))),
    integer(BigInt(plan.nonce)),
    integer(plan.maxPriorityFeePerGasWei),
    integer(plan.maxFeePerGasWei),
    integer(plan.gasLimit),
    { kind: 'bytes', payload: hexToBytes(call.to.slice(2)) },
    integer(weiSentBy(plan.movement)),
    { kind: 'bytes', payload: hexToBytes(call.data) },
    { kind: 'list', payload: new Uint8Array(0) },
  ]);
  const hex = `02${bytesToHex(list)}`;
  const decoded = decodeEip1559(hex);
  if (decoded.kind === 'refused') {
    throw new Fault<EthereumFaultCode>('plan-malformed', 'a plan gives bytes that no signer takes', {
      facts: { ...decoded.facts, code: decoded.code },
    });
  }
  return hex;
}

/** RLP has no numbers: big-endian bytes without leading zeros, none for 0. */
function integer(value: bigint): RlpItem {
  if (value === 0n) return { kind: 'bytes', payload: new Uint8Array(0) };
  const hex = value.toString(16);
  return { kind: 'bytes', payload: hexToBytes(hex.length % 2 === 0 ? hex : `0${hex}`) };
}
