import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Instant, MAX_DIVERGENCE_MS, SignerClock } from './signer-clock.js';

function clockAt(wallMs: number, last = { wallMs: 0, measuredMs: 0 }, told?: Instant) {
  const host = { wall: wallMs, monotonic: 500 };
  const source = { wallMs: () => host.wall, monotonicMs: () => host.monotonic };
  const clock = new SignerClock(source, last, told);
  return { host, clock };
}

describe("the signer's clock", () => {
  it('never goes back, whatever the host does, so that nothing expired comes to life', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 1 }), (walls) => {
        const { host, clock } = clockAt(0, { wallMs: 700, measuredMs: 0 });
        let before = 700;
        for (const wall of walls) {
          host.wall = wall;
          const { wallMs } = clock.now();
          expect(wallMs).toBe(Math.max(before, wall));
          before = wallMs;
        }
      }),
    );
  });

  it('goes on by measured time when the host is set back or held, so that what should have expired does', () => {
    const { host, clock } = clockAt(1_000, { wallMs: 5_000, measuredMs: 0 });
    host.wall = 0;
    host.monotonic += 2_000;
    expect(clock.now().wallMs).toBe(7_000);
    host.wall = 6_999;
    expect(clock.now().wallMs).toBe(7_000);
    host.wall = 8_000;
    expect(clock.now().wallMs).toBe(8_000);
    host.wall = 0;
    host.monotonic += 2_000;
    expect(clock.now().wallMs).toBe(9_000);
  });

  it('counts measured time only while it runs: a wall clock set forward frees no limit', () => {
    const { host, clock } = clockAt(1_000, { wallMs: 900, measuredMs: 40 });
    expect(clock.now()).toEqual({ wallMs: 1_000, measuredMs: 40 });
    host.wall = 99_000_000;
    expect(clock.now()).toEqual({ wallMs: 1_000, measuredMs: 40 });
    host.monotonic += 25;
    expect(clock.now().measuredMs).toBe(65);
  });

  it('does not believe a host that goes apart from it, either way, beyond the bound and what good clocks drift', () => {
    for (const sign of [1, -1]) {
      const { host, clock } = clockAt(1_000_000_000);
      host.wall += sign * MAX_DIVERGENCE_MS;
      expect(clock.divergence()).toBeUndefined();
      host.wall += sign;
      expect(clock.divergence()).toEqual({ hostMs: host.wall, expectedMs: 1_000_000_000 });
      expect(clock.now().wallMs).toBe(1_000_000_000);
      // In half a day two good clocks may differ by 8.64 seconds more.
      host.monotonic += 43_200_000;
      host.wall += 43_200_000;
      expect(clock.divergence()).toBeUndefined();
      host.wall += sign * 8_640;
      expect(clock.divergence()).toBeDefined();
    }
  });

  it('trusts the host anew when it is told to, and goes on from there; what was later stays later', () => {
    const { host, clock } = clockAt(1_000_000_000);
    host.monotonic += 50;
    host.wall += 3_600_000;
    clock.trustHost();
    expect(clock.divergence()).toBeUndefined();
    expect(clock.now()).toEqual({ wallMs: 1_003_600_000, measuredMs: 50 });
    host.wall -= 7_200_000;
    clock.trustHost();
    expect(clock.now()).toEqual({ wallMs: 1_003_600_000, measuredMs: 50 });
    host.monotonic += 7_200_001;
    host.wall += 7_200_001;
    expect(clock.now()).toEqual({ wallMs: 1_003_600_001, measuredMs: 7_200_051 });
  });

  it('does not know the hour before somebody has told the time, whatever the host says', () => {
    for (const last of [
      { wallMs: 0, measuredMs: 0 },
      { wallMs: 999_999_999, measuredMs: 7 },
    ]) {
      const { clock } = clockAt(1_000_000_000, last);
      expect(clock.hourMs(clock.now())).toBeUndefined();
      clock.hear();
      expect(clock.hourMs(clock.now())).toBe(1_000_000_000);
    }
  });

  it('knows the hour after a start as long as it stood still for no longer than the bound in all', () => {
    const told = { wallMs: 1_000_000_000, measuredMs: 10 };
    // It ran for a minute, and stood still twice.
    const startedAt = (stoodMs: number) =>
      clockAt(1_000_060_000 + stoodMs, { wallMs: 1_000_060_000, measuredMs: 60_010 }, told).clock;
    const hourOf = (clock: SignerClock) => clock.hourMs(clock.now());
    const drift = 12;
    expect(hourOf(startedAt(0))).toBe(1_000_060_000);
    expect(hourOf(startedAt(MAX_DIVERGENCE_MS + drift))).toBe(1_000_060_000 + MAX_DIVERGENCE_MS + drift);
    expect(hourOf(startedAt(MAX_DIVERGENCE_MS + drift + 1))).toBeUndefined();
    expect(hourOf(startedAt(12 * 3_600_000))).toBeUndefined();
  });

  it('counts each time that it stood still: many short ones come to no other hour', () => {
    let last = { wallMs: 1_000_000_000, measuredMs: 0 };
    const told = last;
    const known: boolean[] = [];
    for (let start = 1; start <= 4; start++) {
      const { clock } = clockAt(last.wallMs + MAX_DIVERGENCE_MS / 2, last, told);
      last = clock.now();
      known.push(clock.hourMs(last) !== undefined);
    }
    expect(known).toEqual([true, true, false, false]);
  });

  it('does not take for the hour what it had seen later, when a quorum sets it back', () => {
    const { host, clock } = clockAt(1_000_000_000);
    clock.hear();
    host.wall -= 3_600_000;
    clock.trustHost();
    expect(clock.hourMs(clock.now())).toBeUndefined();
    host.wall += 3_600_000;
    host.monotonic += 3_600_000;
    expect(clock.hourMs(clock.now())).toBe(1_000_000_000);
  });

  it('agrees with a time within the bound of what the host says', () => {
    const { clock } = clockAt(1_000_000_000);
    expect(clock.agrees(1_000_000_000 + MAX_DIVERGENCE_MS)).toBe(true);
    expect(clock.agrees(1_000_000_000 - MAX_DIVERGENCE_MS)).toBe(true);
    expect(clock.agrees(1_000_000_001 + MAX_DIVERGENCE_MS)).toBe(false);
    expect(clock.agrees(999_999_999 - MAX_DIVERGENCE_MS)).toBe(false);
  });
});
