// What an entry does once its signatures are verified: it acts, it waits, it lets another act that has waited, or it ends one.
// There is no clock here. The log's own words must show the wait; that it really passed is the signer's to say, which has
// measured it and takes no activation before.

import { accepted, type Outcome, refused } from '../fault.js';
import { applyChange, type LogPlace, moved } from './change.js';
import type { Change, EntryBody } from './entry.js';
import { ACTIVATION_MS, delayOf, waitOf } from './loosening.js';
import { checkQuorum } from './quorum.js';
import { invalid, type Result } from './rules.js';
import {
  type GovernanceRefusalCode,
  type GovernanceState,
  holderOf,
  type PendingEntry,
  type Signers,
  tokenKey,
} from './state.js';

/** So many may wait at a time. */
export const MOST_PENDING = 64;

function without(state: GovernanceState, hash: string): GovernanceState {
  const pending = new Map(state.pending);
  pending.delete(hash);
  return { ...state, pending };
}

/** The entry that an activation or a veto is about. */
export function pendingEntry(
  { pending }: Pick<GovernanceState, 'pending'>,
  { entry }: Extract<Change, { kind: 'activated' | 'vetoed' }>,
): Outcome<PendingEntry, GovernanceRefusalCode> {
  const waiting = pending.get(entry);
  return waiting ? accepted(waiting) : refused('governance-not-pending', { entry });
}

/** What a change sets as a whole; undefined where it adds to something or takes from it. */
function targetOf(change: Change): string | undefined {
  switch (change.kind) {
    case 'group-set':
      return `group/${change.group.groupId}`;
    case 'tier-bands-set':
      return `bands/${tokenKey(change.bands.chain, change.bands.contract)}`;
    case 'fact-rule-set':
      return `fact-rule/${change.rule.kind}`;
    case 'quorum-set':
    case 'safu-quorum-set':
    case 'timelock-set':
    case 'policies-set':
    case 'attestation-key-set':
      return change.kind;
    default:
      return undefined;
  }
}

/** The change acts. What waited to set the same thing was meant for what has been until now, and ends. */
function acting(state: GovernanceState, change: Change, at: LogPlace): Result {
  const target = targetOf(change);
  if (target === undefined) return applyChange(state, change, at);
  const pending = new Map([...state.pending].filter(([, waiting]) => targetOf(waiting.change) !== target));
  return applyChange({ ...state, pending }, change, at);
}

function wait(
  state: GovernanceState,
  { change, createdAtMs }: EntryBody,
  at: LogPlace,
  delayMs: number,
  signers: Signers,
): Result {
  // What could not act today is not let wait.
  const possible = applyChange(state, change, at);
  if (possible.kind === 'refused') return possible;
  if (state.pending.size >= MOST_PENDING) return invalid('too many entries wait', String(MOST_PENDING));
  const entry: PendingEntry = { ...at, createdAtMs, delayMs, change, signers };
  return accepted(moved({ ...state, pending: new Map(state.pending).set(at.hash, entry) }, at));
}

/** Without whoever was removed since, and whoever signed with a credential that was: it may have been a thief's by then. */
function stillOf(state: GovernanceState, signers: Signers): Signers {
  return new Map([...signers].filter(([, { credentialId }]) => holderOf(state, credentialId) !== undefined));
}

function activate(
  state: GovernanceState,
  change: Extract<Change, { kind: 'activated' }>,
  createdAtMs: number,
  at: LogPlace,
  signers: Signers,
): Result {
  const found = pendingEntry(state, change);
  if (found.kind === 'refused') return found;
  const waiting = found.value;
  const own = [...waiting.signers.keys()].find((person) => signers.has(person));
  if (own !== undefined) return refused('governance-activator-proposed', { personId: own });
  const earliestMs = waiting.createdAtMs + waitOf(state, waiting);
  if (createdAtMs < earliestMs) return refused('governance-timelock', { entry: waiting.hash, earliestMs });
  const latestMs = earliestMs + ACTIVATION_MS;
  if (createdAtMs > latestMs) return refused('governance-pending-stale', { entry: waiting.hash, latestMs });
  const enough = checkQuorum(state, waiting.change, stillOf(state, waiting.signers));
  if (enough.kind === 'refused') return enough;
  return acting(without(state, waiting.hash), waiting.change, at);
}

/** The state after one more entry whose signatures and place in the log have been verified. */
export function applyEntry(state: GovernanceState, body: EntryBody, hash: string, signers: Signers): Result {
  const { change, sequence } = body;
  const at = { sequence, hash };
  if (change.kind === 'activated') return activate(state, change, body.createdAtMs, at, signers);
  if (change.kind === 'vetoed') {
    const found = pendingEntry(state, change);
    return found.kind === 'refused' ? found : accepted(moved(without(state, found.value.hash), at));
  }
  const delayMs = delayOf(state, change);
  return delayMs === 0 ? acting(state, change, at) : wait(state, body, at, delayMs, signers);
}
