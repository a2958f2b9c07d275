// What an entry does once its signatures are verified: it acts, it waits, it lets another act that has waited, or it ends one.
// There is no clock here. The log's own words must show the wait; that it really passed is the signer's to say, which has
// measured it and takes no activation before.

import { accepted, type Outcome, refused } from '../fault.js';
import { applyChange, type LogPlace, moved } from './change.js';
import type { Change, EntryBody } from './entry.js';
import { ACTIVATION_MS, delayOf, waitOf } from './loosening.js';
import { lastVetoesOf, takesCredentials, withoutLastVetoes } from './last-veto.js';
import { checkQuorum } from './quorum.js';
import { invalid, type Result } from './rules.js';
import { touchesSafu } from './safu.js';
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
    case 'audit-log-set':
      return change.kind;
    case 'person-removed':
      return `person/${change.personId}`;
    case 'credential-removed':
      return `credential/${change.credentialId}`;
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

/** The change acts. Whom it takes out of the group that vetoes keeps the veto until the same entry has waited. */
function actingAtOnce(
  state: GovernanceState,
  { change, createdAtMs }: EntryBody,
  at: LogPlace,
  signers: Signers,
): Result {
  const acted = acting(state, change, at);
  const left = lastVetoesOf(state, change);
  if (acted.kind === 'refused' || left.length === 0) return acted;
  const { whitelistMs, policyMs } = state.timelock;
  // However many wait: whose key was stolen is removed in any case.
  const delayMs = Math.max(whitelistMs, policyMs);
  const entry: PendingEntry = { ...at, createdAtMs, delayMs, change, signers };
  const lastVetoes = new Map(acted.value.lastVetoes);
  for (const one of left) lastVetoes.set(one.credential.credentialId, one);
  return accepted({ ...acted.value, lastVetoes, pending: new Map(acted.value.pending).set(at.hash, entry) });
}

/** What a pending entry does, once it is activated. */
export function actingAfterWait(
  state: GovernanceState,
  { hash, change }: PendingEntry,
  at: LogPlace,
): Result {
  const rest = without(state, hash);
  return takesCredentials(change)
    ? accepted(moved(withoutLastVetoes(rest, change), at))
    : acting(rest, change, at);
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
  const own = proposerIn(state, waiting, signers);
  if (own !== undefined) return refused('governance-activator-proposed', { personId: own });
  const earliestMs = waiting.createdAtMs + waitOf(state, waiting);
  if (createdAtMs < earliestMs) return refused('governance-timelock', { entry: waiting.hash, earliestMs });
  const latestMs = earliestMs + ACTIVATION_MS;
  if (createdAtMs > latestMs) return refused('governance-pending-stale', { entry: waiting.hash, latestMs });
  const enough = checkQuorum(state, waiting.change, stillOf(state, waiting.signers));
  if (enough.kind === 'refused') return enough;
  return actingAfterWait(state, waiting, at);
}

/**
 * Somebody who signed what they would activate. Where SAFU's quorum signs the activation too, its custodians are those who signed
 * the entry; then one of who may veto has to be another.
 */
function proposerIn(state: GovernanceState, waiting: PendingEntry, signers: Signers): string | undefined {
  const both = [...waiting.signers.keys()].filter((person) => signers.has(person));
  const { safu, groups, timelock } = state;
  const custodians = safu && touchesSafu(state, waiting.change) ? (groups.get(safu.group) ?? []) : [];
  const stranger = both.find((person) => !custodians.includes(person));
  const vetoers = groups.get(timelock.veto.group) ?? [];
  const isActivated = vetoers.some((person) => signers.has(person) && !waiting.signers.has(person));
  return stranger ?? (isActivated ? undefined : both[0]);
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
  return delayMs === 0 ? actingAtOnce(state, body, at, signers) : wait(state, body, at, delayMs, signers);
}
