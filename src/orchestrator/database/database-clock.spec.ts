// A clock that goes by a server's: with a server whose time the test sets, since a real one shows the machine's.

import { afterEach, describe, expect, it } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import { DatabaseClock, type DatabaseClockOptions, type TimeServer } from './database-clock.js';

const MINUTE_MS = 60_000;

class Scene {
  hostMs = 1_800_000_000_000;
  serverMs = this.hostMs + MINUTE_MS;
  monotonicMs = 500;
  /** How long the next answers take, one after the other; nothing once it is used up. */
  delays: number[] = [];
  down = false;
  looks = 0;
  readonly apart: number[] = [];

  pass(ms: number): void {
    this.hostMs += ms;
    this.serverMs += ms;
    this.monotonicMs += ms;
  }

  server(dialect: TimeServer['dialect'] = 'postgres'): TimeServer {
    return { dialect, read: (work) => work(this.manager()) };
  }

  clock(options: DatabaseClockOptions = {}): DatabaseClock {
    const clock = new DatabaseClock({
      host: { nowMs: () => this.hostMs },
      monotonicMs: () => this.monotonicMs,
      onApart: (ms) => this.apart.push(ms),
      ...options,
    });
    clocks.push(clock);
    return clock;
  }

  /** Answers in the middle of the time that the answer takes. */
  private manager(): EntityManager {
    const query = async () => {
      this.looks += 1;
      if (this.down) throw new Error('gone');
      const delay = this.delays.shift() ?? 0;
      this.pass(delay / 2);
      const now = this.serverMs;
      this.pass(delay / 2);
      return [{ now_ms: String(now) }];
    };
    return { connection: { options: { type: 'postgres' } }, query } as unknown as EntityManager;
  }
}

const clocks: DatabaseClock[] = [];
afterEach(() => {
  for (const clock of clocks.splice(0)) clock.stop();
});

describe("the database's clock", () => {
  it('is the server’s, however far the host’s own is away, and says so once', async () => {
    const scene = new Scene();
    const clock = scene.clock();
    expect(clock.nowMs()).toBe(scene.hostMs);
    await clock.follow(scene.server());
    expect(clock.nowMs()).toBe(scene.serverMs);
    expect(scene.apart).toEqual([-MINUTE_MS]);
  });

  it('goes on evenly while the host’s clock is set', async () => {
    const scene = new Scene();
    const clock = scene.clock();
    await clock.follow(scene.server());
    scene.pass(1_500);
    scene.hostMs -= 3 * MINUTE_MS;
    expect(clock.nowMs()).toBe(scene.serverMs);
  });

  it('believes the quickest of several answers, which says most', async () => {
    const scene = new Scene();
    scene.delays = [900, 10, 700];
    const clock = scene.clock();
    await clock.follow(scene.server());
    expect(Math.abs(clock.nowMs() - scene.serverMs)).toBeLessThanOrEqual(1);
  });

  it('looks again, and goes by another server after a fail-over', async () => {
    const scene = new Scene();
    const clock = scene.clock({ everyMs: 5 });
    await clock.follow(scene.server());
    scene.serverMs += 20_000;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(clock.nowMs()).toBe(scene.serverMs);
    expect(scene.apart).toHaveLength(1);
  });

  it('goes on from where it was while the server is gone', async () => {
    const scene = new Scene();
    const clock = scene.clock({ everyMs: 5 });
    await clock.follow(scene.server());
    scene.down = true;
    const before = scene.looks;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(scene.looks).toBeGreaterThan(before);
    scene.pass(60_000);
    expect(clock.nowMs()).toBe(scene.serverMs);
  });

  it('cannot be had from a server that gives no answer', async () => {
    const scene = new Scene();
    scene.down = true;
    await expect(scene.clock().follow(scene.server())).rejects.toThrow('gone');
  });

  it('is the host’s own on SQLite', async () => {
    const scene = new Scene();
    const clock = scene.clock();
    await clock.follow(scene.server('sqlite'));
    expect(scene.looks).toBe(0);
    expect(clock.nowMs()).toBe(scene.hostMs);
  });
});
