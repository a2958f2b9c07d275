// Teeth of governance: the log, its quorum, and what no entry may do.

import { type Tooth, teethOf } from '../tooth.js';

export const GOVERNANCE: readonly Tooth[] = [
  ...teethOf('src/core/governance/quorum.ts', 'src/core/governance/replay.spec.ts', [
    {
      code: 'governance-signer-unknown',
      without: 'the demand that a signer is in the roster',
      was: "if (!holder) return refused('governance-signer-unknown', { credentialId });\n",
      becomes: 'if (!holder) {\n      signers.add(credentialId);\n      continue;\n    }\n',
      title: 'the quorum for an entry refuses the signature of a person who was removed',
    },
    {
      code: 'governance-signer-duplicate',
      without: 'looking for a person who signs twice',
      was: 'if (signers.has(holder.person.personId)) {',
      becomes: 'if (false) {',
      title: 'the quorum for an entry refuses one credential that signs twice',
    },
    {
      code: 'governance-signature-invalid',
      without: "verifying a signer's signature",
      was: 'if (!isSignedBy(holder.credential, bytes, signature, verifier)) {',
      becomes: 'if (false) {',
      title: 'the quorum for an entry refuses a signature over another entry',
    },
    {
      code: 'governance-quorum-missing',
      without: 'counting the quorum',
      was: 'if (counted.length < threshold) {',
      becomes: 'if (false) {',
      title: 'the quorum for an entry is missing with one person',
    },
    {
      code: 'governance-quorum-missing',
      without: 'the membership in the group of the quorum',
      was: 'const counted = (roster.groups.get(group) ?? []).filter((member) => signers.has(member));',
      becomes: 'const counted = [...signers.keys()];',
      title: 'the quorum for an entry does not count a person outside the group, though in the roster',
    },
  ]),
  ...teethOf('src/core/governance/quorum.ts', 'src/core/governance/freeze.spec.ts', [
    {
      code: 'governance-quorum-missing',
      without: 'the quorum for a thaw',
      was: "    case 'frozen':\n      return [];",
      becomes: "    case 'frozen':\n    case 'thawed':\n      return [];",
      title: 'a freeze is undone by the quorum alone, each as it was made',
    },
  ]),
  ...teethOf('src/core/governance/change.ts', 'src/core/governance/freeze.spec.ts', [
    {
      code: 'governance-change-invalid',
      without: 'the demand that a wallet exists that is frozen',
      was: "if (scope.kind === 'wallet' && !state.wallets.has(scope.walletId)) return 'no such wallet';",
      becomes: '',
      title: 'a freeze is refused for a wallet that does not exist, and for what is frozen already',
    },
    {
      code: 'governance-change-invalid',
      without: 'the ban on freezing twice',
      was: "if (state.frozen.has(scopeKey(scope))) return 'this is frozen already';",
      becomes: '',
      title: 'a freeze is refused for a wallet that does not exist, and for what is frozen already',
    },
    {
      code: 'governance-change-invalid',
      without: 'the ban on thawing what is not frozen',
      was: "if (!state.frozen.has(scopeKey(change.scope))) return 'this is not frozen';",
      becomes: '',
      title: 'a freeze is undone by the quorum alone, each as it was made',
    },
  ]),
  ...teethOf('src/core/governance/orphans.ts', 'src/core/governance/safu.spec.ts', [
    {
      code: 'governance-change-invalid',
      without: 'the demand that SAFU takes two custodians where it took two before',
      was: 'if ((before.safu?.threshold ?? 0) >= 2 && after.safu && after.safu.threshold < 2) {',
      becomes: 'if (false) {',
      title: 'what touches SAFU never comes down to one custodian where it took two',
    },
  ]),
  ...teethOf('src/core/governance/orphans.ts', 'src/core/governance/orphans.spec.ts', [
    {
      code: 'governance-change-invalid',
      without: 'the demand that governance takes two persons where it took two before',
      was: 'if (before.quorum.threshold >= 2 && after.quorum.threshold < 2) {',
      becomes: 'if (false) {',
      title:
        'an entry that orphans what it changes is refused when one person alone could change governance after it',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that somebody can approve what a request key asks for',
      was: 'if (!isMet) {',
      becomes: 'if (false) {',
      title:
        'an entry that orphans what it changes is refused when the approvers of a rule own all request keys that are left',
    },
    {
      code: 'governance-change-invalid',
      without: 'leaving out the owners of a request key',
      was: 'state.groups, new Set(owners), held)',
      becomes: 'state.groups, new Set(), held)',
      title:
        'an entry that orphans what it changes is refused when somebody leaves without whom no request could be approved',
    },
  ]),
  ...teethOf('src/core/governance/replay.ts', 'src/core/governance/replay.spec.ts', [
    {
      code: 'governance-entry-malformed',
      without: 'the schema of a genesis',
      was: "if (!parsed.success) return refused('governance-entry-malformed', { where: describe(parsed.error.issues) });\n  const entry = parsed.data;\n  const { body } = entry;\n  if (body.change.kind",
      becomes:
        'const entry = parsed.success ? parsed.data : (input as GovernanceEntry);\n  const { body } = entry;\n  if (body.change.kind',
      title:
        'a governance log is refused with governance-entry-malformed when its genesis says something more than an entry may',
    },
    {
      code: 'governance-entry-malformed',
      without: 'the schema of an entry',
      was: "if (!parsed.success) return refused('governance-entry-malformed', { where: describe(parsed.error.issues) });\n  const entry = parsed.data;\n  const { body } = entry;\n  if (body.deploymentId",
      becomes:
        'const entry = parsed.success ? parsed.data : (input as GovernanceEntry);\n  const { body } = entry;\n  if (body.deploymentId',
      title:
        'a governance log is refused with governance-entry-malformed when a later entry says something more than an entry may',
    },
    {
      code: 'governance-not-genesis',
      without: 'the demand that a log begins with its genesis',
      was: "if (body.change.kind !== 'genesis' || body.sequence !== 0) return refused('governance-not-genesis');",
      becomes: "if (body.change.kind !== 'genesis') return refused('governance-sequence');",
      title:
        'a governance log is refused in any other order, with any entry left out, and with any entry twice',
    },
    {
      code: 'governance-previous-mismatch',
      without: 'the demand that nothing stands before a genesis',
      was: 'if (body.previous !== NO_PREVIOUS || body.deploymentId !== NO_PREVIOUS) {',
      becomes: 'if (false) {',
      title: 'a governance log is refused when its genesis says that an entry stands before it',
    },
    {
      code: 'governance-other-deployment',
      without: 'comparing the deployment of an entry',
      was: 'if (body.deploymentId !== state.deploymentId) {',
      becomes: 'if (false) {',
      title:
        'a governance log is refused in any other order, with any entry left out, and with any entry twice',
    },
    {
      code: 'governance-sequence',
      without: 'the sequence of entries',
      was: 'if (body.sequence !== state.sequence + 1) {',
      becomes: 'if (false) {',
      title:
        'a governance log is refused in any other order, with any entry left out, and with any entry twice',
    },
    {
      code: 'governance-previous-mismatch',
      without: 'the chain of hashes',
      was: 'if (body.previous !== state.head) {',
      becomes: 'if (false) {',
      title: 'a governance log is refused when an edited entry is signed again but those after it are not',
    },
    {
      code: 'governance-other-deployment',
      without: 'comparing a whole log with the deployment that is known',
      was: 'if (deploymentId !== known.deploymentId) {',
      becomes: 'if (false) {',
      title: 'a governance log is refused when its genesis is not the pinned one',
    },
    {
      code: 'governance-head-missing',
      without: 'looking for the known head in a log',
      was: 'if (!history.includes(known.head)) {',
      becomes: 'if (false) {',
      title: 'a governance log is refused when it is cut short before a head that is known',
    },
  ]),
  ...teethOf('src/core/governance/rules.ts', 'src/core/governance/change.spec.ts', [
    {
      code: 'governance-change-invalid',
      without: 'the ban on naming somebody twice in a group',
      was: 'if (new Set(members).size !== members.length)',
      becomes: 'if (false)',
      title: 'a genesis is refused when a group names a stranger, or somebody twice',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that the members of a group are in the roster',
      was: 'if (stranger !== undefined)',
      becomes: 'if (false)',
      title: 'a genesis is refused when a group names a stranger, or somebody twice',
    },
    {
      code: 'governance-change-invalid',
      without: "the demand that a credential's key is a point",
      was: 'if (stray)',
      becomes: 'if (false)',
      title:
        'a genesis is refused when a key is no point of its curve, so that nothing could ever be signed with it',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that the attestation key is a point',
      was: 'if (!isP256Point(state.attestation.publicKey))',
      becomes: 'if (false)',
      title:
        'a genesis is refused when the attestation key is no point of P-256, since no void could ever be verified',
    },
    {
      code: 'governance-change-invalid',
      without: "the demand that the quorum's group is there",
      was: 'const members = state.groups.get(group);\n    if (!members)',
      becomes: 'const members = state.groups.get(group) ?? [...state.persons.keys()];\n    if (!members)',
      title: 'a genesis is refused when its quorum names no group',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that the quorum can be reached',
      was: 'if (members.length < threshold)',
      becomes: 'if (false)',
      title: 'a genesis is refused when its quorum is above the number of members',
    },
    {
      code: 'governance-change-invalid',
      without: "the demand that a wallet's chain is registered",
      was: "if (!chain) return invalid('a wallet is on a chain that is not registered', wallet.walletId);\n",
      becomes: 'if (!chain) continue;\n',
      title: 'a genesis is refused when a wallet is on a chain that is not there',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand for one key of an Ethereum wallet',
      was: "if (chain.family === 'ethereum' && wallet.keys.length !== 1) {",
      becomes: 'if (false) {',
      title: 'a change is refused for an Ethereum wallet with two keys',
    },
    {
      code: 'governance-change-invalid',
      without: "the demand that a wallet's key is a point",
      was: 'if (!wallet.keys.every((key) => isPointCompressed(hexToBytes(key.publicKey)))) {',
      becomes: 'if (false) {',
      title:
        'a genesis is refused when a key is no point of its curve, so that nothing could ever be signed with it',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that a token is on an Ethereum chain',
      was: "if (state.chains.get(token.chain)?.family !== 'ethereum') {",
      becomes: 'if (false) {',
      title: 'a change is refused for a token on a Bitcoin chain',
    },
    {
      code: 'governance-change-invalid',
      without: "the demand for the checksum of a token's contract",
      was: "if (ethereumAddress(token.contract).kind === 'refused') {",
      becomes: 'if (false) {',
      title:
        'a genesis is refused when a token contract is not written with its checksum, since no request could name it',
    },
    {
      code: 'governance-change-invalid',
      without: 'the ban on two assets with one symbol',
      was: 'if (twin !== undefined)',
      becomes: 'if (false)',
      title: 'a genesis is refused when a token has the symbol of the coin, in whatever letters',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that policies parse',
      was: "if (policies.kind === 'refused') {",
      becomes: 'if (false) {',
      title: 'a genesis is refused when a policy names a group that is not there, with the place',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that the key of the audit log has the order of the group',
      was: 'return point.isTorsionFree() && !point.is0();',
      becomes: 'return point.toHex() !== "";',
      title: 'a change is refused when the key of the audit log is a point of small order',
    },
  ]),
  ...teethOf('src/core/governance/rules.ts', 'src/core/governance/passkey.spec.ts', [
    {
      code: 'governance-change-invalid',
      without: "the demand that a passkey's origin is of its relying party",
      was: 'if (elsewhere)',
      becomes: 'if (false)',
      title:
        'a passkey in the roster is refused for relying party evil.example at https://officers.exchange.example',
    },
  ]),
  ...teethOf('src/core/governance/change.ts', 'src/core/governance/keys.spec.ts', [
    {
      code: 'governance-change-invalid',
      without: 'the proof that somebody has the next attestation key',
      was: 'if (!hasProved(state.deploymentId, attestation.publicKey, proof))',
      becomes: 'if (false)',
      title: 'the key that the signer vouches with is not replaced with a proof of another key',
    },
    {
      code: 'governance-change-invalid',
      without: 'the ban on a retired wallet that follows another',
      was: 'if (retired.has(successor))',
      becomes: 'if (false)',
      title: 'a wallet that is retired is followed by one that may be retired in turn, and never in a ring',
    },
  ]),
  ...teethOf('src/core/governance/change.ts', 'src/core/governance/bands.spec.ts', [
    {
      code: 'governance-change-invalid',
      without: 'the rules of bands',
      was: 'return bandsFlaw(state, change.bands) ?? {',
      becomes: 'return {',
      title: 'the bands of tiers are refused whose least shares are too much',
    },
  ]),
  ...teethOf('src/core/governance/change.ts', 'src/core/governance/fact-keys.spec.ts', [
    {
      code: 'governance-change-invalid',
      without: 'the demand that facts of a genesis can be stated as it wants them',
      was: "if (ofFacts !== undefined) return invalid(ofFacts, 'genesis');",
      becomes: '',
      title: 'a genesis is refused when more sources of facts would have to agree than there are',
    },
    {
      code: 'governance-change-invalid',
      without: "the ban on fact keys that are somebody else's already",
      was: '    ...[...factKeys.values()].flatMap(marksOfFactKey),\n',
      becomes: '',
      title: 'a genesis is refused when a fact key is a request key too',
    },
  ]),
  ...teethOf('src/core/governance/change.ts', 'src/core/governance/change.spec.ts', [
    {
      code: 'governance-change-invalid',
      without: 'the ban on naming something twice in a genesis',
      was: 'if (!persons || !groups || !requestKeys || !factKeys || !factRules || !chains || !wallets || !tokens)',
      becomes: 'if (false)',
      title: 'a genesis is refused when a person is there twice',
    },
    {
      code: 'governance-change-invalid',
      without: 'the ban on registering a key twice in a genesis',
      was: "if (typeof everRegistered === 'string')",
      becomes: 'if (false)',
      title: 'a genesis is refused when one key is of two persons',
    },
    {
      code: 'governance-change-invalid',
      without: 'the ban on a second genesis',
      was: "return 'genesis stands only at the beginning';",
      becomes: 'return state;',
      title: 'a genesis is refused as a later entry',
    },
    {
      code: 'governance-change-invalid',
      without: 'the ban on adding somebody who is in the roster',
      was: "if (state.persons.has(change.person.personId)) return 'this person is in the roster already';\n",
      becomes: '',
      and: { was: '    if (all.has(mark)) return mark;\n', becomes: '' },
      title: 'a genesis is refused when one key is of two persons',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that the groups of a new person are there',
      was: 'if (unknown !== undefined) return `no such',
      becomes: 'if (state.everRegistered === undefined) return `no such',
      title: 'a change is refused when it is about something that is not there: person-added',
    },
    {
      code: 'governance-change-invalid',
      without: 'the ban on registering again what was ever registered',
      was: '    if (all.has(mark)) return mark;\n',
      becomes: '',
      title: 'a genesis is refused when one key is of two persons',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that who is removed is in the roster',
      was: "if (!state.persons.has(change.personId)) return isEnding(state, change) ? state : 'no such person';\n",
      becomes: '',
      title: 'a change is refused when it is about something that is not there: person-removed',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that the request key that is removed is there',
      was: "if (!state.requestKeys.has(change.keyId)) return 'no such request key';\n",
      becomes: '',
      title: 'a change is refused when it is about something that is not there: request-key-removed',
    },
    {
      code: 'governance-change-invalid',
      without: 'the ban on a wallet that is there already',
      was: "if (state.wallets.has(change.wallet.walletId)) return 'this wallet exists already';\n",
      becomes: '',
      title: 'a change is refused when it adds a wallet under a name that is taken, with a key of its own',
    },
    {
      code: 'governance-change-invalid',
      without: 'the ban on a token that is registered already',
      was: "if (state.tokens.has(key)) return 'this token is registered already';\n",
      becomes: '',
      title: 'a change is refused when it registers one token twice, in other letters',
    },
    {
      code: 'governance-change-invalid',
      without: 'the ban on an origin of the audit log that was given up',
      was: 'if (isOther && state.auditLogs.some((past) => past.origin === origin))',
      becomes: 'if (false)',
      title: 'a change is refused when it names an audit log again that was closed, with another key too',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that the key of the audit log is a point',
      was: "if (!isEd25519Key(key.publicKey)) return 'the key of the audit log is no point of Ed25519';\n",
      becomes: '',
      title: 'a change is refused when the key of the audit log is',
    },
    {
      code: 'governance-change-invalid',
      without: 'the ban on a key of the audit log that was registered before',
      was: '{ auditLog: change.auditLog, auditLogs });',
      becomes:
        '{ auditLog: change.auditLog, auditLogs }) && { ...state, auditLog: change.auditLog, auditLogs };',
      title:
        'a change is refused when it gives the audit log a key that was ever registered, for this or for anything else',
    },
    {
      code: 'governance-change-invalid',
      without: 'the demand that the token that is removed is there',
      was: "if (!state.tokens.has(key)) return 'no such token';\n",
      becomes: '',
      title: 'a change is refused when it is about something that is not there: token-removed',
    },
    {
      code: 'governance-change-invalid',
      without: 'an answer for a change that does not apply',
      was: "if (typeof next === 'string') return invalid(next, change.kind);",
      becomes: "if (typeof next === 'string') return { kind: 'accepted', value: state };",
      title: 'a genesis is refused as a later entry',
    },
  ]),
];
