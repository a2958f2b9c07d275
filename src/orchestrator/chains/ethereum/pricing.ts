// Can one payable be planned with the balances and fees of an outlook, and how? And what outbids a transaction that is
// stuck? Pure; the nonce is put in by whoever holds the wallet's row.

import type { Payable } from '../chain-driver.js';
import { type FeeMarket, least, most, offerFee, raiseFee } from './fees.js';
import type { Outflows } from './nonces.store.js';
import type { EthereumOutlook, Examined } from './outlook.js';
import { type EthereumPlan, type Movement, maxFeeOf, weiSentBy } from './plan.js';
import type { EthereumSettings } from './settings.js';

export type PricingWait = 'insufficient-funds' | 'fee-above-ceiling' | 'node-behind' | 'nothing-to-pay';

export type Waiting = { readonly kind: 'wait'; readonly reason: PricingWait };

/** What the wallet holds beyond everything that is planned or under way. */
export interface Free {
  readonly wei: bigint;
  /** Of a token's balance (contract in lower case). */
  units(contract: string, balance: bigint): bigint;
}

export const CANCEL_GAS = 21_000n;
const BASIS_POINTS = 10_000n;

export function freeOf(balanceWei: bigint, { signed, unsigned }: Outflows): Free {
  return {
    wei: balanceWei - signed.wei - unsigned.wei,
    units: (contract, balance) =>
      balance - (signed.tokens.get(contract) ?? 0n) - (unsigned.tokens.get(contract) ?? 0n),
  };
}

/** The payable's plan for whatever nonce it gets. What was not examined waits. */
export function priceTransfer(
  payable: Payable,
  outlook: EthereumOutlook,
  settings: EthereumSettings,
  free: Free,
): { readonly kind: 'priced'; readonly planAt: (nonce: number) => EthereumPlan } | Waiting {
  const examined = outlook.examined.get(payable.transferId);
  if (examined?.kind === 'short') return wait('insufficient-funds');
  if (examined?.kind !== 'payable') return wait('node-behind');
  const { movement, gasLimit } = examined;
  const feeBoundWei = feeBound(payable, movement, settings);
  const offer = offerFee(outlook.market, gasLimit, { ...settings.fees, maxFeeWei: feeBoundWei });
  if (!offer) return wait('fee-above-ceiling');
  if (free.wei < weiSentBy(movement) + maxFeeOf({ gasLimit, ...offer })) return wait('insufficient-funds');
  if (!coversTokens(examined, free)) return wait('insufficient-funds');
  const planAt = (nonce: number): EthereumPlan => ({
    version: 1,
    chain: outlook.chain,
    from: outlook.address,
    nonce,
    movement,
    transferId: payable.transferId,
    gasLimit,
    ...offer,
    feeBoundWei,
    plannedAtHeight: outlook.head.number,
  });
  return { kind: 'priced', planAt };
}

/**
 * What outbids every one of `rivals`, all the transactions that were ever signed at the nonce of `before`: nodes may hold
 * any of them. It stays below the bound that the first was planned with.
 */
export function priceReplacement(
  before: EthereumPlan,
  rivals: readonly EthereumPlan[],
  cancels: boolean,
  market: FeeMarket,
  settings: EthereumSettings,
): { readonly kind: 'priced'; readonly plan: EthereumPlan } | Waiting {
  // A cancelled nonce stays cancelled: bidding for the payment again would be a race of the two.
  if (!cancels && rivals.some((plan) => plan.movement.kind === 'cancel')) return wait('nothing-to-pay');
  const movement: Movement = cancels ? { kind: 'cancel' } : before.movement;
  const gasLimit = cancels ? CANCEL_GAS : before.gasLimit;
  const highest = rivals.reduce(
    (offer, plan) => ({
      maxFeePerGasWei: most(offer.maxFeePerGasWei, plan.maxFeePerGasWei),
      maxPriorityFeePerGasWei: most(offer.maxPriorityFeePerGasWei, plan.maxPriorityFeePerGasWei),
    }),
    {
      maxFeePerGasWei: before.maxFeePerGasWei,
      maxPriorityFeePerGasWei: before.maxPriorityFeePerGasWei,
    },
  );
  const { fees } = settings;
  const bounds = { ...fees, maxFeeWei: least(before.feeBoundWei, fees.maxFeePerTransactionWei) };
  const offer = raiseFee(highest, fees.replacementBumpPercent, market, gasLimit, bounds);
  if (!offer) return wait('fee-above-ceiling');
  return { kind: 'priced', plan: { ...before, ...offer, movement, gasLimit } };
}

function wait(reason: PricingWait): Waiting {
  return { kind: 'wait', reason };
}

/** Ceiling of the request, of the policy, and of the settings, whichever is lowest. */
function feeBound({ request, feeCaps }: Payable, movement: Movement, { fees }: EthereumSettings): bigint {
  const absolute = least(
    BigInt(request.feeCeiling),
    least(feeCaps.absoluteMax, fees.maxFeePerTransactionWei),
  );
  if (movement.kind !== 'native') return absolute;
  return least(absolute, (movement.amountWei * feeCaps.relativeMaxBasisPoints) / BASIS_POINTS);
}

function coversTokens(
  { movement, tokenBalance }: Extract<Examined, { kind: 'payable' }>,
  free: Free,
): boolean {
  if (movement.kind !== 'erc20') return true;
  return free.units(movement.contract.toLowerCase(), tokenBalance ?? 0n) >= movement.amountUnits;
}
