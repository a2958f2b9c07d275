import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { networkOf } from './front.js';
import { TokenBuckets } from './token-bucket.js';

describe('a bucket', () => {
  it('lets a burst through, then as many as come back', () => {
    const buckets = new TokenBuckets({ perMinute: 60, burst: 3 });
    expect([0, 0, 0].map(() => buckets.take('a', 0))).toEqual([0, 0, 0]);
    expect(buckets.take('a', 0)).toBe(1_000);
    expect(buckets.take('a', 999)).toBe(1);
    expect(buckets.take('a', 1_000)).toBe(0);
    expect(buckets.take('a', 1_000)).toBe(1_000);
  });

  it('is one for each caller', () => {
    const buckets = new TokenBuckets({ perMinute: 1, burst: 1 });
    expect(buckets.take('a', 0)).toBe(0);
    expect(buckets.take('b', 0)).toBe(0);
    expect(buckets.take('a', 0)).toBeGreaterThan(0);
  });

  it('holds no more than its burst, however long nobody came', () => {
    const buckets = new TokenBuckets({ perMinute: 60, burst: 2 });
    buckets.take('a', 0);
    expect([1, 2, 3].map(() => buckets.take('a', 86_400_000) === 0)).toEqual([true, true, false]);
  });

  it('gives nothing for a clock that was set back', () => {
    const buckets = new TokenBuckets({ perMinute: 60, burst: 1 });
    expect(buckets.take('a', 100_000)).toBe(0);
    expect(buckets.take('a', 0)).toBe(1_000);
  });

  it('there are only so many of them', () => {
    const buckets = new TokenBuckets({ perMinute: 60, burst: 1 }, 100);
    for (let index = 0; index < 1_000; index += 1) buckets.take(`caller-${index}`, 0);
    expect(buckets.size).toBe(100);
  });

  it('never lets more through in any stretch of time than its burst and what came back', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 600 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 200 }),
        (perMinute, burst, gaps) => {
          const buckets = new TokenBuckets({ perMinute, burst });
          const passed: number[] = [];
          let nowMs = 0;
          for (const gap of gaps) {
            nowMs += gap;
            if (buckets.take('a', nowMs) === 0) passed.push(nowMs);
          }
          return passed.every((from, index) =>
            passed
              .slice(index)
              .every((to, count) => count + 1 <= burst + ((to - from) * perMinute) / 60_000 + 1e-6),
          );
        },
      ),
    );
  });
});

describe('a network', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', '0:0:0:0::/64'],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
