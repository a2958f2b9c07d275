// Rolling windows for limits, as plain data: what was charged, gathered in buckets of a fixed share of the window.
// Never looser than the exact sliding sum, and stricter by less than one bucket. No clock here: time is an argument.
//
// The sum of all buckets goes along, so that a full counter costs no more than one with a single charge: what is asked for is the
// sum less the buckets that are over, of which the last charge left few.
//
// Time. A counter remembers the newest bucket that was ever charged and treats an earlier time as that one. So a clock
// that steps back frees nothing and charges nothing to a past that would fall out of the window sooner. A clock that
// leaps forward does free what it passes: the caller must hand in time that it measured itself (architecture, point 7).

import { Fault } from '../fault.js';

/** Of a window whose policy says nothing of it: a quarter of an hour of a day. */
export const USUAL_BUCKETS = 96;
export const LEAST_BUCKETS = 4;
/** It bounds what a counter takes of memory: a bucket is two numbers. */
export const MOST_BUCKETS = 1_000;

/** Plain data; whoever stores it writes amounts as decimal strings. */
export interface WindowCounter {
  readonly windowMs: number;
  /** The window by the number of its buckets, rounded up. */
  readonly bucketMs: number;
  /** [index, amount], by rising index; bucket `i` holds what was charged from `i * bucketMs` up to the next one. */
  readonly buckets: Buckets;
  /** What all buckets hold together. Never stored: it is reckoned anew from what is read. */
  readonly total: bigint;
}

export type Buckets = readonly (readonly [index: number, amount: bigint])[];

export type WindowFaultCode = 'window-invalid';

function requireThat(holds: boolean, what: string): void {
  if (!holds) throw new Fault<WindowFaultCode>('window-invalid', what);
}

function requireTime(nowMs: number): void {
  requireThat(Number.isSafeInteger(nowMs) && nowMs >= 0, 'time is whole milliseconds since 1970');
}

/** How long each of so many buckets is. Throws `window-invalid` unless the window is whole milliseconds, at least one. */
export function bucketMsOf(windowMs: number, buckets = USUAL_BUCKETS): number {
  requireThat(Number.isSafeInteger(windowMs) && windowMs >= 1, 'a window is whole milliseconds, at least 1');
  requireThat(Number.isSafeInteger(buckets) && buckets >= 1, 'a window has at least one bucket');
  return Math.ceil(windowMs / buckets);
}

/** An empty counter. Throws `window-invalid`. */
export function emptyWindow(windowMs: number, buckets?: number): WindowCounter {
  return { windowMs, bucketMs: bucketMsOf(windowMs, buckets), buckets: [], total: 0n };
}

/** The same window with these charges, by rising index, and no others. */
export function withBuckets({ windowMs, bucketMs }: WindowCounter, buckets: Buckets): WindowCounter {
  return { windowMs, bucketMs, buckets, total: buckets.reduce((sum, [, amount]) => sum + amount, 0n) };
}

/** The time that counts: `nowMs`, or the beginning of the newest bucket when the clock is behind it. */
function effectiveMs({ bucketMs, buckets }: WindowCounter, nowMs: number): number {
  return Math.max(nowMs, (buckets.at(-1)?.[0] ?? 0) * bucketMs);
}

/** How many buckets, the oldest, have nothing in them that is younger than the window; and what they hold. */
function over(counter: WindowCounter, atMs: number): { readonly count: number; readonly amount: bigint } {
  const { windowMs, bucketMs, buckets } = counter;
  const lives = (index: number) => (index + 1) * bucketMs - 1 > atMs - windowMs;
  let amount = 0n;
  let count = 0;
  for (const [index, held] of buckets) {
    if (lives(index)) break;
    amount += held;
    count += 1;
  }
  return { count, amount };
}

/**
 * What counts as used at `nowMs`: everything charged less than a window ago, and the rest of the bucket that the window's
 * edge is in. What is charged at t is free again after t + window + one bucket, at the latest. Throws `window-invalid`.
 */
export function usedIn(counter: WindowCounter, nowMs: number): bigint {
  requireTime(nowMs);
  return counter.total - over(counter, effectiveMs(counter, nowMs)).amount;
}

/**
 * The counter after one more charge; at most two buckets more than its window has. Nothing ever takes a charge back.
 * Throws `window-invalid` for a negative amount.
 */
export function charge(counter: WindowCounter, nowMs: number, amount: bigint): WindowCounter {
  requireTime(nowMs);
  requireThat(amount >= 0n, 'a charge is not negative');
  const atMs = effectiveMs(counter, nowMs);
  const index = Math.floor(atMs / counter.bucketMs);
  const gone = over(counter, atMs);
  const buckets = counter.buckets.slice(gone.count);
  const newest = buckets.at(-1);
  if (newest?.[0] === index) buckets[buckets.length - 1] = [index, newest[1] + amount];
  else buckets.push([index, amount]);
  const { windowMs, bucketMs, total } = counter;
  return { windowMs, bucketMs, buckets, total: total - gone.amount + amount };
}

/**
 * The same charges under a window of another length, or with other buckets, for a limit whose policy changed. The newest bucket counts as charged at
 * its last moment, which is then the earliest time that counts. That may be a bucket later than it really is, so all others
 * count as charged a bucket after their last moment, but not after the newest: nothing becomes free earlier than it should,
 * and at most one old bucket later. What an old, shorter window forgot stays forgotten.
 */
export function rewindowed(counter: WindowCounter, windowMs: number, wanted?: number): WindowCounter {
  const empty = emptyWindow(windowMs, wanted);
  const { bucketMs, buckets } = counter;
  const newestMs = ((buckets.at(-1)?.[0] ?? 0) + 1) * bucketMs - 1;
  const amounts = new Map<number, bigint>();
  for (const [index, amount] of buckets) {
    const countedMs = Math.min((index + 2) * bucketMs - 1, newestMs);
    const moved = Math.floor(countedMs / empty.bucketMs);
    amounts.set(moved, (amounts.get(moved) ?? 0n) + amount);
  }
  return withBuckets(empty, [...amounts]);
}
