// Wallets that governance has retired: another one has taken their place, with keys of its own. No policy and no approval
// lets one pay anybody else, or anybody pay it.

import { accepted, type Outcome, refused } from '../fault.js';
import { walletOfAddress } from '../governance/known-addresses.js';
import { type GovernanceState, successorOf } from '../governance/state.js';
import type { Movement } from './decode-order.js';

export type RetirementRefusalCode =
  /** It pays nobody but the wallet that follows it. */
  | 'payer-retired'
  /** What is paid there would have to be moved on by a key that was given up. */
  | 'destination-retired';

/** Does each payment keep to what is left of retired wallets? Movements are as decoded. */
export function checkRetired(
  state: Pick<GovernanceState, 'retired' | 'wallets' | 'chains'>,
  walletId: string,
  movements: readonly Movement[],
): Outcome<undefined, RetirementRefusalCode> {
  if (state.retired.size === 0) return accepted(undefined);
  const isRetired = state.retired.has(walletId);
  const successor = successorOf(state, walletId);
  for (const { request, destination } of movements) {
    const { transferId } = request;
    const paid = walletOfAddress(state, request.chain.chain, destination);
    if (isRetired && paid !== successor) {
      return refused('payer-retired', { transferId, wallet: walletId, successor });
    }
    if (paid !== undefined && state.retired.has(paid)) {
      return refused('destination-retired', {
        transferId,
        wallet: paid,
        successor: successorOf(state, paid),
      });
    }
  }
  return accepted(undefined);
}
