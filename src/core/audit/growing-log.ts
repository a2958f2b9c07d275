// A log that grows: from its right edge and new entries to its new right edge and the files to write. Values alone, so that
// what a failed transaction did not store has not happened here either. It writes nothing, and never rewrites: a file that is
// full stays as it is, and a partial one is followed by a longer one under another name.

import { accepted, type Outcome, refused } from '../fault.js';
import { bundleBytes, entriesOf } from './bundle.js';
import { foldPeaks, type Hash, half, isOdd, leafHash, nodeHash } from './merkle.js';
import { countAt, HASH_LEVELS, TILE_HEIGHT, TILE_WIDTH, tileAt, tilePath } from './tile-path.js';
import {
  type AuditTileRefusalCode,
  readTileFile,
  readTilesFor,
  type StoredLog,
  subtreesOf,
  tileBytes,
} from './tiles.js';

/** The right edge of a log: all that has to be known of it to go on. At most 255 hashes a level, and 255 entries. */
export interface LogEdge {
  readonly size: number;
  /** Roots of the complete subtrees, the largest first: one for each bit of the size. */
  readonly peaks: readonly Hash[];
  /** For each level of tiles the hashes of its last tile, if that is partial. */
  readonly partial: readonly (readonly Hash[])[];
  /** The entries of the last bundle, if that is partial. */
  readonly pending: readonly Uint8Array[];
}

export interface WrittenFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface Growth {
  readonly edge: LogEdge;
  /** What is new, to be stored before a checkpoint of this size is given to anybody. */
  readonly files: readonly WrittenFile[];
}

export const EMPTY_LOG: LogEdge = { size: 0, peaks: [], partial: HASH_LEVELS.map(() => []), pending: [] };

/** The root of a log with this edge. */
export function edgeRoot({ peaks }: LogEdge): Hash {
  return foldPeaks(peaks);
}

/** A log with more entries at its end, and its new files. Throws `audit-entry-too-long`. */
export function grown(edge: LogEdge, entries: readonly Uint8Array[]): Growth {
  const { files, ...hashed } = grownByLeaves(edge, entries.map(leafHash));
  const pending = [...edge.pending];
  const bundles: WrittenFile[] = [];
  let index = Math.floor(edge.size / TILE_WIDTH);
  const close = () =>
    bundles.push({
      path: tilePath({ level: 'entries', index, width: pending.length }),
      bytes: bundleBytes(pending),
    });
  for (const entry of entries) {
    pending.push(entry);
    if (pending.length < TILE_WIDTH) continue;
    close();
    pending.length = 0;
    index += 1;
  }
  if (pending.length > 0 && entries.length > 0) close();
  return { edge: { ...hashed.edge, pending }, files: [...bundles, ...files] };
}

/** The same for whoever has the hashes of the leaves alone: the entries of the edge stay as they were. */
export function grownByLeaves(edge: LogEdge, leaves: readonly Hash[]): Growth {
  const peaks = [...edge.peaks];
  const partial = edge.partial.map((hashes) => [...hashes]);
  const files: WrittenFile[] = [];
  const touched = new Set<number>();
  let size = edge.size;

  const store = (level: number, hash: Hash) => {
    const hashes = partial[level];
    if (hashes === undefined) return;
    hashes.push(hash);
    touched.add(level);
    if (hashes.length < TILE_WIDTH) return;
    const index = Math.floor(countAt(level, size) / TILE_WIDTH);
    files.push({ path: tilePath({ level, index, width: TILE_WIDTH }), bytes: tileBytes(hashes) });
    hashes.length = 0;
  };

  for (const leaf of leaves) {
    let hash = leaf;
    let height = 0;
    store(0, hash);
    // Each bit that is set in the size is a subtree that the new one completes, until the first that is not.
    for (let rest = size; isOdd(rest); rest = half(rest)) {
      hash = nodeHash(peaks.pop() ?? hash, hash);
      height += 1;
      if (height % TILE_HEIGHT === 0) store(height / TILE_HEIGHT, hash);
    }
    peaks.push(hash);
    size += 1;
  }
  for (const level of touched) {
    const hashes = partial[level] ?? [];
    if (hashes.length === 0) continue;
    const index = Math.floor(countAt(level, size) / TILE_WIDTH);
    files.push({ path: tilePath({ level, index, width: hashes.length }), bytes: tileBytes(hashes) });
  }
  return { edge: { size, peaks, partial, pending: edge.pending }, files };
}

/**
 * The edge of a stored log, from its last tile of each level and its last bundle. What it is worth shows when its root is
 * compared with a signed checkpoint: do that before going on.
 */
export async function readEdge(log: StoredLog): Promise<Outcome<LogEdge, AuditTileRefusalCode>> {
  const { size } = log;
  const subtrees = subtreesOf(0, size);
  const tiles = await readTilesFor(log, subtrees);
  if (tiles.kind === 'refused') return tiles;
  const lastOf = (level: number | 'entries') => {
    // Behind the full ones there is a partial one, or none.
    return tileAt(level, Math.floor(countAt(level, size) / TILE_WIDTH), size);
  };
  const partial = HASH_LEVELS.map((level) => {
    const last = lastOf(level);
    return last === undefined ? [] : tiles.value.hashesOf(last);
  });
  const peaks = subtrees.map((subtree) => tiles.value.subtreeHash(subtree));
  const bundle = lastOf('entries');
  if (bundle === undefined) return accepted({ size, peaks, partial, pending: [] });
  const file = await readTileFile(log, bundle);
  if (file === undefined) return refused('audit-tile-missing', { path: tilePath(bundle) });
  const pending = entriesOf(file.bytes, file.width)?.slice(0, bundle.width);
  if (pending === undefined) return refused('audit-tile-malformed', { path: file.path });
  return accepted({ size, peaks, partial, pending });
}
