// Leases: of two who have claimed one piece of work, the older one's step takes no effect.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Fault } from '../../core/fault.js';
import { Database } from '../database/database.js';
import { governanceEntities } from '../governance/governance.entity.js';
import { transferEntities } from './transfer.entity.js';
import { type Claim, claim, hold, keep, wake } from './work.store.js';

const LEASE_MS = 1_000;

let folder: string;
let database: Database;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-work-'));
  const url = `sqlite:${join(folder, 'test.db')}`;
  const entities = [...governanceEntities, ...transferEntities];
  database = await Database.open({ url, entities, clock: { nowMs: () => 1 } });
  await database.transaction((db) => wake(db, 'transfer', 'tr-1', 0));
});
afterEach(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});

async function claimed(worker: string, nowMs: number): Promise<Claim['lease']> {
  const found = await database.transaction((db) => claim(db, worker, nowMs, LEASE_MS));
  if (!found) throw new Error('nothing is due');
  return found.lease;
}

function held(lease: Claim['lease']): Promise<string> {
  return database
    .transaction((db) => hold(db, lease))
    .then(
      () => 'held',
      (error: unknown) => (error instanceof Fault ? error.code : String(error)),
    );
}

describe('a piece of work', () => {
  it("is one worker's until the lease is over", async () => {
    const lease = await claimed('one', 0);
    expect(await database.transaction((db) => claim(db, 'two', LEASE_MS - 1, LEASE_MS))).toBeUndefined();
    expect(await held(lease)).toBe('held');
  });

  it('is lost to whoever claimed it when somebody else has claimed it since (lease-lost)', async () => {
    const late = await claimed('one', 0);
    const newest = await claimed('two', LEASE_MS);
    expect(newest).toMatchObject({ subject: late.subject, attempts: 2 });
    expect(await held(late)).toBe('lease-lost');
    expect(await held(newest)).toBe('held');
  });

  it('undoes what the late step has written beside it', async () => {
    const late = await claimed('one', 0);
    await claimed('two', LEASE_MS);
    const step = database.transaction(async (db) => {
      await wake(db, 'wallet', 'hot-eth', 0);
      await hold(db, late);
    });
    await expect(step).rejects.toMatchObject({ code: 'lease-lost' });
    const rows: unknown = await database.read((db) => db.query("SELECT * FROM work WHERE kind = 'wallet'"));
    expect(rows).toEqual([]);
  });

  it('is kept for the next step as long as by a new lease', async () => {
    const lease = await claimed('one', 0);
    const kept = await database.transaction((db) => keep(db, lease, LEASE_MS - 1, LEASE_MS));
    expect(kept?.lease).toEqual(lease);
    expect(await database.transaction((db) => claim(db, 'two', LEASE_MS, LEASE_MS))).toBeUndefined();
    expect(await claimed('two', 2 * LEASE_MS - 1)).toMatchObject({ fence: lease.fence + 1 });
  });

  it('is not kept by whoever has lost it', async () => {
    const late = await claimed('one', 0);
    const newest = await claimed('two', LEASE_MS);
    expect(await database.transaction((db) => keep(db, late, 2 * LEASE_MS - 1, LEASE_MS))).toBeUndefined();
    expect(await held(newest)).toBe('held');
    expect(await claimed('three', 2 * LEASE_MS)).toMatchObject({ fence: newest.fence + 1 });
  });
});
