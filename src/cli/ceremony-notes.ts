// What a genesis allows and somebody may not have meant: said at the ceremony, where it costs nothing to begin again. None of it
// is refused: a deployment may want it so. Pure.

import { applyChange } from '../core/governance/change.js';
import { NO_PREVIOUS, type QuorumRule } from '../core/governance/entry.js';
import { spanWords } from '../core/governance/names.js';
import type { GovernanceState } from '../core/governance/state.js';
import { alternativesOf } from '../core/policy/approvals.js';
import { documentsFor } from '../core/policy/decide.js';
import { parsePolicies } from '../core/policy/parse.js';
import type { ApprovalRequirement } from '../core/policy/types.js';
import { attention, type Line } from './lines.js';

const HOUR_MS = 3_600_000;
/** What the plan has where it says nothing. */
const USUAL = { whitelistMs: 24 * HOUR_MS, policyMs: 48 * HOUR_MS } as const;

function waits(ms: number): string {
  return ms === 0 ? 'acts at once' : `waits ${spanWords(ms)} only`;
}

function delayNotes({ timelock: { whitelistMs, policyMs } }: GovernanceState): string[] {
  return [
    ...(whitelistMs < USUAL.whitelistMs
      ? [`a new whitelist entry ${waits(whitelistMs)}; the usual wait is ${spanWords(USUAL.whitelistMs)}`]
      : []),
    ...(policyMs < USUAL.policyMs
      ? [`whatever else loosens ${waits(policyMs)}; the usual wait is ${spanWords(USUAL.policyMs)}`]
      : []),
  ];
}

/** Persons whose removal would be refused as things are, with the reason. */
function unremovable(state: GovernanceState): Map<string, string> {
  const found = new Map<string, string>();
  for (const personId of state.persons.keys()) {
    const removed = applyChange(
      state,
      { kind: 'person-removed', personId },
      { sequence: state.sequence + 1, hash: NO_PREVIOUS },
    );
    if (removed.kind === 'accepted') continue;
    const { why = removed.code, about = '' } = removed.facts;
    found.set(personId, String(why).startsWith('a policy') ? `${why} (${about})` : String(why));
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

/** Does every way to these approvals lead by a device that shows what is signed? */
function asksForDisplay(requirements: readonly ApprovalRequirement[]): boolean {
  return alternativesOf(requirements).every((together) =>
    together.some((one) => one.with?.['device-display'] !== undefined),
  );
}

/** Rules by which warm, cold or SAFU wallets pay without it. Of a hot one's nobody expects it. */
function unseenRules(state: GovernanceState): readonly string[] {
  const parsed = parsePolicies(state.policies, state);
  if (parsed.kind === 'refused') return [];
  const wallets = [...state.wallets.values()].filter(({ tier }) => tier !== 'hot');
  const unseen = wallets.flatMap(({ walletId, tier }) =>
    documentsFor(parsed.value, { wallet: walletId, tier }).flatMap(({ name, rules }) =>
      rules
        .filter(({ effect }) => effect.kind === 'approve' && !asksForDisplay(effect.requirements))
        .map(({ id }) => `${name}/${id}`),
    ),
  );
  return [...new Set(unseen)];
}

function displayNotes(state: GovernanceState): string[] {
  const { quorum, safu } = state;
  const isBlind = (rule: QuorumRule | undefined) => rule && rule.with?.['device-display'] === undefined;
  const rules = unseenRules(state);
  const unseen = [
    ...(isBlind(quorum) ? ['a change of governance'] : []),
    ...(isBlind(safu) ? ['what touches SAFU'] : []),
    ...(rules.length > 0 ? [`a payment by ${rules.join(', ')}`] : []),
  ];
  return unseen.map(
    (what) =>
      `none of those who sign ${what} has to see it on the display of a device (class device-display): what their computers show them can be somebody else's`,
  );
}

function aloneNotes({ quorum, safu }: GovernanceState): string[] {
  return [
    ...(quorum.threshold === 1 ? [`one person of ${quorum.group} alone can change all of governance`] : []),
    ...(safu?.threshold === 1 ? [`one person of ${safu.group} alone speaks for SAFU`] : []),
  ];
}

export function ceremonyNotes(state: GovernanceState): readonly string[] {
  return [...aloneNotes(state), ...delayNotes(state), ...displayNotes(state), ...removalNotes(state)];
}

export function noteLines(notes: readonly string[]): Line[] {
  return notes.map((note) => [attention('Note: '), `${note}.`]);
}
