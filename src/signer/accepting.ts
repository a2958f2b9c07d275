// When the signer takes in an entry of governance. Replay says whether it follows; here it is asked whether what loosens has
// waited: by time that this signer measured itself since it took the entry in, which no clock of the host can hurry.

import { accepted, type Outcome, refused } from '../core/fault.js';
import type { Change, GovernanceEntry } from '../core/governance/entry.js';
import { ACTIVATION_MS, waitOf } from '../core/governance/loosening.js';
import type { GovernanceState, PendingEntry } from '../core/governance/state.js';
import type { PendingReport } from '../signer-protocol/messages.js';
import type { Instant, SignerClock } from './signer-clock.js';
import type { SignerStore } from './store.js';

export type WaitRefusalCode = 'governance-timelock' | 'governance-pending-stale';
/** The host's clock and the measured time are too far apart; or a quorum's time and the host's are. */
export type ClockRefusalCode = 'clock-diverged' | 'clock-not-agreed';

type Store = Pick<SignerStore, 'ledger' | 'read'>;

/** Time that the signer measured since it took in an entry of the log: 0 for genesis, and for what it never took in. */
export function measuredSince(store: Store, sequence: number, now: Instant): number {
  const [at] = store.ledger.governanceSequences(sequence, 1);
  const body = at === undefined ? undefined : store.read(at).body;
  if (body?.kind !== 'governance' || body.entry.body.sequence !== sequence) return 0;
  return now.measuredMs - body.at.measuredMs;
}

/** How much of a wait is left, ms. 0: it is over. */
function leftMs(state: GovernanceState, store: Store, entry: PendingEntry, now: Instant): number {
  return Math.max(0, waitOf(state, entry) - measuredSince(store, entry.sequence, now));
}

/** Has what this entry activates waited? Entries that activate nothing have nothing to wait for. */
function checkWait(
  state: GovernanceState,
  { body: { change } }: GovernanceEntry,
  { store, at }: Accepting,
): Outcome<undefined, WaitRefusalCode> {
  if (change.kind !== 'activated') return accepted(undefined);
  const waiting = state.pending.get(change.entry);
  if (!waiting) return accepted(undefined);
  const left = leftMs(state, store, waiting, at);
  if (left > 0) return refused('governance-timelock', { entry: change.entry, leftMs: left });
  // An activation can be dated back; what was measured cannot.
  const overdueMs = measuredSince(store, waiting.sequence, at) - waitOf(state, waiting) - ACTIVATION_MS;
  return overdueMs > 0
    ? refused('governance-pending-stale', { entry: change.entry, overdueMs })
    : accepted(undefined);
}

/** A quorum's word on the time is about what the host says now: else the host is set right first. */
function checkTime(
  { body: { change } }: GovernanceEntry,
  { clock }: Accepting,
): Outcome<undefined, ClockRefusalCode> {
  if (change.kind !== 'time-set' || clock.agrees(change.timeMs)) return accepted(undefined);
  return refused('clock-not-agreed', { timeMs: change.timeMs, ...clock.divergence() });
}

export interface Accepting {
  readonly store: Store;
  readonly clock: Pick<SignerClock, 'agrees' | 'divergence'>;
  /** The signer's time as it takes the entry in. */
  readonly at: Instant;
}

/** What replay cannot ask, since it has no clock. */
export function checkAcceptable(
  state: GovernanceState,
  entry: GovernanceEntry,
  accepting: Accepting,
): Outcome<undefined, WaitRefusalCode | ClockRefusalCode> {
  const waited = checkWait(state, entry, accepting);
  return waited.kind === 'refused' ? waited : checkTime(entry, accepting);
}

/** What an entry makes act: its own change, or that of the entry which it activates. */
export function actingChange({ pending }: GovernanceState, { body: { change } }: GovernanceEntry): Change {
  return change.kind === 'activated' ? (pending.get(change.entry)?.change ?? change) : change;
}

/** What waits, oldest first, and how long each still has to. */
export function pendingReports(state: GovernanceState, store: Store, now: Instant): PendingReport[] {
  return [...state.pending.values()].map((entry) => ({
    hash: entry.hash,
    sequence: entry.sequence,
    leftMs: leftMs(state, store, entry, now),
  }));
}
