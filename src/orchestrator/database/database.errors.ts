// What the database can fail with. There are no refusals here: nobody asks a database for permission.

import { QueryFailedError } from 'typeorm';
import { z } from 'zod';

export type DatabaseFaultCode =
  | 'database-url-malformed'
  | 'database-overloaded'
  | 'database-contended'
  | 'database-closed'
  | 'transaction-nested'
  | 'row-missing'
  | 'migration-edited'
  | 'migration-unknown'
  | 'migration-misnamed'
  | 'migrations-missing';

const driverError = z.object({ code: z.string() });

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof QueryFailedError)) return undefined;
  const parsed = driverError.safeParse(error.driverError);
  return parsed.success ? parsed.data.code : undefined;
}

/** The transaction lost against another one and may be run again from its beginning: it left nothing behind. */
export function isContention(error: unknown): boolean {
  const code = codeOf(error);
  // PostgreSQL: serialization_failure, deadlock_detected, lock_not_available (our lock_timeout). SQLite: another process wrote.
  return (
    code !== undefined &&
    (code === '40001' || code === '40P01' || code === '55P03' || code.startsWith('SQLITE_BUSY'))
  );
}

/** A row with this key is there already. On PostgreSQL the transaction is then over; see `insertNew` for a way without. */
export function isUniqueViolation(error: unknown): boolean {
  const code = codeOf(error);
  return code === '23505' || code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY';
}
