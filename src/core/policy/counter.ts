// The counter of a limit, of whichever window: rolling (window.ts) or of the calendar (calendar.ts). It only tells them apart, and
// writes them as text for whoever stores them.

import { z } from 'zod';
import {
  type Calendar,
  type CalendarCounter,
  chargeCalendar,
  emptyCalendar,
  type Moment,
  usedInCalendar,
} from './calendar.js';
import { charge, emptyWindow, rewindowed, usedIn, type WindowCounter, withBuckets } from './window.js';

export type LimitCounter = WindowCounter | CalendarCounter;

/** What a counter counts over. */
export interface Span {
  /** Of a calendar's, the longest. */
  readonly windowMs: number;
  /** Absent where the window rolls. */
  readonly calendar?: Calendar;
}

const amount = z
  .string()
  .regex(/^[0-9]{1,78}$/)
  .transform(BigInt);
const rolling = z.array(z.tuple([z.int().min(0), amount]));
const inCalendar = z.array(z.tuple([z.int(), z.int().min(0), amount])).max(3);

function isCalendar(counter: LimitCounter): counter is CalendarCounter {
  return 'calendar' in counter;
}

export function emptyCounter({ windowMs, calendar }: Span): LimitCounter {
  return calendar ? emptyCalendar(calendar) : emptyWindow(windowMs);
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

/** The same charges for a limit whose policy changed its rolling window. Calendars are counted under names of their own. */
export function spanned(counter: LimitCounter, span: Span): LimitCounter {
  if (isCalendar(counter) || counter.windowMs === span.windowMs) return counter;
  return rewindowed(counter, span.windowMs);
}

export function counterText({ buckets }: LimitCounter): string {
  return JSON.stringify(buckets, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

/** Throws where the text is none that a counter of this span has. */
export function counterFrom({ windowMs, calendar }: Span, text: string): LimitCounter {
  const buckets: unknown = JSON.parse(text);
  return calendar
    ? { calendar, buckets: inCalendar.parse(buckets) }
    : withBuckets(emptyWindow(windowMs), rolling.parse(buckets));
}
