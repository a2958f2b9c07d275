// The public form of the log as it is read from the database. Full tiles are stored; a partial one, and every bundle, is put
// together from the tiles beneath and from the entries. Nothing here is believed: roots are compared by whoever asks.

import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { Between, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { bundleBytes } from '../../core/audit/bundle.js';
import { completeRoot, HASH_BYTES, type Hash, leafHash } from '../../core/audit/merkle.js';
import { base64Of, bytesOfBase64 } from '../../core/audit/texts.js';
import { parseTilePath, TILE_WIDTH, type TileName } from '../../core/audit/tile-path.js';
import { hashesOf, type StoredLog, tileBytes } from '../../core/audit/tiles.js';
import { rows } from '../database/sql.js';
import { AuditTileRow } from './audit.entity.js';

/** The log of `size` entries, read inside the work that `db` belongs to. */
export function storedLog(db: EntityManager, size: number): StoredLog {
  return {
    size,
    readTile: async (path) => {
      const name = parseTilePath(path);
      return name && (await tileOf(db, name, size));
    },
  };
}

async function tileOf(db: EntityManager, name: TileName, size: number): Promise<Uint8Array | undefined> {
  const first = name.index * TILE_WIDTH;
  if (name.level === 'entries') {
    if (first + name.width > size) return undefined;
    const entries = await entriesFrom(db, first, name.width);
    return entries.length === name.width ? bundleBytes(entries) : undefined;
  }
  if (name.width === TILE_WIDTH) {
    const row = await db.findOneBy(AuditTileRow, { level: name.level, position: name.index });
    return row ? bytesOfBase64(row.hashes) : undefined;
  }
  const hashes = await hashesFrom(db, name.level, first, name.width, size);
  return hashes.length === name.width ? tileBytes(hashes) : undefined;
}

const entryRow = z.object({ entry: z.string() });

/** Entries as they stand in the log, from a place on; fewer where there are no more. */
export async function entriesFrom(db: EntityManager, first: number, count: number): Promise<Uint8Array[]> {
  const found = await rows(
    db,
    entryRow,
    'SELECT entry FROM audit_entries WHERE sequence BETWEEN ? AND ? ORDER BY sequence',
    [first, first + count - 1],
  );
  return found.map(({ entry }) => utf8ToBytes(entry));
}

async function hashesFrom(
  db: EntityManager,
  level: number,
  first: number,
  count: number,
  size: number,
): Promise<Hash[]> {
  if (level === 0) {
    if (first + count > size) return [];
    return (await entriesFrom(db, first, count)).map(leafHash);
  }
  const beneath = await db.find(AuditTileRow, {
    select: { root: true },
    where: { level: level - 1, position: Between(first, first + count - 1) },
    order: { position: 'ASC' },
  });
  return beneath.map(({ root }) => Buffer.from(root, 'hex')).filter((hash) => hash.length === HASH_BYTES);
}

export function tileRow(level: number, position: number, bytes: Uint8Array): AuditTileRow {
  const root = bytesToHex(completeRoot(hashesOf(bytes, TILE_WIDTH) ?? []));
  return Object.assign(new AuditTileRow(), { level, position, hashes: base64Of(bytes), root });
}
