// What is SAFU's: which changes touch it, and what keeps it apart from everything else. Whatever touches it needs SAFU's own
// quorum beside that of governance.

import { parsePolicies } from '../policy/parse.js';
import { canonicalJson } from '../statements/canonical-json.js';
import { type Change, type PolicyDocument, policyHashOf } from './entry.js';
import type { GovernanceState } from './state.js';

interface Flaw {
  readonly why: string;
  readonly about: string;
}

/** What of SAFU is not apart from the rest; undefined when all of it is. */
export function safuFlaw({ wallets, groups, safu }: GovernanceState): Flaw | undefined {
  const own = [...wallets.values()].filter(({ tier }) => tier === 'safu');
  const [first] = own;
  if (!safu) return first && { why: "a SAFU wallet without SAFU's own quorum", about: first.walletId };
  const tokens = new Set(own.map(({ token }) => token));
  const beside = [...wallets.values()].find(({ tier, token }) => tier !== 'safu' && tokens.has(token));
  if (beside) return { why: "a wallet has its keys in SAFU's token", about: beside.walletId };
  const custodians = new Set(groups.get(safu.group) ?? []);
  for (const [groupId, members] of groups) {
    const both = groupId === safu.group ? undefined : members.find((member) => custodians.has(member));
    if (both !== undefined) return { why: 'a custodian of SAFU is in another group', about: both };
  }
  return undefined;
}

/** The documents that say something about SAFU's wallets, as they are written. */
function documentsForSafu(state: GovernanceState, documents: readonly PolicyDocument[]): string {
  const parsed = parsePolicies(documents, state);
  // Whatever cannot be read could be about anything: it is refused elsewhere, and wants every signature until then.
  if (parsed.kind === 'refused') return policyHashOf(documents);
  const isSafu = (walletId: string) => state.wallets.get(walletId)?.tier === 'safu';
  const names = parsed.value.policies
    .filter(
      ({ appliesTo }) =>
        appliesTo.kind === 'everything' ||
        (appliesTo.kind === 'tier' ? appliesTo.tier === 'safu' : appliesTo.wallets.some(isSafu)),
    )
    .map(({ name }) => name);
  return canonicalJson(documents.filter(({ name }) => names.includes(name)).map(({ lines }) => lines));
}

/** Does this change need SAFU's own quorum too? */
export function touchesSafu(state: GovernanceState, change: Change): boolean {
  const { safu } = state;
  if (!safu)
    return change.kind === 'safu-quorum-set' ? false : change.kind === 'genesis' && change.safu !== undefined;
  const custodians = new Set(state.groups.get(safu.group) ?? []);
  switch (change.kind) {
    case 'genesis':
    case 'safu-quorum-set':
    case 'timelock-set':
    // What facts say decides what policies let pass, SAFU's among them.
    case 'fact-key-added':
    case 'fact-rule-set':
      return true;
    case 'person-added':
      return change.groups.includes(safu.group);
    case 'person-removed':
    case 'credential-added':
      return custodians.has(change.personId);
    case 'credential-removed':
      return [...custodians].some((personId) =>
        state.persons.get(personId)?.credentials.some((one) => one.credentialId === change.credentialId),
      );
    case 'group-set':
      return change.group.groupId === safu.group;
    case 'wallet-added':
      return change.wallet.tier === 'safu';
    case 'policies-set':
      return documentsForSafu(state, state.policies) !== documentsForSafu(state, change.policies);
    case 'whitelist-added':
      return change.entry.tiers.includes('safu');
    case 'whitelist-removed':
      return state.whitelist.get(change.entryId)?.tiers.includes('safu') ?? false;
    case 'delegation-added':
      return change.delegation.group === safu.group;
    case 'delegation-removed':
      return state.delegations.get(change.delegationId)?.group === safu.group;
    case 'thawed':
      return change.scope.kind === 'everything' || state.wallets.get(change.scope.walletId)?.tier === 'safu';
    case 'quorum-set':
    case 'request-key-added':
    case 'request-key-removed':
    case 'token-added':
    case 'token-removed':
    case 'fact-key-removed':
    case 'audit-log-set':
    case 'time-set':
    case 'freeze-key-added':
    case 'freeze-key-removed':
    // Whoever activates or vetoes is asked about elsewhere; SAFU's quorum signed what waits.
    case 'activated':
    case 'vetoed':
    // Stopping takes one person, whatever it stops.
    case 'frozen':
      return false;
  }
}
