// Teeth of what is verified offline: a certificate, and a void.

import { type Tooth, teethOf } from '../tooth.js';

export const CERTIFICATES: readonly Tooth[] = [
  ...teethOf('src/core/certificates/verify.ts', 'test/signer/certificates.integration.spec.ts', [
    {
      code: 'certificate-malformed',
      without: 'the schema of a certificate',
      was: "    return refused('certificate-malformed', problemOf(parsed.error));",
      becomes:
        "    return accepted({ certificate: input as Certificate, attested: undefined, proved: [], trusted: [] });\n    return refused('certificate-malformed', problemOf(parsed.error));",
      title: 'a certificate is refused with certificate-malformed when a field is missing',
    },
    {
      code: 'certificate-other-deployment',
      without: 'comparing the genesis with the one that is known',
      was: 'return isKnown && deploymentId === genesisHash\n',
      becomes: 'return genesis !== undefined\n',
      title: 'a certificate is refused with certificate-other-deployment when it is of another deployment',
    },
    {
      code: 'certificate-log-too-short',
      without: 'the demand for the log up to the decision',
      was: 'if (log.length <= governanceSequence) {',
      becomes: 'if (false) {',
      title:
        'a certificate is refused with certificate-log-too-short when it rests on entries that are not in the log',
    },
    {
      code: 'certificate-log-invalid',
      without: 'telling a log that does not hold from a certificate that does not',
      was: "? refused('certificate-log-invalid', { ...replayed.facts, log: replayed.code })",
      becomes: "? refused('certificate-log-too-short', { ...replayed.facts })",
      title: 'certificate-log-invalid is said of a log that does not replay, and of nothing else',
    },
    {
      code: 'certificate-governance-mismatch',
      without: 'comparing the governance head',
      was: 'if (state.head !== governanceHead) {',
      becomes: 'if (false) {',
      title: 'a certificate is refused with certificate-governance-mismatch when it rests on another log',
    },
    {
      code: 'certificate-policy-mismatch',
      without: 'comparing the policy hash',
      was: 'return state.policyHash === policyHash\n',
      becomes: 'return true\n',
      title: 'a certificate is refused with certificate-policy-mismatch when it rests on other policies',
    },
    {
      code: 'certificate-decision-mismatch',
      without: 'comparing the decisions',
      was: 'if (canonicalJson(decided) !== canonicalJson(decisions))',
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
      was: '    if (at < 0 || at > governanceSequence) {',
      becomes: '    if (at < 0 || at > governanceSequence) continue;\n    if (false) {',
      title: 'a certificate is refused with certificate-burial-missing when who says so went by another log',
    },
    {
      code: 'certificate-transaction-mismatch',
      without: 'verifying the signed transaction',
      was: "if (signed.kind === 'refused' || signed.value.transactionId !== transactionId) {",
      becomes: 'if (false) {',
      title:
        'a certificate is refused with certificate-transaction-mismatch when it is of another transaction',
    },
    {
      code: 'certificate-transaction-mismatch',
      without: 'comparing the id of the signed transaction',
      was: "if (signed.kind === 'refused' || signed.value.transactionId !== transactionId) {",
      becomes: "if (signed.kind === 'refused') {",
      title:
        'a certificate is refused with certificate-transaction-mismatch when it is of another transaction',
    },
    {
      code: 'certificate-malformed',
      without: 'the demand for a canonical form',
      was: "if (!isCanonical(certified)) return refused('certificate-malformed', { why: 'not canonical' });\n",
      becomes: '',
      title: 'a certificate is refused with certificate-malformed when a text in it has no canonical form',
    },
    {
      code: 'certificate-intent-mismatch',
      without: 'comparing what the signer read in the bytes',
      was: 'if (canonicalJson(found.intent) !== canonicalJson(reservation.intent))',
      becomes: 'if (false)',
      title:
        'a certificate is refused with certificate-intent-mismatch when its bytes do something else than it says',
    },
    {
      code: 'certificate-reservation-mismatch',
      without: 'comparing the rest of the reservation',
      was: 'return canonicalJson(found) === canonicalJson(reservation)\n',
      becomes: 'return canonicalJson(found).length > 0\n',
      title: 'a certificate is refused with certificate-reservation-mismatch when another key is named',
    },
    {
      code: 'certificate-journal-mismatch',
      without: "computing the journal's hash",
      was: 'return isHashed && isLinked\n',
      becomes: 'return isLinked\n',
      title:
        'a certificate is refused with certificate-journal-mismatch when it stands elsewhere in the journal',
    },
    {
      code: 'certificate-journal-mismatch',
      without: 'the demand that the first one, and no other, names none before it',
      was: 'return isHashed && isLinked\n',
      becomes: 'return isHashed\n',
      title:
        'a certificate is refused with certificate-journal-mismatch when it is counted as the second, and names none before it',
    },
    {
      code: 'certificate-attestation-missing',
      without: "the demand for the signer's word that nothing was signed",
      was: "return outcome.kind === 'signed'\n",
      becomes: 'return outcome.kind\n',
      title:
        'a certificate is refused with certificate-attestation-missing when nobody attests that nothing was signed',
    },
  ]),
  ...teethOf('src/core/certificates/attestation.ts', 'test/signer/certificates.integration.spec.ts', [
    {
      code: 'certificate-attestation-other',
      without: 'the demand that the attestation is about this certificate',
      was: 'if (!isAbout) return',
      becomes: 'if (false) return',
      title:
        'a certificate is refused with certificate-attestation-other when the attestation is about what is lost',
    },
    {
      code: 'certificate-attestation-mismatch',
      without: 'the way from the certificate to the root',
      was: "if (included.kind === 'refused') {",
      becomes: 'if (false) {',
      title:
        'a certificate is refused with certificate-attestation-mismatch when it is not what was attested',
    },
    {
      code: 'certificate-attestation-invalid',
      without: 'verifying the signature of the attestation key',
      was: 'return verifier.p256(',
      becomes: 'return true || verifier.p256(',
      title:
        'a certificate is refused with certificate-attestation-invalid when the attestation key has not signed how many there are',
    },
    {
      code: 'certificate-attestation-invalid',
      without: 'the demand for one spelling of its signature',
      was: 'if (!isLowP256(signature)) return',
      becomes: 'if (false) return',
      title:
        'a certificate is refused with certificate-attestation-invalid when the attestation is spelled in the other way that verifies',
    },
  ]),
  ...teethOf('src/core/certificates/verify.ts', 'test/signer/replaced-keys.integration.spec.ts', [
    {
      code: 'certificate-attestation-invalid',
      without: 'asking for the key that was in force then',
      was: 'vouchingAt(then.value, then.value.sequence)',
      becomes: 'vouchingAt(then.value, 0)',
      title:
        'replacing the attestation key keeps certificates before and after it whole, each with its own key',
    },
  ]),
  ...teethOf('src/core/certificates/other-rules.ts', 'test/signer/certificates.integration.spec.ts', [
    {
      code: 'certificate-intent-mismatch',
      without: 'comparing what was read in the bytes, by whatever rules',
      was: 'if (canonicalJson(found.intent) !== canonicalJson(reservation.intent))',
      becomes: 'if (false)',
      title:
        'a certificate of other rules is refused with certificate-intent-mismatch when its bytes do something else than it says',
    },
    {
      code: 'certificate-reservation-mismatch',
      without: 'comparing the rest of the reservation, by whatever rules',
      was: 'return canonicalJson({ ...rest, asked }) === undecided(reservation)\n',
      becomes: 'return undecided(reservation).length > 0\n',
      title:
        'a certificate of other rules is refused with certificate-reservation-mismatch when another key is named',
    },
  ]),
  ...teethOf('src/core/certificates/reckoning.ts', 'src/core/certificates/reckoning.spec.ts', [
    {
      code: 'certificate-usage-mismatch',
      without: 'counting again what was used',
      was: 'if (usage) {',
      becomes: 'if (usage && false) {',
      title:
        'what a chain of certificates comes to is not what one says that says less (certificate-usage-mismatch)',
    },
    {
      code: 'certificate-usage-mismatch',
      without: 'the demand that measured time goes on within a store',
      was: "if (attested) return refused('certificate-usage-mismatch', { ordinal, why: 'measured time went back' });",
      becomes: '',
      title:
        'what a chain of certificates comes to does not begin anew where measured time goes back and nobody attests a lost store',
    },
    {
      code: 'certificate-paid-twice',
      without: 'comparing what was signed for one transfer',
      was: 'if (twice !== undefined)',
      becomes: 'if (false)',
      title:
        'what a chain of certificates comes to and of what was signed before refuses a second transaction for a transfer that could be mined beside the first (certificate-paid-twice)',
    },
    {
      code: 'certificate-paid-twice',
      without: 'the demand that what was mined instead conflicts with what is buried',
      was: '!mined.has(key) && this.spends.get(key)?.some((spend) => used.has(spend))',
      becomes: '!mined.has(key)',
      title:
        'what a chain of certificates comes to and of what was signed before refuses a second one after a burial by what does not conflict with the first, or is unknown, void, or the first (certificate-paid-twice)',
    },
    {
      code: 'certificate-paid-twice',
      without: 'the demand that what is said to be mined was not said to be dead',
      was: 'if (dead.has(transactionKey)) continue;',
      becomes: '',
      title:
        'what a chain of certificates comes to and of what was signed before refuses one beside what is said to be dead by something that is dead itself (certificate-paid-twice)',
    },
    {
      code: 'certificate-past-mismatch',
      without: 'comparing with those before it what was signed',
      was: 'if (past) {',
      becomes: 'if (past && false) {',
      title:
        'what a chain of certificates comes to and of what was signed before refuses a replacement of nothing, which would charge no limit (certificate-past-mismatch)',
    },
  ]),
  ...teethOf('src/core/certificates/chain.ts', 'src/core/certificates/chain.spec.ts', [
    {
      code: 'certificate-chain-forked',
      without: 'comparing two of one ordinal',
      was: 'if (other.certificate.journalHash !== journalHash)',
      becomes: 'if (false)',
      title: 'is refused with certificate-chain-forked when two reservations have one ordinal',
    },
    {
      code: 'certificate-chain-broken',
      without: 'the demand that governance only goes on',
      was: 'const isUnderLater = next.reservation.governanceSequence >= before.reservation.governanceSequence;',
      becomes: 'const isUnderLater = true;',
      title:
        'is refused with certificate-chain-broken when a later one was decided under an earlier state of governance',
    },
    {
      code: 'certificate-chain-contradiction',
      without: 'the bound on what a key knows that was replaced',
      was: 'if (beyond !== undefined)',
      becomes: 'if (false)',
      title:
        'is refused with certificate-chain-contradiction when a key that was replaced knows of what came after it',
    },
    {
      code: 'certificate-chain-contradiction',
      without: 'comparing what is said of one reservation',
      was: 'if (!agree(one, other))',
      becomes: 'if (false)',
      title: 'is refused with certificate-chain-contradiction when what was never to be signed is signed',
    },
    {
      code: 'certificate-chain-broken',
      without: 'following from one to the next',
      was: 'if (before && !follows(before, certificate))',
      becomes: 'if (false)',
      title: 'is refused with certificate-chain-broken when one names another before it',
    },
  ]),
  ...teethOf('src/core/certificates/evidence-file.ts', 'src/cli/verify.command.spec.ts', [
    {
      code: 'certificate-malformed',
      without: 'the demand for the canonical form of a file',
      was: 'return canonicalJson(value as CanonicalValue) === text\n',
      becomes: 'return canonicalJson(value as CanonicalValue) !== undefined\n',
      title: 'verify ends with 2 for a certificate in another order',
    },
  ]),
];
