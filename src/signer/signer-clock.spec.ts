import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SignerClock } from './signer-clock.js';

function clockAt(wallMs: number, last = { wallMs: 0, measuredMs: 0 }) {
  const host = { wall: wallMs, monotonic: 500 };
  const clock = new SignerClock({ wallMs: () => host.wall, monotonicMs: () => host.monotonic }, last);
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

  it('says how far the host was set forward since the start, and goes on saying so', () => {
    const { host, clock } = clockAt(1_000, { wallMs: 5_000, measuredMs: 0 });
    expect(clock.leapMs()).toBe(0);
    host.monotonic += 2_000;
    host.wall = 7_000;
    expect(clock.leapMs()).toBe(0);
    host.wall = 107_000;
    expect(clock.leapMs()).toBe(100_000);
    host.wall = 0;
    host.monotonic += 60_000;
    expect(clock.leapMs()).toBe(40_000);
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
    expect(clock.now().measuredMs).toBe(40);
    host.monotonic += 25;
    expect(clock.now().measuredMs).toBe(65);
  });
});
