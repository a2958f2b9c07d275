// Proofs from stored tiles (RFC 6962 §2.1.1 and §2.1.2): what is asked for is worked out first, then the few tiles that hold
// it are read, then the proof is put together. A proof from wrong tiles is a wrong proof: check it against a signed root.

import { accepted, type Outcome, type Refusal, refused } from '../fault.js';
import { foldPeaks, type Hash, isCount, splitOf } from './merkle.js';
import { type AuditTileRefusalCode, readTilesFor, type StoredLog, subtreesOf } from './tiles.js';
import type { AuditProofRefusalCode, ConsistencyProof, InclusionProof } from './verify-proof.js';

/** Entries `from` to before `to`, of which a proof has the hash. */
interface Range {
  readonly from: number;
  readonly to: number;
}

export type ProvingRefusalCode =
  | AuditTileRefusalCode
  | Extract<AuditProofRefusalCode, 'audit-proof-out-of-range'>;

/** The neighbours on the way from an entry up to the root, lowest first. RFC 6962 §2.1.1. */
function rangesBeside(index: number, size: number): readonly Range[] {
  const ranges: Range[] = [];
  for (let from = 0, to = size; to - from > 1; ) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      ranges.unshift({ from: middle, to });
      to = middle;
    } else {
      ranges.unshift({ from, to: middle });
      from = middle;
    }
  }
  return ranges;
}

/** What makes up the smaller log, and what the larger one has beside it, lowest first. RFC 6962 §2.1.2. */
function rangesBetween(small: number, size: number): readonly Range[] {
  if (small === 0 || small === size) return [];
  const ranges: Range[] = [];
  let from = 0;
  let to = size;
  while (to !== small) {
    const middle = from + splitOf(to - from);
    if (small <= middle) {
      ranges.unshift({ from: middle, to });
      to = middle;
    } else {
      ranges.unshift({ from, to: middle });
      from = middle;
    }
  }
  // Where the smaller log is a subtree of its own, whoever verifies has its root already.
  return from === 0 ? ranges : [{ from, to }, ...ranges];
}

async function hashesOver(
  log: StoredLog,
  ranges: readonly Range[],
): Promise<Outcome<readonly Hash[], AuditTileRefusalCode>> {
  const subtrees = ranges.flatMap(({ from, to }) => subtreesOf(from, to));
  const tiles = await readTilesFor(log, subtrees);
  if (tiles.kind === 'refused') return tiles;
  return accepted(ranges.map(({ from, to }) => tiles.value.rangeHash(from, to)));
}

function outOfRange(log: StoredLog, asked: Readonly<Record<string, number>>): Refusal<ProvingRefusalCode> {
  return refused('audit-proof-out-of-range', { ...asked, entries: log.size });
}

/** The root of the log when it had `size` entries. */
export async function rootAt(log: StoredLog, size: number): Promise<Outcome<Hash, ProvingRefusalCode>> {
  if (!isCount(size) || size > log.size) return outOfRange(log, { size });
  const hashes = await hashesOver(log, [{ from: 0, to: size }]);
  return hashes.kind === 'refused' ? hashes : accepted(foldPeaks(hashes.value));
}

/** That an entry stands at its place in the log of `size` entries. */
export async function proveInclusion(
  log: StoredLog,
  index: number,
  size: number,
): Promise<Outcome<InclusionProof, ProvingRefusalCode>> {
  if (!isCount(index) || !isCount(size) || index >= size || size > log.size)
    return outOfRange(log, { index, size });
  const path = await hashesOver(log, rangesBeside(index, size));
  return path.kind === 'refused' ? path : accepted({ index, size, path: path.value });
}

/** That the log of `from` entries is the beginning of that of `size` entries. */
export async function proveConsistency(
  log: StoredLog,
  from: number,
  size: number,
): Promise<Outcome<ConsistencyProof, ProvingRefusalCode>> {
  if (!isCount(from) || !isCount(size) || from > size || size > log.size)
    return outOfRange(log, { from, size });
  const path = await hashesOver(log, rangesBetween(from, size));
  return path.kind === 'refused' ? path : accepted({ from, size, path: path.value });
}
