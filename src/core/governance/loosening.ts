// Which changes loosen, and how long each waits. What is not certain to tighten counts as loosening.

import { DEFAULT_FACT_RULE } from '../facts/verify.js';
import { parsePolicies } from '../policy/parse.js';
import type { ApprovalRequirement } from '../policy/types.js';
import { loosensBands } from './bands.js';
import { asksNoLess } from './credential-class.js';
import type { Change, Delegation, Group, QuorumRule, Timelock } from './entry.js';
import { type GovernanceState, groupsEver, type PendingEntry, tokenKey } from './state.js';

function isAsStrict(next: QuorumRule, now: QuorumRule | undefined): boolean {
  return (
    now === undefined ||
    (next.group === now.group && next.threshold >= now.threshold && asksNoLess(next.with, now.with))
  );
}

function isAsSlow(next: Timelock, now: Timelock): boolean {
  return (
    next.whitelistMs >= now.whitelistMs &&
    next.policyMs >= now.policyMs &&
    // One that says nothing was longer than any once: as entries of that time waited, so they do for ever.
    (next.freshHeadMs ?? Number.POSITIVE_INFINITY) <= (now.freshHeadMs ?? Number.POSITIVE_INFINITY) &&
    next.veto.group === now.veto.group &&
    next.veto.threshold === now.veto.threshold &&
    asksNoLess(next.veto.with, now.veto.with) &&
    asksNoLess(now.veto.with, next.veto.with)
  );
}

/** The requirements of policies that keep members of a group from approving; undefined where the policies cannot be read. */
function keepingOut(state: GovernanceState, groupId: string): readonly ApprovalRequirement[] | undefined {
  const parsed = parsePolicies(state.policies, state);
  if (parsed.kind === 'refused') return undefined;
  const effects = parsed.value.policies.flatMap(({ rules }) => rules.map(({ effect }) => effect));
  return effects
    .flatMap((effect) => (effect.kind === 'approve' ? effect.requirements : []))
    .filter(({ notMembersOf = [] }) => notMembersOf.includes(groupId));
}

/** With fewer members of such a group, more persons approve. */
function isKeptOut(state: GovernanceState, groupId: string): boolean {
  return keepingOut(state, groupId)?.length !== 0;
}

/** Does somebody approve again who does not while they stand in? Whoever could not anyway, does not. */
function freesStandIn(state: GovernanceState, { group, to }: Delegation): boolean {
  const everIn = groupsEver(state);
  const wanted = keepingOut(state, group);
  return wanted === undefined || wanted.some((one) => everIn.get(one.group)?.includes(to));
}

/** A group with other members. */
function delayOfGroup(state: GovernanceState, { groupId, members }: Group): number {
  const { policyMs, veto } = state.timelock;
  const now = state.groups.get(groupId);
  if (!now || !members.every((member) => now.includes(member))) return policyMs;
  const isLess = now.some((member) => !members.includes(member));
  // Otherwise whoever is enough to let something wait could first take away who would veto it.
  const loosens = isLess && (groupId === veto.group || isKeptOut(state, groupId));
  return loosens ? policyMs : 0;
}

/**
 * Milliseconds that a change waits from when the signer accepted its entry until it may be activated. 0: it acts at once,
 * since it tightens, or because the timelock in force says so.
 */
export function delayOf(state: GovernanceState, change: Change): number {
  const { whitelistMs, policyMs } = state.timelock;
  const longest = Math.max(whitelistMs, policyMs);
  switch (change.kind) {
    case 'whitelist-added':
      return whitelistMs;
    case 'timelock-set':
      return isAsSlow(change.timelock, state.timelock) ? 0 : longest;
    case 'quorum-set':
      return isAsStrict(change.quorum, state.quorum) ? 0 : policyMs;
    case 'safu-quorum-set':
      return isAsStrict(change.quorum, state.safu) ? 0 : policyMs;
    case 'fact-rule-set': {
      const now = state.factRules.get(change.rule.kind) ?? DEFAULT_FACT_RULE;
      const isStricter = change.rule.agree >= now.agree && change.rule.maxAgeMs <= now.maxAgeMs;
      return isStricter ? 0 : policyMs;
    }
    case 'tier-bands-set': {
      const { chain, contract } = change.bands;
      return loosensBands(state.bands.get(tokenKey(chain, contract)), change.bands) ? policyMs : 0;
    }
    // It moves nothing and allows nothing; but under another name the record begins anew, and what was in the old one can be left out.
    case 'audit-log-set':
      return state.auditLog && state.auditLog.origin !== change.auditLog.origin ? policyMs : 0;
    case 'group-set':
      return delayOfGroup(state, change.group);
    case 'person-added':
    case 'credential-added':
    case 'request-key-added':
    case 'wallet-added':
    // Whoever vouches for what was signed says what may be paid anew.
    case 'attestation-key-set':
    case 'token-added':
    case 'policies-set':
    case 'fact-key-added':
    case 'delegation-added':
      return policyMs;
    case 'delegation-removed': {
      const delegation = state.delegations.get(change.delegationId);
      return delegation && freesStandIn(state, delegation) ? policyMs : 0;
    }
    // Nobody may do more after these than before. An address that leaves the whitelist also leaves what looks like it unsuspected: a
    // poisoned entry has to go at once all the same.
    case 'person-removed':
    case 'credential-removed':
    case 'request-key-removed':
    case 'token-removed':
    case 'wallet-retired':
    case 'fact-key-removed':
    case 'whitelist-removed':
    case 'freeze-key-added':
    // A key that freezes again after each thaw would otherwise need but one person who vetoes its removal, and nothing ever moved.
    case 'freeze-key-removed':
    case 'frozen':
    // It takes the quorum and no time: what stands still costs customers theirs.
    case 'thawed':
    // It is about now, and the signer compares it with what its host says.
    case 'time-set':
    case 'activated':
    case 'vetoed':
    case 'genesis':
      return 0;
  }
}

/** So long after its wait an entry may still be activated: what nobody wanted then was not meant for today. */
export const ACTIVATION_MS = 30 * 24 * 60 * 60 * 1000;

/** How long an entry waits in all: as it had to when it came, or as it would have to today, whichever is longer. */
export function waitOf(state: GovernanceState, { change, delayMs }: PendingEntry): number {
  return Math.max(delayMs, delayOf(state, change));
}
