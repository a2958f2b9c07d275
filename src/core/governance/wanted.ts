// Who is asked to sign an entry: for showing. Whether those who signed are enough is said by verifyEntrySigners alone.

import type { Change } from './entry.js';
import { vetoRoster } from './last-veto.js';
import { quorumsFor } from './quorum.js';
import type { GovernanceState } from './state.js';

export interface Wanted {
  /** Null: anybody of the roster. */
  readonly group: string | null;
  readonly threshold: number;
  /** So many of them with a device that shows what it signs. */
  readonly withDisplay: number;
  /** Persons whose signature counts for it. */
  readonly candidates: readonly string[];
}

/** Each of them has to be met, under the roster before the entry. */
export function wantedFor(change: Change, state: GovernanceState): readonly Wanted[] {
  const quorums = quorumsFor(state, change);
  const { groups } = change.kind === 'vetoed' ? vetoRoster(state, change.entry) : state;
  if (quorums.length === 0)
    return [{ group: null, threshold: 1, withDisplay: 0, candidates: [...state.persons.keys()] }];
  // Nobody activates what they signed; SAFU's own quorum says of it again that it may be.
  const signed = change.kind === 'activated' ? state.pending.get(change.entry)?.signers : undefined;
  return quorums.map(({ group, threshold, withDisplay = 0 }, index) => ({
    group,
    threshold,
    withDisplay,
    candidates: (groups.get(group) ?? []).filter((member) => index > 0 || signed?.has(member) !== true),
  }));
}
