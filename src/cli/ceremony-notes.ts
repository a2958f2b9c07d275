// What a genesis allows and somebody may not have meant: said at the ceremony, where it costs nothing to begin again. None of it
// is refused: a deployment may want it so. Pure.

import { applyChange } from '../core/governance/change.js';
import { NO_PREVIOUS } from '../core/governance/entry.js';
import { spanWords } from '../core/governance/names.js';
import type { GovernanceState } from '../core/governance/state.js';
import { attention, type Line } from './lines.js';

const HOUR_MS = 3_600_000;
/** What the plan has where it says nothing. */
const USUAL = { whitelistMs: 24 * HOUR_MS, policyMs: 48 * HOUR_MS } as const;

function waits(ms: number): string {
  return ms === 0 ? 'acts at once' : `waits ${spanWords(ms)} only`;
}

function delayNotes({ timelock: { whitelistMs, policyMs, freshHeadMs } }: GovernanceState): string[] {
  return [
    ...(whitelistMs < USUAL.whitelistMs
      ? [`a new whitelist entry ${waits(whitelistMs)}; the usual wait is ${spanWords(USUAL.whitelistMs)}`]
      : []),
    ...(policyMs < USUAL.policyMs
      ? [`whatever else loosens ${waits(policyMs)}; the usual wait is ${spanWords(USUAL.policyMs)}`]
      : []),
    ...(freshHeadMs === undefined
      ? [
          "what nobody approves is signed without a governor's word a day: whoever owns the orchestrator can keep entries from the signer for as long as they like",
        ]
      : []),
  ];
}

/** Persons of the quorum's group whose removal would be refused as things are. */
function unremovable(state: GovernanceState): Map<string, string> {
  const found = new Map<string, string>();
  for (const personId of state.groups.get(state.quorum.group) ?? []) {
    const removed = applyChange(
      state,
      { kind: 'person-removed', personId },
      { sequence: state.sequence + 1, hash: NO_PREVIOUS },
    );
    if (removed.kind === 'refused') found.set(personId, String(removed.facts.why ?? removed.code));
  }
  return found;
}

function removalNotes(state: GovernanceState): string[] {
  const { policyMs } = state.timelock;
  const wait = policyMs === 0 ? '' : `, which waits ${spanWords(policyMs)}`;
  const byReason = Map.groupBy(unremovable(state), ([, why]) => why);
  return [...byReason].map(
    ([why, persons]) =>
      `${persons.map(([personId]) => personId).join(', ')} cannot be removed, also not when their token is stolen, before somebody was added${wait}: else ${why}`,
  );
}

export function ceremonyNotes(state: GovernanceState): readonly string[] {
  return [...delayNotes(state), ...removalNotes(state)];
}

export function noteLines(notes: readonly string[]): Line[] {
  return notes.map((note) => [attention('Note: '), `${note}.`]);
}
