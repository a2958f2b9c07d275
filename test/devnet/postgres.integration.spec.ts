import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { type PostgresDevnet, startPostgres } from '../../devnet/postgres.js';

describe('the PostgreSQL of a test run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-pgtest-'));
  const logFile = join(folder, 'server.log');
  let server: PostgresDevnet;

  beforeAll(async () => {
    server = await startPostgres({ logFile });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  it('gives every suite a database of its own', async () => {
    const [one, two] = await Promise.all([server.createDatabase(), server.createDatabase()]);
    expect(one).not.toBe(two);
    await query(one, 'CREATE TABLE transfer (amount numeric(78,0))');
    await query(one, `INSERT INTO transfer VALUES (${2n ** 256n - 1n})`);
    expect(await query(one, 'SELECT amount FROM transfer')).toEqual([{ amount: `${2n ** 256n - 1n}` }]);
    await expect(query(two, 'SELECT amount FROM transfer')).rejects.toMatchObject({ code: '42P01' });
  });

  it('refuses a connection with another password, SQLSTATE 28P01', async () => {
    const url = new URL(server.url('postgres'));
    url.password = 'wrong';
    await expect(query(url.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('refuses a database name that is more than a word', async () => {
    await expect(server.createDatabase('a; DROP DATABASE b')).rejects.toMatchObject({
      code: 'database-name',
    });
  });

  it('leaves neither a process nor data behind', async () => {
    const other = await startPostgres({ logFile });
    const { pid } = other.program;
    await other.stop();
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });
});

async function query(connectionString: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
