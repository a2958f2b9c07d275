// What is left to whoever was taken out of the group that vetoes, or lost a key of theirs: until that has waited as what loosens
// does, they veto what waits, with the keys that they had, and can do nothing else. Else a stolen quorum would first take away,
// at once, who would veto what it proposes next.

import type { Change, Credential } from './entry.js';
import { type GovernanceState, holderOf } from './state.js';

/** A credential that was taken away and vetoes all the same. */
export interface LastVeto {
  readonly personId: string;
  readonly credential: Credential;
}

type Taking = Extract<Change, { kind: 'person-removed' | 'credential-removed' }>;

/** The changes that take somebody's credentials away. One of them that waits ends their last vetoes, and nothing else. */
export function takesCredentials(change: Change): change is Taking {
  return change.kind === 'person-removed' || change.kind === 'credential-removed';
}

function isAbout({ personId, credential }: LastVeto, change: Taking): boolean {
  return change.kind === 'person-removed'
    ? personId === change.personId
    : credential.credentialId === change.credentialId;
}

/** Those which a change would leave: of the credentials that it takes, and of those that it took before. */
export function lastVetoesOf(state: GovernanceState, change: Change): readonly LastVeto[] {
  const { timelock, groups, persons, lastVetoes } = state;
  if (!takesCredentials(change) || (timelock.whitelistMs === 0 && timelock.policyMs === 0)) return [];
  const person =
    change.kind === 'person-removed'
      ? persons.get(change.personId)
      : holderOf(state, change.credentialId)?.person;
  const isVetoer = person && groups.get(timelock.veto.group)?.includes(person.personId);
  const now = isVetoer
    ? person.credentials.map((credential) => ({ personId: person.personId, credential }))
    : [];
  return [...now, ...lastVetoes.values()].filter((one) => isAbout(one, change));
}

/** The state without the last vetoes that a change has taken the credentials of. */
export function withoutLastVetoes(state: GovernanceState, change: Taking): GovernanceState {
  const left = [...state.lastVetoes].filter(([, one]) => !isAbout(one, change));
  return { ...state, lastVetoes: new Map(left) };
}

/**
 * Who may veto an entry that waits, as a roster: with those who have only that left, but not of what ends it. There, one
 * stolen key could keep itself for ever.
 */
export function vetoRoster(state: GovernanceState, entry: string): GovernanceState {
  const waiting = state.pending.get(entry);
  if (!waiting || takesCredentials(waiting.change) || state.lastVetoes.size === 0) return state;
  const persons = new Map(state.persons);
  const members = new Set(state.groups.get(state.timelock.veto.group) ?? []);
  for (const { personId, credential } of state.lastVetoes.values()) {
    const { name = personId, credentials = [] } = persons.get(personId) ?? {};
    persons.set(personId, { personId, name, credentials: [...credentials, credential] });
    members.add(personId);
  }
  return { ...state, persons, groups: new Map(state.groups).set(state.timelock.veto.group, [...members]) };
}
