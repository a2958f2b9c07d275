// Calendar windows for limits, as plain data: a day, a week or a month, in a zone of a fixed offset from UTC. No clock here:
// both times are arguments.
//
// Time. Which day it is, only a wall clock says, and whoever has the host turns it. So what was charged counts until both are
// over: the period of the calendar, by the wall clock; and the counter's own period, by time that was measured. An own period
// begins with the first charge after the last one's end. It ends when the calendar's would if the clock is right, and never
// sooner than a whole period after the last one did. A clock that is turned forward gains nothing but that a first period may
// be short, as it is where the calendar's has nearly passed. Time that was not measured makes a period longer; a period in
// which nothing is charged brings both together again.

import { z } from 'zod';
import { Fault } from '../fault.js';
import { wholeNumber } from '../statements/fields.js';
import type { WindowFaultCode } from './window.js';

export const CALENDAR_UNITS = ['day', 'week', 'month'] as const;

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const WEEK_DAYS = 7;
/** From Monday, 29 December 1969, to Thursday, 1 January 1970. */
const EPOCH_WEEKDAY = 3;

export const calendar = z.strictObject({
  unit: z.enum(CALENDAR_UNITS),
  offsetMinutes: wholeNumber(-15 * 60, 15 * 60),
});
export type Calendar = z.infer<typeof calendar>;

/** The longest that each of them may be. */
export const LONGEST_MS: Readonly<Record<Calendar['unit'], number>> = {
  day: DAY_MS,
  week: WEEK_DAYS * DAY_MS,
  month: 31 * DAY_MS,
};

/** By the wall clock, and by a clock that counts only what it measured itself; neither goes back. */
export interface Moment {
  readonly wallMs: number;
  readonly measuredMs: number;
}

export interface Period {
  readonly startMs: number;
  /** The first moment after it. */
  readonly endMs: number;
}

/** The days of a period, counted from 1970, from the first up to the one after it. */
function daysOf(unit: Calendar['unit'], day: number): readonly [from: number, to: number] {
  switch (unit) {
    case 'day':
      return [day, day + 1];
    case 'week': {
      const monday = day - ((day + EPOCH_WEEKDAY) % WEEK_DAYS);
      return [monday, monday + WEEK_DAYS];
    }
    case 'month': {
      const at = new Date(day * DAY_MS);
      const startOf = (month: number) => Date.UTC(at.getUTCFullYear(), month, 1) / DAY_MS;
      return [startOf(at.getUTCMonth()), startOf(at.getUTCMonth() + 1)];
    }
  }
}

/** The period that a moment of the wall clock is in. Weeks begin on Monday. */
export function periodAt({ unit, offsetMinutes }: Calendar, wallMs: number): Period {
  const offsetMs = offsetMinutes * MINUTE_MS;
  const [from, to] = daysOf(unit, Math.floor((wallMs + offsetMs) / DAY_MS));
  return { startMs: from * DAY_MS - offsetMs, endMs: to * DAY_MS - offsetMs };
}

/** `calendar day, UTC`, `calendar month, +01:00`. */
export function calendarWords({ unit, offsetMinutes }: Calendar): string {
  if (offsetMinutes === 0) return `calendar ${unit}, UTC`;
  const minutes = Math.abs(offsetMinutes);
  const two = (value: number) => value.toString().padStart(2, '0');
  const sign = offsetMinutes < 0 ? '-' : '+';
  return `calendar ${unit}, ${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** What was charged in one period of the calendar and one of the counter's own: by the start of the one, the end of the other. */
export type CalendarBucket = readonly [startMs: number, ownEndMs: number, amount: bigint];

/** Plain data; whoever stores it writes amounts as decimal strings. */
export interface CalendarCounter {
  readonly calendar: Calendar;
  /** At most three; the newest is the last, and says which periods are the newest that anything was charged in. */
  readonly buckets: readonly CalendarBucket[];
}

/** In the place of a period that is over. */
const BEFORE = 0;

export function emptyCalendar(of: Calendar): CalendarCounter {
  return { calendar: of, buckets: [] };
}

function requireMoment({ wallMs, measuredMs }: Moment): void {
  const isTime = (ms: number) => Number.isSafeInteger(ms) && ms >= 0;
  if (!isTime(wallMs) || !isTime(measuredMs))
    throw new Fault<WindowFaultCode>('window-invalid', 'times are whole milliseconds, not below 0');
}

/** The periods that count at a moment. A wall clock that stepped back is still in the newest period that it was in. */
function current({ calendar: of, buckets }: CalendarCounter, { wallMs, measuredMs }: Moment) {
  const newest = buckets.at(-1);
  const atMs = Math.max(wallMs, newest?.[0] ?? 0);
  const { startMs, endMs } = periodAt(of, atMs);
  const leftMs = endMs - atMs;
  if (!newest) return { startMs, ownEndMs: undefined, nextEndMs: measuredMs + leftMs };
  const ownEndMs = newest[1];
  return {
    startMs,
    ownEndMs: measuredMs < ownEndMs ? ownEndMs : undefined,
    nextEndMs: Math.max(measuredMs + leftMs, ownEndMs + (endMs - startMs)),
  };
}

/** What counts as used: what was charged in this period of the calendar, or in the counter's own. Throws `window-invalid`. */
export function usedInCalendar(counter: CalendarCounter, at: Moment): bigint {
  requireMoment(at);
  const { startMs, ownEndMs } = current(counter, at);
  return counter.buckets
    .filter(([start, ownEnd]) => start === startMs || ownEnd === ownEndMs)
    .reduce((sum, [, , amount]) => sum + amount, 0n);
}

/** The counter after one more charge. Nothing ever takes a charge back. Throws `window-invalid` for a negative amount. */
export function chargeCalendar(counter: CalendarCounter, at: Moment, amount: bigint): CalendarCounter {
  requireMoment(at);
  if (amount < 0n) throw new Fault<WindowFaultCode>('window-invalid', 'a charge is not negative');
  const { startMs, ownEndMs, nextEndMs } = current(counter, at);
  const end = ownEndMs ?? nextEndMs;
  const sumOf = (counts: (bucket: CalendarBucket) => boolean) =>
    counter.buckets.filter(counts).reduce((sum, [, , held]) => sum + held, 0n);
  const onlyOwn = sumOf(([start, ownEnd]) => start !== startMs && ownEnd === end);
  const onlyCalendar = sumOf(([start, ownEnd]) => start === startMs && ownEnd !== end);
  const both = sumOf(([start, ownEnd]) => start === startMs && ownEnd === end);
  const buckets: CalendarBucket[] = [
    [BEFORE, end, onlyOwn],
    [startMs, BEFORE, onlyCalendar],
  ];
  return {
    ...counter,
    buckets: [...buckets.filter(([, , held]) => held > 0n), [startMs, end, both + amount]],
  };
}
