// The counter of a limit, of whichever window: rolling (window.ts) or of the calendar (calendar.ts). It only tells them apart, and
// writes them as text for whoever stores them.

import { z } from 'zod';
import {
  type Calendar,
  calendar,
  type CalendarCounter,
  chargeCalendar,
  emptyCalendar,
  type Moment,
  usedInCalendar,
} from './calendar.js';
import {
  bucketMsOf,
  charge,
  emptyWindow,
  LEAST_BUCKETS,
  MOST_BUCKETS,
  rewindowed,
  usedIn,
  type WindowCounter,
  withBuckets,
} from './window.js';

export type LimitCounter = WindowCounter | CalendarCounter;

/** What a counter counts over. */
export interface Span {
  /** Of a calendar's, the longest. */
  readonly windowMs: number;
  /** Of a window that rolls; absent: the usual number. */
  readonly bucketCount?: number;
  /** Absent where the window rolls. */
  readonly calendar?: Calendar;
}

/** A span as records and certificates have it. */
export const spanFields = {
  windowMs: z.int().min(1),
  bucketCount: z
    .int()
    .min(LEAST_BUCKETS)
    .max(MOST_BUCKETS)
    .exactOptional()
    .describe('Of a window that is kept in another number of buckets than usual.'),
  calendar: calendar
    .exactOptional()
    .describe('Of a limit per calendar day, week or month; then the window is the longest.'),
} as const;

/** The span alone of whatever has one. */
export function spanOf({ windowMs, bucketCount, calendar: of }: Span): Span {
  return { windowMs, ...(bucketCount !== undefined && { bucketCount }), ...(of && { calendar: of }) };
}

const amount = z
  .string()
  .regex(/^[0-9]{1,78}$/)
  .transform(BigInt);
const rolling = z.array(z.tuple([z.int().min(0), amount]));
/** Of another number of buckets than the usual one. */
const divided = z.strictObject({ bucketMs: z.int().min(1), buckets: rolling });
const inCalendar = z.array(z.tuple([z.int(), z.int().min(0), amount])).max(3);

function isCalendar(counter: LimitCounter): counter is CalendarCounter {
  return 'calendar' in counter;
}

export function emptyCounter({ windowMs, bucketCount, calendar: of }: Span): LimitCounter {
  return of ? emptyCalendar(of) : emptyWindow(windowMs, bucketCount);
}

export function usedAt(counter: LimitCounter, at: Moment): bigint {
  return isCalendar(counter) ? usedInCalendar(counter, at) : usedIn(counter, at.measuredMs);
}

export function chargedAt(counter: LimitCounter, at: Moment, added: bigint): LimitCounter {
  return isCalendar(counter) ? chargeCalendar(counter, at, added) : charge(counter, at.measuredMs, added);
}

/** By what a charge is found again in its counter, to be given back: the first of the numbers of its bucket. */
export function newestBucket({ buckets }: LimitCounter): number {
  return buckets.at(-1)?.[0] ?? 0;
}

/** The counter with one charge less. What is counted together with others by now, or not at all, has nothing to give back. */
export function without(counter: LimitCounter, bucket: number, taken: bigint): LimitCounter {
  const less = (held: bigint) => (held > taken ? held - taken : 0n);
  if (!isCalendar(counter)) {
    const buckets = counter.buckets.map(
      ([index, held]) => [index, index === bucket ? less(held) : held] as const,
    );
    return withBuckets(counter, buckets);
  }
  const newest = counter.buckets.at(-1);
  if (newest?.[0] !== bucket) return counter;
  return { ...counter, buckets: [...counter.buckets.slice(0, -1), [newest[0], newest[1], less(newest[2])]] };
}

/**
 * The same charges for a limit whose policy changed its rolling window or the number of its buckets. Calendars are counted under names
 * of their own.
 */
export function spanned(counter: LimitCounter, { windowMs, bucketCount }: Span): LimitCounter {
  if (isCalendar(counter)) return counter;
  if (counter.windowMs === windowMs && counter.bucketMs === bucketMsOf(windowMs, bucketCount)) return counter;
  return rewindowed(counter, windowMs, bucketCount);
}

/** Its buckets; with how long they are, where that is not what windows usually have. */
export function counterText(counter: LimitCounter): string {
  const { buckets } = counter;
  const isUsual = isCalendar(counter) || counter.bucketMs === bucketMsOf(counter.windowMs);
  return JSON.stringify(isUsual ? buckets : { bucketMs: counter.bucketMs, buckets }, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

/** With the buckets that it was written with. Throws where the text is none that a counter of this window or calendar has. */
export function counterFrom(
  { windowMs, calendar: of }: Omit<Span, 'bucketCount'>,
  text: string,
): LimitCounter {
  const written: unknown = JSON.parse(text);
  if (of) return { calendar: of, buckets: inCalendar.parse(written) };
  const empty = emptyWindow(windowMs);
  if (Array.isArray(written)) return withBuckets(empty, rolling.parse(written));
  const { bucketMs, buckets } = divided.parse(written);
  return withBuckets({ ...empty, bucketMs }, buckets);
}
