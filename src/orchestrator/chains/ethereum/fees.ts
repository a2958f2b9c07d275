// What to offer for gas (EIP-1559), from the base fee and the ceilings. Pure arithmetic in wei; no division rounds in
// favour of a higher cost than a ceiling allows.

export interface FeeOffer {
  readonly maxFeePerGasWei: bigint;
  readonly maxPriorityFeePerGasWei: bigint;
}

export interface FeeBounds {
  /** The most that the transaction may cost in all: the transfer's ceiling and the setting's, whichever is lower. */
  readonly maxFeeWei: bigint;
  readonly maxFeePerGasCeilingWei: bigint;
  readonly priorityFeeCeilingWei: bigint;
}

export interface FeeMarket {
  /** Of the newest block. The next block's is at most an eighth higher. */
  readonly baseFeePerGasWei: bigint;
  /** What a node suggests. Hostile: it is bounded, nothing else. */
  readonly priorityFeeWei: bigint;
}

/**
 * Twice the base fee and the priority fee (six full blocks in a row may come before it is too low), inside the bounds.
 * Undefined when the bounds do not even cover the next block.
 */
export function offerFee(market: FeeMarket, gasLimit: bigint, bounds: FeeBounds): FeeOffer | undefined {
  const tip = least(market.priorityFeeWei, bounds.priorityFeeCeilingWei);
  const ceiling = perGasCeiling(gasLimit, bounds);
  const maxFeePerGasWei = least(market.baseFeePerGasWei * 2n + tip, ceiling);
  if (maxFeePerGasWei < nextBaseFee(market) + tip) return undefined;
  return { maxFeePerGasWei, maxPriorityFeePerGasWei: tip };
}

/**
 * The offer that replaces `before`: both fees raised by at least `bumpPercent` (nodes compare both), rounded up, and at
 * least what a fresh transaction would offer now. Undefined when a ceiling does not allow it.
 */
export function raiseFee(
  before: FeeOffer,
  bumpPercent: number,
  market: FeeMarket,
  gasLimit: bigint,
  bounds: FeeBounds,
): FeeOffer | undefined {
  const ceiling = perGasCeiling(gasLimit, bounds);
  const leastTip = raised(before.maxPriorityFeePerGasWei, bumpPercent);
  const leastFee = raised(before.maxFeePerGasWei, bumpPercent);
  const tip = most(leastTip, least(market.priorityFeeWei, bounds.priorityFeeCeilingWei));
  const wanted = most(leastFee, market.baseFeePerGasWei * 2n + tip);
  const maxFeePerGasWei = least(wanted, ceiling);
  if (maxFeePerGasWei < leastFee || tip > bounds.priorityFeeCeilingWei) return undefined;
  if (maxFeePerGasWei < nextBaseFee(market) + tip) return undefined;
  return { maxFeePerGasWei, maxPriorityFeePerGasWei: tip };
}

/** `value` and so many percent more, rounded up, and always more. */
export function raised(value: bigint, percent: number): bigint {
  const product = value * BigInt(100 + percent);
  const up = (product + 99n) / 100n;
  return up > value ? up : value + 1n;
}

/** A node's estimate with a margin, up to the cap; undefined when the estimate itself is above it. */
export function gasLimitFor(estimate: bigint, marginPercent: number, cap: number): bigint | undefined {
  const limit = BigInt(cap);
  if (estimate > limit) return undefined;
  return least((estimate * BigInt(100 + marginPercent)) / 100n, limit);
}

/** The base fee changes by an eighth a block at most. */
function nextBaseFee(market: FeeMarket): bigint {
  return market.baseFeePerGasWei + (market.baseFeePerGasWei + 7n) / 8n;
}

function perGasCeiling(gasLimit: bigint, bounds: FeeBounds): bigint {
  return least(bounds.maxFeePerGasCeilingWei, bounds.maxFeeWei / gasLimit);
}

export function least(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

export function most(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}
