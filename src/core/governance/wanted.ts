// Who is asked to sign an entry: for showing. Whether those who signed are enough is said by verifyEntrySigners alone.

import { type ClassCounts, countWords } from './credential-class.js';
import type { Change, QuorumRule } from './entry.js';
import { vetoRoster } from './last-veto.js';
import { quorumsFor } from './quorum.js';
import type { GovernanceState } from './state.js';

export interface Wanted {
  /** Null: anybody of the roster. */
  readonly group: string | null;
  readonly threshold: number;
  /** So many of them with each of these classes of credentials. */
  readonly with: ClassCounts;
  /** Persons whose signature counts for it. */
  readonly candidates: readonly string[];
}

/** As a person says it: `2 of governors (1 with a display)`. */
export function quorumWords({ group, threshold, with: asked }: QuorumRule | Wanted): string {
  const by = countWords(asked);
  return `${threshold} of ${group ?? 'the roster'}${by === '' ? '' : ` (${by})`}`;
}

/** Each of them has to be met, under the roster before the entry. */
export function wantedFor(change: Change, state: GovernanceState): readonly Wanted[] {
  const quorums = quorumsFor(state, change);
  const { groups } = change.kind === 'vetoed' ? vetoRoster(state, change.entry) : state;
  if (quorums.length === 0)
    return [{ group: null, threshold: 1, with: {}, candidates: [...state.persons.keys()] }];
  // Nobody activates what they signed; SAFU's own quorum says of it again that it may be.
  const signed = change.kind === 'activated' ? state.pending.get(change.entry)?.signers : undefined;
  return quorums.map(({ group, threshold, with: asked = {} }, index) => ({
    group,
    threshold,
    with: asked,
    candidates: (groups.get(group) ?? []).filter((member) => index > 0 || signed?.has(member) !== true),
  }));
}
