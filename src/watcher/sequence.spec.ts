// The row of numbers on the disk: none twice, whatever process ends or is copied, and none without its file.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Fault } from '../core/fault.js';
import { Sequence } from './sequence.js';

let place: string;
let path: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'portcullis-sequence-'));
  path = join(place, 'sequence');
  Sequence.create(path, 1_000);
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'done';
  } catch (error) {
    return error instanceof Fault ? error.code : String(error);
  }
}

describe('the numbers of facts', () => {
  it('rise one by one, and are on the disk before any of them is given', () => {
    const sequence = Sequence.open(path);
    expect(readFileSync(path, 'utf8')).toBe('1000\n');
    expect(sequence.next()).toBe(1_001);
    expect(readFileSync(path, 'utf8')).toBe('2000\n');
    for (let count = 0; count < 999; count += 1) sequence.next();
    expect(readFileSync(path, 'utf8')).toBe('2000\n');
    expect(sequence.next()).toBe(2_001);
    expect(readFileSync(path, 'utf8')).toBe('3000\n');
  });

  it('go on above all that were taken when the process ends without a word', () => {
    expect(Sequence.open(path).next()).toBe(1_001);
    expect(Sequence.open(path).next()).toBe(2_001);
    expect(Sequence.open(path).next()).toBe(3_001);
  });

  it('are given by one process alone (sequence-taken-elsewhere)', () => {
    const one = Sequence.open(path);
    const other = Sequence.open(path);
    expect(one.next()).toBe(1_001);
    expect(codeOf(() => other.next())).toBe('sequence-taken-elsewhere');
    expect(one.next()).toBe(1_002);
  });

  it('are not begun again under a file that is there (sequence-exists), nor without one (sequence-missing)', () => {
    expect(codeOf(() => Sequence.create(path, 5))).toBe('sequence-exists');
    rmSync(path);
    expect(codeOf(() => Sequence.open(path))).toBe('sequence-missing');
  });

  it.each(['', 'x\n', '0\n', '-1\n', '1', '01\n', '1e3\n', '9007199254740993\n', '1\n1\n'])(
    'are none in a file that holds %j (sequence-malformed)',
    (text) => {
      writeFileSync(path, text);
      expect(codeOf(() => Sequence.open(path))).toBe('sequence-malformed');
    },
  );
});
