// Calls that leave a record of their own: who came in, who was told no, who looked things up, and what was handed in that
// something is done with before it is written down elsewhere. The record is there before the answer is. Whoever is not known
// could fill the log for nothing, and a program that is known by asking for ever what it may not have: so of each only so many
// are written down in a minute, and how many more there were.

import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '../../core/clock.js';
import { Database } from '../database/database.js';
import { CLOCK } from '../tokens.js';
import { AuditCallRow } from './audit.entity.js';
import { type CallKind, MOST_ABOUT } from './records.js';

export interface RecordedCall {
  /** Unique for ever, as the log line has it. */
  readonly callId: string;
  readonly operation: string;
  /** As `nameOf` a principal; null where nobody is known. */
  readonly principal: string | null;
  /** What it is about, each as `kind:id`. */
  readonly about?: readonly string[];
}

type KnownCall = RecordedCall & { readonly principal: string };

/** What a call hands in, as the log is to say it. */
export interface HandedIn {
  readonly kind: 'transition' | 'approval' | 'governance';
  readonly what: string;
  /** Of the body, hex. */
  readonly bodySha256: string;
}

/** Every call is signed, so nobody logs in; this long without a call is taken for having left. */
const AWAY_MS = 15 * 60_000;
const MOST_PRESENT = 10_000;
/** A screen that is open asks for the same again and again: it is one look for so long. */
const LOOK_MS = 15 * 60_000;
const MOST_LOOKS = 10_000;
const MOST_PER_MINUTE = 60;
const MINUTE_MS = 60_000;

interface LeftOut {
  readonly call: RecordedCall;
  readonly atMs: number;
  count: number;
}

/** Calls of one kind in a minute, by one who is known or by all who are not. */
interface Tally {
  readonly kind: CallKind;
  startMs: number;
  recorded: number;
  /** With the first of them: not written down yet. */
  leftOut: LeftOut | undefined;
}

interface Row {
  readonly kind: CallKind;
  readonly what: string;
  readonly atMs: number;
  readonly leftOut?: number;
  readonly bodySha256?: string;
}

@Injectable()
export class CallRecorder {
  /** When each was last heard of, oldest first. */
  private readonly present = new Map<string, number>();
  /** When each look was written down, oldest first. */
  private readonly looks = new Map<string, number>();
  /** By the caller's name; as many as governance knows, and one for all others. */
  private readonly tallies = new Map<string | null, Tally>();

  constructor(
    private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Somebody was let in, for the first time in a while. */
  async cameIn(call: KnownCall): Promise<void> {
    const nowMs = this.clock.nowMs();
    const lastMs = this.present.get(call.principal);
    if (lastMs === undefined || nowMs - lastMs >= AWAY_MS) {
      await this.write(call, { kind: 'login', what: 'came-in', atMs: nowMs });
    }
    remember(this.present, call.principal, nowMs, MOST_PRESENT);
  }

  /** Whoever it is said to be could not show it: the name that was used is not put down as anybody's. */
  async notLetIn(call: Omit<RecordedCall, 'principal'>, code: string): Promise<void> {
    await this.bounded({ ...call, principal: null }, 'login', code);
  }

  /** Somebody who is known asked for what they may not have, or for what cannot be. */
  async refused(call: KnownCall, code: string): Promise<void> {
    await this.bounded(call, 'refusal', code);
  }

  /** Somebody looks at what not everybody sees, each time or the first time in a while. */
  async looked(call: KnownCall, when: 'each' | 'first'): Promise<void> {
    const atMs = this.clock.nowMs();
    const look = [call.principal, call.operation, ...(call.about ?? [])].join(' ');
    const lastMs = this.looks.get(look);
    // A clock that was set back hides no look.
    if (when === 'first' && lastMs !== undefined && Math.abs(atMs - lastMs) < LOOK_MS) return;
    await this.write(call, { kind: 'admin-read', what: call.operation, atMs });
    if (when === 'first') remember(this.looks, look, atMs, MOST_LOOKS);
  }

  /** Somebody hands in what others act on before any of it is written down here. */
  async handedIn(call: KnownCall, handedIn: HandedIn): Promise<void> {
    await this.write(call, { ...handedIn, atMs: this.clock.nowMs() });
  }

  /** Writes down how many were left out in a minute that is over: one record for all of them, of each caller. */
  async tellOfPastMinute(): Promise<void> {
    const nowMs = this.clock.nowMs();
    for (const [name, tally] of this.tallies) {
      if (!isOver(tally, nowMs)) continue;
      await this.tell(tally);
      if (!tally.leftOut && isOver(tally, nowMs)) this.tallies.delete(name);
    }
  }

  /** The same, whether the minute is over or not. */
  async tellLeftOut(): Promise<void> {
    for (const tally of this.tallies.values()) await this.tell(tally);
  }

  private async bounded(call: RecordedCall, kind: CallKind, code: string): Promise<void> {
    const atMs = this.clock.nowMs();
    const tally = await this.tallyOf(call.principal, kind, atMs);
    if (tally.recorded >= MOST_PER_MINUTE) {
      tally.leftOut ??= { call, atMs, count: 0 };
      tally.leftOut.count += 1;
      return;
    }
    tally.recorded += 1;
    await this.write(call, { kind, what: code, atMs });
  }

  private async tallyOf(name: string | null, kind: CallKind, nowMs: number): Promise<Tally> {
    const tally = this.tallies.get(name) ?? { kind, startMs: nowMs, recorded: 0, leftOut: undefined };
    this.tallies.set(name, tally);
    if (!isOver(tally, nowMs)) return tally;
    await this.tell(tally);
    tally.startMs = nowMs;
    tally.recorded = 0;
    return tally;
  }

  private async tell(tally: Tally): Promise<void> {
    const { leftOut } = tally;
    if (!leftOut) return;
    // Whoever comes meanwhile is counted anew; what cannot be written is counted on with.
    tally.leftOut = undefined;
    try {
      await this.write(leftOut.call, {
        kind: tally.kind,
        what: 'left-out',
        atMs: leftOut.atMs,
        leftOut: leftOut.count,
      });
    } catch (error) {
      const since = tally.leftOut as LeftOut | undefined;
      tally.leftOut = { ...leftOut, count: leftOut.count + (since?.count ?? 0) };
      throw error;
    }
  }

  private async write(call: RecordedCall, row: Row): Promise<void> {
    const { callId, operation, principal, about = [] } = call;
    const { leftOut = null, bodySha256 = null, ...rest } = row;
    // What many were about is not what one was about.
    const said = leftOut === null && about.length > 0 ? about.slice(0, MOST_ABOUT).join(' ') : null;
    await this.database.transaction((db) =>
      db.insert(AuditCallRow, { callId, operation, principal, ...rest, leftOut, about: said, bodySha256 }),
    );
  }
}

function isOver({ startMs }: Tally, nowMs: number): boolean {
  return Math.abs(nowMs - startMs) >= MINUTE_MS;
}

/** As the newest; the oldest is forgotten where there are too many. */
function remember(times: Map<string, number>, name: string, atMs: number, most: number): void {
  times.delete(name);
  const [oldest] = times.keys();
  if (oldest !== undefined && times.size >= most) times.delete(oldest);
  times.set(name, atMs);
}
