// What is SAFU's: which changes touch it, and what keeps it apart from everything else. Whatever touches it needs SAFU's own
// quorum beside that of governance.

import { groupsNamedBy } from '../policy/approvals.js';
import { parsePolicies } from '../policy/parse.js';
import type { Policy } from '../policy/types.js';
import { canonicalJson } from '../statements/canonical-json.js';
import { bandOf } from './bands.js';
import { type Change, type PolicyDocument, policyHashOf } from './entry.js';
import { type GovernanceState, groupsEver, tokenKey } from './state.js';

interface Flaw {
  readonly why: string;
  readonly about: string;
}

/** What of SAFU is not apart from the rest; undefined when all of it is. */
export function safuFlaw(state: GovernanceState): Flaw | undefined {
  const { wallets, safu } = state;
  const own = [...wallets.values()].filter(({ tier }) => tier === 'safu');
  const [first] = own;
  if (!safu) return first && { why: "a SAFU wallet without SAFU's own quorum", about: first.walletId };
  const tokens = new Set(own.map(({ token }) => token));
  const beside = [...wallets.values()].find(({ tier, token }) => tier !== 'safu' && tokens.has(token));
  if (beside) return { why: "a wallet has its keys in SAFU's token", about: beside.walletId };
  // Whoever stands in for somebody has that place: a delegation is no way into two groups either.
  const groups = groupsEver(state);
  const custodians = new Set(groups.get(safu.group) ?? []);
  for (const [groupId, members] of groups) {
    const both = groupId === safu.group ? undefined : members.find((member) => custodians.has(member));
    if (both !== undefined) return { why: 'a custodian of SAFU is in another group', about: both };
  }
  return undefined;
}

/** The policies that say something about SAFU's wallets; undefined where the documents cannot be read. */
function policiesForSafu(
  state: GovernanceState,
  documents: readonly PolicyDocument[],
): readonly Policy[] | undefined {
  const parsed = parsePolicies(documents, state);
  if (parsed.kind === 'refused') return undefined;
  const isSafu = (walletId: string) => state.wallets.get(walletId)?.tier === 'safu';
  return parsed.value.policies.filter(
    ({ appliesTo }) =>
      appliesTo.kind === 'everything' ||
      (appliesTo.kind === 'tier' ? appliesTo.tier === 'safu' : appliesTo.wallets.some(isSafu)),
  );
}

/** The documents that say something about SAFU's wallets, as they are written. */
function documentsForSafu(state: GovernanceState, documents: readonly PolicyDocument[]): string {
  const policies = policiesForSafu(state, documents);
  // Whatever cannot be read could be about anything: it is refused elsewhere, and wants every signature until then.
  if (!policies) return policyHashOf(documents);
  const names = policies.map(({ name }) => name);
  return canonicalJson(documents.filter(({ name }) => names.includes(name)).map(({ lines }) => lines));
}

/** SAFU's own group, and those whose members approve its transfers, or are kept from it: who is in them is its policy too. */
function groupsForSafu(state: GovernanceState, own: string): ReadonlySet<string> {
  const policies = policiesForSafu(state, state.policies) ?? [];
  const named = policies.flatMap(({ rules }) => rules.flatMap(({ effect }) => groupsNamedBy(effect)));
  return new Set([own, ...named]);
}

/** What SAFU's policies name by such a condition, wherever it stands in a rule. */
function namedForSafu(state: GovernanceState, kind: 'to-own-tier-in' | 'requester-in'): ReadonlySet<string> {
  const rules = (policiesForSafu(state, state.policies) ?? []).flatMap((policy) => policy.rules);
  const conditions = rules.flatMap(({ when }) =>
    when.flatMap((one) => ('branches' in one ? one.branches.flat() : [one])),
  );
  return new Set(conditions.flatMap((one) => (one.kind === kind ? [...one.names] : [])));
}

/** Does this change need SAFU's own quorum too? */
export function touchesSafu(state: GovernanceState, change: Change): boolean {
  const { safu } = state;
  if (!safu)
    return change.kind === 'safu-quorum-set' ? false : change.kind === 'genesis' && change.safu !== undefined;
  // Whoever stands in for one of them, now, before or later, has that place as far as keys and leaving go.
  const everIn = groupsEver(state);
  const custodians = new Set(everIn.get(safu.group) ?? []);
  const isInGroups = (personId: string) =>
    [...groupsForSafu(state, safu.group)].some((group) => everIn.get(group)?.includes(personId));
  switch (change.kind) {
    case 'genesis':
    case 'safu-quorum-set':
    case 'timelock-set':
    // What facts say decides what policies let pass, SAFU's among them.
    case 'fact-key-added':
    case 'freeze-key-removed':
    case 'fact-rule-set':
      return true;
    case 'person-added':
      return (
        change.groups.some((group) => groupsForSafu(state, safu.group).has(group)) ||
        isInGroups(change.person.personId)
      );
    // Whoever else approves for SAFU is removed as fast as anybody: it leaves nobody with more.
    case 'person-removed':
      return custodians.has(change.personId);
    case 'credential-added':
      return isInGroups(change.personId);
    case 'credential-removed':
      return [...custodians].some((personId) =>
        state.persons.get(personId)?.credentials.some((one) => one.credentialId === change.credentialId),
      );
    case 'group-set':
      return groupsForSafu(state, safu.group).has(change.group.groupId);
    case 'wallet-added':
      return change.wallet.tier === 'safu' || namedForSafu(state, 'to-own-tier-in').has(change.wallet.tier);
    case 'wallet-retired':
      return state.wallets.get(change.walletId)?.tier === 'safu';
    case 'tier-bands-set': {
      const now = state.bands.get(tokenKey(change.bands.chain, change.bands.contract));
      return (
        canonicalJson(bandOf(now, 'safu') ?? null) !== canonicalJson(bandOf(change.bands, 'safu') ?? null)
      );
    }
    case 'policies-set':
      return documentsForSafu(state, state.policies) !== documentsForSafu(state, change.policies);
    case 'whitelist-added':
      return change.entry.tiers.includes('safu');
    case 'whitelist-removed':
      return state.whitelist.get(change.entryId)?.tiers.includes('safu') ?? false;
    case 'delegation-added':
      return groupsForSafu(state, safu.group).has(change.delegation.group);
    case 'delegation-removed':
      return groupsForSafu(state, safu.group).has(state.delegations.get(change.delegationId)?.group ?? '');
    // Its decimals say what an amount of it is worth.
    case 'token-added':
      return [...state.wallets.values()].some(
        ({ tier, chain }) => tier === 'safu' && chain === change.token.chain,
      );
    case 'thawed':
      return change.scope.kind === 'everything' || state.wallets.get(change.scope.walletId)?.tier === 'safu';
    case 'request-key-added': {
      const asking = namedForSafu(state, 'requester-in');
      return change.requestKey.owners.some((owner) => asking.has(owner));
    }
    case 'quorum-set':
    case 'request-key-removed':
    case 'token-removed':
    case 'fact-key-removed':
    case 'audit-log-set':
    case 'attestation-key-set':
    case 'time-set':
    case 'freeze-key-added':
    // Whoever activates or vetoes is asked about elsewhere; SAFU's quorum signed what waits.
    case 'activated':
    case 'vetoed':
    // Stopping takes one person, whatever it stops.
    case 'frozen':
      return false;
  }
}
