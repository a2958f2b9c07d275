// The signer's time. Two clocks, because time can be turned both ways by whoever administers the host:
// - `wallMs` never goes back, not across restarts either, and goes on by measured time when the host's clock is held or
//   set back (whoever answers its time queries can do that): what expires, expires by it;
// - `measuredMs` counts only while the signer runs: what loosens with time (limits) loosens by it.

export interface TimeSource {
  /** The host's wall clock, ms since 1970. */
  wallMs(): number;
  /** A clock that only counts up while this process lives, ms; its zero means nothing. */
  monotonicMs(): number;
}

export const hostTime: TimeSource = {
  wallMs: () => Date.now(),
  monotonicMs: () => Math.floor(performance.now()),
};

export interface Instant {
  readonly wallMs: number;
  readonly measuredMs: number;
}

export class SignerClock {
  private highestWallMs: number;
  private readonly startedAtWallMs: number;
  private readonly startedAtMs: number;
  private readonly measuredBeforeMs: number;
  private readonly source: TimeSource;

  /** `last` is the newest instant that the store knows. */
  constructor(source: TimeSource, last: Instant) {
    this.source = source;
    this.startedAtWallMs = Math.max(last.wallMs, source.wallMs());
    this.highestWallMs = this.startedAtWallMs;
    this.measuredBeforeMs = last.measuredMs;
    this.startedAtMs = source.monotonicMs();
  }

  private ranMs(): number {
    return Math.max(0, this.source.monotonicMs() - this.startedAtMs);
  }

  /** How far the wall clock has been set forward since the start. It stays so until the next one. */
  leapMs(): number {
    return this.now().wallMs - this.startedAtWallMs - this.ranMs();
  }

  now(): Instant {
    const ranMs = this.ranMs();
    this.highestWallMs = Math.max(this.highestWallMs, this.startedAtWallMs + ranMs, this.source.wallMs());
    return { wallMs: this.highestWallMs, measuredMs: this.measuredBeforeMs + ranMs };
  }
}
