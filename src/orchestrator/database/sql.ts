// The few statements that the two databases spell differently. NOT a query builder: entities and TypeORM's own builder
// do the rest.

import type {
  EntityManager,
  EntityTarget,
  ObjectLiteral,
  QueryDeepPartialEntity,
  SelectQueryBuilder,
} from 'typeorm';
import { z } from 'zod';

export function isPostgres(db: EntityManager): boolean {
  return db.connection.options.type === 'postgres';
}

/**
 * Takes the selected rows for the rest of the transaction (PostgreSQL: FOR UPDATE). On SQLite a transaction is alone
 * anyway. With `skipLocked`, rows that another transaction has taken are left out instead of waited for.
 */
export function forUpdate<T extends ObjectLiteral>(
  db: EntityManager,
  select: SelectQueryBuilder<T>,
  options: { readonly skipLocked?: boolean } = {},
): SelectQueryBuilder<T> {
  if (!isPostgres(db)) return select;
  const locked = select.setLock('pessimistic_write');
  return options.skipLocked === true ? locked.setOnLocked('skip_locked') : locked;
}

/** Inserts unless a row with the same key is there; true when it did. Never ends a PostgreSQL transaction by a conflict. */
export async function insertNew<T extends ObjectLiteral>(
  db: EntityManager,
  entity: EntityTarget<T>,
  row: QueryDeepPartialEntity<T>,
): Promise<boolean> {
  const insert = db.createQueryBuilder().insert().into(entity).values(row).orIgnore().updateEntity(false);
  const [text, parameters] = insert.getQueryAndParameters();
  const inserted: unknown = await db.query(`${text} RETURNING 1 AS inserted`, parameters);
  return Array.isArray(inserted) && inserted.length === 1;
}

/** Rows of a hand-written SELECT with `?` for parameters, each read through its schema. */
export async function rows<T>(
  db: EntityManager,
  schema: z.ZodType<T>,
  text: string,
  parameters: readonly (string | number | null)[] = [],
): Promise<T[]> {
  return z.array(schema).parse(await db.query(placeholders(db, text), [...parameters]));
}

/**
 * In pieces whose lengths are powers of two, the longest first, for statements over many: each text is one that PostgreSQL's
 * connections keep prepared, of which there may be only so many.
 */
export function inPowers<T>(items: readonly T[]): (readonly T[])[] {
  const pieces: (readonly T[])[] = [];
  for (let start = 0; start < items.length; ) {
    const length = 2 ** Math.floor(Math.log2(items.length - start));
    pieces.push(items.slice(start, start + length));
    start += length;
  }
  return pieces;
}

/** The same in one piece: filled up with its last. */
export function padded<T>(items: readonly T[]): readonly T[] {
  const last = items.at(-1);
  if (last === undefined) return items;
  const length = 2 ** Math.ceil(Math.log2(items.length));
  return [...items, ...Array.from({ length: length - items.length }, () => last)];
}

/** `?, ?, ?` for so many. */
export function marks(items: readonly unknown[]): string {
  return items.map(() => '?').join(', ');
}

/** A hand-written statement with `?` for parameters. */
export async function run(
  db: EntityManager,
  text: string,
  parameters: readonly (string | number | null)[] = [],
): Promise<void> {
  await db.query(placeholders(db, text), [...parameters]);
}

function placeholders(db: EntityManager, text: string): string {
  if (!isPostgres(db)) return text;
  let count = 0;
  return text.replaceAll('?', () => {
    count += 1;
    return `$${count}`;
  });
}

/** For schemas of hand-written SELECTs: an integer however the driver gives it. */
export const sqlInteger = z
  .union([z.int(), z.string().regex(/^-?[0-9]{1,16}$/)])
  .transform((value) => (typeof value === 'number' ? value : Number.parseInt(value, 10)));
