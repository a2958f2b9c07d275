import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { counterFrom, counterText, emptyCounter, newestBucket, spanned, without } from './counter.js';
import {
  charge,
  emptyWindow,
  LEAST_BUCKETS,
  MOST_BUCKETS,
  rewindowed,
  USUAL_BUCKETS,
  usedIn,
  type WindowCounter,
} from './window.js';

interface Charge {
  readonly atMs: number;
  readonly amount: bigint;
}

/** The exact sliding sum: everything charged less than a window ago. */
function exact(charges: readonly Charge[], windowMs: number, nowMs: number): bigint {
  return charges.filter(({ atMs }) => nowMs - atMs < windowMs).reduce((sum, { amount }) => sum + amount, 0n);
}

function charged(windowMs: number, charges: readonly Charge[], buckets?: number): WindowCounter {
  const empty = emptyWindow(windowMs, buckets);
  return charges.reduce((counter, { atMs, amount }) => charge(counter, atMs, amount), empty);
}

const windowMs = fc.oneof(
  fc.constantFrom(60_000, 3_600_000, 86_400_000),
  fc.integer({ min: 1, max: 1_000_000 }),
);
const bucketCount = fc.oneof(fc.constant(undefined), fc.integer({ min: LEAST_BUCKETS, max: MOST_BUCKETS }));
/** Steps in shares of the window, so that charges fall both inside and outside of it. */
const steps = fc.array(
  fc.record({ share: fc.integer({ min: 0, max: 400 }), amount: fc.bigInt(0n, 1_000n) }),
  {
    maxLength: 60,
  },
);

function rising(window: number, from: readonly { readonly share: number; readonly amount: bigint }[]) {
  let atMs = 1_700_000_000_123;
  return from.map(({ share, amount }): Charge => {
    atMs += Math.floor((window * share) / 300);
    return { atMs, amount };
  });
}

describe('a rolling window', () => {
  it('counts a charge for the whole window and frees it within one bucket after', () => {
    const hour = 3_600_000;
    const counter = charge(emptyWindow(hour), 1_000_000_000_000, 5n);
    expect(usedIn(counter, 1_000_000_000_000 + hour - 1)).toBe(5n);
    expect(usedIn(counter, 1_000_000_000_000 + hour + counter.bucketMs)).toBe(0n);
  });

  it('is never looser than the exact sum, and stricter by less than one bucket', () => {
    fc.assert(
      fc.property(
        windowMs,
        bucketCount,
        steps,
        fc.integer({ min: 0, max: 600 }),
        (window, parts, shares, later) => {
          const charges = rising(window, shares);
          const counter = charged(window, charges, parts);
          const nowMs = (charges.at(-1)?.atMs ?? 0) + Math.floor((window * later) / 300);
          const used = usedIn(counter, nowMs);
          expect(used >= exact(charges, window, nowMs)).toBe(true);
          expect(used <= exact(charges, window + counter.bucketMs, nowMs)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('never lets more through in any window than the limit', () => {
    fc.assert(
      fc.property(windowMs, bucketCount, steps, fc.bigInt(1n, 3_000n), (window, parts, shares, max) => {
        let counter = emptyWindow(window, parts);
        const passed: Charge[] = [];
        for (const one of rising(window, shares)) {
          if (usedIn(counter, one.atMs) + one.amount > max) continue;
          counter = charge(counter, one.atMs, one.amount);
          passed.push(one);
        }
        for (const { atMs } of passed) {
          const until = passed.filter((one) => one.atMs <= atMs);
          expect(exact(until, window, atMs) <= max).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('carries the sum of what it holds, whatever was charged, and the same when it is read again', () => {
    fc.assert(
      fc.property(windowMs, windowMs, bucketCount, steps, (window, other, parts, shares) => {
        const counter = charged(window, rising(window, shares), parts);
        for (const one of [counter, rewindowed(counter, other, parts), rewindowed(counter, other)]) {
          expect(one.total).toBe(one.buckets.reduce((sum, [, amount]) => sum + amount, 0n));
          expect(counterFrom({ windowMs: one.windowMs }, counterText(one))).toEqual(one);
        }
        const less = without(counter, newestBucket(counter), 7n);
        expect(counterFrom({ windowMs: window }, counterText(less))).toEqual(less);
      }),
      { numRuns: 300 },
    );
  });

  it('is not asked for every bucket that it holds', () => {
    let counter = emptyWindow(96_000);
    for (let step = 0; step < 96; step += 1) counter = charge(counter, step * 1_000, 1n);
    let read = 0;
    const buckets = new Proxy(counter.buckets, {
      get: (target, name, receiver) => {
        read += 1;
        return Reflect.get(target, name, receiver);
      },
    });
    expect(usedIn({ ...counter, buckets }, 95_999)).toBe(96n);
    expect(read).toBeLessThan(10);
  });

  it.each([USUAL_BUCKETS, LEAST_BUCKETS, MOST_BUCKETS])('of %s buckets holds two more at most', (parts) => {
    let counter = emptyWindow(96_000, parts);
    for (let step = 0; step < 5_000; step += 1) counter = charge(counter, step * 53, 1n);
    expect(counter.buckets.length).toBeLessThanOrEqual(parts + 2);
    expect(counter.buckets.length).toBeGreaterThan(parts - 3);
  });

  it('frees nothing when the clock steps back', () => {
    fc.assert(
      fc.property(windowMs, steps, fc.integer({ min: 0, max: 1_000_000_000 }), (window, shares, back) => {
        const charges = rising(window, shares);
        const counter = charged(window, charges);
        const lastMs = charges.at(-1)?.atMs ?? 1_700_000_000_000;
        expect(usedIn(counter, lastMs - back) >= usedIn(counter, lastMs)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps what is charged under a clock that stepped back as long as if it had not', () => {
    const hour = 3_600_000;
    const nowMs = 1_000_000_000_000;
    const first = charge(emptyWindow(hour), nowMs, 1n);
    const second = charge(first, nowMs - 10 * hour, 2n);
    expect(usedIn(second, nowMs - 10 * hour)).toBe(3n);
    expect(usedIn(second, nowMs + hour - first.bucketMs)).toBe(3n);
  });

  it('never becomes looser with a clock that jumps either way than with the latest time it saw', () => {
    const jump = fc.record({ share: fc.integer({ min: -400, max: 400 }), amount: fc.bigInt(0n, 1_000n) });
    fc.assert(
      fc.property(windowMs, fc.array(jump, { maxLength: 40 }), (window, jumps) => {
        let counter = emptyWindow(window);
        let clockMs = 1_700_000_000_123;
        let latestMs = 0;
        const charges: Charge[] = [];
        for (const { share, amount } of jumps) {
          clockMs += Math.trunc((window * share) / 300);
          latestMs = Math.max(latestMs, clockMs);
          counter = charge(counter, clockMs, amount);
          charges.push({ atMs: latestMs - counter.bucketMs + 1, amount });
          expect(usedIn(counter, clockMs) >= exact(charges, window, latestMs)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('does not change the counter that it was given', () => {
    const before = charge(emptyWindow(1_000), 5, 1n);
    const copy = structuredClone(before);
    charge(before, 6, 1n);
    charge(before, 9_999, 1n);
    expect(before).toEqual(copy);
  });

  it('frees nothing early when its length or its buckets change', () => {
    fc.assert(
      fc.property(
        windowMs,
        bucketCount,
        fc.array(fc.tuple(windowMs, bucketCount), { minLength: 1, maxLength: 3 }),
        steps,
        fc.integer({ min: 0, max: 300 }),
        (window, parts, others, shares, later) => {
          const charges = rising(window, shares);
          const lastMs = charges.at(-1)?.atMs ?? 0;
          const counter = others.reduce(
            (one, [other, count]) => rewindowed(one, other, count),
            charged(window, charges, parts),
          );
          const nowMs = lastMs + Math.floor((counter.windowMs * later) / 300);
          const shortest = Math.min(window, ...others.map(([other]) => other));
          expect(usedIn(counter, nowMs) >= exact(charges, shortest, nowMs)).toBe(true);
          expect([...counter.buckets].sort((left, right) => left[0] - right[0])).toEqual(counter.buckets);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('frees nothing early when it becomes shorter than a bucket of the old one, with charges in two buckets', () => {
    const dayMs = 24 * 3_600_000;
    const bucketMs = dayMs / 96;
    const counter = charge(charge(emptyWindow(dayMs), bucketMs - 1, 5n), bucketMs, 3n);
    for (const other of [1_000, 288_001, bucketMs]) {
      const shorter = rewindowed(counter, other);
      expect(usedIn(shorter, bucketMs)).toBe(8n);
      // Free again, a bucket of the old window and one of the new later at most.
      expect(usedIn(shorter, 3 * bucketMs + other)).toBe(0n);
    }
  });

  it('refuses a negative charge, a time that is not whole, and a window of nothing', () => {
    const invalid = expect.objectContaining({ code: 'window-invalid' });
    expect(() => charge(emptyWindow(1_000), 1, -1n)).toThrow(invalid);
    for (const nowMs of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => usedIn(emptyWindow(1_000), nowMs)).toThrow(invalid);
      expect(() => charge(emptyWindow(1_000), nowMs, 1n)).toThrow(invalid);
      expect(() => emptyWindow(nowMs)).toThrow(invalid);
    }
    expect(() => emptyWindow(0)).toThrow(invalid);
  });

  it('is the same counter where a policy says what it has anyway, and another one where it does not', () => {
    const usual = charge(emptyWindow(96_000), 1_000_000, 5n);
    expect(spanned(usual, { windowMs: 96_000, bucketCount: USUAL_BUCKETS })).toBe(usual);
    const finer = spanned(usual, { windowMs: 96_000, bucketCount: 960 });
    expect(finer).toMatchObject({ windowMs: 96_000, bucketMs: 100, total: 5n });
    expect(spanned(finer, { windowMs: 96_000, bucketCount: 960 })).toBe(finer);
    expect(emptyCounter({ windowMs: 96_000, bucketCount: 960 })).toMatchObject({ bucketMs: 100 });
  });
});
