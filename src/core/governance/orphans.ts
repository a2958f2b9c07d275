// States that no quorum may lead to, since nothing would lead out of them, or since one person could do alone what takes two.
// That a group has as many members as a quorum or a policy asks for is checked where those are read.

import { type Groups, isReachable } from '../policy/approvals.js';
import { parsePolicies } from '../policy/parse.js';
import type { PolicySet } from '../policy/types.js';
import type { Delegation } from './entry.js';
import { classesHeld, type GovernanceState, groupsAt } from './state.js';

/** Why it is refused, in words for `governance-change-invalid`, and what it is about. */
export interface Orphan {
  readonly why: string;
  readonly about: string;
}

/**
 * Nobody approves what they, or a key that they own, asked for. A rule whose approvers own every request key would ask for
 * approvals that nobody can give, and read as if it could be met.
 */
export function unreachableRule(
  state: Pick<GovernanceState, 'requestKeys' | 'persons'> & { readonly groups: Groups },
  { policies }: PolicySet,
): Orphan | undefined {
  const keys = [...state.requestKeys.values()];
  if (keys.length === 0) return undefined;
  const everybody = new Set(state.persons.keys());
  const held = classesHeld(state);
  for (const { name, rules } of policies) {
    for (const { id, effect } of rules) {
      if (effect.kind !== 'approve') continue;
      const isMet = keys.some(({ owners }) =>
        isReachable(effect.requirements, everybody, state.groups, new Set(owners), held),
      );
      if (!isMet) {
        return {
          why: 'the approvers of a rule own the request keys, and could approve nothing that those ask for',
          about: `${name}/${id}`,
        };
      }
    }
  }
  return undefined;
}

/** A rule whose approvals nobody could give while a place is lent: at some time of it, and not without it. */
export function unreachableMeanwhile(state: GovernanceState, lent: Delegation): Orphan | undefined {
  const policies = parsePolicies(state.policies, state);
  if (policies.kind === 'refused') return undefined;
  const delegations = new Map(state.delegations).set(lent.delegationId, lent);
  const times = [...delegations.values()]
    .flatMap(({ startsAtMs, endsAtMs }) => [startsAtMs, endsAtMs])
    .filter((atMs) => lent.startsAtMs <= atMs && atMs < lent.endsAtMs);
  const orphanAt = (atMs: number, those: GovernanceState['delegations']) =>
    unreachableRule({ ...state, groups: groupsAt({ ...state, delegations: those }, atMs) }, policies.value);
  for (const atMs of new Set(times)) {
    const orphan = orphanAt(atMs, delegations);
    if (orphan && !orphanAt(atMs, state.delegations))
      return {
        why: 'as long as this place is lent, a rule asks for approvals that nobody can give',
        about: orphan.about,
      };
  }
  return undefined;
}

/** A deployment that began with two persons for its changes never has one person alone change it. So it is with SAFU's custodians. */
export function soleGovernor(before: GovernanceState, after: GovernanceState): Orphan | undefined {
  if (before.quorum.threshold >= 2 && after.quorum.threshold < 2) {
    return { why: 'one person alone could then change governance', about: after.quorum.group };
  }
  // What touches SAFU takes the quorum of governance as well, but its custodians are whom that quorum is to be held by.
  if ((before.safu?.threshold ?? 0) >= 2 && after.safu && after.safu.threshold < 2) {
    return { why: 'one custodian alone could then speak for SAFU', about: after.safu.group };
  }
  return undefined;
}
