// Teeth of what is verified offline: a certificate, and a void.

import { type Tooth, teethOf } from '../tooth.js';

export const CERTIFICATES: readonly Tooth[] = [
  ...teethOf('src/core/certificates/verify.ts', 'test/signer/certificates.integration.spec.ts', [
    {
      code: 'certificate-malformed',
      without: 'the schema of a certificate',
      was: "  if (!parsed.success) {\n    return refused('certificate-malformed', {",
      becomes:
        "  if (!parsed.success) return accepted({ certificate: input as Certificate, proved: [], trusted: [] });\n  if (!parsed.success) {\n    return refused('certificate-malformed', {",
      title: 'a certificate is refused with certificate-malformed when a field is missing',
    },
    {
      code: 'certificate-other-deployment',
      without: 'comparing the genesis with the one that is known',
      was: 'if (!genesis || entryHash(genesis.body) !== genesisHash || certified.deploymentId !== genesisHash) {',
      becomes: 'if (!genesis) {',
      title: 'a certificate is refused with certificate-other-deployment when it is of another deployment',
    },
    {
      code: 'certificate-log-too-short',
      without: 'the demand for the log up to the decision',
      was: 'if (log.length <= certified.governanceSequence) {',
      becomes: 'if (false) {',
      title:
        'a certificate is refused with certificate-log-too-short when it rests on entries that are not in the log',
    },
    {
      code: 'certificate-governance-mismatch',
      without: 'comparing the governance head',
      was: 'if (replayed.value.head !== certified.governanceHead) {',
      becomes: 'if (false) {',
      title: 'a certificate is refused with certificate-governance-mismatch when it rests on another log',
    },
    {
      code: 'certificate-policy-mismatch',
      without: 'comparing the policy hash',
      was: 'if (replayed.value.policyHash !== certified.policyHash) {',
      becomes: 'if (false) {',
      title: 'a certificate is refused with certificate-policy-mismatch when it rests on other policies',
    },
    {
      code: 'certificate-decision-mismatch',
      without: 'comparing the decisions',
      was: 'if (canonicalJson(found) !== canonicalJson(certified.decisions))',
      becomes: 'if (false)',
      title: 'a certificate is refused with certificate-decision-mismatch when another approved',
    },
    {
      code: 'certificate-burial-missing',
      without: 'the demand for the burial of what is dead',
      was: "if (missing) return refused('certificate-burial-missing', { transferId: missing.transferId });\n",
      becomes: '',
      title:
        'a certificate is refused with certificate-burial-missing when it replaces what is dead, and nobody says so',
    },
    {
      code: 'certificate-burial-missing',
      without: 'the demand that the burial is of the log',
      was: '    if (at < 0 || at > certified.governanceSequence) {',
      becomes: '    if (at < 0 || at > certified.governanceSequence) continue;\n    if (false) {',
      title: 'a certificate is refused with certificate-burial-missing when who says so went by another log',
    },
    {
      code: 'certificate-transaction-mismatch',
      without: 'verifying the signed transaction',
      was: "if (signed.kind === 'refused' || signed.value.transactionId !== certified.transactionId) {",
      becomes: 'if (false) {',
      title:
        'a certificate is refused with certificate-transaction-mismatch when it is of another transaction',
    },
    {
      code: 'certificate-transaction-mismatch',
      without: 'comparing the id of the signed transaction',
      was: "if (signed.kind === 'refused' || signed.value.transactionId !== certified.transactionId) {",
      becomes: "if (signed.kind === 'refused') {",
      title:
        'a certificate is refused with certificate-transaction-mismatch when it is of another transaction',
    },
  ]),
];
