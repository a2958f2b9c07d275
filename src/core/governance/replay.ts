// Replay: from entries to state. The signer, the orchestrator and an auditor run this same function and believe only
// its result. It is NOT a store, and it has no clock: what an entry may do depends on entries before it alone.

import { type Outcome, refused } from '../fault.js';
import type { SignatureVerifier } from '../statements/signature.js';
import { applyEntry } from './apply.js';
import { genesisState } from './change.js';
import { entryHash, governanceEntry, NO_PREVIOUS } from './entry.js';
import { verifyEntrySigners } from './quorum.js';
import type { GovernanceRefusalCode, GovernanceState } from './state.js';

/**
 * The first entry. Whether it is the right genesis is decided by whoever pinned its hash; this only says that it is a
 * valid one, signed by the quorum that it names itself (which proves that these people hold those keys).
 */
export function replayGenesis(
  input: unknown,
  verifier: SignatureVerifier,
): Outcome<GovernanceState, GovernanceRefusalCode> {
  const parsed = governanceEntry.safeParse(input);
  if (!parsed.success) return refused('governance-entry-malformed', { where: describe(parsed.error.issues) });
  const entry = parsed.data;
  const { body } = entry;
  if (body.change.kind !== 'genesis' || body.sequence !== 0) return refused('governance-not-genesis');
  if (body.previous !== NO_PREVIOUS || body.deploymentId !== NO_PREVIOUS) {
    return refused('governance-previous-mismatch', { sequence: 0 });
  }
  const state = genesisState(body.change, entryHash(body));
  if (state.kind === 'refused') return state;
  const signed = verifyEntrySigners(entry, state.value, verifier);
  return signed.kind === 'refused' ? signed : state;
}

/** One more entry on top of a state. Input is hostile; the state is not changed. */
export function replayEntry(
  state: GovernanceState,
  input: unknown,
  verifier: SignatureVerifier,
): Outcome<GovernanceState, GovernanceRefusalCode> {
  const parsed = governanceEntry.safeParse(input);
  if (!parsed.success) return refused('governance-entry-malformed', { where: describe(parsed.error.issues) });
  const entry = parsed.data;
  const { body } = entry;
  if (body.deploymentId !== state.deploymentId) {
    return refused('governance-other-deployment', {
      entry: body.deploymentId,
      deployment: state.deploymentId,
    });
  }
  if (body.sequence !== state.sequence + 1) {
    return refused('governance-sequence', { entry: body.sequence, expected: state.sequence + 1 });
  }
  if (body.previous !== state.head) {
    return refused('governance-previous-mismatch', { sequence: body.sequence });
  }
  const signed = verifyEntrySigners(entry, state, verifier);
  if (signed.kind === 'refused') return signed;
  return applyEntry(state, body, entryHash(body), signed.value);
}

/** A whole log, genesis first. Refuses at the first entry that does not follow. */
export function replayLog(
  entries: readonly unknown[],
  verifier: SignatureVerifier,
): Outcome<GovernanceState, GovernanceRefusalCode> {
  const [first, ...rest] = entries;
  let outcome = replayGenesis(first, verifier);
  for (const entry of rest) {
    if (outcome.kind === 'refused') return outcome;
    outcome = replayEntry(outcome.value, entry, verifier);
  }
  return outcome;
}

/** What somebody remembers of a log: the deployment that they trust, and the newest entry that they have seen. */
export interface KnownLog {
  readonly deploymentId: string;
  readonly head: string;
}

/**
 * A whole log, read by somebody who knows it from before. Beyond what `replayLog` refuses: another genesis
 * (`governance-other-deployment`), and a log that was cut short or took another way (`governance-head-missing`), which by
 * itself is as valid as the true one.
 */
export function replayKnownLog(
  entries: readonly unknown[],
  verifier: SignatureVerifier,
  known: KnownLog,
): Outcome<GovernanceState, GovernanceRefusalCode> {
  const outcome = replayLog(entries, verifier);
  if (outcome.kind === 'refused') return outcome;
  const { deploymentId, sequence, history } = outcome.value;
  if (deploymentId !== known.deploymentId) {
    return refused('governance-other-deployment', { entry: deploymentId, deployment: known.deploymentId });
  }
  if (!history.includes(known.head)) {
    return refused('governance-head-missing', { head: known.head, sequence });
  }
  return outcome;
}

function describe(issues: readonly { readonly path: PropertyKey[]; readonly message: string }[]): string {
  const [issue] = issues;
  return issue ? `${issue.path.map(String).join('.')}: ${issue.message}`.slice(0, 200) : 'unknown';
}
