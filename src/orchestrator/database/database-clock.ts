// The clock of an orchestrator that shares its database with others. Leases, due times and expiries are compared between
// hosts, so all of them go by one clock: the database server's. A host whose own clock is a minute ahead would otherwise
// take every lease of the others for over, and one that is behind would leave work lying.
//
// Between two looks at the server it counts with the host's monotonic clock, which nobody sets. On SQLite there is one
// host, and its own clock serves. It is NOT the signer's clock: what expires there, expires by the signer's.

import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import type { Clock } from '../../core/clock.js';
import { systemClock } from '../../platform/system-clock.js';
import { rows, sqlInteger } from './sql.js';

/** What the clock needs of the database. */
export interface TimeServer {
  readonly dialect: 'sqlite' | 'postgres';
  read<T>(work: (db: EntityManager) => Promise<T>): Promise<T>;
}

export interface DatabaseClockOptions {
  readonly host?: Clock;
  /** Milliseconds that only ever grow. */
  readonly monotonicMs?: () => number;
  readonly everyMs?: number;
  /** Told when the host's own clock turns out to be wrong by more than is good for anything else on it. */
  readonly onApart?: (hostAheadMs: number) => void;
}

const EVERY_MS = 10_000;
/** Looks at a time; the quickest answer says most. */
const LOOKS = 3;
/** An answer that took longer says too little, unless it is the first one. */
const SLOWEST_MS = 1_000;
const APART_MS = 2_000;
const instant = z.object({ now_ms: sqlInteger });

export class DatabaseClock implements Clock {
  /** What the server showed when the monotonic clock showed that. */
  private seen: { readonly serverMs: number; readonly monotonicMs: number } | undefined;
  private timer: NodeJS.Timeout | undefined;
  private apart = false;

  constructor(private readonly options: DatabaseClockOptions = {}) {}

  nowMs(): number {
    if (!this.seen) return this.hostMs();
    return Math.floor(this.seen.serverMs + this.monotonicMs() - this.seen.monotonicMs);
  }

  /** From now on goes by this server, if it is one that others can share. Throws what the first look throws. */
  async follow(database: TimeServer): Promise<void> {
    if (database.dialect !== 'postgres') return;
    await this.look(database);
    this.timer = setInterval(() => {
      // While the server does not answer, the clock goes on from where it was. Nothing can be claimed then anyway.
      this.look(database).catch(() => undefined);
    }, this.options.everyMs ?? EVERY_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private async look(database: TimeServer): Promise<void> {
    let best:
      | { readonly tookMs: number; readonly serverMs: number; readonly monotonicMs: number }
      | undefined;
    for (let look = 0; look < LOOKS; look += 1) {
      const before = this.monotonicMs();
      const [row] = await database.read((db) =>
        rows(db, instant, 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms'),
      );
      const tookMs = this.monotonicMs() - before;
      if (row && (!best || tookMs < best.tookMs)) {
        best = { tookMs, serverMs: row.now_ms, monotonicMs: before + tookMs / 2 };
      }
    }
    if (!best || (this.seen && best.tookMs > SLOWEST_MS)) return;
    this.seen = best;
    this.compare();
  }

  /** Says it once each time that the host's clock goes wrong. */
  private compare(): void {
    const hostAheadMs = this.hostMs() - this.nowMs();
    const apart = Math.abs(hostAheadMs) > APART_MS;
    if (apart && !this.apart) this.options.onApart?.(hostAheadMs);
    this.apart = apart;
  }

  private hostMs(): number {
    return (this.options.host ?? systemClock).nowMs();
  }

  private monotonicMs(): number {
    return this.options.monotonicMs?.() ?? performance.now();
  }
}
