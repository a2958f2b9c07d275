// Column types that mean the same on SQLite and PostgreSQL. Every column of every entity is made by one of these.
// What a column reads back is not trusted to be what was written: JSON goes through its schema again.

import type { ColumnOptions } from 'typeorm';
import { z } from 'zod';
import { Fault } from '../../core/fault.js';
import { parseBaseUnits } from '../../core/money/amount.js';

interface Options {
  readonly primary?: boolean;
  readonly nullable?: boolean;
  readonly name?: string;
}

/** Text; with `nullable`, `null` for none. */
export function textColumn(options: Options = {}): ColumnOptions {
  return { type: 'text', ...options };
}

/** One of a closed list, read back through the list. */
export function oneOfColumn<const T extends readonly string[]>(
  values: T,
  options: Options = {},
): ColumnOptions {
  const schema = z.enum(values);
  return {
    ...textColumn(options),
    transformer: { to: (value: string) => value, from: (value: string) => schema.parse(value) },
  };
}

/** Amounts in base units: `bigint` in the program, decimal text in the database. Never ordered or summed in SQL. */
export function amountColumn(options: Options = {}): ColumnOptions {
  return {
    type: 'text',
    ...options,
    transformer: {
      to: (value: bigint | null | undefined) => (typeof value === 'bigint' ? value.toString() : value),
      from: (value: string | null) => (value === null ? null : parseBaseUnits(value)),
    },
  };
}

/**
 * A safe integer: versions, counts, block heights. PostgreSQL's driver gives int8 as text. It is written as a bigint, because
 * TypeORM puts numbers into the text of SQLite's statements: each text would be prepared anew, and be used once.
 */
export function integerColumn(options: Options = {}): ColumnOptions {
  return {
    type: 'bigint',
    ...options,
    transformer: {
      to: (value: unknown) => (typeof value === 'number' ? BigInt(value) : value),
      from: (value: string | number | null) => (value === null ? null : safeInteger(value)),
    },
  };
}

/** Milliseconds since 1970. */
export const timeColumn = integerColumn;

/** A value as JSON text, read back through its schema; what does not fit it is a fault, never half a value. */
export function jsonColumn<T>(schema: z.ZodType<T>, options: Options = {}): ColumnOptions {
  return {
    type: 'text',
    ...options,
    transformer: {
      to: (value: T | null | undefined) =>
        value === null || value === undefined ? value : JSON.stringify(value),
      from: (value: string | null) => (value === null ? null : schema.parse(JSON.parse(value))),
    },
  };
}

function safeInteger(value: string | number): number {
  const integer = typeof value === 'number' ? value : Number.parseInt(value, 10);
  if (!Number.isSafeInteger(integer))
    throw new Fault('column-out-of-range', 'a stored integer is not a safe one');
  return integer;
}
