// Teeth of what governance makes wait, of SAFU's quorum, and of the whitelist.

import { type Tooth, teethOf } from '../tooth.js';

export const TIMELOCK: readonly Tooth[] = [
  ...teethOf('src/core/governance/apply.ts', 'src/core/governance/timelock.spec.ts', [
    {
      code: 'governance-not-pending',
      without: 'the demand that an entry waits which is ended',
      was: "return waiting ? accepted(waiting) : refused('governance-not-pending', { entry });",
      becomes:
        "return accepted(waiting ?? { hash: entry, sequence: 0, createdAtMs: 0, delayMs: 0, change: { kind: 'thawed', scope: { kind: 'everything' } }, signers: [] });",
      title: 'what loosens is vetoed by who may, and by nobody else',
    },
    {
      code: 'governance-activator-proposed',
      without: 'the ban on activating what one has signed',
      was: 'if (own !== undefined)',
      becomes: 'if (false)',
      title:
        'what loosens is not activated by who signed it, nor by who may not veto, nor together with them',
    },
    {
      code: 'governance-timelock',
      without: "the wait in the log's own words",
      was: 'if (createdAtMs < earliestMs)',
      becomes: 'if (false)',
      title: 'what loosens is not activated a millisecond before its time, by its own words',
    },
    {
      code: 'governance-pending-stale',
      without: 'the end of what nobody activated',
      was: 'if (createdAtMs > latestMs)',
      becomes: 'if (false)',
      title: 'what has waited is not activated when it has waited thirty days too long',
    },
    {
      code: 'governance-quorum-missing',
      without: 'counting the signers of what waited by the roster that is',
      was: "if (enough.kind === 'refused') return enough;",
      becomes: '',
      title: 'what loosens counts no more for who was removed while it waited',
    },
    {
      code: 'governance-change-invalid',
      without: 'judging at once what will wait',
      was: "if (possible.kind === 'refused') return possible;",
      becomes: '',
      title: 'what loosens is refused at once when it could not act today',
    },
    {
      code: 'governance-change-invalid',
      without: 'the bound of what may wait',
      was: 'if (state.pending.size >= MOST_PENDING)',
      becomes: 'if (false)',
      title: 'what loosens is refused when as many wait as may',
    },
  ]),
  ...teethOf('src/core/governance/quorum.ts', 'src/core/governance/timelock.spec.ts', [
    {
      code: 'governance-quorum-missing',
      without: 'the group that may veto',
      was: "    case 'vetoed':\n      return [timelock.veto];",
      becomes: "    case 'vetoed':\n      return [];",
      title: 'what loosens is vetoed by who may, and by nobody else',
    },
  ]),
  ...teethOf('src/core/governance/quorum.ts', 'src/core/governance/display.spec.ts', [
    {
      code: 'governance-class-missing',
      without: 'the demand for a class of credentials',
      was: 'if (by < needed)',
      becomes: 'if (false)',
      title: 'a quorum with a display is missing its display where enough signed, and none with a device',
    },
  ]),
  ...teethOf('src/core/governance/rules.ts', 'src/core/governance/display.spec.ts', [
    {
      code: 'governance-change-invalid',
      without: 'the demand that a quorum has enough credentials of each class',
      was: 'if (asked && !canSignWith({ group, quorum: threshold, with: asked }, state, held))',
      becomes: 'if (false)',
      title: 'a quorum with a display is refused in a genesis that could never reach it',
    },
  ]),
  ...teethOf('src/core/governance/quorum.ts', 'src/core/governance/safu.spec.ts', [
    {
      code: 'governance-quorum-missing',
      without: "SAFU's own quorum",
      was: 'return safu && touchesSafu(roster, change) ? [quorum, safu] : [quorum];',
      becomes: 'return safu && touchesSafu(roster, change) ? [quorum] : [quorum];',
      title: 'what touches SAFU needs the custodians and the quorum',
    },
    {
      code: 'governance-quorum-missing',
      without: "SAFU's own quorum for an activation",
      was: 'return safu && waiting && touchesSafu(roster, waiting.change) ? [activator, safu] : [activator];',
      becomes: 'return [activator];',
      test: 'src/core/governance/activation.spec.ts',
      title:
        "what touches SAFU acts only with SAFU's own quorum, which says again that it may, and another who may veto",
    },
  ]),
  ...teethOf('src/core/governance/last-veto.ts', 'src/core/governance/last-veto.spec.ts', [
    {
      code: 'governance-signer-unknown',
      without: 'the ban on a last veto of what ends one',
      was: 'if (!waiting || takesCredentials(waiting.change) || state.lastVetoes.size === 0) return state;',
      becomes: 'if (!waiting || state.lastVetoes.size === 0) return state;',
      title:
        'who was taken out of the group that vetoes cannot keep it by a veto of the end of it, of their own or of another: a stolen key would veto for ever',
    },
  ]),
  ...teethOf('src/core/governance/quorum.ts', 'src/core/governance/whitelist.spec.ts', [
    {
      code: 'governance-signature-invalid',
      without: 'verifying the signature of a freeze key',
      was: 'return verifier.ed25519(hexToBytes(key.publicKey), entryBytes(body), signatureBytes(first.signature))\n    ?',
      becomes: 'return true\n    ?',
      title: 'a freeze key does not freeze with the signature of another key',
    },
  ]),
  ...teethOf('src/core/governance/rules.ts', 'src/core/governance/timelock.spec.ts', [
    {
      code: 'governance-change-invalid',
      without: 'the demand that a veto takes fewer',
      was: 'if (quorum.threshold > 1 && veto.threshold >= quorum.threshold)',
      becomes: 'if (false)',
      title: 'a timelock is refused when a veto takes as many as a change',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that somebody is left to activate',
      was: 'if (!canActivate(groups.get(quorum.group) ?? [], quorum, vetoers)) {',
      becomes: 'if (false) {',
      title: 'a timelock is refused when nobody is left to activate what the quorum has signed',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that somebody is left to activate what custodians have signed',
      was: 'return safu?.group === veto.group && vetoers.length <= safu.threshold\n    ?',
      becomes: 'return false\n    ?',
      test: 'src/core/governance/activation.spec.ts',
      title:
        'custodians who veto are more than sign for SAFU, or nobody would be left to activate what they signed',
    },
  ]),
  ...teethOf('src/core/governance/rules.ts', 'src/core/governance/safu.spec.ts', [
    {
      code: 'governance-change-invalid',
      without: "the demand that SAFU's people and tokens are its own",
      was: 'if (safu !== undefined)',
      becomes: 'if (false)',
      title: 'what touches SAFU leaves custodians no way into the treasury',
    },
  ]),
  ...teethOf('src/core/governance/safu.ts', 'src/core/governance/safu.spec.ts', [
    {
      code: 'governance-change-invalid',
      without: 'the demand that a SAFU wallet has a quorum',
      was: 'return first && { why: "a SAFU wallet without SAFU\'s own quorum", about: first.walletId };',
      becomes: 'return undefined;',
      title: 'SAFU in a genesis is refused without a quorum of its own',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that SAFU has tokens of its own',
      was: 'if (beside)',
      becomes: 'if (false)',
      title: 'SAFU in a genesis is refused where a wallet of another tier has its keys in the same token',
    },
  ]),
  ...teethOf('src/core/governance/safu.ts', 'src/core/governance/safu.spec.ts', [
    {
      code: 'governance-quorum-missing',
      without: 'counting who stands in for a custodian among them',
      was: 'const everIn = groupsEver(state);',
      becomes: 'const everIn = state.groups;',
      title: 'who has a place of SAFU for a time gets no other key, and does not leave, without its quorum',
    },
    {
      code: 'governance-quorum-missing',
      without: "SAFU's quorum for a wallet that its policy may pay",
      was: " || namedForSafu(state, 'to-own-tier-in').has(change.wallet.tier)",
      becomes: '',
      title: "what SAFU's policy names takes its quorum when a tier that it pays gets another wallet",
    },
    {
      code: 'governance-quorum-missing',
      without: "SAFU's quorum for a key of who may ask it",
      was: 'return change.requestKey.owners.some((owner) => asking.has(owner));',
      becomes: 'return asking.has("");',
      title: "what SAFU's policy names takes its quorum when who may ask it gets another key",
    },
  ]),
  ...teethOf('src/core/governance/change.ts', 'src/core/governance/timelock.spec.ts', [
    {
      code: 'governance-change-invalid',
      without: 'the demand that whoever alone can veto is dispensable',
      was: "return typeof left === 'string' || checked(left).kind === 'refused';",
      becomes: "return typeof left === 'string';",
      title: 'whoever alone can veto is never one without whom a policy could not be met',
    },
  ]),
  ...teethOf('src/core/governance/loosening.ts', 'src/core/governance/timelock.spec.ts', [
    {
      code: 'governance-timelock',
      without: 'the wait of what lets somebody approve again who stood in for a member of what is kept out',
      was: 'return delegation && freesStandIn(state, delegation) ? policyMs : 0;',
      becomes: 'return delegation ? 0 : 0;',
      title:
        'a group that policies keep out waits when who stood in for one of its members may approve again',
    },
  ]),
  ...teethOf('src/core/governance/orphans.ts', 'src/core/governance/whitelist.spec.ts', [
    {
      code: 'governance-change-invalid',
      without: 'asking whether approvals can be given while a place is lent',
      was: 'if (orphan && !orphanAt(atMs, state.delegations))',
      becomes: 'if (false)',
      title: 'a delegation is refused where a rule would ask meanwhile for approvals that nobody can give',
    },
  ]),
  ...teethOf('src/core/policy/approvals.ts', 'src/core/governance/whitelist.spec.ts', [
    {
      code: 'approvals-insufficient',
      without: 'keeping out who lends a place of what is kept out, and who has it meanwhile',
      was: 'groups.keptOut?.(other) ?? groups.get(other)',
      becomes: 'groups.get(other)',
      title:
        'a delegation keeps both from what keeps the group out: who lends a place, and who has it meanwhile',
    },
  ]),
  ...teethOf('src/core/governance/rules.ts', 'src/core/governance/whitelist.spec.ts', [
    {
      code: 'governance-change-invalid',
      without: 'the demand that a delegation ends after it begins',
      was: 'if (startsAtMs >= endsAtMs)',
      becomes: 'if (false)',
      title: 'a delegation is refused that ends before it begins',
    },
    {
      code: 'governance-change-invalid',
      without: 'the ban on delegating to oneself, or a place in no group',
      was: 'if (from === to || !state.groups.has(group))',
      becomes: 'if (false)',
      title: 'a delegation is refused to oneself',
    },
  ]),
  ...teethOf('src/core/governance/change.ts', 'src/core/governance/whitelist.spec.ts', [
    {
      code: 'governance-change-invalid',
      without: 'the demand that a place is lent to somebody',
      was: "if (!state.persons.has(delegation.to)) return 'a place is lent to somebody who is not in the roster';",
      becomes: '',
      title: 'a delegation is refused to nobody',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that a place is lent by who has it',
      was: 'if (!state.groups.get(delegation.group)?.includes(delegation.from))',
      becomes: 'if (false)',
      title: 'a delegation is refused of a place that is none',
    },
    {
      code: 'governance-change-invalid',
      without: 'looking at the address of a whitelist entry',
      was: "if (!valid) return 'a whitelist entry has no address of its chain';\n",
      becomes: '',
      title: 'a whitelist entry is refused with an address of another chain',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that the chain of a whitelist entry is registered',
      was: "if (!registered) return 'a whitelist entry is on a chain that is not registered';\n",
      becomes: 'if (!registered) return undefined;\n',
      title: 'a whitelist entry is refused with a chain that nobody registered',
    },
    {
      code: 'governance-change-invalid',
      without: 'the ban on two entries for an address',
      was: 'return placesOf(state.whitelist).has(addressKey(chain, address))',
      becomes: 'return state.whitelist === undefined',
      title: 'a whitelist entry is refused for an address that has one',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that a whitelist entry is there which is removed',
      was: "if (!state.whitelist.has(change.entryId)) return 'no such whitelist entry';\n",
      becomes: '',
      title: 'a whitelist entry is refused to be removed where there is none',
    },
    {
      code: 'governance-change-invalid',
      without: 'the ban on a delegation that is there already',
      was: "if (state.delegations.has(delegation.delegationId)) return 'this delegation exists already';\n",
      becomes: '',
      title: 'a delegation is refused twice, and to be ended where there is none',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that a delegation is there which is ended',
      was: "if (!state.delegations.has(change.delegationId)) return 'no such delegation';\n",
      becomes: '',
      title: 'a delegation is refused twice, and to be ended where there is none',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that a freeze key is a point',
      was: "if (!isEd25519Key(freezeKey.publicKey)) return 'the freeze key is no point of Ed25519';\n",
      becomes: '',
      title: 'a freeze key is refused with the id or key of somebody else, or a key that is none',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that a freeze key is there which is removed',
      was: "if (!state.freezeKeys.has(change.keyId)) return 'no such freeze key';\n",
      becomes: '',
      title: 'a freeze key is refused with the id or key of somebody else, or a key that is none',
    },
    {
      code: 'governance-change-invalid',
      without: 'keeping the last credential of a person',
      was: "if (left.length === 0) return 'it is the last credential of this person';\n",
      becomes: '',
      title: 'a credential is removed, but not the last one of a person, nor one that is not there',
    },
  ]),
  ...teethOf('src/signer/accepting.ts', 'test/signer/timelock.integration.spec.ts', [
    {
      code: 'governance-timelock',
      without: 'the wait that the signer measured',
      was: 'if (left > 0)',
      becomes: 'if (false)',
      title:
        'an entry that loosens does nothing until it has waited by the time that the signer measured, whatever clocks say',
    },
    {
      code: 'governance-pending-stale',
      without: 'the end of a wait by the time that the signer measured',
      was: 'return overdueMs > 0\n    ?',
      becomes: 'return false\n    ?',
      title: 'an entry that loosens acts never when nobody activated it for thirty days',
    },
  ]),
];
