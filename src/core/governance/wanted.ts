// Who is asked to sign an entry: for showing. Whether those who signed are enough is said by verifyEntrySigners alone.

import type { Change } from './entry.js';
import type { GovernanceState } from './state.js';

export interface Wanted {
  /** Null: anybody of the roster. */
  readonly group: string | null;
  readonly threshold: number;
  /** Persons whose signature counts for it. */
  readonly candidates: readonly string[];
}

/** Each of them has to be met, under the roster before the entry. */
export function wantedFor(change: Change, { quorum, groups, persons }: GovernanceState): readonly Wanted[] {
  if (change.kind === 'frozen') return [{ group: null, threshold: 1, candidates: [...persons.keys()] }];
  return [{ ...quorum, candidates: groups.get(quorum.group) ?? [] }];
}
