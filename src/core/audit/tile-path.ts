// Which files the public form of a log has, and what they are called: tiles of 256 hashes in levels, and bundles of 256
// entries (C2SP tlog-tiles). Names alone; what is in the files is for tiles.ts and bundle.ts.

import { isCount } from './merkle.js';

/** Hashes in a full tile, entries in a full bundle. The format has no other. */
export const TILE_WIDTH = 256;
/** Levels of the tree that one tile covers. */
export const TILE_HEIGHT = 8;
/** With 2^53 entries there is nothing above level 6. */
export const TOP_LEVEL = 6;

export const CHECKPOINT_PATH = 'checkpoint';

/** A tile of hashes (`level` from 0) or a bundle of entries, with so many of the 256 that it can have. */
export interface TileName {
  readonly level: number | 'entries';
  readonly index: number;
  readonly width: number;
}

/** 1234067 is x001/x234/067. */
function spelledIndex(index: number): string {
  const groups: string[] = [];
  let rest = index;
  do {
    const group = `${rest % 1_000}`.padStart(3, '0');
    groups.unshift(groups.length === 0 ? group : `x${group}`);
    rest = Math.floor(rest / 1_000);
  } while (rest > 0);
  return groups.join('/');
}

export function tilePath({ level, index, width }: TileName): string {
  const full = `tile/${level}/${spelledIndex(index)}`;
  return width === TILE_WIDTH ? full : `${full}.p/${width}`;
}

const PATH = /^tile\/(entries|[0-6])\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** What a path names; nothing for any spelling but the one that `tilePath` gives. Input is hostile. */
export function parseTilePath(path: string): TileName | undefined {
  const [, level = '', digits = '', partial] = PATH.exec(path) ?? [];
  const name: TileName = {
    level: level === 'entries' ? level : Number(level),
    index: Number(digits.replaceAll(/[x/]/g, '')),
    width: partial === undefined ? TILE_WIDTH : Number(partial),
  };
  const isBounded = isCount(name.index) && name.width <= TILE_WIDTH;
  // A partial tile of 256, and an index with groups of zeros before it, are other spellings.
  return isBounded && tilePath(name) === path ? name : undefined;
}

/** How many hashes, or entries, a level has in a log of `size` entries. */
export function countAt(level: TileName['level'], size: number): number {
  return level === 'entries' ? size : Math.floor(size / 2 ** (TILE_HEIGHT * level));
}

/** The tile, or bundle, of a log of `size` entries at this place, with all that it has there; nothing where it has none. */
export function tileAt(level: TileName['level'], index: number, size: number): TileName | undefined {
  const width = Math.min(TILE_WIDTH, countAt(level, size) - index * TILE_WIDTH);
  return width > 0 ? { level, index, width } : undefined;
}

/** All tiles of a level, or all bundles, from the first on. */
export function* tilesOf(level: TileName['level'], size: number): Generator<TileName> {
  for (let index = 0; ; index += 1) {
    const tile = tileAt(level, index, size);
    if (tile === undefined) return;
    yield tile;
  }
}

export const HASH_LEVELS: readonly number[] = Array.from({ length: TOP_LEVEL + 1 }, (_, level) => level);
