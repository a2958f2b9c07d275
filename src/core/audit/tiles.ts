// The hashes of stored tiles. A tile holds the bottom row of a subtree; every hash above is worked out from it. What is
// read is taken for nothing but bytes: whether they are those of the log shows when a proof meets its root.

import { concatBytes } from '@noble/hashes/utils.js';
import { accepted, Fault, type Outcome, refused } from '../fault.js';
import { completeRoot, foldPeaks, HASH_BYTES, type Hash } from './merkle.js';
import { TILE_HEIGHT, TILE_WIDTH, type TileName, tileAt, tilePath } from './tile-path.js';

/** Where the public form of a log lies: its files by their paths. Whoever implements it need not be honest. */
export interface TileReader {
  /** Nothing where there is no such file. Throws only for what is no answer: a broken disk. */
  readTile(path: string): Promise<Uint8Array | undefined>;
}

/** A log that has so many entries, and all files of that size. It may have had fewer at times of which it kept no files. */
export interface StoredLog extends TileReader {
  readonly size: number;
}

export type AuditTileRefusalCode = 'audit-tile-missing' | 'audit-tile-malformed';
export type AuditTileFaultCode = 'audit-tile-not-read';

/** A file as it was found. */
export interface TileFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** How many hashes, or entries, its name promises. */
  readonly width: number;
}

/** The file of a tile as it is named, or the full one, which begins with the same and may stand in its place. */
export async function readTileFile(reader: TileReader, name: TileName): Promise<TileFile | undefined> {
  const path = tilePath(name);
  const bytes = await reader.readTile(path);
  if (bytes !== undefined) return { path, bytes, width: name.width };
  return name.width === TILE_WIDTH ? undefined : readTileFile(reader, { ...name, width: TILE_WIDTH });
}

/** The hashes in the file of a tile of that many; nothing when its length is another. */
export function hashesOf(bytes: Uint8Array, width: number): readonly Hash[] | undefined {
  if (bytes.length !== width * HASH_BYTES) return undefined;
  return Array.from({ length: width }, (_, at) => bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
}

export function tileBytes(hashes: readonly Hash[]): Uint8Array {
  return concatBytes(...hashes);
}

/** A complete subtree: its height above the leaves, and how many of its size lie to its left. */
export interface Subtree {
  readonly height: number;
  readonly index: number;
}

/** The complete subtrees that entries `from` to before `to` make up, the largest first. `from` is where such a one may begin. */
export function subtreesOf(from: number, to: number): readonly Subtree[] {
  const subtrees: Subtree[] = [];
  for (let start = from; start < to; ) {
    let height = 0;
    while (2 ** (height + 1) <= to - start) height += 1;
    subtrees.push({ height, index: start / 2 ** height });
    start += 2 ** height;
  }
  return subtrees;
}

interface Place {
  readonly tile: TileName;
  readonly offset: number;
  readonly width: number;
}

/** Where the hashes at the foot of a subtree are stored. */
function placeOf({ height, index }: Subtree, size: number): Place {
  const level = Math.floor(height / TILE_HEIGHT);
  const width = 2 ** (height % TILE_HEIGHT);
  const first = index * width;
  const tile = tileAt(level, Math.floor(first / TILE_WIDTH), size);
  if (tile === undefined) throw notRead();
  return { tile, offset: first % TILE_WIDTH, width };
}

function notRead(): Fault<AuditTileFaultCode> {
  return new Fault('audit-tile-not-read', 'a hash was asked for whose tile was not read');
}

/** Tiles of a log of one size that were read, by their paths. */
export class ReadTiles {
  constructor(
    private readonly size: number,
    private readonly tiles: ReadonlyMap<string, readonly Hash[]>,
  ) {}

  /** The hash above entries `from` to before `to`; throws for what is in no tile that was read. */
  rangeHash(from: number, to: number): Hash {
    return foldPeaks(subtreesOf(from, to).map((subtree) => this.subtreeHash(subtree)));
  }

  subtreeHash(subtree: Subtree): Hash {
    const { tile, offset, width } = placeOf(subtree, this.size);
    return completeRoot(this.hashesOf(tile).slice(offset, offset + width));
  }

  hashesOf(tile: TileName): readonly Hash[] {
    const hashes = this.tiles.get(tilePath(tile));
    if (hashes === undefined) throw notRead();
    return hashes;
  }
}

/** Reads the tiles that hold these subtrees, each once. */
export async function readTilesFor(
  log: StoredLog,
  subtrees: readonly Subtree[],
): Promise<Outcome<ReadTiles, AuditTileRefusalCode>> {
  const names = new Map(
    subtrees.map((subtree) => {
      const { tile } = placeOf(subtree, log.size);
      return [tilePath(tile), tile];
    }),
  );
  const tiles = new Map<string, readonly Hash[]>();
  for (const [path, name] of names) {
    const file = await readTileFile(log, name);
    if (file === undefined) return refused('audit-tile-missing', { path });
    const hashes = hashesOf(file.bytes, file.width);
    if (hashes === undefined) return refused('audit-tile-malformed', { path: file.path });
    tiles.set(path, hashes.slice(0, name.width));
  }
  return accepted(new ReadTiles(log.size, tiles));
}
