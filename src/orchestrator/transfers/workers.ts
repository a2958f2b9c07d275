// The workers: each claims one piece of due work, does its steps for as long as each leaves the next one due at once, and
// gives it back. A process may end between any two lines: the lease runs out, and whoever claims the work next finds in the
// database where it stands.

import { Fault } from '../../core/fault.js';
import { backoffMs } from './backoff.js';
import { DecidingSteps } from './deciding.steps.js';
import { FollowingSteps } from './following.steps.js';
import { longestWatchMs, type PipelineParts } from './pipeline.js';
import { ReservingSteps } from './reserving.steps.js';
import { SigningSteps } from './signing.steps.js';
import { TransactionRow } from './transfer.entity.js';
import { isDecided } from './transfer-states.js';
import { afterClockWentBack, type Claim, claim, finish, type Lease, retryLater } from './work.store.js';

/** For the log: a step that came to nothing. Everything that came to something is in the transitions. */
export interface StepFailure {
  readonly kind: Lease['kind'];
  readonly subject: string;
  readonly attempts: number;
  readonly code: string;
  readonly error: unknown;
}

/** Somebody else has done the step, or is doing it: nothing to report, and nothing is lost. */
const OVERTAKEN: readonly string[] = ['lease-lost', 'transfer-changed'];

/** Clocks are corrected all the time by less than this. */
const CLOCK_JITTER_MS = 1_000;

export class Workers {
  private readonly deciding: DecidingSteps;
  private readonly reserving: ReservingSteps;
  private readonly signing: SigningSteps;
  private readonly following: FollowingSteps;
  private loops: Promise<void>[] = [];
  private stopping = new AbortController();
  /** Ends the pause of a worker that has found nothing due; a step often leaves something for another one. */
  private readonly pauses = new Set<() => void>();
  /** What the clock showed last; more than any clock shows before the first look. */
  private lastMs = Number.POSITIVE_INFINITY;

  constructor(
    private readonly parts: PipelineParts,
    private readonly onFailure: (failure: StepFailure) => void = () => undefined,
    /** For what somebody has to know at once. */
    alarm: (fault: Fault) => void = () => undefined,
  ) {
    this.deciding = new DecidingSteps(parts);
    this.reserving = new ReservingSteps(parts);
    this.signing = new SigningSteps(parts);
    this.following = new FollowingSteps(parts, alarm);
  }

  start(): void {
    if (this.loops.length > 0) return;
    this.stopping = new AbortController();
    const { concurrency } = this.parts.settings;
    this.loops = Array.from({ length: concurrency }, () => this.loop(this.stopping.signal));
  }

  /** Returns when the steps under way are done. */
  async stop(): Promise<void> {
    this.stopping.abort();
    for (const end of [...this.pauses]) end();
    await Promise.all(this.loops);
    this.loops = [];
  }

  /**
   * Claims one piece of due work and does its steps until none is due at once, or as many as one lease is for; false when
   * nothing is due. A step that fails is tried again later.
   */
  async runOne(): Promise<boolean> {
    const { database, clock, settings } = this.parts;
    await this.minded(clock.nowMs());
    let held = await database.transaction((db) =>
      claim(db, settings.worker, clock.nowMs(), settings.leaseMs),
    );
    if (!held) return false;
    for (let steps = 1; held; steps += 1) {
      const last = steps >= settings.stepsPerLease || this.stopping.signal.aborted;
      held = await this.stepOf({ ...held, lease: { ...held.lease, last } });
      this.pauses.values().next().value?.();
    }
    return true;
  }

  /** One step; what to go on with under the same lease, if the step has kept it. */
  private async stepOf({ lease, governanceSequence }: Claim): Promise<Claim | undefined> {
    try {
      // Two orchestrators that went by different policies would undo each other's plans for as long as they do.
      await this.parts.governance.catchUp(governanceSequence);
      return await this.step(lease);
    } catch (error) {
      await this.failed(lease, error);
      return undefined;
    }
  }

  /** At the first look, since the clock may have been set back between two lives of the program, and whenever it was. */
  private async minded(nowMs: number): Promise<void> {
    if (nowMs < this.lastMs - CLOCK_JITTER_MS) {
      const { database, settings } = this.parts;
      const { followMs, backoffMaxMs, pollMs, leaseMs } = settings;
      const longestPauseMs = Math.max(followMs.bitcoin, followMs.ethereum, backoffMaxMs, pollMs);
      // Twice as long as ours: another orchestrator's clock may be ahead, and its settings more patient.
      const longest = Math.max(longestWatchMs(settings, 'bitcoin'), longestWatchMs(settings, 'ethereum'));
      const bounds = {
        longestPauseMs: 2 * longestPauseMs,
        longestWatchMs: 2 * longest,
        longestLeaseMs: 2 * leaseMs,
      };
      await database.transaction((db) => afterClockWentBack(db, nowMs, bounds));
    }
    this.lastMs = nowMs;
  }

  private async step(lease: Lease): Promise<Claim | undefined> {
    switch (lease.kind) {
      case 'transfer':
        await this.deciding.run(lease);
        return undefined;
      case 'wallet':
        return this.reserving.run(lease);
      case 'transaction': {
        const { database } = this.parts;
        const row = await database.read((db) =>
          db.findOneBy(TransactionRow, { transactionKey: lease.subject }),
        );
        if (row && ['planned', 'built', 'signing'].includes(row.state)) return this.signing.run(lease, row);
        if (row && (['signed', 'broadcast', 'mined'].includes(row.state) || isDecided(row.state))) {
          await this.following.run(lease, row);
          return undefined;
        }
        await database.transaction((db) => finish(db, lease, null));
        return undefined;
      }
    }
  }

  private async failed(lease: Lease, error: unknown): Promise<void> {
    const { database, clock } = this.parts;
    const code = error instanceof Fault ? error.code : 'internal';
    const overtaken = OVERTAKEN.includes(code);
    if (!overtaken)
      this.onFailure({ kind: lease.kind, subject: lease.subject, attempts: lease.attempts, code, error });
    const pauseMs = overtaken ? 0 : backoffMs(this.parts, lease.attempts);
    await database.transaction((db) => retryLater(db, lease, clock.nowMs() + pauseMs, code));
  }

  private async loop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const worked = await this.runOne().catch((error: unknown) => {
        // Not even the failure could be written: the lease runs out by itself.
        this.onFailure({ kind: 'wallet', subject: '', attempts: 0, code: 'database-unusable', error });
        return false;
      });
      if (!worked && !signal.aborted) await this.pause();
    }
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.pauses.delete(end);
        resolve();
      };
      const timer = setTimeout(end, this.parts.settings.pollMs);
      this.pauses.add(end);
    });
  }
}
