// What the database can fail with. There are no refusals here: nobody asks a database for permission.

import { QueryFailedError } from 'typeorm';
import { z } from 'zod';

export type DatabaseFaultCode =
  | 'database-url-malformed'
  | 'database-overloaded'
  | 'database-contended'
  | 'database-unreachable'
  | 'database-closed'
  | 'transaction-nested'
  | 'row-missing'
  | 'migration-edited'
  | 'migration-unknown'
  | 'migration-misnamed'
  | 'migrations-missing';

const driverError = z.object({ code: z.string() });
/** Not asked for its class: the SQLite add-on keeps the first class that it was given for the whole process. */
const thrownError = z.object({ message: z.string() });

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

/** On SQLite: what failed leaves the transaction around it as it was. A full disk, or a lock that is not to be had, may not. */
export function isUndoneAlone(error: unknown): boolean {
  return !(error instanceof QueryFailedError) || codeOf(error)?.startsWith('SQLITE_CONSTRAINT') === true;
}

/** PostgreSQL: connection exceptions, and a server that is going down or coming up. */
const AWAY_STATES = /^(?:08...|57P0[1-5]|53300)$/;
/** What the network says. */
const AWAY_NETWORK = /^(?:ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
/** SQLite: the file, its disk or its directory. */
const AWAY_FILE = /^SQLITE_(?:CANTOPEN|IOERR|FULL)/;
/** The driver's own words for a connection that ended; it gives them no code. */
const AWAY_WORDS =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout)/;

/**
 * The database is not there at the moment. What was under way was undone, or was committed and its answer lost: whoever
 * asks again finds out.
 */
export function isAway(error: unknown): boolean {
  const thrown: unknown = error instanceof QueryFailedError ? error.driverError : error;
  if (thrown instanceof AggregateError) return thrown.errors.some(isAway);
  const said = thrownError.safeParse(thrown);
  if (!said.success) return false;
  const parsed = driverError.safeParse(thrown);
  const code = parsed.success ? parsed.data.code : '';
  return (
    [AWAY_STATES, AWAY_NETWORK, AWAY_FILE].some((one) => one.test(code)) || AWAY_WORDS.test(said.data.message)
  );
}

/** A row with this key is there already. On PostgreSQL the transaction is then over; see `insertNew` for a way without. */
export function isUniqueViolation(error: unknown): boolean {
  const code = codeOf(error);
  return code === '23505' || code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY';
}
