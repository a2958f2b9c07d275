import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type Calendar,
  type CalendarCounter,
  calendarWords,
  chargeCalendar,
  emptyCalendar,
  LONGEST_MS,
  type Moment,
  periodAt,
  usedInCalendar,
} from './calendar.js';
import { chargedAt, counterFrom, counterText, without } from './counter.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const UTC_DAY: Calendar = { unit: 'day', offsetMinutes: 0 };
const START = Date.UTC(2026, 0, 31, 10);

const calendars = fc.record({
  unit: fc.constantFrom('day' as const, 'week' as const, 'month' as const),
  offsetMinutes: fc.integer({ min: -14 * 60, max: 14 * 60 }),
});

describe('the period of a moment', () => {
  const at = (text: string) => Date.parse(text);
  it.each([
    [
      'a day',
      { unit: 'day', offsetMinutes: 0 },
      '2026-03-04T23:59:59.999Z',
      '2026-03-04T00:00Z',
      '2026-03-05T00:00Z',
    ],
    [
      'a day east of it',
      { unit: 'day', offsetMinutes: 330 },
      '2026-03-04T18:30Z',
      '2026-03-04T18:30Z',
      '2026-03-05T18:30Z',
    ],
    [
      'a day west of it',
      { unit: 'day', offsetMinutes: -60 },
      '2026-03-04T00:59Z',
      '2026-03-03T01:00Z',
      '2026-03-04T01:00Z',
    ],
    [
      'a week on its Monday',
      { unit: 'week', offsetMinutes: 0 },
      '2026-03-02T00:00Z',
      '2026-03-02T00:00Z',
      '2026-03-09T00:00Z',
    ],
    [
      'a week on its Sunday',
      { unit: 'week', offsetMinutes: 0 },
      '2026-03-01T23:59Z',
      '2026-02-23T00:00Z',
      '2026-03-02T00:00Z',
    ],
    [
      'the first week that is counted',
      { unit: 'week', offsetMinutes: 0 },
      '1970-01-01T00:00Z',
      '1969-12-29T00:00Z',
      '1970-01-05T00:00Z',
    ],
    [
      'a February',
      { unit: 'month', offsetMinutes: 0 },
      '2026-02-28T12:00Z',
      '2026-02-01T00:00Z',
      '2026-03-01T00:00Z',
    ],
    [
      'a February of a leap year',
      { unit: 'month', offsetMinutes: 60 },
      '2028-02-29T22:59Z',
      '2028-01-31T23:00Z',
      '2028-02-29T23:00Z',
    ],
    [
      'a December',
      { unit: 'month', offsetMinutes: 0 },
      '2026-12-31T23:59Z',
      '2026-12-01T00:00Z',
      '2027-01-01T00:00Z',
    ],
  ] as const)('is that of %s', (_what, calendar, moment, from, to) => {
    expect(periodAt(calendar, at(moment))).toEqual({ startMs: at(from), endMs: at(to) });
  });

  it('holds it, is no longer than the longest, and ends where the next begins', () => {
    fc.assert(
      fc.property(calendars, fc.integer({ min: 0, max: 4_102_444_800_000 }), (calendar, wallMs) => {
        const { startMs, endMs } = periodAt(calendar, wallMs);
        expect(startMs <= wallMs && wallMs < endMs).toBe(true);
        expect(endMs - startMs <= LONGEST_MS[calendar.unit]).toBe(true);
        expect(periodAt(calendar, endMs).startMs).toBe(endMs);
        expect(periodAt(calendar, startMs)).toEqual({ startMs, endMs });
      }),
    );
  });

  it('is told in words', () => {
    expect(calendarWords(UTC_DAY)).toBe('calendar day, UTC');
    expect(calendarWords({ unit: 'month', offsetMinutes: -570 })).toBe('calendar month, -09:30');
  });
});

interface Charge extends Moment {
  readonly amount: bigint;
}

const step = fc.record({
  /** Measured time that passes, in hundredths of the longest period; so far the wall clock goes on too. */
  share: fc.integer({ min: 0, max: 130 }),
  /** How much further the wall clock goes: while the signer stands still, or because somebody turns it. */
  ahead: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 300 })),
  amount: fc.bigInt(0n, 1_000n),
});
const steps = fc.array(step, { maxLength: 50 });
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function moments({ unit }: Calendar, from: readonly Step[]): Charge[] {
  let wallMs = START;
  let measuredMs = 12_345;
  const hundredth = Math.floor(LONGEST_MS[unit] / 100);
  return from.map(({ share, ahead, amount }) => {
    measuredMs += share * hundredth;
    wallMs += (share + ahead) * hundredth;
    return { wallMs, measuredMs, amount };
  });
}

function sum(charges: readonly Charge[]): bigint {
  return charges.reduce((total, { amount }) => total + amount, 0n);
}

/** What a limit lets pass, with what the counter said before each. */
function passing(calendar: Calendar, wanted: readonly Charge[], max: bigint) {
  let counter = emptyCalendar(calendar);
  const passed: Charge[] = [];
  for (const one of wanted) {
    if (usedInCalendar(counter, one) + one.amount > max) continue;
    counter = chargeCalendar(counter, one, one.amount);
    passed.push(one);
  }
  return passed;
}

function charged(calendar: Calendar, charges: readonly Charge[]): CalendarCounter {
  return charges.reduce((counter, one) => chargeCalendar(counter, one, one.amount), emptyCalendar(calendar));
}

/** The exact sum of the calendar's period, by the wall clock. */
function exact(calendar: Calendar, charges: readonly Charge[], wallMs: number): bigint {
  const { startMs } = periodAt(calendar, wallMs);
  return sum(charges.filter((one) => periodAt(calendar, one.wallMs).startMs === startMs));
}

describe('a calendar window', () => {
  it('is the exact calendar while the clock is right and the signer runs', () => {
    fc.assert(
      fc.property(calendars, steps, (calendar, from) => {
        const charges = moments(
          calendar,
          from.map((one) => ({ ...one, ahead: 0 })),
        );
        charges.forEach((one, index) => {
          const before = charges.slice(0, index);
          expect(usedInCalendar(charged(calendar, before), one)).toBe(exact(calendar, before, one.wallMs));
        });
      }),
      { numRuns: 500 },
    );
  });

  it('is never looser than the exact calendar, whatever time was not measured', () => {
    fc.assert(
      fc.property(calendars, steps, (calendar, from) => {
        const charges = moments(calendar, from);
        charges.forEach((one, index) => {
          const before = charges.slice(0, index);
          expect(usedInCalendar(charged(calendar, before), one) >= exact(calendar, before, one.wallMs)).toBe(
            true,
          );
        });
      }),
      { numRuns: 500 },
    );
  });

  it('lets no more through in any measured time than a calendar could, however the clock is turned forward', () => {
    fc.assert(
      fc.property(calendars, steps, fc.bigInt(1n, 3_000n), (calendar, from, max) => {
        // The shortest that a period of it may be.
        const shortestMs = calendar.unit === 'month' ? 28 * DAY_MS : LONGEST_MS[calendar.unit];
        const passed = passing(calendar, moments(calendar, from), max);
        passed.forEach((first, at) => {
          passed.slice(at).forEach((last, more) => {
            const periods = Math.floor((last.measuredMs - first.measuredMs) / shortestMs) + 2;
            expect(sum(passed.slice(at, at + more + 1)) <= max * BigInt(periods)).toBe(true);
          });
        });
      }),
      { numRuns: 300 },
    );
  });

  it('frees nothing when the wall clock steps back, or when time that was measured did not pass', () => {
    fc.assert(
      fc.property(calendars, steps, fc.integer({ min: 0, max: 400 * 24 }), (calendar, from, hours) => {
        const charges = moments(calendar, from);
        const last = charges.at(-1) ?? { wallMs: START, measuredMs: 0 };
        const counter = charged(calendar, charges);
        const used = usedInCalendar(counter, last);
        const back = { ...last, wallMs: Math.max(0, last.wallMs - hours * HOUR_MS) };
        expect(usedInCalendar(counter, back) >= used).toBe(true);
        const own = counter.buckets.filter(([, ownEnd]) => ownEnd === counter.buckets.at(-1)?.[1]);
        const ahead = { ...last, wallMs: last.wallMs + hours * HOUR_MS };
        expect(usedInCalendar(counter, ahead)).toBeGreaterThanOrEqual(
          own.reduce((total, [, , amount]) => total + amount, 0n),
        );
      }),
    );
  });

  it('frees everything in the end', () => {
    fc.assert(
      fc.property(calendars, steps, (calendar, from) => {
        const charges = moments(calendar, from);
        const last = charges.at(-1) ?? { wallMs: START, measuredMs: 0 };
        const ownEnd = charged(calendar, charges).buckets.at(-1)?.[1] ?? 0;
        const later = Math.max(LONGEST_MS[calendar.unit], ownEnd - last.measuredMs);
        const at = { wallMs: last.wallMs + later, measuredMs: last.measuredMs + later };
        expect(usedInCalendar(charged(calendar, charges), at)).toBe(0n);
      }),
    );
  });

  it('counts each charge for whatever period is longer, and holds three amounts at most', () => {
    fc.assert(
      fc.property(calendars, steps, (calendar, from) => {
        const charges = moments(calendar, from);
        for (let many = 0; many <= charges.length; many += 1) {
          expect(charged(calendar, charges.slice(0, many)).buckets.length).toBeLessThanOrEqual(3);
        }
      }),
    );
  });

  it('is the same after it was written and read again', () => {
    fc.assert(
      fc.property(calendars, steps, (calendar, from) => {
        const counter = charged(calendar, moments(calendar, from));
        const span = { windowMs: LONGEST_MS[calendar.unit], calendar };
        expect(counterFrom(span, counterText(counter))).toEqual(counter);
      }),
    );
  });

  it('begins at midnight, after a day that was full', () => {
    const evening = { wallMs: Date.UTC(2026, 2, 4, 23, 59), measuredMs: 1_000 };
    const counter = chargeCalendar(emptyCalendar(UTC_DAY), evening, 7n);
    const later = (ms: number) => ({ wallMs: evening.wallMs + ms, measuredMs: evening.measuredMs + ms });
    expect(usedInCalendar(counter, later(59_999))).toBe(7n);
    expect(usedInCalendar(counter, later(60_000))).toBe(0n);
  });

  it('begins no earlier for a signer that was stopped, its clock turned forward, and started again each hour', () => {
    let counter = emptyCalendar(UTC_DAY);
    let passed = 0;
    for (let hour = 0; hour < 72; hour += 1) {
      // Each start comes with another day, a second before its end.
      const at = { wallMs: Date.UTC(2026, 0, hour + 2) - 1_000, measuredMs: hour * HOUR_MS };
      for (const ms of [0, 1_500]) {
        const moment = { wallMs: at.wallMs + ms, measuredMs: at.measuredMs + ms };
        if (usedInCalendar(counter, moment) > 0n) continue;
        counter = chargeCalendar(counter, moment, 1n);
        passed += 1;
      }
    }
    // Three days: as many as any three days can touch.
    expect(passed).toBe(4);
  });

  it('comes back later by the time that the signer stood still, and is with the calendar again after a day without a charge', () => {
    const noon = (day: number, lateMs: number) => ({
      wallMs: Date.UTC(2026, 0, day, 12) + lateMs,
      measuredMs: day * DAY_MS,
    });
    // It stood still for eight hours after the first charge.
    let counter = chargeCalendar(emptyCalendar(UTC_DAY), noon(1, 0), 1n);
    const nextDay = { wallMs: Date.UTC(2026, 0, 2, 7), measuredMs: DAY_MS + 11 * HOUR_MS };
    expect(usedInCalendar(counter, nextDay)).toBe(1n);
    expect(
      usedInCalendar(counter, { wallMs: nextDay.wallMs + HOUR_MS, measuredMs: nextDay.measuredMs + HOUR_MS }),
    ).toBe(0n);
    // Days later, nothing of that is left.
    counter = chargeCalendar(counter, noon(5, 8 * HOUR_MS), 1n);
    const midnight = { wallMs: Date.UTC(2026, 0, 6), measuredMs: 5 * DAY_MS + 4 * HOUR_MS };
    expect(
      usedInCalendar(counter, { wallMs: midnight.wallMs - 1, measuredMs: midnight.measuredMs - 1 }),
    ).toBe(1n);
    expect(usedInCalendar(counter, midnight)).toBe(0n);
  });

  it('counts what the calendar alone still counts, also for a wall clock that steps back', () => {
    const at = (day: number, hour: number, measuredHours: number) => ({
      wallMs: Date.UTC(2026, 0, day, hour),
      measuredMs: measuredHours * HOUR_MS,
    });
    // It stood still for eight hours after noon: the first day of its own ends at eight of the second.
    const noon = chargeCalendar(emptyCalendar(UTC_DAY), at(1, 12, 0), 1n);
    const early = chargeCalendar(noon, at(2, 7, 11), 2n);
    const late = chargeCalendar(early, at(2, 9, 13), 4n);
    expect(usedInCalendar(late, at(2, 10, 14))).toBe(6n);
    expect(usedInCalendar(late, at(1, 10, 14))).toBe(6n);
  });

  it('gives back what was charged last, and nothing of what is counted with other things by then', () => {
    const at = { wallMs: START, measuredMs: 1 };
    const counter = chargedAt(chargeCalendar(emptyCalendar(UTC_DAY), at, 5n), at, 3n);
    const { startMs } = periodAt(UTC_DAY, START);
    expect(usedInCalendar(without(counter, startMs, 3n) as CalendarCounter, at)).toBe(5n);
    expect(without(counter, startMs - DAY_MS, 3n)).toBe(counter);
  });

  it('refuses a negative charge, and times that are not whole', () => {
    const invalid = expect.objectContaining({ code: 'window-invalid' });
    const counter = emptyCalendar(UTC_DAY);
    expect(() => chargeCalendar(counter, { wallMs: 1, measuredMs: 1 }, -1n)).toThrow(invalid);
    for (const ms of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => usedInCalendar(counter, { wallMs: ms, measuredMs: 1 })).toThrow(invalid);
      expect(() => chargeCalendar(counter, { wallMs: 1, measuredMs: ms }, 1n)).toThrow(invalid);
    }
  });
});
