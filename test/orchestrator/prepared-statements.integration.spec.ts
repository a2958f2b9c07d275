// The server keeps the orchestrator's statements prepared: each text is parsed once for a connection, whatever its parameters.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { type PostgresDevnet, startPostgres } from '../../devnet/postgres.js';
import { Database } from '../../src/orchestrator/database/database.js';
import { rows, run, sqlInteger } from '../../src/orchestrator/database/sql.js';

let folder: string;
let postgres: PostgresDevnet;
let database: Database;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-prepared-'));
  postgres = await startPostgres({ logFile: join(folder, 'postgres.log') });
  const url = await postgres.createDatabase();
  database = await Database.open({ url, entities: [], clock: { nowMs: () => 1 }, poolSize: 1 });
}, 60_000);

afterAll(async () => {
  await database?.close();
  await postgres?.stop();
  rmSync(folder, { recursive: true });
});

const WAKE = 'UPDATE work SET due_at_ms = ? WHERE kind = ? AND subject = ?';

describe('statements on PostgreSQL', () => {
  it('are prepared once for a connection and used for all parameters', async () => {
    for (let dueAtMs = 1; dueAtMs <= 4; dueAtMs += 1) {
      await database.transaction((db) => run(db, WAKE, [dueAtMs, 'wallet', `hot-${dueAtMs}`]));
    }
    const kept = await database.read((db) =>
      rows(
        db,
        z.object({ uses: sqlInteger }),
        'SELECT generic_plans + custom_plans AS uses FROM pg_prepared_statements WHERE statement = ?',
        ['UPDATE work SET due_at_ms = $1 WHERE kind = $2 AND subject = $3'],
      ),
    );
    expect(kept).toEqual([{ uses: 4 }]);
  });

  it('that fail leave the connection as good as it was', async () => {
    const wrong = database.transaction((db) => run(db, 'UPDATE nothing SET due_at_ms = ?', [1]));
    await expect(wrong).rejects.toThrow(/does not exist/);
    await database.transaction((db) => run(db, WAKE, [5, 'wallet', 'hot-5']));
    const again = database.transaction((db) => run(db, 'UPDATE nothing SET due_at_ms = ?', [2]));
    await expect(again).rejects.toThrow(/does not exist/);
  });
});
