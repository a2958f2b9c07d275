// Rate limits: a bucket of tokens for each caller, refilled steadily. In this process's memory alone: with several
// orchestrators each has its own buckets. It protects a server from a flood; it is NOT a limit on money.
//
// Of our own, since a fixed window (what the framework's package counts with) lets twice its rate through at its edge,
// and because the number of buckets has to be bounded: addresses are the caller's to choose.

export interface Rate {
  readonly perMinute: number;
  readonly burst: number;
}

interface Bucket {
  /** In sixty-thousandths of a token, so that a millisecond's refill is a whole number. */
  credit: number;
  atMs: number;
}

const MINUTE_MS = 60_000;
const TOKEN = MINUTE_MS;

export class TokenBuckets {
  /** In the order of last use. */
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly rate: Rate,
    private readonly maxBuckets = 10_000,
  ) {}

  /** Takes a token for `key`. 0 when there was one, otherwise how many milliseconds until there is. */
  take(key: string, nowMs: number): number {
    const { perMinute, burst } = this.rate;
    const bucket = this.buckets.get(key) ?? { credit: burst * TOKEN, atMs: nowMs };
    this.buckets.delete(key);
    this.buckets.set(key, bucket);
    this.forgetOldest();
    // A clock that was set back gives nothing, and takes nothing away.
    const elapsedMs = Math.max(0, nowMs - bucket.atMs);
    bucket.credit = Math.min(burst * TOKEN, bucket.credit + elapsedMs * perMinute);
    bucket.atMs = nowMs;
    if (bucket.credit < TOKEN) return Math.ceil((TOKEN - bucket.credit) / perMinute);
    bucket.credit -= TOKEN;
    return 0;
  }

  get size(): number {
    return this.buckets.size;
  }

  private forgetOldest(): void {
    if (this.buckets.size <= this.maxBuckets) return;
    const oldest = this.buckets.keys().next();
    if (!oldest.done) this.buckets.delete(oldest.value);
  }
}
