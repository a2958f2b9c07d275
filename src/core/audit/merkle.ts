// The Merkle tree over the entries of a log: hashes and their folding (RFC 6962 §2.1, RFC 9162 §2.1). A hash says of a leaf
// that it is one, so that no inner node can pass for an entry. It reads nothing and proves nothing by itself.

import { sha256 } from '@noble/hashes/sha2.js';

/** 32 bytes of SHA-256. */
export type Hash = Uint8Array;

export const HASH_BYTES = 32;
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** The root of a log without entries: the hash of nothing. */
export const EMPTY_ROOT: Hash = sha256(new Uint8Array());

export function leafHash(entry: Uint8Array): Hash {
  return sha256.create().update(LEAF).update(entry).digest();
}

export function nodeHash(left: Hash, right: Hash): Hash {
  return sha256.create().update(NODE).update(left).update(right).digest();
}

export function isSameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** Entries are counted in JavaScript's safe integers: bits are taken by division, since shifts end at 32 of them. */
export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

export function isOdd(count: number): boolean {
  return count % 2 === 1;
}

export function half(count: number): number {
  return Math.floor(count / 2);
}

/** The largest power of two below `count`, which is at least 2. RFC 9162 §2.1.1. */
export function splitOf(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}

/** The hash above complete subtrees that stand side by side, the largest first. Of none it is that of an empty log. */
export function foldPeaks(peaks: readonly Hash[]): Hash {
  return peaks.length === 0 ? EMPTY_ROOT : peaks.reduceRight((right, left) => nodeHash(left, right));
}

/** The root of a complete subtree from the hashes at its foot, whose number is a power of two. */
export function completeRoot(hashes: readonly Hash[]): Hash {
  let row = hashes;
  while (row.length > 1) {
    const above: Hash[] = [];
    for (let at = 0; at + 1 < row.length; at += 2)
      above.push(nodeHash(row[at] ?? EMPTY_ROOT, row[at + 1] ?? EMPTY_ROOT));
    row = above;
  }
  return row[0] ?? EMPTY_ROOT;
}
