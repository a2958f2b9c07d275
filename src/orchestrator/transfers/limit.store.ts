// Limits as this side counts them: the same windows as the signer's, in the database, so that what is offered to
// the signer is what it can allow. It is NOT what protects the limits: the signer counts for itself and gives nothing
// back, while a plan that was certainly never signed is given back here.

import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import { Fault } from '../../core/fault.js';
import type { LimitCharge, LimitEffect, LimitUsage } from '../../core/policy/types.js';
import type { Calendar, Moment } from '../../core/policy/calendar.js';
import {
  chargedAt,
  counterFrom,
  counterText,
  emptyCounter,
  type LimitCounter,
  newestBucket,
  type Span,
  usedAt,
  without,
} from '../../core/policy/counter.js';
import { isPostgres, rows, run } from '../database/sql.js';
import { LimitChargeRow, type TransferRow } from './transfer.entity.js';
import type { TransferFaultCode } from './transfer.errors.js';

type Counter = Pick<LimitCharge, 'limitId' | 'key'> & Span;

/** Where a counter is kept: on this side, what is counted over another window or in other buckets is counted anew. */
interface Place {
  readonly limitId: string;
  readonly counterKey: string;
  readonly windowMs: number;
  readonly calendar: Calendar | null;
}

function placeOf({ limitId, key, windowMs, bucketCount, calendar }: Counter): Place {
  const counterKey = bucketCount === undefined ? key : `${key} in ${bucketCount} parts`;
  return { limitId, counterKey, windowMs, calendar: calendar ?? null };
}

function nameOf({ limitId, counterKey, windowMs }: Place): string {
  return JSON.stringify([limitId, counterKey, windowMs]);
}

/** Counters read at one moment. Whoever charges them has taken them for the rest of the transaction. */
export class Limits {
  private constructor(
    private readonly counters: Map<string, LimitCounter>,
    private readonly nowMs: number,
  ) {}

  /** This side has one clock, and protects nothing by it. */
  private get moment(): Moment {
    return { wallMs: this.nowMs, measuredMs: this.nowMs };
  }

  /** For looking only: what is used by what was committed. */
  static async read(db: EntityManager, wanted: readonly Counter[], nowMs: number): Promise<Limits> {
    return Limits.load(db, wanted, nowMs, false);
  }

  /** For charging: each counter is taken, in one order for everybody, so that two who want the same ones do not wait for each other for ever. */
  static async take(db: EntityManager, wanted: readonly Counter[], nowMs: number): Promise<Limits> {
    return Limits.load(db, wanted, nowMs, true);
  }

  private static async load(
    db: EntityManager,
    wanted: readonly Counter[],
    nowMs: number,
    take: boolean,
  ): Promise<Limits> {
    const counters = new Map<string, LimitCounter>();
    const distinct = new Map(wanted.map((counter) => [nameOf(placeOf(counter)), counter]));
    for (const name of [...distinct.keys()].toSorted()) {
      const counter = distinct.get(name);
      if (!counter) continue;
      const stored =
        (await storedCounter(db, placeOf(counter), take)) ??
        (take ? await beginCounter(db, counter) : undefined);
      counters.set(name, stored ?? emptyCounter(counter));
    }
    return new Limits(counters, nowMs);
  }

  /** What is used of a counter; a counter that was not read is a fault. */
  readonly usage: LimitUsage = (charged) => usedAt(this.counter(charged), this.moment);

  /** Charges a transfer, in memory and in the database. */
  async charge(db: EntityManager, transferId: string, effects: readonly LimitEffect[]): Promise<void> {
    for (const effect of effects) {
      const next = chargedAt(this.counter(effect), this.moment, effect.amount);
      const place = placeOf(effect);
      this.counters.set(nameOf(place), next);
      await write(db, place, next);
      const bucket = newestBucket(next);
      await db.insert(LimitChargeRow, { transferId, ...place, bucket, amount: effect.amount });
    }
  }

  private counter(of: Counter): LimitCounter {
    const counter = this.counters.get(nameOf(placeOf(of)));
    if (!counter) {
      throw new Fault<TransferFaultCode>('transfer-inconsistent', 'a limit was used that was not read', {
        facts: { limit: of.limitId },
      });
    }
    return counter;
  }
}

/** The usage to judge a transfer by: what was signed for it once has charged its limits, and they do not count again. */
export function usageFor({ burials }: Pick<TransferRow, 'burials'>, usage: LimitUsage): LimitUsage {
  return burials > 0 ? () => 0n : usage;
}

/** What is stored of a counter, taken for the rest of the transaction if wanted; nothing for one that was never charged. */
async function storedCounter(
  db: EntityManager,
  { limitId, counterKey, windowMs, calendar }: Place,
  take: boolean,
): Promise<LimitCounter | undefined> {
  const [row] = await rows(
    db,
    z.object({ counter: z.string() }),
    `SELECT counter FROM limit_counters WHERE limit_id = ? AND counter_key = ? AND window_ms = ? ${take && isPostgres(db) ? 'FOR UPDATE' : ''}`,
    [limitId, counterKey, windowMs],
  );
  return row && counterFrom({ windowMs, ...(calendar && { calendar }) }, row.counter);
}

/** Makes a counter's row, unless another transaction is faster, and takes it. */
async function beginCounter(db: EntityManager, counter: Counter): Promise<LimitCounter | undefined> {
  const place = placeOf(counter);
  await run(
    db,
    'INSERT INTO limit_counters (limit_id, counter_key, window_ms, counter) VALUES (?, ?, ?, ?) ON CONFLICT (limit_id, counter_key, window_ms) DO NOTHING',
    [place.limitId, place.counterKey, place.windowMs, counterText(emptyCounter(counter))],
  );
  return storedCounter(db, place, true);
}

/** Gives back what transfers charged whose plan was certainly never signed. */
export async function giveBack(db: EntityManager, transferIds: readonly string[]): Promise<void> {
  const charges: LimitChargeRow[] = [];
  for (const transferId of transferIds) charges.push(...(await db.findBy(LimitChargeRow, { transferId })));
  const sorted = charges.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  for (const row of sorted) {
    const counter = await storedCounter(db, row, true);
    if (!counter) continue;
    await write(db, row, without(counter, row.bucket, row.amount));
  }
  for (const transferId of transferIds) await db.delete(LimitChargeRow, { transferId });
}

async function write(db: EntityManager, of: Place, counter: LimitCounter): Promise<void> {
  await run(
    db,
    'UPDATE limit_counters SET counter = ? WHERE limit_id = ? AND counter_key = ? AND window_ms = ?',
    [counterText(counter), of.limitId, of.counterKey, of.windowMs],
  );
}
