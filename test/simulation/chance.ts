// All chance in a simulated world: a generator that a seed determines (sfc32, by Chris Doty-Humphrey). The same seed gives the
// same draws on every machine. It is NOT fit for secrets.

import { createHash } from 'node:crypto';
import type { Randomness } from '../../src/core/randomness.js';

const WORD = 2 ** 32;

export class Chance implements Randomness {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(seed: string) {
    const digest = createHash('sha256').update(seed).digest();
    this.a = digest.readUInt32LE(0);
    this.b = digest.readUInt32LE(4);
    this.c = digest.readUInt32LE(8);
    for (let round = 0; round < 12; round += 1) this.word();
  }

  private word(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum;
    return sum >>> 0;
  }

  fraction(): number {
    return this.word() / WORD;
  }

  /** 0, 1, … up to but without `bound`. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** True in so many of 1,000 cases. A thing that never happens draws nothing. */
  hit(perMille: number): boolean {
    return perMille > 0 && this.fraction() * 1_000 < perMille;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  /** One of several by weight; weights of 0 are never picked. */
  weighted<T extends { readonly weight: number }>(items: readonly T[]): T | undefined {
    const total = items.reduce((sum, { weight }) => sum + weight, 0);
    if (total <= 0) return undefined;
    let at = this.fraction() * total;
    for (const item of items) {
      at -= item.weight;
      if (item.weight > 0 && at < 0) return item;
    }
    return items.findLast(({ weight }) => weight > 0);
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}
