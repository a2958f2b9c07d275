// Teeth of the orchestrator: requests, approvals, transfers, idempotency, and its mirror of governance.

import { type Tooth, teethOf } from '../tooth.js';

export const ORCHESTRATOR: readonly Tooth[] = [
  ...teethOf('src/orchestrator/approvals/approval.service.ts', 'src/orchestrator/transfers/intake.spec.ts', [
    {
      code: 'approval-expired',
      without: 'telling an officer who comes too late to read',
      was: "      if (row.state === 'expired') return tooLate(row);\n      if (row.state !== 'awaiting-approvals'",
      becomes: "      if (row.state !== 'awaiting-approvals'",
      title:
        'approvals tells an officer who comes after the end to read or to sign that it is too late (approval-expired)',
    },
    {
      code: 'approval-expired',
      without: 'telling an officer who comes too late to sign',
      was: "    if (row.state === 'expired') return tooLate(row);\n    if (row.state !== 'awaiting-approvals'",
      becomes: "    if (row.state !== 'awaiting-approvals'",
      title:
        'approvals tells an officer who comes after the end to read or to sign that it is too late (approval-expired)',
    },
    {
      code: 'transfer-unknown',
      without: 'the demand that the transfer of a statement is there',
      was: "      if (!row) return refused('transfer-unknown', { transferId });\n",
      becomes: '',
      title:
        'a transfer that is not there is refused when it is to be shown to an officer (transfer-unknown)',
    },
    {
      code: 'transfer-not-awaiting-approvals',
      without: 'the demand that the transfer of a statement waits for officers',
      was: "      if (row.state !== 'awaiting-approvals' || row.statement === null) {",
      becomes: '      if (row.statement === null) {',
      title:
        'approvals shows no statement of a transfer that waits for nobody (transfer-not-awaiting-approvals)',
    },
    {
      code: 'transfer-unknown',
      without: 'the demand that the transfer of an approval is there',
      was: "    const row = await transferForUpdate(db, transferId);\n    if (!row) return refused('transfer-unknown', { transferId });\n",
      becomes:
        "    const row = await transferForUpdate(db, transferId);\n    if (!row) throw new Error('gone');\n",
      title: 'a transfer that is not there is refused when it is to be approved (transfer-unknown)',
    },
    {
      code: 'transfer-not-awaiting-approvals',
      without: 'the demand that the transfer of an approval waits for officers',
      was: "    if (row.state !== 'awaiting-approvals' || statement === null) {",
      becomes: '    if (statement === null) {',
      title: 'approvals refuses an approval for a transfer that waits for none',
    },
    {
      code: 'approver-not-in-group',
      without: 'the demand that the policy asks for this officer',
      was: 'if (!requirements.some((one) => candidatesFor(one, groupsAt(now.state, nowMs)).includes(personId))) {',
      becomes: 'if (false) {',
      title: 'approvals refuses approver-not-in-group when the policy asks for others',
    },
    {
      code: 'approver-duplicate',
      without: 'looking for an officer who signs twice',
      was: 'if (await db.existsBy(ApprovalRow, key))',
      becomes: 'if (false)',
      title: 'approvals refuses approver-duplicate when one officer signs twice',
    },
    {
      code: 'approval-follows-unknown',
      without: 'looking for what an approval follows',
      was: 'if (unknown !== undefined)',
      becomes: 'if (false)',
      title: 'approvals in steps are refused with approval-follows-unknown when what they follow is not here',
      test: 'src/orchestrator/transfers/steps-in-turn.spec.ts',
    },
    {
      code: 'approval-out-of-turn',
      without: 'looking whose turn it is',
      was: 'if (after === undefined || JSON.stringify(after) === JSON.stringify(before)) {',
      becomes: 'if (false) {',
      title: 'approvals in steps are refused with approval-out-of-turn before the step is due',
      test: 'src/orchestrator/transfers/steps-in-turn.spec.ts',
    },
    {
      code: 'approval-class-wanted',
      without: 'asking whether somebody is left with the class that is wanted',
      was: 'if (isOpen(given) && !isOpen([...given, { ...approval, personId }])) {',
      becomes: 'if (false) {',
      title:
        'approvals of which one comes from a device are refused of whoever alone has one, and used another key (approval-class-wanted)',
      test: 'src/orchestrator/transfers/class-wanted.spec.ts',
    },
    {
      code: 'approvals-insufficient',
      without: 'counting the approvals',
      was: "if (assessed.kind === 'refused' || assessed.value.missing.length > 0) return;",
      becomes: "if (assessed.kind === 'refused') return;",
      title: 'approvals refuses approver-duplicate when one officer signs twice',
    },
  ]),
  ...teethOf('src/orchestrator/transfers/assess.ts', 'src/orchestrator/transfers/intake.spec.ts', [
    {
      code: 'destination-invalid',
      without: 'the form of a destination',
      was: "  return destination.kind === 'refused'\n    ?",
      becomes: '  return false\n    ?',
      title: 'requests refuses with destination-invalid and keeps nothing',
    },
    {
      code: 'request-altered',
      without: 'comparing the request in the database with its transfer',
      was: "if (verified.kind === 'refused' || verified.value.transferId === row.transferId) return verified;",
      becomes: "if (row.transferId !== '') return verified;",
      title:
        'a request in the database ends its transfer when it was exchanged for another one, signed as it may be (request-altered)',
    },
  ]),
  ...teethOf('src/orchestrator/transfers/transfer.reader.ts', 'src/orchestrator/transfers/intake.spec.ts', [
    {
      code: 'cursor-invalid',
      without: 'the form of a cursor',
      was: "    return refused('cursor-invalid');",
      becomes: "    return accepted([0, '']);",
      title: 'lists refuses a cursor that is none of its own',
    },
  ]),
  ...teethOf('src/orchestrator/transfers/transfer.service.ts', 'src/orchestrator/transfers/intake.spec.ts', [
    {
      code: 'chain-not-served',
      without: 'the demand that a driver serves the chain',
      was: 'if (!drivers.some((driver) => driver.family === family)) {',
      becomes: 'if (false) {',
      title:
        'requests refuses chain-not-served when no driver of this program serves the chain, and keeps nothing',
    },
    {
      code: 'request-id-used',
      without: 'comparing a request with the one that used its id',
      was: 'const stored = await db.findOneBy(TransferRow, { transferId });',
      becomes:
        'const stored =\n        (await db.findOneBy(TransferRow, { transferId })) ??\n        (await db.findOneBy(TransferRow, { requestId: statement.requestId }));',
      title: 'requests refuses another request under a used request id',
    },
    {
      code: 'transfer-unknown',
      without: 'the demand that a transfer that is asked for is there',
      was: "return row ? accepted(await viewOf(db, row, state)) : refused('transfer-unknown', { transferId });",
      becomes: "if (!row) throw new Error('gone');\n      return accepted(await viewOf(db, row, state));",
      title: 'a transfer that is not there is refused when it is to be read (transfer-unknown)',
    },
    {
      code: 'transfer-unknown',
      without: 'the demand that a transfer whose request is asked for is there',
      was: "return row ? accepted(row.request) : refused('transfer-unknown', { transferId });",
      becomes: "if (!row) throw new Error('gone');\n    return accepted(row.request);",
      title:
        'a transfer that is not there is refused when it is to be shown with its request (transfer-unknown)',
    },
    {
      code: 'transfer-unknown',
      without: 'the demand that a transfer that is cancelled is there',
      was: "    const seen = await database.read((db) => db.findOneBy(TransferRow, { transferId }));\n    if (!seen) return refused('transfer-unknown', { transferId });\n    return database.transaction(async (db): Promise<Result> => {\n      if (seen.transactionKey !== null) {\n        await lock(db, 'transaction', seen.transactionKey);\n        await lock(db, 'wallet', seen.walletId);\n      }\n      const row = await transferForUpdate(db, transferId);\n      if (!row)",
      becomes:
        "    const seen = await database.read((db) => db.findOneBy(TransferRow, { transferId }));\n    if (!seen) throw new Error('gone');\n    return database.transaction(async (db): Promise<Result> => {\n      if (seen.transactionKey !== null) {\n        await lock(db, 'transaction', seen.transactionKey);\n        await lock(db, 'wallet', seen.walletId);\n      }\n      const row = await transferForUpdate(db, transferId);\n      if (!row)",
      title: 'a transfer that is not there is refused when it is to be cancelled (transfer-unknown)',
    },
    {
      code: 'transfer-not-cancellable',
      without: 'the states from which a transfer is cancelled',
      was: "if ((state !== 'reserved' && state !== 'built') || transactionKey === null) {",
      becomes: 'if (transactionKey === null) {',
      test: 'src/orchestrator/transfers/pipeline.spec.ts',
      title: 'cancelling refuses transfer-being-signed once the signer may have been asked',
    },
    {
      code: 'transfer-being-signed',
      without: 'the ban on cancelling what may be signed',
      was: "if (transaction.state !== 'planned' && transaction.state !== 'built') {",
      becomes: 'if (false) {',
      test: 'src/orchestrator/transfers/pipeline.spec.ts',
      title: 'cancelling refuses transfer-being-signed once the signer may have been asked',
    },
    {
      code: 'transfer-unknown',
      without: 'the demand that a transfer that is resolved is there',
      was: "    if (!seen) return refused('transfer-unknown', { transferId });\n    return database.transaction(async (db): Promise<Result> => {\n      if (seen.transactionKey !== null) {\n        await lock(db, 'transaction', seen.transactionKey);\n        await lock(db, 'wallet', seen.walletId);\n      }\n      const row = await transferForUpdate(db, transferId);\n      if (row?.state",
      becomes:
        "    if (!seen) throw new Error('gone');\n    return database.transaction(async (db): Promise<Result> => {\n      if (seen.transactionKey !== null) {\n        await lock(db, 'transaction', seen.transactionKey);\n        await lock(db, 'wallet', seen.walletId);\n      }\n      const row = await transferForUpdate(db, transferId);\n      if (row?.state",
      title: 'a transfer that is not there is refused when it is to be resolved (transfer-unknown)',
    },
    {
      code: 'transfer-unknown',
      without: 'the demand that the transfer of a certificate is there',
      was: "      if (!(await db.existsBy(TransferRow, { transferId })))\n        return refused('transfer-unknown', { transferId });\n",
      becomes: '',
      title:
        'a transfer that is not there is refused when it is to be asked for its certificate (transfer-unknown)',
    },
    {
      code: 'transaction-unknown',
      without: 'the demand that the transaction of a certificate pays the transfer',
      was: 'const row = pays ? await',
      becomes: "const row = pays || transferId !== '' ? await",
      title:
        'a transfer that is not there is not the one whose transaction somebody names (transaction-unknown)',
    },
    {
      code: 'certificate-missing',
      without: 'an answer for a transaction that is not signed',
      was: "if (row.certificate === null) return refused('certificate-missing', { transferId, transactionKey });\n",
      becomes: '',
      title: 'a transfer that is not there has no certificate before it is signed (certificate-missing)',
    },
    {
      code: 'transfer-being-signed',
      without: 'noticing that a transfer is planned in the moment of its cancel',
      was: 'if (row.transactionKey !== seen.transactionKey) {',
      becomes: 'if (false) {',
      test: 'src/orchestrator/transfers/pipeline.spec.ts',
      title:
        'cancelling refuses transfer-being-signed when it is planned in that very moment, and the plan stands',
    },
    {
      code: 'transfer-nothing-to-ask',
      without: 'the demand that there is a plan to ask about',
      was: "if (transactionKey === null) return refused('transfer-nothing-to-ask', { transferId });\n",
      becomes: "if (transactionKey === null) throw new Error('no plan');\n",
      test: 'src/orchestrator/transfers/resolving.spec.ts',
      title:
        'resolving is refused for what is signed already, as far as asking goes (transfer-nothing-to-ask)',
    },
    {
      code: 'transfer-not-indeterminate',
      without: 'the demand that only what is indeterminate is resolved',
      was: "if (row?.state !== 'indeterminate' || row.transactionKey !== seen.transactionKey) {",
      becomes: 'if (!row) {',
      test: 'src/orchestrator/transfers/resolving.spec.ts',
      title:
        'resolving is refused for any transfer that goes on by itself, or has come to an end (transfer-not-indeterminate)',
    },
    {
      code: 'transfer-nothing-to-ask',
      without: 'the demand that there is something to ask the signer',
      was: "    if (!open || transfers.some((one) => one.state !== 'indeterminate')) {",
      becomes: "    if (transfers.some((one) => one.state !== 'indeterminate')) {",
      test: 'src/orchestrator/transfers/resolving.spec.ts',
      title:
        'resolving is refused for what is signed and lost its nonce to something unknown, as far as asking goes (transfer-nothing-to-ask)',
    },
    {
      code: 'transfer-nothing-to-ask',
      without: 'the demand that nothing of a batch was recorded',
      was: "    if (!open || transfers.some((one) => one.state !== 'indeterminate')) {",
      becomes: '    if (!open) {',
      test: 'src/orchestrator/transfers/resolving.spec.ts',
      title: 'a person who has found out about one of a batch ends asking for the others',
    },
  ]),
  ...teethOf('src/orchestrator/transfers/deciding.steps.ts', 'src/orchestrator/transfers/pipeline.spec.ts', [
    {
      code: 'approval-expired',
      without: 'ending a transfer whose approvals are too late',
      was: 'if (statement !== null && statement.expiresAtMs <= nowMs) {',
      becomes: 'if (false) {',
      title:
        'decisions expires what waits for officers when the time of their statement is over, before that of the request',
    },
  ]),
  ...teethOf('src/orchestrator/transfers/signing.steps.ts', 'src/orchestrator/transfers/pipeline.spec.ts', [
    {
      code: 'request-expired',
      without: 'giving up a plan whose request has expired',
      was: "if (transfer.expiresAtMs <= nowMs) return { to: 'expired', reason: 'request-expired' };\n",
      becomes: '',
      title:
        'decisions expires what is planned when the time of its request is over, without a word to the signer (request-expired)',
    },
    {
      code: 'approval-expired',
      without: 'giving up a plan whose approvals have expired',
      was: 'if ((transfer.statement?.expiresAtMs ?? Infinity) <= nowMs)',
      becomes: 'if (false)',
      title:
        'decisions expires what is planned when the time of its statement is over, without a word to the signer (approval-expired)',
    },
  ]),
  ...teethOf('src/orchestrator/transfers/work.store.ts', 'src/orchestrator/transfers/work.store.spec.ts', [
    {
      code: 'lease-lost',
      without: 'comparing the fence of a step',
      was: 'if (fence !== lease.fence) {',
      becomes: 'if (false) {',
      title:
        'a piece of work is lost to whoever claimed it when somebody else has claimed it since (lease-lost)',
    },
  ]),
  ...teethOf(
    'src/orchestrator/idempotency/idempotency.store.ts',
    'src/orchestrator/idempotency/idempotency.store.spec.ts',
    [
      {
        code: 'idempotency-key-reused',
        without: 'comparing a call with the one that used its key',
        was: 'if (row.fingerprint !== call.fingerprint) return reused(call);\n',
        becomes: '',
        title: 'an idempotency key refuses another call (idempotency-key-reused), with or without an answer',
      },
      {
        code: 'idempotency-key-reused',
        without: 'telling another call under a key from the same one',
        was: "same ? 'idempotency-key-bound' : 'idempotency-key-reused',",
        becomes: "'idempotency-key-bound',",
        title:
          'an idempotency key undoes the effect of another call when one was faster (idempotency-key-reused)',
      },
      {
        code: 'idempotency-key-bound',
        without: 'binding the key with the effect',
        was: 'if (await insertNew(db, BoundKey, bound)) return;',
        becomes: 'await insertNew(db, BoundKey, bound);\n      if (bound.expiresAtMs > 0) return;',
        title:
          'an idempotency key undoes the effect of the same call when that was faster (idempotency-key-bound)',
      },
    ],
  ),
  ...teethOf('src/orchestrator/http/input.ts', 'src/orchestrator/http/input.spec.ts', [
    {
      code: 'idempotency-key-missing',
      without: 'the demand for a key',
      was: "endpoint.idempotencyKey === 'required' ?",
      becomes: 'false ?',
      title: 'an Idempotency-Key is refused when it is missing',
    },
    {
      code: 'idempotency-key-malformed',
      without: 'the form of a key',
      was: 'if (others.length > 0 || !IDEMPOTENCY_KEY.test(value))',
      becomes: 'if (others.length > 0)',
      title: 'an Idempotency-Key is refused when it is short',
    },
    {
      code: 'idempotency-key-malformed',
      without: 'the ban on two keys',
      was: 'if (others.length > 0 || !IDEMPOTENCY_KEY.test(value))',
      becomes: 'if (!IDEMPOTENCY_KEY.test(value))',
      title: 'an Idempotency-Key is refused when it comes twice',
    },
  ]),
  ...teethOf(
    'src/orchestrator/governance/governance.service.ts',
    'src/orchestrator/governance/governance.service.spec.ts',
    [
      {
        code: 'governance-unavailable',
        without: 'the demand that the log was read',
        was: '    if (!this.current) {\n      throw',
        becomes:
          '    if (!this.current) return { state: undefined, policies: undefined } as never;\n    if (!this.current) {\n      throw',
        title: 'GovernanceService throws governance-unavailable before the log was ever read',
      },
      {
        code: 'governance-unavailable',
        without: 'noticing that the signer has no log',
        was: "if (!state) throw new Fault<GovernanceFaultCode>('governance-unavailable', 'the signer has no log');\n",
        becomes: 'if (!state) return;\n',
        title: 'GovernanceService throws governance-unavailable when the signer has no log at all',
      },
      {
        code: 'governance-diverged',
        without: 'believing nothing once the log took another way',
        was: '    if (this.divergence) throw this.divergence;\n',
        becomes: '',
        title: 'GovernanceService believes nothing any more when the signer shows a shorter log',
      },
      {
        code: 'governance-mirror-damaged',
        without: 'an answer for a mirror that does not replay',
        was: "      if (next.kind === 'refused') {\n        throw",
        becomes:
          "      if (next.kind === 'refused') break;\n      if (next.kind !== 'accepted') {\n        throw",
        title: 'GovernanceService refuses a mirror that was edited',
      },
      {
        code: 'governance-other-genesis',
        without: 'comparing the deployment with the configuration',
        was: 'if (state.value.deploymentId !== this.deploymentId) {',
        becomes: 'if (false) {',
        title: 'GovernanceService refuses a signer of another deployment',
      },
      {
        code: 'governance-diverged',
        without: 'an answer for an entry that does not follow',
        was: "if (next.kind === 'refused') throw this.diverged({ refusal: next.code });",
        becomes: "if (next.kind === 'refused') return;",
        title: 'GovernanceService believes nothing any more when the next entry lacks its quorum',
      },
      {
        code: 'governance-diverged',
        without: 'comparing the head that the signer says',
        was: 'if (state.sequence >= answer.sequence || answer.entries.length === 0) {',
        becomes: 'if (state.sequence >= answer.sequence) return;\n      if (answer.entries.length === 0) {',
        title: 'GovernanceService believes nothing any more when the signer shows a shorter log',
      },
    ],
  ),
  ...teethOf(
    'src/orchestrator/governance/proposal.service.ts',
    'src/orchestrator/governance/proposal.service.spec.ts',
    [
      {
        code: 'proposal-unknown',
        without: 'an answer for a proposal that is not there',
        was: "return refused<OwnProposalRefusalCode>('proposal-unknown', { proposalId });",
        becomes: "return refused<OwnProposalRefusalCode>('proposal-not-over', { proposalId });",
        title: 'a proposal is refused when there is none of this id (proposal-unknown)',
      },
      {
        code: 'proposal-not-open',
        without: 'the demand that a proposal wants signatures',
        was: "if (stands !== 'open') return notOpen(proposalId, stands);",
        becomes: '',
        title: 'a proposal is refused a signature when it wants none (proposal-not-open)',
      },
      {
        code: 'governance-signer-unknown',
        without: 'the demand that a signer is in the roster',
        was: "if (!holder) return refused('governance-signer-unknown', { credentialId });",
        becomes: 'if (!holder) return accepted(undefined);',
        title: 'a proposal is refused a signature of somebody whom nobody asked, or knows',
      },
      {
        code: 'governance-signer-duplicate',
        without: 'counting a person once',
        was: "if (earlier) return refused('governance-signer-duplicate', { personId });",
        becomes: '',
        title: 'a proposal is refused a second signature of a person (governance-signer-duplicate)',
      },
      {
        code: 'governance-signer-not-asked',
        without: 'the demand that a signature would count',
        was: 'if (!wanted.some(({ candidates }) => candidates.includes(personId))) {',
        becomes: 'if (false) {',
        title: 'a proposal is refused a signature of somebody whom nobody asked, or knows',
      },
      {
        code: 'governance-signature-invalid',
        without: 'verifying a signature over a proposal',
        was: 'if (!isSignedBy(holder.credential, entryBytes(body), signature, verifier)) {',
        becomes: 'if (false) {',
        title: 'a proposal is refused a signature over another entry (governance-signature-invalid)',
      },
      {
        code: 'proposal-of-another-person',
        without: 'the demand that its drafter takes a proposal back',
        was: 'if (proposedBy !== personId) {',
        becomes: 'if (false) {',
        title:
          'a proposal is refused when somebody else than its drafter takes it back (proposal-of-another-person)',
      },
      {
        code: 'proposal-not-over',
        without: 'the demand that a proposal is over before it is drafted anew',
        was: "if (stands === 'open' || stands === 'complete' || stands === 'accepted') {",
        becomes: 'if (false) {',
        title: 'a proposal is refused when it is drafted anew and is not over (proposal-not-over)',
      },
      {
        code: 'proposals-too-many',
        without: 'the bound on proposals of one person',
        was: 'proposedBy: personId })) >= MOST_OF_ONE) {',
        becomes: 'proposedBy: personId })) >= 1_000) {',
        title:
          'a proposal is refused when one person has drafted too many for one place (proposals-too-many)',
      },
    ],
  ),
  ...teethOf(
    'src/orchestrator/governance/proposal.controller.ts',
    'test/orchestrator/proposals.integration.spec.ts',
    [
      {
        code: 'approval-of-another-person',
        without: 'the demand that a signature comes from who gave it',
        was: 'if (holder && holder.person.personId !== personOf(caller)) {',
        becomes: 'if (false) {',
        title:
          'proposals on SQLite take a signature of whoever calls, over this very entry, once for each person',
      },
    ],
  ),
];
