// The next entry before anybody has signed it, and what it would come to.

import { accepted, type Outcome } from '../fault.js';
import { applyEntry } from './apply.js';
import { type Change, type EntryBody, entryHash, GOVERNANCE_TYPE } from './entry.js';
import type { GovernanceRefusalCode, GovernanceState } from './state.js';

export interface PossibleEntry {
  readonly body: EntryBody;
  readonly after: GovernanceState;
}

/** The state after an entry on top of `before`. Who will have signed is not known: whether they may is asked of the signatures. */
export function stateAfterDraft(
  before: GovernanceState,
  body: EntryBody,
): Outcome<GovernanceState, GovernanceRefusalCode> {
  return applyEntry(before, body, entryHash(body), new Map());
}

/** The entry that makes a change on top of a state, when it can be made. */
export function draftEntry(
  state: GovernanceState,
  change: Change,
  createdAtMs: number,
): Outcome<PossibleEntry, GovernanceRefusalCode> {
  const body: EntryBody = {
    type: GOVERNANCE_TYPE,
    sequence: state.sequence + 1,
    previous: state.head,
    deploymentId: state.deploymentId,
    createdAtMs,
    change,
  };
  const after = stateAfterDraft(state, body);
  return after.kind === 'refused' ? after : accepted({ body, after: after.value });
}
