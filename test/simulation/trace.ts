// What happened in a run: every event in its order as one running hash, counts of each kind, and on demand the lines
// themselves. Two runs of one seed have the same hash, or something in the world is not determined by the seed.

import { createHash } from 'node:crypto';

export class Trace {
  readonly counts = new Map<string, number>();
  /** The newest lines; all of them when they are wanted. */
  readonly lines: string[] = [];
  private readonly hash = createHash('sha256');

  constructor(
    private readonly nowMs: () => number,
    private readonly print?: (line: string) => void,
  ) {}

  /** `kind` is counted; `about` is part of the hash and of the line. */
  note(kind: string, about = ''): void {
    this.count(kind);
    const line = `${this.nowMs()} ${kind} ${about}`;
    this.hash.update(`${line}\n`);
    this.print?.(line);
  }

  count(kind: string, by = 1): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + by);
  }

  digest(): string {
    return this.hash.copy().digest('hex');
  }
}
