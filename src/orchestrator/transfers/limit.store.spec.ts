import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_UINT256 } from '../../core/money/amount.js';
import { Database } from '../database/database.js';
import { START_MS } from './cast.fixture.js';
import { giveBack, Limits } from './limit.store.js';
import { transferEntities } from './transfer.entity.js';

const HOUR_MS = 3_600_000;
const WINDOW_MS = 24 * HOUR_MS;

let folder: string;
let database: Database;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-limits-'));
  database = await Database.open({
    url: `sqlite:${join(folder, 'test.db')}`,
    entities: transferEntities,
    clock: { nowMs: () => START_MS },
  });
});

afterEach(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});

function effect(limitId: string, key: string, amount: bigint) {
  return {
    limitId,
    key,
    windowMs: WINDOW_MS,
    amount,
    max: MAX_UINT256,
    usedBefore: 0n,
    usedAfter: amount,
  };
}

async function charge(transferId: string, limitId: string, amount: bigint, nowMs: number): Promise<void> {
  await database.transaction(async (db) => {
    const wanted = effect(limitId, 'w', amount);
    const limits = await Limits.take(db, [wanted], nowMs);
    await limits.charge(db, transferId, [wanted]);
  });
}

function used(limitId: string, nowMs: number): Promise<bigint> {
  const wanted = effect(limitId, 'w', 0n);
  return database.read(async (db) => (await Limits.read(db, [wanted], nowMs)).usage(wanted));
}

describe('limits in the database', () => {
  it('count what was charged and not given back, to the unit, also beyond 2^64', async () => {
    let transfers = 0;
    const act = fc.record({ give: fc.boolean(), amount: fc.bigInt(0n, 1n << 128n) });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 12 }), async (acts) => {
        transfers += 1;
        const limitId = `limit-${transfers}`;
        const alive: [string, bigint][] = [];
        for (const [index, { give, amount }] of acts.entries()) {
          const gone = give ? alive.shift() : undefined;
          if (gone) await database.transaction((db) => giveBack(db, [gone[0]]));
          else {
            const id = `t-${transfers}-${index}`;
            await charge(id, limitId, amount, START_MS + index * HOUR_MS);
            alive.push([id, amount]);
          }
        }
        const expected = alive.reduce((sum, [, amount]) => sum + amount, 0n);
        expect(await used(limitId, START_MS + 12 * HOUR_MS)).toBe(expected);
      }),
      { numRuns: 25 },
    );
  });

  it('give back a charge once, however often it is asked for', async () => {
    await charge('t-1', 'day', 5n, START_MS);
    await charge('t-2', 'day', 7n, START_MS);
    for (let count = 0; count < 3; count += 1) await database.transaction((db) => giveBack(db, ['t-1']));
    expect(await used('day', START_MS)).toBe(7n);
  });

  it('refuse to charge one transfer twice', async () => {
    await charge('t-1', 'day', 5n, START_MS);
    await expect(charge('t-1', 'day', 5n, START_MS)).rejects.toThrow(/UNIQUE/);
    expect(await used('day', START_MS)).toBe(5n);
  });

  it('forget a charge when its window is over, and not before', async () => {
    await charge('t-1', 'day', 5n, START_MS);
    expect(await used('day', START_MS + WINDOW_MS - 1)).toBe(5n);
    expect(await used('day', START_MS + WINDOW_MS + WINDOW_MS / 96)).toBe(0n);
    await database.transaction((db) => giveBack(db, ['t-1']));
    expect(await used('day', START_MS + WINDOW_MS + WINDOW_MS / 96)).toBe(0n);
  });

  it('free nothing when the clock steps back', async () => {
    await charge('t-1', 'day', 5n, START_MS);
    await charge('t-2', 'day', 5n, START_MS - 2 * WINDOW_MS);
    expect(await used('day', START_MS - 2 * WINDOW_MS)).toBe(10n);
    expect(await used('day', START_MS + WINDOW_MS - 1)).toBe(10n);
  });

  it('of a calendar are free at its midnight, and give back what was never signed', async () => {
    const calendar = { unit: 'day', offsetMinutes: 0 } as const;
    const wanted = (amount: bigint) => ({ ...effect('day', 'w by calendar day, UTC', amount), calendar });
    const chargeDay = (transferId: string, amount: bigint, nowMs: number) =>
      database.transaction(async (db) => {
        const limits = await Limits.take(db, [wanted(amount)], nowMs);
        await limits.charge(db, transferId, [wanted(amount)]);
      });
    const usedOn = (nowMs: number) =>
      database.read(async (db) => (await Limits.read(db, [wanted(0n)], nowMs)).usage(wanted(0n)));
    const midnightMs = (Math.floor(START_MS / WINDOW_MS) + 1) * WINDOW_MS;
    await chargeDay('t-1', 5n, START_MS);
    await chargeDay('t-2', 1n << 100n, midnightMs - 1);
    expect(await usedOn(midnightMs - 1)).toBe((1n << 100n) + 5n);
    await database.transaction((db) => giveBack(db, ['t-2']));
    expect(await usedOn(midnightMs - 1)).toBe(5n);
    expect(await usedOn(midnightMs)).toBe(0n);
    // What is charged after midnight stays when something from before is given back.
    await chargeDay('t-3', 7n, midnightMs);
    await database.transaction((db) => giveBack(db, ['t-1']));
    expect(await usedOn(midnightMs + WINDOW_MS - 1)).toBe(7n);
    // A rolling window of the same length has a counter of its own.
    expect(await used('day', midnightMs)).toBe(0n);
  });
});
