// Hours and days of a week, against a calendar that is counted out by itself: minute by minute, in UTC.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decide, factsFor } from '../decide.js';
import { parsePolicies } from '../parse.js';
import { documentOf, SHIPPED_CONTEXT, SITUATION, valueFrom } from '../shipped.fixture.js';
import type { Known } from '../types.js';

const MINUTE_MS = 60_000;
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

function setWith(hours: string) {
  const text = `policy: a\napplies-to: { wallets: [hot-btc] }\nfee-caps: { absolute: "0.0005 BTC", relative: "5%" }\nrules:\n  - { id: one, when: { asset: BTC, within-hours: ${hours} }, then: allow }\n`;
  return valueFrom(parsePolicies([documentOf('a', text)], SHIPPED_CONTEXT));
}

function answerAt(set: ReturnType<typeof setWith>, atMs: number | undefined) {
  const known: Known = { atMs, firstUse: false, lookAlikeOf: undefined, whitelist: undefined };
  const decision = decide(set, { ...SITUATION, known }, () => 0n);
  return decision.kind === 'refuse' ? decision.code : decision.kind;
}

const clock = (minutes: number) =>
  `${Math.floor(minutes / 60)
    .toString()
    .padStart(2, '0')}:${(minutes % 60).toString().padStart(2, '0')}`;

describe('within-hours', () => {
  it('holds in each minute of its days, in its zone, and in no other', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1439 }),
        fc.integer({ min: 1, max: 1440 }),
        fc.subarray(DAYS, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: -14 * 4, max: 14 * 4 }),
        fc.integer({ min: 0, max: 50_000_000 }),
        (from, to, days, quarters, minute) => {
          fc.pre(from !== to % 1440);
          const offset = quarters * 15;
          const zone = offset === 0 ? 'UTC' : `${offset < 0 ? '-' : '+'}${clock(Math.abs(offset))}`;
          const set = setWith(
            `{ from: "${clock(from)}", to: "${clock(to)}", days: [${days.join(', ')}], zone: "${zone}" }`,
          );
          const local = new Date((minute + offset) * MINUTE_MS);
          const day = (at: Date) => DAYS[(at.getUTCDay() + 6) % 7] ?? '';
          const now = local.getUTCHours() * 60 + local.getUTCMinutes();
          const yesterday = day(new Date(local.getTime() - 86_400_000));
          const holds =
            from < to
              ? days.includes(day(local)) && now >= from && now < to
              : (days.includes(day(local)) && now >= from) || (days.includes(yesterday) && now < to);
          expect(answerAt(set, minute * MINUTE_MS)).toBe(holds ? 'allow' : 'policy-no-match');
        },
      ),
      { numRuns: 2_000 },
    );
  });

  const set = setWith('{ from: "08:00", to: "18:00", days: [mon, fri], zone: "+01:00" }');
  it.each([
    ['2026-03-02T07:00:00.000Z', 'allow'],
    ['2026-03-02T06:59:59.999Z', 'policy-no-match'],
    ['2026-03-02T16:59:59.999Z', 'allow'],
    ['2026-03-02T17:00:00.000Z', 'policy-no-match'],
    ['2026-03-03T12:00:00.000Z', 'policy-no-match'],
    // In July as in March: there is no daylight saving time.
    ['2026-07-03T07:00:00.000Z', 'allow'],
  ])('at %s answers %s', (at, answer) => {
    expect(answerAt(set, Date.parse(at))).toBe(answer);
  });

  it('refuses when whoever decides does not know what time it is', () => {
    const known: Known = { atMs: undefined, firstUse: false, lookAlikeOf: undefined, whitelist: undefined };
    expect(decide(set, { ...SITUATION, known }, () => 0n)).toMatchObject({
      code: 'fact-missing',
      facts: { rule: 'a/one', fact: 'hour' },
    });
    // No watcher is asked for it.
    expect(factsFor(set, { ...SITUATION, known })).toEqual([]);
    expect(decide(set, SITUATION, () => 0n)).toMatchObject({ kind: 'refuse', code: 'policy-error' });
  });
});
