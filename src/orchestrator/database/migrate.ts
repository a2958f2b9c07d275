// Brings a database to this program's schema: forward SQL files in the order of their numbers, each in a transaction
// of its own together with the note that it was applied. There is no way back, and no guessing: a file that was edited
// after it was applied, or one that this program does not know, stops the start.
//
// `NNNN-name.sql` runs on both databases, `NNNN-name.sqlite.sql` and `NNNN-name.postgres.sql` on one. A statement ends
// with `;` at the end of a line, so the body of a trigger or function stands on one line.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataSource, EntityManager } from 'typeorm';
import { z } from 'zod';
import type { Clock } from '../../core/clock.js';
import { Fault } from '../../core/fault.js';
import { sha256Hex } from '../../platform/sha256.js';
import type { DatabaseFaultCode } from './database.errors.js';
import { isPostgres, rows, run } from './sql.js';

export interface Migration {
  readonly name: string;
  readonly sha256: string;
  readonly statements: readonly string[];
}

/** Any number that no other program takes on the same database. */
const ADVISORY_LOCK = 7_267_822_855_417;
const FILE_NAME = /^[0-9]{4}-[a-z0-9-]+(?:\.(sqlite|postgres))?\.sql$/;
const COMMENT_LINE = /^\s*--/;

/** The shipped files, also when this runs compiled: SQL stays where the sources are. */
export function migrationsFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const candidate = join(folder, 'src/orchestrator/database/migrations');
    if (existsSync(candidate)) return candidate;
    if (dirname(folder) === folder) {
      throw new Fault<DatabaseFaultCode>(
        'migrations-missing',
        'the SQL migrations are not beside the program',
      );
    }
  }
}

/** Files for one dialect, in order. Throws `migration-misnamed`. */
export function readMigrations(folder: string, dialect: 'sqlite' | 'postgres'): Migration[] {
  const migrations: Migration[] = [];
  for (const name of readdirSync(folder).toSorted()) {
    const match = FILE_NAME.exec(name);
    if (!match) {
      throw new Fault<DatabaseFaultCode>('migration-misnamed', 'a migration is not named NNNN-name.sql', {
        facts: { name },
      });
    }
    if (match[1] !== undefined && match[1] !== dialect) continue;
    const text = readFileSync(join(folder, name), 'utf8');
    migrations.push({
      name,
      sha256: sha256Hex(text),
      statements: statementsOf(text),
    });
  }
  // Digits and the name decide, so that `0001-a.sql` comes before its dialect's `0001-a.sqlite.sql`.
  return migrations.toSorted((a, b) => compare(orderOf(a.name), orderOf(b.name)));
}

function orderOf(name: string): string {
  return name.replace(/\.sql$/, '').replace('.', '~');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function statementsOf(text: string): string[] {
  const statements: string[] = [];
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    if (COMMENT_LINE.test(line) || line.trim() === '') continue;
    lines.push(line);
    if (line.trimEnd().endsWith(';')) {
      statements.push(lines.join('\n').trimEnd().slice(0, -1));
      lines = [];
    }
  }
  if (lines.length > 0) statements.push(lines.join('\n'));
  return statements;
}

const appliedRow = z.object({ name: z.string(), sha256: z.string() });

function edited(name: string): Fault<DatabaseFaultCode> {
  return new Fault('migration-edited', 'a migration was edited after it was applied', { facts: { name } });
}

/** In a transaction of its own; false when another program was faster. */
async function apply(db: EntityManager, migration: Migration, nowMs: number): Promise<boolean> {
  if (isPostgres(db)) await run(db, 'SELECT pg_advisory_xact_lock(?)', [ADVISORY_LOCK]);
  const [known] = await rows(db, appliedRow, 'SELECT name, sha256 FROM schema_migrations WHERE name = ?', [
    migration.name,
  ]);
  if (known) {
    if (known.sha256 === migration.sha256) return false;
    throw edited(migration.name);
  }
  for (const statement of migration.statements) await db.query(statement);
  await run(db, 'INSERT INTO schema_migrations (name, sha256, applied_at_ms) VALUES (?, ?, ?)', [
    migration.name,
    migration.sha256,
    nowMs,
  ]);
  return true;
}

/** What is applied already, by name. Throws `migration-edited`, `migration-unknown`. */
async function applied(db: EntityManager, migrations: readonly Migration[]): Promise<ReadonlySet<string>> {
  // CREATE … IF NOT EXISTS alone can fail when two programs run it at once on PostgreSQL.
  if (isPostgres(db)) await run(db, 'SELECT pg_advisory_xact_lock(?)', [ADVISORY_LOCK]);
  await run(
    db,
    'CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL, applied_at_ms BIGINT NOT NULL)',
  );
  const byName = new Map(migrations.map((migration) => [migration.name, migration]));
  const found = await rows(db, appliedRow, 'SELECT name, sha256 FROM schema_migrations');
  for (const { name, sha256 } of found) {
    const migration = byName.get(name);
    if (!migration) {
      throw new Fault<DatabaseFaultCode>(
        'migration-unknown',
        'the database was migrated by a newer program; start that one',
        { facts: { name } },
      );
    }
    if (migration.sha256 !== sha256) throw edited(name);
  }
  return new Set(found.map((row) => row.name));
}

/**
 * Applies what is missing and returns the names. Several programs may do this at once on one database: each migration
 * is applied by one of them. Throws `migration-edited`, `migration-unknown`.
 */
export async function migrate(
  dataSource: DataSource,
  migrations: readonly Migration[],
  clock: Clock,
): Promise<string[]> {
  const known = await dataSource.transaction((db) => applied(db, migrations));
  const done: string[] = [];
  for (const migration of migrations.filter(({ name }) => !known.has(name))) {
    const did = await dataSource.transaction((db) => apply(db, migration, clock.nowMs()));
    if (did) done.push(migration.name);
  }
  return done;
}
