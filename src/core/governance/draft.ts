// The next entry before anybody has signed it, and what it would come to.

import { accepted, type Outcome } from '../fault.js';
import { applyEntry } from './apply.js';
import { type Change, type EntryBody, entryHash, GOVERNANCE_TYPE } from './entry.js';
import type { GovernanceRefusalCode, GovernanceState, Signers } from './state.js';

export interface PossibleEntry {
  readonly body: EntryBody;
  readonly after: GovernanceState;
}

const UNKNOWN: Signers = new Map();

/**
 * The state after an entry on top of `before`. Who will have signed is mostly not known: whether they may is asked of the
 * signatures.
 */
export function stateAfterDraft(
  before: GovernanceState,
  body: EntryBody,
  signers = UNKNOWN,
): Outcome<GovernanceState, GovernanceRefusalCode> {
  return applyEntry(before, body, entryHash(body), signers);
}

/** The entry that makes a change on top of a state, when it can be made, by those who are known to sign it. */
export function draftEntry(
  state: GovernanceState,
  change: Change,
  createdAtMs: number,
  signers = UNKNOWN,
): Outcome<PossibleEntry, GovernanceRefusalCode> {
  const body: EntryBody = {
    type: GOVERNANCE_TYPE,
    sequence: state.sequence + 1,
    previous: state.head,
    deploymentId: state.deploymentId,
    createdAtMs,
    change,
  };
  const after = stateAfterDraft(state, body, signers);
  return after.kind === 'refused' ? after : accepted({ body, after: after.value });
}
