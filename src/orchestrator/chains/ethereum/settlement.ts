// Did a mined transaction do what it was planned to do? Pure judgement of one receipt. The receipt is hostile in
// content (a token's code writes its logs) but agreed between nodes.

import type { FailureReason } from './ethereum.errors.js';
import type { EthereumPlan } from './plan.js';
import type { Receipt } from './rpc-answers.js';

/** keccak256 of `Transfer(address,address,uint256)`. */
export const TRANSFER_TOPIC = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';

/**
 * Undefined when it did. A token transfer did only if the token's contract wrote exactly one Transfer log in the whole
 * transaction, from the wallet to the destination with the exact amount: a second one is a fee or something nobody
 * asked for, a missing one a token that answers false instead of reverting.
 */
export function failureOf(plan: EthereumPlan, receipt: Receipt): FailureReason | undefined {
  if (receipt.status === '0x0') return 'reverted';
  const { movement } = plan;
  if (movement.kind !== 'erc20') return undefined;
  const contract = movement.contract.toLowerCase();
  const transfers = receipt.logs.filter(
    (log) => log.address === contract && log.topics[0] === TRANSFER_TOPIC,
  );
  if (transfers.length === 0) return 'transfer-log-missing';
  const exact = transfers.filter(
    ({ topics, data }) =>
      topics.length === 3 &&
      topics[1] === addressTopic(plan.from) &&
      topics[2] === addressTopic(movement.to) &&
      data === `0x${movement.amountUnits.toString(16).padStart(64, '0')}`,
  );
  if (exact.length === 0) return 'transfer-log-mismatch';
  return transfers.length === 1 ? undefined : 'transfer-log-not-alone';
}

/** What the transaction cost, in wei. */
export function feePaidOf(receipt: Receipt): bigint {
  return receipt.gasUsed * receipt.effectiveGasPrice;
}

/** An address as an indexed argument of an event. */
export function addressTopic(address: string): string {
  return `0x${address.slice(2).toLowerCase().padStart(64, '0')}`;
}
