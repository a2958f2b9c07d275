import { AsyncResource } from 'node:async_hooks';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import SqliteFile from 'better-sqlite3';
import { Column, Entity, QueryFailedError } from 'typeorm';
import { z } from 'zod';
import { amountColumn, integerColumn, jsonColumn, textColumn, timeColumn } from './columns.js';
import { isAway, isUniqueViolation } from './database.errors.js';
import { Database } from './database.js';
import { statementsOf } from './migrate.js';
import { forUpdate, insertNew, rows, run, sqlInteger } from './sql.js';

@Entity('jars')
class Jar {
  @Column(textColumn({ primary: true })) jarId!: string;
  @Column(amountColumn()) heldWei!: bigint;
  @Column(integerColumn()) version!: number;
  @Column(timeColumn({ nullable: true })) openedAtMs!: number | null;
  @Column(jsonColumn(z.strictObject({ note: z.string() }), { nullable: true })) label!: {
    note: string;
  } | null;
}

const clock = { nowMs: () => 1_700_000_000_000 };
const HUGE = (1n << 256n) - 1n;
let folder: string;
let database: Database;

function reopen(): Promise<Database> {
  return Database.open({
    url: `sqlite:${join(folder, '..', 'test.db')}`,
    entities: [Jar],
    clock,
    migrationsFolder: folder,
  });
}

beforeEach(async () => {
  folder = join(mkdtempSync(join(tmpdir(), 'portcullis-database-')), 'migrations');
  mkdirSync(folder);
  writeFileSync(
    join(folder, '0001-jars.sql'),
    'CREATE TABLE jars (jar_id TEXT PRIMARY KEY, held_wei TEXT NOT NULL, version BIGINT NOT NULL, opened_at_ms BIGINT, label TEXT);\n',
  );
  database = await reopen();
});

afterEach(async () => {
  await database.close();
  rmSync(join(folder, '..'), { recursive: true });
});

const jar = (jarId: string): Jar => ({
  jarId,
  heldWei: HUGE,
  version: 1,
  openedAtMs: clock.nowMs(),
  label: { note: 'a; b' },
});

describe('Database on SQLite', () => {
  it('gives back amounts, times and JSON as they were put in', async () => {
    await database.transaction((db) => db.insert(Jar, jar('one')));
    const found = await database.read((db) => db.findOneByOrFail(Jar, { jarId: 'one' }));
    expect({ ...found }).toEqual(jar('one'));
  });

  it('keeps what concurrent transactions do apart, although there is one connection', async () => {
    await database.transaction((db) => db.insert(Jar, { ...jar('one'), version: 0 }));
    const works = Array.from({ length: 50 }, (_, index) =>
      database.transaction(async (db) => {
        const select = db.createQueryBuilder(Jar, 'jar').where('jar.jarId = :id', { id: 'one' });
        const found = await forUpdate(db, select).getOneOrFail();
        await sleep(0);
        await db.update(Jar, { jarId: 'one' }, { version: found.version + 1 });
        if (index % 5 === 0) throw new Error('given up');
      }),
    );
    const results = await Promise.allSettled(works);
    expect(results.filter((result) => result.status === 'rejected')).toHaveLength(10);
    const found = await database.read((db) => db.findOneByOrFail(Jar, { jarId: 'one' }));
    expect(found.version).toBe(40);
  });

  it('does not show a read what a transaction has not committed', async () => {
    // Bound here: outside the call chain of the transaction, as another request would be.
    const peek = AsyncResource.bind(() => database.read((db) => db.count(Jar)));
    const seen = await database.transaction(async (db) => {
      await db.insert(Jar, jar('one'));
      return peek();
    });
    expect(seen).toBe(0);
    expect(await peek()).toBe(1);
  });

  it('commits together what is asked for together, and then tells each caller its own outcome', async () => {
    const peek = AsyncResource.bind(() => database.read((db) => db.count(Jar)));
    const [first, failed, last] = await Promise.allSettled([
      database.transaction(async (db) => {
        await db.insert(Jar, jar('one'));
        return 'first';
      }),
      database.transaction(async (db) => {
        await db.insert(Jar, jar('two'));
        throw new Error('given up');
      }),
      database.transaction(async (db) => ({ seen: await db.count(Jar), committed: await peek() })),
    ]);
    expect(first).toEqual({ status: 'fulfilled', value: 'first' });
    expect(failed).toMatchObject({ status: 'rejected', reason: { message: 'given up' } });
    // The one that was given up has left nothing, and nothing was committed before all of them were through.
    expect(last).toEqual({ status: 'fulfilled', value: { seen: 1, committed: 0 } });
    expect(await peek()).toBe(1);
  });

  it('does again what was to be committed together with something that finds the disk full', async () => {
    const pages = z.array(z.strictObject({ page_count: z.int() }));
    const [size] = pages.parse(await database.transaction((db) => db.query('PRAGMA page_count')));
    await database.transaction((db) => db.query(`PRAGMA max_page_count = ${(size?.page_count ?? 0) + 4}`));
    let runs = 0;
    const insert = (jarId: string) =>
      database.transaction(async (db) => {
        runs += 1;
        await db.insert(Jar, jar(jarId));
      });
    const results = await Promise.allSettled([
      insert('one'),
      database.transaction((db) =>
        db.insert(Jar, { ...jar('huge'), label: { note: 'x'.repeat(1_000_000) } }),
      ),
      insert('two'),
    ]);
    expect(results).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'database-unreachable' } },
      { status: 'fulfilled' },
    ]);
    expect(runs).toBe(3);
    const found = await database.read((db) => db.find(Jar, { order: { jarId: 'ASC' } }));
    expect(found.map(({ jarId }) => jarId)).toEqual(['one', 'two']);
  });

  it('refuses database work inside database work', async () => {
    const nested = database.transaction(() => database.read(async () => 1));
    await expect(nested).rejects.toMatchObject({ code: 'transaction-nested' });
  });

  it('refuses writes over the connection for reads', async () => {
    await expect(database.read((db) => db.insert(Jar, jar('one')))).rejects.toThrow(/readonly/);
  });

  it('tells the first inserter of a key from all later ones', async () => {
    const inserted = await Promise.all(
      [1, 2, 3].map(() => database.transaction((db) => insertNew(db, Jar, jar('one')))),
    );
    expect(inserted.toSorted()).toEqual([false, false, true]);
    const again = database.transaction((db) => db.insert(Jar, jar('one')));
    expect(isUniqueViolation(await again.catch((error: unknown) => error))).toBe(true);
  });

  it('reads rows of hand-written SQL through their schema', async () => {
    await database.transaction((db) => run(db, "INSERT INTO jars VALUES (?, '5', 1, NULL, NULL)", ['one']));
    const schema = z.strictObject({ version: sqlInteger, held_wei: z.string() });
    const found = await database.read((db) =>
      rows(db, schema, 'SELECT version, held_wei FROM jars WHERE jar_id = ?', ['one']),
    );
    expect(found).toEqual([{ version: 1, held_wei: '5' }]);
  });

  it('says that it is contended while another program holds it, reads on, and holds nothing up meanwhile', async () => {
    const other = new SqliteFile(join(folder, '..', 'test.db'));
    other.exec('BEGIN IMMEDIATE');
    const beats: number[] = [];
    const heart = setInterval(() => beats.push(performance.now()), 10);
    try {
      const blocked = database
        .transaction((db) => db.insert(Jar, jar('one')))
        .catch((error: unknown) => error);
      expect(await database.read((db) => db.countBy(Jar, {}))).toBe(0);
      expect(await blocked).toMatchObject({ code: 'database-contended' });
    } finally {
      clearInterval(heart);
      other.exec('ROLLBACK');
      other.close();
    }
    const pauses = beats.slice(1).map((beat, index) => beat - (beats[index] ?? beat));
    expect(Math.max(...pauses)).toBeLessThan(1_000);
    await database.transaction((db) => db.insert(Jar, jar('one')));
  });

  it('refuses a URL that names no absolute path and no server', async () => {
    const opened = Database.open({ url: 'sqlite:here.db', entities: [], clock });
    await expect(opened).rejects.toMatchObject({ code: 'database-url-malformed' });
  });

  it('refuses work once it is closed', async () => {
    await database.close();
    await expect(database.read(async () => 1)).rejects.toMatchObject({ code: 'database-closed' });
  });
});

describe('migrations', () => {
  it('splits at semicolons that end a line and nowhere else', () => {
    expect(statementsOf("-- a;\nA 'x;y'\n  b;\n\nCREATE TRIGGER t BEGIN c; END;\nlast")).toEqual([
      "A 'x;y'\n  b",
      'CREATE TRIGGER t BEGIN c; END',
      'last',
    ]);
  });

  it('applies later files to a database that has the earlier ones', async () => {
    await database.close();
    writeFileSync(join(folder, '0002-lids.sql'), 'CREATE TABLE lids (lid_id TEXT PRIMARY KEY);\n');
    writeFileSync(join(folder, '0002-lids.postgres.sql'), 'not for SQLite;\n');
    database = await reopen();
    expect(await database.read((db) => db.query('SELECT count(*) AS n FROM lids'))).toEqual([{ n: 0 }]);
  });

  it('refuses to start when an applied file was edited', async () => {
    await database.close();
    writeFileSync(join(folder, '0001-jars.sql'), 'CREATE TABLE jars (jar_id TEXT);\n');
    await expect(reopen()).rejects.toMatchObject({ code: 'migration-edited' });
  });

  it('refuses to start on a database that a newer program has migrated', async () => {
    await database.close();
    rmSync(join(folder, '0001-jars.sql'));
    await expect(reopen()).rejects.toMatchObject({ code: 'migration-unknown' });
  });

  it('leaves nothing of a file that fails half way', async () => {
    await database.close();
    writeFileSync(join(folder, '0002-lids.sql'), 'CREATE TABLE lids (lid_id TEXT);\nnonsense;\n');
    await expect(reopen()).rejects.toThrow();
    rmSync(join(folder, '0002-lids.sql'));
    database = await reopen();
    await expect(database.read((db) => db.query('SELECT 1 FROM lids'))).rejects.toThrow(/no such table/);
  });

  it('refuses a file that is not named as one', async () => {
    await database.close();
    writeFileSync(join(folder, 'extra.sql'), '');
    await expect(reopen()).rejects.toMatchObject({ code: 'migration-misnamed' });
  });
});

describe('a database that is away', () => {
  const failed = (code: string, message = 'no') =>
    new QueryFailedError('SELECT 1', [], Object.assign(new Error(message), { code }));

  it('is known by what the network, the server, the file or the driver says', () => {
    for (const code of [
      'ECONNREFUSED',
      'ECONNRESET',
      'EPIPE',
      '57P01',
      '57P03',
      '08006',
      'SQLITE_IOERR_WRITE',
    ]) {
      expect({ code, away: isAway(failed(code)) }).toEqual({ code, away: true });
    }
    expect(isAway(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }))).toBe(true);
    expect(isAway(new Error('Connection terminated unexpectedly'))).toBe(true);
    expect(isAway(new AggregateError([Object.assign(new Error(''), { code: 'ETIMEDOUT' })]))).toBe(true);
  });

  it('is not what a wrong statement, a conflict or a fault of ours looks like', () => {
    for (const code of ['42601', '23505', '40001', 'SQLITE_CONSTRAINT', 'SQLITE_BUSY']) {
      expect({ code, away: isAway(failed(code)) }).toEqual({ code, away: false });
    }
    expect(isAway(new Error('a row is missing'))).toBe(false);
    expect(isAway('Connection terminated')).toBe(false);
  });
});
