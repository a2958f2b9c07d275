// Chance that can be had again: a seed gives the same choices. The programs' own timing is not in it, so a seed repeats what
// a test does, not what comes of it.

/** Environment variable: a number, for doing again what a failed run printed. */
export const SEED_VARIABLE = 'KILL_SEED';

export class Chance {
  private state: number;

  constructor(readonly seed: number) {
    this.state = seed >>> 0;
  }

  /** The seed that was asked for, or a new one. */
  static fromEnvironment(): Chance {
    const asked = process.env[SEED_VARIABLE];
    return new Chance(asked === undefined ? Math.floor(Math.random() * 2 ** 32) : Number.parseInt(asked, 10));
  }

  /** From 0 up to 1. Mulberry32. */
  fraction(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + this.fraction() * (high - low);
  }

  of<T>(choices: readonly [T, ...T[]]): T {
    return choices[Math.floor(this.fraction() * choices.length)] ?? choices[0];
  }
}
