// The numbers of facts. One row of numbers serves all subjects, so none of them ever decreases. They are taken from the disk
// a thousand at a time, before any of them is used: a crash leaves numbers out and never gives one twice.

import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { Fault } from '../core/fault.js';

export type SequenceFaultCode =
  | 'sequence-missing'
  | 'sequence-exists'
  | 'sequence-malformed'
  | 'sequence-taken-elsewhere';

const TAKEN_AT_ONCE = 1_000;

function writeDurably(path: string, upTo: number): void {
  const next = `${path}.next`;
  const file = openSync(next, 'w', 0o600);
  try {
    writeSync(file, `${upTo}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(next, path);
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function numberIn(path: string): number {
  const text = readFileSync(path, 'utf8');
  const upTo = /^[1-9][0-9]{0,15}\n$/.test(text) ? Number.parseInt(text, 10) : Number.NaN;
  if (Number.isSafeInteger(upTo)) return upTo;
  throw new Fault<SequenceFaultCode>('sequence-malformed', `${path} holds no number`, { facts: { path } });
}

export class Sequence {
  private constructor(
    private readonly path: string,
    private last: number,
    private taken: number,
  ) {}

  /**
   * A new file. It begins at the present time in milliseconds: above all that a lost one can have given out, unless it gave
   * a thousand a second. Throws `sequence-exists`.
   */
  static create(path: string, nowMs: number): void {
    if (existsSync(path))
      throw new Fault<SequenceFaultCode>('sequence-exists', `${path} is there already`, { facts: { path } });
    writeDurably(path, nowMs);
  }

  /** Throws `sequence-missing`, `sequence-malformed`. */
  static open(path: string): Sequence {
    if (!existsSync(path)) {
      throw new Fault<SequenceFaultCode>(
        'sequence-missing',
        `${path} is not there; it is never made anew silently: watcher init`,
        { facts: { path } },
      );
    }
    const upTo = numberIn(path);
    return new Sequence(path, upTo, upTo);
  }

  /** Throws `sequence-taken-elsewhere`, `sequence-malformed`: nothing is stated by two that share a row of numbers. */
  next(): number {
    if (this.last >= this.taken) {
      const there = numberIn(this.path);
      if (there !== this.taken) {
        const message = `${this.path} has gone on without this watcher: another one uses it`;
        throw new Fault<SequenceFaultCode>('sequence-taken-elsewhere', message, {
          facts: { path: this.path, taken: this.taken, there },
        });
      }
      const upTo = this.taken + TAKEN_AT_ONCE;
      writeDurably(this.path, upTo);
      this.taken = upTo;
    }
    this.last += 1;
    return this.last;
  }
}
