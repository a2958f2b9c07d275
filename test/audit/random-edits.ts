// Single edits of a log's files and of proofs, by chance that can be had again.

import type { Chance } from '../survival/chance.js';

export interface FileEdit {
  readonly path: string;
  /** Empty: the file is gone. */
  readonly bytes: Uint8Array;
  readonly how: string;
}

function wholeBelow(chance: Chance, end: number): number {
  return Math.floor(chance.fraction() * end);
}

/** A byte that is another, a byte that is too many or missing, an end that is missing, or no file at all. */
export function editedFile(chance: Chance, path: string, bytes: Uint8Array): FileEdit {
  const at = wholeBelow(chance, bytes.length);
  const byte = wholeBelow(chance, 256);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + 1)];
  const other = (bytes[at] ?? 0) ^ (1 + wholeBelow(chance, 255));
  const kind = chance.of(['another', 'another', 'another', 'more', 'less', 'cut', 'gone'] as const);
  const edits = {
    another: [...before, other, ...after],
    more: [...before, byte, ...bytes.subarray(at)],
    less: [...before, ...after],
    cut: [...before],
    gone: [],
  };
  return { path, bytes: Uint8Array.from(edits[kind]), how: `${path}: ${kind} at ${at}` };
}

/** One bit of one of these texts in base64. */
export function editedHash(chance: Chance, hashes: readonly string[]): string[] {
  const which = wholeBelow(chance, hashes.length);
  const bit = wholeBelow(chance, 256);
  return hashes.map((hash, at) => {
    if (at !== which) return hash;
    const bytes = Buffer.from(hash, 'base64');
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return bytes.toString('base64');
  });
}

/**
 * What a note says to somebody who reads its base64 as loosely as can be: an edit of bits that mean nothing there is none.
 * Our own reading refuses such, too.
 */
export function looselyRead(note: Uint8Array): string {
  const [text, signatures = ''] = Buffer.from(note).toString('latin1').split('\n\n');
  const lines = signatures.split('\n').map((line) => {
    const words = line.split(' ');
    return [...words.slice(0, -1), Buffer.from(words.at(-1) ?? '', 'base64').toString('hex')].join(' ');
  });
  return JSON.stringify([text, ...lines]);
}
