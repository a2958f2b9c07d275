import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Calendar, chargeCalendar, emptyCalendar, usedInCalendar } from '../policy/calendar.js';
import { charge, emptyWindow, rewindowed, usedIn, type WindowCounter } from '../policy/window.js';
import { reckon } from './reckoning.js';
import type { Verified } from './verify.js';

const HOUR_MS = 3_600_000;
const WINDOW_MS = 24 * HOUR_MS;
const MAX = 1_000_000n;
const DAY: Calendar = { unit: 'day', offsetMinutes: 0 };
const START_MS = 1_760_000_000_000;

interface Paid {
  readonly transferId: string;
  readonly past: 'unseen' | 'reserved' | 'signed' | 'dead';
  readonly limitId: string;
  readonly amount: bigint;
  readonly windowMs: number;
  readonly calendar?: Calendar;
  readonly usedBefore: bigint;
}

interface Told {
  readonly ordinal: number;
  readonly measuredMs: number;
  /** The same as what was measured, unless it is said. */
  readonly wallMs?: number;
  readonly paid: readonly Paid[];
  readonly keptFrom?: number;
  readonly outcome?: 'signed' | 'begun' | 'ended';
  readonly attested?: boolean;
  readonly spends?: readonly string[];
  /** What a quorum says is dead, with this one. */
  readonly dead?: readonly string[];
  /** What it says lies in the chain instead: the second, unless it is said. */
  readonly mined?: string;
}

/** What is reckoned with, of a certificate that has been verified by itself. A replacement charges nothing. */
function one({
  ordinal,
  measuredMs,
  wallMs = measuredMs,
  paid,
  keptFrom = 1,
  outcome = 'signed',
  attested = true,
  spends = ['coin'],
  dead = [],
  mined = 'bitcoin:2',
}: Told): Verified {
  const transfers = paid.map(({ transferId, past, limitId, windowMs, calendar, amount, usedBefore }) => {
    const of = { limitId, key: 'all', windowMs, ...(calendar && { calendar }) };
    const limits =
      past === 'unseen' ? [{ ...of, max: MAX.toString(), usedBefore: usedBefore.toString() }] : [];
    const charges = past === 'unseen' ? [{ ...of, amount: amount.toString() }] : [];
    return { decision: { transferId, past, limits }, charges };
  });
  return {
    certificate: {
      outcome: { kind: outcome },
      burials: dead.length > 0 ? [{ statement: { dead, conflicting: { transactionKey: mined } } }] : [],
      reservation: {
        ordinal,
        at: { wallMs, measuredMs },
        transactionKey: `bitcoin:${ordinal}`,
        spends,
        transfers,
      },
    },
    attested: attested ? { keptFrom } : undefined,
  } as unknown as Verified;
}

function found(verified: readonly Verified[], others: readonly Verified[] = []) {
  const outcome = reckon(verified, [...verified, ...others]);
  return outcome.kind === 'refused' ? outcome.code : [...outcome.value];
}

const paid = (transferId: string, usedBefore: bigint, altered: Partial<Paid> = {}): Paid => ({
  transferId,
  past: 'unseen',
  limitId: 'hot/daily',
  amount: 100n,
  windowMs: WINDOW_MS,
  usedBefore,
  ...altered,
});

describe('what a chain of certificates comes to', () => {
  const first = one({ ordinal: 1, measuredMs: 1_000, paid: [paid('a', 0n)] });
  const second = one({ ordinal: 2, measuredMs: 2_000, paid: [paid('b', 100n), paid('c', 200n)] });
  const third = one({ ordinal: 3, measuredMs: 3_000, paid: [paid('d', 300n)] });

  it('is what each of them says that was used, a batch one after another', () => {
    expect(found([first, second, third])).toEqual([1, 2, 3]);
    const nextDay = one({ ordinal: 4, measuredMs: 27 * HOUR_MS, paid: [paid('e', 0n)] });
    expect(found([first, second, third, nextDay])).toEqual([1, 2, 3, 4]);
  });

  it.each([
    ['less', 299n],
    ['nothing', 0n],
    ['more', 301n],
  ])('is not what one says that says %s (certificate-usage-mismatch)', (_title, usedBefore) => {
    const wrong = one({ ordinal: 3, measuredMs: 3_000, paid: [paid('d', usedBefore)] });
    expect(found([first, second, wrong])).toBe('certificate-usage-mismatch');
  });

  it('is counted for each limit and each of its keys by itself', () => {
    const other = one({ ordinal: 3, measuredMs: 3_000, paid: [paid('d', 0n, { limitId: 'hot/hourly' })] });
    expect(found([first, second, other])).toEqual([1, 2, 3]);
  });

  it('is at least what is there, where some are missing, and nothing is proved then', () => {
    expect(found([first, third])).toEqual([1]);
    expect(found([second, third])).toEqual([]);
    const low = one({ ordinal: 3, measuredMs: 3_000, paid: [paid('d', 199n)] });
    expect(found([second, low])).toBe('certificate-usage-mismatch');
    expect(found([one({ ordinal: 2, measuredMs: 2_000, paid: [paid('b', 900n)] })])).toEqual([]);
  });

  it('begins anew with a store that the signer says was restored: with limits exhausted for a window', () => {
    const restoredAt = (measuredMs: number, usedBefore: bigint) =>
      one({ ordinal: 3, measuredMs, paid: [paid('d', usedBefore)], keptFrom: 3 });
    expect(found([first, second, restoredAt(1_000, MAX)])).toEqual([1, 2, 3]);
    expect(found([first, second, restoredAt(WINDOW_MS, MAX)])).toEqual([1, 2, 3]);
    expect(found([first, second, restoredAt(WINDOW_MS + 1, 0n)])).toEqual([1, 2, 3]);
    expect(found([first, second, restoredAt(1_000, 0n)])).toBe('certificate-usage-mismatch');
    expect(found([restoredAt(WINDOW_MS, 0n)])).toBe('certificate-usage-mismatch');
    expect(found([first, second, restoredAt(WINDOW_MS + 1, 300n)])).toBe('certificate-usage-mismatch');
  });

  it('does not begin anew where measured time goes back and nobody attests a lost store', () => {
    const back = { ordinal: 3, measuredMs: 500, paid: [paid('d', 0n)] };
    expect(found([first, second, one(back)])).toBe('certificate-usage-mismatch');
    // Not attested yet, it may be one: nothing is proved of it, and nothing of what follows.
    expect(found([first, second, one({ ...back, attested: false })])).toEqual([1, 2]);
  });

  describe('and of what was signed before', () => {
    const again = (past: Paid['past'], transferId = 'a') =>
      one({ ordinal: 3, measuredMs: 3_000, paid: [paid(transferId, 0n, { past })] });

    it('knows a replacement by the reservation that it replaces', () => {
      expect(found([first, second, again('signed')])).toEqual([1, 2, 3]);
      expect(found([first, second, again('reserved')])).toEqual([1, 2, 3]);
      expect(found([first, second, again('dead')])).toEqual([1, 2, 3]);
    });

    it.each<[string, Verified]>([
      ['a replacement of nothing, which would charge no limit', again('signed', 'z')],
      ['one that would have been begun, and was not', again('reserved', 'z')],
      ['one whose death a quorum tells, and that never was', again('dead', 'z')],
      [
        'a second payment of a transfer as if it were the first',
        one({ ordinal: 3, measuredMs: 3_000, paid: [paid('a', 300n)] }),
      ],
    ])('refuses %s (certificate-past-mismatch)', (_title, wrong) => {
      expect(found([first, second, wrong])).toBe('certificate-past-mismatch');
    });

    it('refuses a replacement of what was never signed, as one of what was (certificate-past-mismatch)', () => {
      for (const outcome of ['begun', 'ended'] as const) {
        const begun = one({ ordinal: 1, measuredMs: 1_000, paid: [paid('a', 0n)], outcome });
        expect(found([begun, second, again('signed')])).toBe('certificate-past-mismatch');
        expect(found([begun, second, again('reserved')])).toEqual([1, 2, 3]);
      }
    });

    it('accuses nobody where it was begun as a word says that is outdated, and proves nothing after it', () => {
      const begun = one({ ordinal: 1, measuredMs: 1_000, paid: [paid('a', 0n)], outcome: 'begun' });
      const outcome = reckon([begun, second, again('signed')], [], new Set([1]));
      expect(outcome).toEqual({ kind: 'accepted', value: new Set([1]) });
    });

    it('accuses nobody where it was begun as a word says, and what replaces it is not attested and may be younger', () => {
      const begun = one({ ordinal: 1, measuredMs: 1_000, paid: [paid('a', 0n)], outcome: 'begun' });
      const replacing = (attested: boolean) =>
        one({ ordinal: 2, measuredMs: 2_000, paid: [paid('a', 0n, { past: 'signed' })], attested });
      expect(found([begun, replacing(false)])).toEqual([1]);
      const other = one({ ordinal: 2, measuredMs: 2_000, paid: [paid('b', 1n)], attested: false });
      expect(found([begun, other])).toBe('certificate-usage-mismatch');
      expect(found([begun, replacing(true)])).toBe('certificate-past-mismatch');
    });

    it('refuses a second transaction for a transfer that could be mined beside the first (certificate-paid-twice)', () => {
      const beside = (told: Partial<Told> = {}) =>
        one({
          ordinal: 3,
          measuredMs: 3_000,
          paid: [paid('a', 0n, { past: 'signed' })],
          spends: ['another', 'and another'],
          ...told,
        });
      expect(found([first, second, beside()])).toBe('certificate-paid-twice');
      expect(found([first, second, beside({ spends: ['another', 'coin'] })])).toEqual([1, 2, 3]);
      expect(found([first, second, beside({ outcome: 'begun' })])).toEqual([1, 2, 3]);
      // With a quorum's word that the first is dead; and then a third only with one about the second.
      const buried = beside({ paid: [paid('a', 0n, { past: 'dead' })], dead: ['bitcoin:1'] });
      expect(found([first, second, buried])).toEqual([1, 2, 3]);
      const fourth = { ordinal: 4, measuredMs: 4_000 };
      expect(found([first, second, buried, beside({ ...fourth, spends: ['another'] })])).toEqual([
        1, 2, 3, 4,
      ]);
      expect(found([first, second, buried, beside({ ...fourth, spends: ['coin'] })])).toBe(
        'certificate-paid-twice',
      );
      // Whoever said what is dead may be among the missing.
      expect(found([first, beside({ ordinal: 4 })])).toEqual([1]);
    });

    it('refuses a second one after a burial by what does not conflict with the first, or is unknown, void, or the first (certificate-paid-twice)', () => {
      const apart = one({ ordinal: 2, measuredMs: 2_000, paid: [], spends: ['apart'] });
      const cancel = (told: Partial<Told> = {}) => one({ ordinal: 2, measuredMs: 2_000, paid: [], ...told });
      const again = (told: Partial<Told> = {}) =>
        one({
          ordinal: 3,
          measuredMs: 3_000,
          paid: [paid('a', 0n, { past: 'dead' })],
          spends: ['another'],
          dead: ['bitcoin:1'],
          ...told,
        });
      expect(found([first, cancel(), again()])).toEqual([1, 2, 3]);
      // Begun as far as a word goes that may be older than the burial.
      expect(found([first, cancel({ outcome: 'begun' }), again()])).toEqual([1, 2, 3]);
      for (const chain of [
        [first, apart, again()],
        [first, cancel({ outcome: 'ended' }), again()],
        [first, cancel(), again({ mined: 'bitcoin:9' })],
        [first, cancel(), again({ mined: 'bitcoin:1' })],
      ]) {
        expect(found(chain)).toBe('certificate-paid-twice');
      }
      // What was mined may be among the missing.
      expect(found([first, again()])).toEqual([1]);
    });

    it('refuses a third payment beside two of which each is said to be dead by the other (certificate-paid-twice)', () => {
      const bumped = one({ ordinal: 2, measuredMs: 2_000, paid: [paid('a', 0n, { past: 'signed' })] });
      const burying = (ordinal: number, dead: string, mined: string) =>
        one({
          ordinal,
          measuredMs: ordinal * 1_000,
          paid: [],
          spends: [`own ${ordinal}`],
          dead: [dead],
          mined,
        });
      const beside = one({
        ordinal: 5,
        measuredMs: 5_000,
        paid: [paid('a', 0n, { past: 'dead' })],
        spends: ['another'],
      });
      for (const [dead, mined] of [
        ['bitcoin:1', 'bitcoin:2'],
        ['bitcoin:2', 'bitcoin:1'],
      ] as const) {
        const chain = [first, bumped, burying(3, dead, mined), burying(4, mined, dead)];
        expect(found(chain)).toEqual([1, 2, 3, 4]);
        expect(found([...chain, beside])).toBe('certificate-paid-twice');
      }
    });

    it('refuses one beside what is said to be dead by something that is dead itself (certificate-paid-twice)', () => {
      const pays = (ordinal: number, spends: readonly string[], told: Partial<Told> = {}) =>
        one({
          ordinal,
          measuredMs: ordinal * 1_000,
          paid: [paid('a', 0n, { past: ordinal === 1 ? 'unseen' : 'signed' })],
          spends,
          ...told,
        });
      const both = pays(1, ['left', 'right']);
      const right = pays(2, ['right']);
      const cancel = pays(3, ['left'], { paid: [] });
      const leftIsDead = pays(4, ['own'], { paid: [], dead: ['bitcoin:1'], mined: 'bitcoin:3' });
      // What was mined is the cancel: the first can kill nothing any more, and the second may still come.
      const rightIsDead = pays(5, ['own too'], { paid: [], dead: ['bitcoin:2'], mined: 'bitcoin:1' });
      const beside = pays(6, ['another'], { paid: [paid('a', 0n, { past: 'dead' })] });
      expect(found([both, right, cancel, leftIsDead, rightIsDead])).toEqual([1, 2, 3, 4, 5]);
      expect(found([both, right, cancel, leftIsDead, rightIsDead, beside])).toBe('certificate-paid-twice');
    });

    it('refuses it also where a certificate before it has lost its attestation (certificate-paid-twice)', () => {
      const begun = one({ ordinal: 1, measuredMs: 1_000, paid: [paid('z', 0n)], outcome: 'begun' });
      const bump = one({
        ordinal: 2,
        measuredMs: 2_000,
        paid: [paid('z', 0n, { past: 'signed' })],
        attested: false,
      });
      const pays = one({ ordinal: 3, measuredMs: 3_000, paid: [paid('a', 100n)], spends: ['third'] });
      const twice = one({
        ordinal: 4,
        measuredMs: 4_000,
        paid: [paid('a', 0n, { past: 'signed' })],
        spends: ['fourth'],
      });
      expect(found([begun, bump, pays])).toEqual([1, 3]);
      expect(found([begun, bump, pays, twice])).toBe('certificate-paid-twice');
    });

    it('refuses a first payment that is none, with some missing between, and does not guess what those were', () => {
      const late = one({ ordinal: 9, measuredMs: 9_000, paid: [paid('a', 500n)] });
      expect(found([first, late])).toBe('certificate-past-mismatch');
      expect(found([second, again('signed')])).toEqual([]);
    });
  });

  /** A signer that counts as the real one does. */
  function told(
    steps: readonly {
      readonly waitMs: number;
      readonly stoodMs: number;
      readonly amount: number;
      readonly limit: number;
    }[],
  ) {
    const counters = new Map<string, WindowCounter>();
    let days = emptyCalendar(DAY);
    let measuredMs = 0;
    let wallMs = START_MS;
    return steps.map(({ waitMs, stoodMs, amount, limit }, at): Told => {
      measuredMs += waitMs;
      wallMs += waitMs + stoodMs;
      if (limit === 3) {
        const usedBefore = usedInCalendar(days, { wallMs, measuredMs });
        days = chargeCalendar(days, { wallMs, measuredMs }, BigInt(amount));
        const entry = { limitId: 'hot/day', amount: BigInt(amount), calendar: DAY };
        return { ordinal: at + 1, measuredMs, wallMs, paid: [paid(`t${at}`, usedBefore, entry)] };
      }
      // The policy that halves the window comes halfway.
      const windowMs = at * 2 < steps.length ? WINDOW_MS : WINDOW_MS / 2;
      const limitId = `hot/${limit}`;
      const known = counters.get(limitId) ?? emptyWindow(windowMs);
      const counter = known.windowMs === windowMs ? known : rewindowed(known, windowMs);
      const usedBefore = usedIn(counter, measuredMs);
      counters.set(limitId, charge(counter, measuredMs, BigInt(amount)));
      const entry = paid(`t${at}`, usedBefore, { limitId, amount: BigInt(amount), windowMs });
      return { ordinal: at + 1, measuredMs, wallMs, paid: [entry] };
    });
  }

  const steps = fc.array(
    fc.record({
      waitMs: fc.integer({ min: 0, max: 10 * HOUR_MS }),
      /** While the signer stood still. */
      stoodMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 * HOUR_MS })),
      amount: fc.integer({ min: 1, max: 1_000 }),
      /** The third is of a calendar day. */
      limit: fc.integer({ min: 1, max: 3 }),
    }),
    { minLength: 2, maxLength: 25 },
  );

  it('holds for whatever a signer counts, and for no other number of any of them', () => {
    fc.assert(
      fc.property(steps, fc.nat(), fc.integer({ min: 1, max: 1_000 }), (made, which, off) => {
        const all = told(made);
        expect(found(all.map(one))).toEqual(all.map(({ ordinal }) => ordinal));
        const at = which % all.length;
        for (const by of [BigInt(off), BigInt(-off)]) {
          const lying = all.map((one, index) =>
            index === at
              ? { ...one, paid: one.paid.map((entry) => ({ ...entry, usedBefore: entry.usedBefore + by })) }
              : one,
          );
          expect(found(lying.map(one))).toBe('certificate-usage-mismatch');
        }
      }),
      { numRuns: 300 },
    );
  });

  it('accuses nobody for what is missing, whichever are', () => {
    fc.assert(
      fc.property(steps, fc.infiniteStream(fc.boolean()), (made, kept) => {
        const some = told(made).filter(() => kept.next().value);
        expect(found(some.map(one))).toBeInstanceOf(Array);
      }),
      { numRuns: 300 },
    );
  });
});
