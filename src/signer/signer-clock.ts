// The signer's time. Two clocks, because time can be turned both ways by whoever administers the host:
// - `wallMs` never goes back, not across restarts either, and goes on by measured time when the host's clock is held or
//   set back (whoever answers its time queries can do that): what expires, expires by it;
// - where the two go apart by more than ten minutes, nothing is signed until the host is right again or a quorum says that it is;
// - `measuredMs` counts only while the signer runs: what loosens with time (limits) loosens by it;
// - the hour of the day is believed where somebody whom governance trusts has told the time, and all that was measured since
//   agrees with the host: a host's clock alone says what its administrator likes.

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

/** The host's clock may lie so far from what has passed since the time that was trusted last; beyond, it is not believed. */
export const MAX_DIVERGENCE_MS = 10 * 60 * 1000;
/** Two good clocks go apart too: so much of the time that passes is allowed on top, 200 parts in a million. */
const DRIFT_PARTS = 5_000;

export interface Divergence {
  readonly hostMs: number;
  /** What the host would say if it had gone on as the signer measured. */
  readonly expectedMs: number;
}

export class SignerClock {
  private highestWallMs: number;
  private trustedWallMs: number;
  private trustedAtMs: number;
  private readonly startedAtMs: number;
  private readonly measuredBeforeMs: number;
  private readonly source: TimeSource;
  private toldAt: Instant | undefined;

  /** `last` is the newest instant that the store knows, `toldAt` that at which somebody told the time last. */
  constructor(source: TimeSource, last: Instant, toldAt?: Instant) {
    this.source = source;
    this.toldAt = toldAt;
    this.trustedWallMs = Math.max(last.wallMs, source.wallMs());
    this.highestWallMs = this.trustedWallMs;
    this.measuredBeforeMs = last.measuredMs;
    this.startedAtMs = source.monotonicMs();
    this.trustedAtMs = this.startedAtMs;
  }

  private sinceMs(startMs: number): number {
    return Math.max(0, this.source.monotonicMs() - startMs);
  }

  private expectedMs(): number {
    return this.trustedWallMs + this.sinceMs(this.trustedAtMs);
  }

  /** Where the host's clock and the measured time are too far apart to say which is right; undefined where they are not. */
  divergence(): Divergence | undefined {
    const hostMs = this.source.wallMs();
    const expectedMs = this.expectedMs();
    const allowedMs = MAX_DIVERGENCE_MS + Math.floor(this.sinceMs(this.trustedAtMs) / DRIFT_PARTS);
    return Math.abs(hostMs - expectedMs) > allowedMs ? { hostMs, expectedMs } : undefined;
  }

  now(): Instant {
    const hostMs = this.divergence() ? 0 : this.source.wallMs();
    this.highestWallMs = Math.max(this.highestWallMs, this.expectedMs(), hostMs);
    return {
      wallMs: this.highestWallMs,
      measuredMs: this.measuredBeforeMs + this.sinceMs(this.startedAtMs),
    };
  }

  /** Begins anew from what the host says, since a quorum says that it is right. What was later stays later. */
  trustHost(): void {
    this.trustedWallMs = this.source.wallMs();
    this.trustedAtMs = this.source.monotonicMs();
    this.hear();
  }

  /** Somebody whom governance trusts says about the same time as the host, just now. */
  hear(): void {
    this.toldAt = { wallMs: this.source.wallMs(), measuredMs: this.now().measuredMs };
  }

  /** What the store keeps: each time that the signer stands still counts against it. */
  told(): Instant | undefined {
    return this.toldAt;
  }

  /** The time by which hours are told, at an instant of this clock. Undefined where it is the host's word alone. */
  hourMs({ wallMs, measuredMs }: Instant): number | undefined {
    if (!this.toldAt) return undefined;
    const sinceMs = measuredMs - this.toldAt.measuredMs;
    const allowedMs = MAX_DIVERGENCE_MS + Math.max(0, Math.floor(sinceMs / DRIFT_PARTS));
    return Math.abs(wallMs - this.toldAt.wallMs - sinceMs) <= allowedMs ? wallMs : undefined;
  }

  /** Whether the host says the same as somebody else, as far as that matters here. */
  agrees(timeMs: number): boolean {
    return Math.abs(this.source.wallMs() - timeMs) <= MAX_DIVERGENCE_MS;
  }
}
