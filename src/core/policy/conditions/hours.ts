// `within-hours`: hours of days of the week, in a zone of a fixed offset from UTC. There are no daylight saving times: those
// change with the tables of each host, and a decision must be the same for whoever makes it again years later.

import { z } from 'zod';
import { EMPTY } from '../document-fields.js';
import { distinct, malformed } from '../page.js';
import type { PlainConditionOf } from '../types.js';
import type { ConditionKind, Day, HoursText, Place } from './kind.js';
import { HOUR, hourOf } from './known.js';

const DAYS: readonly Day[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
const WEEK_MINUTES = 7 * DAY_MINUTES;
/** 1970 began on a Thursday. */
const EPOCH_MINUTE = 3 * DAY_MINUTES;

const TIME = '(?:[01][0-9]|2[0-3]):[0-5][0-9]';
const fromTime = z
  .string()
  .regex(new RegExp(`^${TIME}$`), 'a time is written like "08:00"')
  .describe('The first minute, in quotes: "08:00"');
const toTime = z
  .string()
  .regex(new RegExp(`^(?:${TIME}|24:00)$`), 'a time is written like "18:00", and midnight like "24:00"')
  .describe('The end, which is not part of it: "18:00"; before `from`: of the next day');
export const zone = z
  .string()
  .regex(/^(?:UTC|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])$/, 'a zone is UTC or an offset like "+01:00"')
  .describe('UTC, or a fixed offset from it: "+01:00"');

export const hours: z.ZodType<HoursText> = z.strictObject({
  from: fromTime,
  to: toTime,
  days: z
    .array(z.enum(DAYS, 'a day is one of mon, tue, wed, thu, fri, sat, sun'))
    .min(1, EMPTY)
    .max(7)
    .describe('Days on which it begins; each day where none is named')
    .optional(),
  zone,
});

type Minutes = PlainConditionOf<'within-hours'>['minutes'];

function minuteOf(time: string): number {
  const [hour = '', minute = ''] = time.split(':');
  return Number(hour) * 60 + Number(minute);
}

/** In minutes. */
export function offsetOf(written: string): number {
  if (written === 'UTC') return 0;
  const minutes = minuteOf(written.slice(1));
  return written.startsWith('-') ? 0 - minutes : minutes;
}

/** Pieces of a week, those that touch each other put together. */
function joined(pieces: Minutes): Minutes {
  const all: [number, number][] = [];
  for (const [from, to] of [...pieces].sort(([one], [other]) => one - other)) {
    const last = all.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else all.push([from, to]);
  }
  return all;
}

function minutesOf({ from, to, days = DAYS, zone: written }: HoursText): Minutes {
  const begin = minuteOf(from);
  const length = (minuteOf(to) - begin + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES;
  const pieces = days.flatMap((day): Minutes => {
    const at = DAYS.indexOf(day) * DAY_MINUTES + begin - offsetOf(written);
    const start = (at + WEEK_MINUTES) % WEEK_MINUTES;
    const end = start + length;
    return end <= WEEK_MINUTES
      ? [[start, end]]
      : [
          [start, WEEK_MINUTES],
          [0, end - WEEK_MINUTES],
        ];
  });
  return joined(pieces);
}

function read(written: HoursText, { page, path }: Place): PlainConditionOf<'within-hours'> {
  const { from, to, days, zone: offset } = written;
  if (from === to)
    malformed(page, [...path, 'to'], 'ends where it begins; for whole days, write to: "24:00"');
  if (days) distinct(page, [...path, 'days'], days);
  const minutes = minutesOf(written);
  const [first] = minutes;
  if (first?.[0] === 0 && first[1] === WEEK_MINUTES) malformed(page, path, 'this is always');
  const on = days ? ` on ${days.join(', ')}` : '';
  return { kind: 'within-hours', minutes, written: `${from} to ${to}${on}, ${offset}` };
}

function isWithin(minutes: Minutes, others: Minutes): boolean {
  return minutes.every(([from, to]) => others.some((other) => other[0] <= from && to <= other[1]));
}

function areApart(minutes: Minutes, others: Minutes): boolean {
  return minutes.every(([from, to]) => others.every((other) => to <= other[0] || other[1] <= from));
}

export const withinHours: ConditionKind<'within-hours'> = {
  asks: 'known',
  schema: hours,
  read,
  holds: ({ minutes }, situation) => {
    const atMs = hourOf(situation);
    if (atMs === undefined) return 'unknown';
    const minute = (Math.floor(atMs / MINUTE_MS) + EPOCH_MINUTE) % WEEK_MINUTES;
    for (const [from, to] of minutes) if (from <= minute && minute < to) return true;
    return false;
  },
  needs: () => HOUR,
  words: ({ written }) => written,
  followsFrom: ({ minutes }, given) => given.kind === 'within-hours' && isWithin(given.minutes, minutes),
  excludes: ({ minutes }, other) => other.kind === 'within-hours' && areApart(minutes, other.minutes),
};
