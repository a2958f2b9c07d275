// Calls that leave a record of their own: who came in, who was turned away, who looked things up. The record is there before
// the answer is. Whoever is not known could fill the log for nothing, so of them only so many are written down in a minute, and
// how many more there were.

import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '../../core/clock.js';
import { Database } from '../database/database.js';
import { CLOCK } from '../tokens.js';
import { AuditCallRow } from './audit.entity.js';
import type { CallKind } from './records.js';

export interface RecordedCall {
  /** Unique for ever, as the log line has it. */
  readonly callId: string;
  readonly operation: string;
  /** As `nameOf` a principal; null where nobody is known. */
  readonly principal: string | null;
}

/** Every call is signed, so nobody logs in; this long without a call is taken for having left. */
const AWAY_MS = 15 * 60_000;
const MOST_PRESENT = 10_000;
const UNKNOWN_PER_MINUTE = 60;
const MINUTE_MS = 60_000;

type Stranger = Omit<RecordedCall, 'principal'>;

@Injectable()
export class CallRecorder {
  /** When each was last heard of, oldest first. */
  private readonly present = new Map<string, number>();
  private minute = { startMs: 0, recorded: 0 };
  /** Of a minute, with the first of them: not written down yet. */
  private leftOut: { readonly call: Stranger; readonly atMs: number; count: number } | undefined;

  constructor(
    private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Somebody was let in, for the first time in a while. */
  async cameIn(call: RecordedCall & { readonly principal: string }): Promise<void> {
    const nowMs = this.clock.nowMs();
    const lastMs = this.present.get(call.principal);
    if (lastMs === undefined || nowMs - lastMs >= AWAY_MS) await this.write('login', 'came-in', call, nowMs);
    this.present.delete(call.principal);
    const [longestAway] = this.present.keys();
    if (longestAway !== undefined && this.present.size >= MOST_PRESENT) this.present.delete(longestAway);
    this.present.set(call.principal, nowMs);
  }

  /** Whoever it is said to be could not show it: the name that was used is not put down as anybody's. */
  async notLetIn(call: Stranger, code: string): Promise<void> {
    const nowMs = this.clock.nowMs();
    if (this.isOver(nowMs)) {
      await this.tellLeftOut();
      this.minute = { startMs: nowMs, recorded: 0 };
    }
    if (this.minute.recorded >= UNKNOWN_PER_MINUTE) {
      this.leftOut ??= { call, atMs: nowMs, count: 0 };
      this.leftOut.count += 1;
      return;
    }
    this.minute.recorded += 1;
    await this.write('login', code, { ...call, principal: null }, nowMs);
  }

  /** Writes down how many were left out in a minute that is over: one record for all of them. */
  async tellOfPastMinute(): Promise<void> {
    if (this.isOver(this.clock.nowMs())) await this.tellLeftOut();
  }

  /** The same, whether the minute is over or not. */
  async tellLeftOut(): Promise<void> {
    const { leftOut } = this;
    if (!leftOut) return;
    // Whoever comes meanwhile is counted anew; what cannot be written is counted on with.
    this.leftOut = undefined;
    try {
      await this.write(
        'login',
        'left-out',
        { ...leftOut.call, principal: null },
        leftOut.atMs,
        leftOut.count,
      );
    } catch (error) {
      const since = this.leftOut as typeof leftOut | undefined;
      this.leftOut = { ...leftOut, count: leftOut.count + (since?.count ?? 0) };
      throw error;
    }
  }

  private isOver(nowMs: number): boolean {
    return Math.abs(nowMs - this.minute.startMs) >= MINUTE_MS;
  }

  /** Somebody who is known asked for what they may not have. */
  async refused(call: RecordedCall, code: string): Promise<void> {
    await this.write('refusal', code, call, this.clock.nowMs());
  }

  /** Somebody looks at what not everybody sees. */
  async looked(call: RecordedCall): Promise<void> {
    await this.write('admin-read', call.operation, call, this.clock.nowMs());
  }

  private async write(
    kind: CallKind,
    what: string,
    call: RecordedCall,
    atMs: number,
    leftOut: number | null = null,
  ): Promise<void> {
    const { callId, operation, principal } = call;
    await this.database.transaction((db) =>
      db.insert(AuditCallRow, { callId, kind, what, operation, principal, atMs, leftOut }),
    );
  }
}
