import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { gasLimitFor, offerFee, raised, raiseFee } from './fees.js';

const GWEI = 10n ** 9n;
const bounds = {
  maxFeeWei: 10n ** 18n,
  maxFeePerGasCeilingWei: 300n * GWEI,
  priorityFeeCeilingWei: 5n * GWEI,
};
const market = (baseGwei: bigint, priorityGwei: bigint) => ({
  baseFeePerGasWei: baseGwei * GWEI,
  priorityFeeWei: priorityGwei * GWEI,
});

const anyMarket = fc.record({
  baseFeePerGasWei: fc.bigInt({ min: 0n, max: 10n ** 14n }),
  priorityFeeWei: fc.bigInt({ min: 0n, max: 10n ** 14n }),
});
const anyBounds = fc.record({
  maxFeeWei: fc.bigInt({ min: 0n, max: 10n ** 20n }),
  maxFeePerGasCeilingWei: fc.bigInt({ min: 0n, max: 10n ** 14n }),
  priorityFeeCeilingWei: fc.bigInt({ min: 0n, max: 10n ** 13n }),
});
const anyGas = fc.bigInt({ min: 21_000n, max: 1_000_000n });
const anyBump = fc.integer({ min: 10, max: 100 });

describe('offerFee', () => {
  it('offers twice the base fee and the priority fee', () => {
    expect(offerFee(market(20n, 2n), 21_000n, bounds)).toEqual({
      maxFeePerGasWei: 42n * GWEI,
      maxPriorityFeePerGasWei: 2n * GWEI,
    });
  });

  it('does not believe a node that suggests a priority fee above the ceiling', () => {
    expect(offerFee(market(20n, 9_000n), 21_000n, bounds)?.maxPriorityFeePerGasWei).toBe(5n * GWEI);
  });

  it('refuses when the ceiling of the transfer does not cover the next block by one wei', () => {
    const nextBlock = 22n * GWEI + (GWEI * 20n) / 8n;
    const exact = { ...bounds, maxFeeWei: 21_000n * nextBlock };
    expect(offerFee(market(20n, 2n), 21_000n, exact)?.maxFeePerGasWei).toBe(nextBlock);
    expect(offerFee(market(20n, 2n), 21_000n, { ...exact, maxFeeWei: exact.maxFeeWei - 1n })).toBeUndefined();
  });

  it('never costs more than any ceiling, and always covers the next block', () => {
    fc.assert(
      fc.property(anyMarket, anyGas, anyBounds, (at, gas, limits) => {
        const offer = offerFee(at, gas, limits);
        if (!offer) return;
        expect(offer.maxFeePerGasWei * gas <= limits.maxFeeWei).toBe(true);
        expect(offer.maxFeePerGasWei <= limits.maxFeePerGasCeilingWei).toBe(true);
        expect(offer.maxPriorityFeePerGasWei <= limits.priorityFeeCeilingWei).toBe(true);
        expect(offer.maxPriorityFeePerGasWei <= offer.maxFeePerGasWei).toBe(true);
        const nextBaseFee = at.baseFeePerGasWei + at.baseFeePerGasWei / 8n;
        expect(offer.maxFeePerGasWei >= nextBaseFee + offer.maxPriorityFeePerGasWei).toBe(true);
      }),
    );
  });
});

describe('raiseFee', () => {
  const before = { maxFeePerGasWei: 42n * GWEI, maxPriorityFeePerGasWei: 2n * GWEI };

  it('raises both fees by the bump when the market has not moved', () => {
    expect(raiseFee(before, 10, market(1n, 1n), 21_000n, bounds)).toEqual({
      maxFeePerGasWei: 46_200_000_000n,
      maxPriorityFeePerGasWei: 2_200_000_000n,
    });
  });

  it('follows the market when that asks for more than the bump', () => {
    expect(raiseFee(before, 10, market(60n, 4n), 21_000n, bounds)).toEqual({
      maxFeePerGasWei: 124n * GWEI,
      maxPriorityFeePerGasWei: 4n * GWEI,
    });
  });

  it('refuses when a ceiling leaves less than the bump', () => {
    const tight = { ...bounds, maxFeeWei: 21_000n * 46_200_000_000n - 1n };
    expect(raiseFee(before, 10, market(1n, 1n), 21_000n, tight)).toBeUndefined();
    expect(
      raiseFee(before, 10, market(1n, 1n), 21_000n, { ...bounds, priorityFeeCeilingWei: 2n * GWEI }),
    ).toBeUndefined();
  });

  // The node of the development network takes a replacement of one wei more; those of real networks do not.
  it('never raises either fee by less than 10 %, nor above any ceiling', () => {
    const anyOffer = fc.record({
      maxFeePerGasWei: fc.bigInt({ min: 0n, max: 10n ** 14n }),
      maxPriorityFeePerGasWei: fc.bigInt({ min: 0n, max: 10n ** 12n }),
    });
    fc.assert(
      fc.property(anyOffer, anyBump, anyMarket, anyGas, anyBounds, (old, bump, at, gas, limits) => {
        const offer = raiseFee(old, bump, at, gas, limits);
        if (!offer) return;
        expect(offer.maxFeePerGasWei * 100n >= old.maxFeePerGasWei * 110n).toBe(true);
        expect(offer.maxPriorityFeePerGasWei * 100n >= old.maxPriorityFeePerGasWei * 110n).toBe(true);
        expect(offer.maxFeePerGasWei > old.maxFeePerGasWei).toBe(true);
        expect(offer.maxPriorityFeePerGasWei > old.maxPriorityFeePerGasWei).toBe(true);
        expect(offer.maxFeePerGasWei * gas <= limits.maxFeeWei).toBe(true);
        expect(offer.maxFeePerGasWei <= limits.maxFeePerGasCeilingWei).toBe(true);
        expect(offer.maxPriorityFeePerGasWei <= limits.priorityFeeCeilingWei).toBe(true);
        expect(offer.maxPriorityFeePerGasWei <= offer.maxFeePerGasWei).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('raised', () => {
  it('rounds up and is always more', () => {
    expect(raised(0n, 10)).toBe(1n);
    expect(raised(1n, 10)).toBe(2n);
    expect(raised(1_000n, 10)).toBe(1_100n);
    expect(raised(1_001n, 10)).toBe(1_102n);
  });
});

describe('gasLimitFor', () => {
  it('adds the margin up to the cap', () => {
    expect(gasLimitFor(50_000n, 20, 100_000)).toBe(60_000n);
    expect(gasLimitFor(90_000n, 20, 100_000)).toBe(100_000n);
    expect(gasLimitFor(100_000n, 20, 100_000)).toBe(100_000n);
  });

  it('refuses an estimate above the cap by one', () => {
    expect(gasLimitFor(100_001n, 20, 100_000)).toBeUndefined();
  });
});
