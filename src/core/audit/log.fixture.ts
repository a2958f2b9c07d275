// Logs in memory for tests of the audit log, with their files by path. For tests alone; not part of any program.

import { utf8ToBytes } from '@noble/hashes/utils.js';
import { EMPTY_LOG, grown, type LogEdge } from './growing-log.js';
import { type Hash, leafHash } from './merkle.js';
import type { StoredLog, TileReader } from './tiles.js';

export interface FilesInMemory extends TileReader {
  readonly files: Map<string, Uint8Array>;
}

export function filesInMemory(entries: Iterable<readonly [string, Uint8Array]> = []): FilesInMemory {
  const files = new Map(entries);
  return { files, readTile: (path) => Promise.resolve(files.get(path)) };
}

export interface LogInMemory extends FilesInMemory, StoredLog {
  readonly edge: LogEdge;
}

/** A log written in batches of these sizes, with the partial files of each time. */
export function logOf(
  entries: readonly Uint8Array[],
  batches: readonly number[] = [entries.length],
): LogInMemory {
  const stored = filesInMemory();
  let edge = EMPTY_LOG;
  for (const count of batches) {
    const growth = grown(edge, entries.slice(edge.size, edge.size + count));
    for (const { path, bytes } of growth.files) stored.files.set(path, bytes);
    edge = growth.edge;
  }
  return { ...stored, size: edge.size, edge };
}

export function wordsOf(count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, at) => utf8ToBytes(`entry ${at}`));
}

export function leavesOf(entries: readonly Uint8Array[]): readonly Hash[] {
  return entries.map(leafHash);
}

/** The same bytes with one of them changed. */
export function changed(bytes: Uint8Array, at: number, by = 1): Uint8Array {
  return bytes.map((byte, index) => (index === at ? byte ^ by : byte));
}
