// States that no quorum may lead to, since nothing would lead out of them, or since one person could do alone what takes two.
// That a group has as many members as a quorum or a policy asks for is checked where those are read.

import { isReachable } from '../policy/approvals.js';
import type { PolicySet } from '../policy/types.js';
import { classesHeld, type GovernanceState } from './state.js';

/** Why it is refused, in words for `governance-change-invalid`, and what it is about. */
export interface Orphan {
  readonly why: string;
  readonly about: string;
}

/**
 * Nobody approves what they, or a key that they own, asked for. A rule whose approvers own every request key would ask for
 * approvals that nobody can give, and read as if it could be met.
 */
export function unreachableRule(state: GovernanceState, { policies }: PolicySet): Orphan | undefined {
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
