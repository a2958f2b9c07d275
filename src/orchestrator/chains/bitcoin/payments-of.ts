// From signed requests to payments that a Bitcoin transaction can make, or the reason why none ever can. Pure.

import { accepted, type Outcome, refused } from '../../../core/fault.js';
import { type BitcoinNetwork, dustSats, scriptOfAddress } from '../../../core/intents/bitcoin/address.js';
import { MAX_SATS } from '../../../core/money/amount.js';
import type { Payable } from '../chain-driver.js';
import type { Payment } from './plan.js';

/**
 * - `other-wallet`, `other-chain`, `asset-not-native`: the request is not for this wallet's coins
 * - `destination-invalid`, `destination-own`: no address of the network, or the wallet's own, which would look like change
 * - `amount-dust`, `amount-out-of-range`
 */
export type ImpossibleReason =
  | 'other-wallet'
  | 'other-chain'
  | 'asset-not-native'
  | 'destination-invalid'
  | 'destination-own'
  | 'amount-dust'
  | 'amount-out-of-range';

export interface PayingWallet {
  readonly walletId: string;
  readonly chain: string;
  readonly network: BitcoinNetwork;
  readonly ownScripts: ReadonlySet<string>;
}

export function paymentOf(payable: Payable, wallet: PayingWallet): Outcome<Payment, ImpossibleReason> {
  const { transferId, request, feeCaps } = payable;
  if (request.wallet !== wallet.walletId) return refused('other-wallet', { transferId });
  if (request.chain !== wallet.chain) return refused('other-chain', { transferId });
  if (request.asset.kind !== 'native') return refused('asset-not-native', { transferId });
  const script = scriptOfAddress(request.destination, wallet.network);
  if (script.kind === 'refused') return refused('destination-invalid', { transferId });
  if (wallet.ownScripts.has(script.value)) return refused('destination-own', { transferId });
  const amountSats = BigInt(request.amount);
  if (amountSats > MAX_SATS) return refused('amount-out-of-range', { transferId });
  if (amountSats < dustSats(script.value)) return refused('amount-dust', { transferId });
  return accepted({
    transferId,
    script: script.value,
    amountSats,
    feeCeilingSats: BigInt(request.feeCeiling),
    feeCaps,
  });
}
