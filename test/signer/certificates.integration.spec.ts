// Decision certificates in hostile hands: whatever is changed in one is noticed, or is something that the verification
// itself calls taken on trust.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Deployment } from '../../devnet/deployment.js';
import { rejournaled } from '../../devnet/forged-pages.js';
import { codeOf } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import { type Certificate, decisionsOf } from '../../src/core/certificates/certificate.js';
import { checkDossier } from '../../src/core/certificates/dossier.js';
import { journalHashOf } from '../../src/core/certificates/reservation.js';
import { verifyCertificate } from '../../src/core/certificates/verify.js';
import type { Outcome } from '../../src/core/fault.js';
import type { GovernanceEntry } from '../../src/core/governance/entry.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { BURIAL_TYPE, type Burial } from '../../src/core/recovery/burial.js';
import { canonicalJson } from '../../src/core/statements/canonical-json.js';
import { P256_ORDER } from '../../src/core/statements/p256-spelling.js';
import { portableVerifier } from '../../src/core/statements/signature.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { certificatesResult } from '../../src/signer-protocol/messages.js';

const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

let deployment: Deployment;
let first: Certificate;
let bumped: Certificate;
/** The first two, as the signer attests them. */
let attested: Certificate;
let attestedBump: Certificate;

beforeAll(async () => {
  deployment = await Deployment.create();
  const signer = await deployment.start();
  const own = p2wpkhScript(deployment.publicKeys.bitcoin);
  const request = deployment.request({ amount: '5000000', destination: DESTINATION });
  const transfers = [deployment.transfer(request, [deployment.alice, deployment.bob])];
  const spent = coin(own, 10_000_000n);
  const order = (changeSats: bigint) => ({
    wallet: 'hot-btc',
    transaction: psbt([spent], [payTo(DESTINATION, 5_000_000n), { script: own, amountSats: changeSats }]),
    transfers,
  });
  first = (await signer.signed(order(4_990_000n))).certificate;
  deployment.time.advance(2 * 3_600_000);
  bumped = (await signer.signed(order(4_985_000n))).certificate;
  const page = await signer.ask({ verb: 'certificates', fromOrdinal: 1, most: 10 });
  if (page.kind !== 'done') throw new Error(`no page: ${codeOf(page)}`);
  const [one, other] = certificatesResult.parse(page.result).certificates;
  if (!one?.attestation || !other?.attestation) throw new Error('nothing is attested');
  attested = one;
  attestedBump = other;
});
afterAll(() => deployment.destroy());

function auditedUnder(log: readonly GovernanceEntry[], certificate: Certificate) {
  const evidence = { log, genesisHash: deployment.deploymentId, verifier: portableVerifier };
  const file = { name: 'one', text: canonicalJson(certificate) };
  const { checked, verdict } = checkDossier([file], evidence, false);
  const [outcome] = checked.map((one) => one.outcome);
  return { verdict, code: outcome?.kind === 'refused' ? outcome.code : outcome?.kind };
}

function audited(certificate: unknown): ReturnType<typeof verifyCertificate> {
  return verifyCertificate(certificate, deployment.log, deployment.deploymentId, portableVerifier);
}

/** What a certificate says, without what its verification takes on trust. */
function checked(certificate: Certificate): unknown {
  const { journalSequence, journalPrevious, journalHash, outcome, ...rest } = certificate;
  return { ...rest, outcome: { ...outcome, tokenSerial: '' } };
}

/** A quorum's word about the transfers of a certificate, in form alone. */
function burialOf(certificate: Certificate, governanceHead: string): Burial {
  const key = `bitcoin:${'ab'.repeat(32)}`;
  return {
    statement: {
      type: BURIAL_TYPE,
      deploymentId: certificate.deploymentId,
      governanceHead,
      transferIds: decisionsOf(certificate).map(({ transferId }) => transferId),
      dead: [key],
      conflicting: {
        transactionKey: key,
        transactionId: 'ab'.repeat(32),
        blockHash: 'ab'.repeat(32),
        blockHeight: 1,
        confirmations: 100,
      },
      createdAtMs: 1,
      expiresAtMs: 2,
    },
    signatures: [{ credentialId: 'alice-token', signature: '00'.repeat(64) }],
  };
}

function withDecision(certificate: Certificate, changes: object): unknown {
  const transfers = certificate.reservation.transfers.map((transfer) => ({
    ...transfer,
    decision: { ...transfer.decision, ...changes },
  }));
  return withReservation(certificate, { transfers });
}

function withReservation(certificate: Certificate, changes: object): unknown {
  return { ...certificate, reservation: { ...certificate.reservation, ...changes } };
}

/** With another ordinal, as if the journal had it so. */
function counted(certificate: Certificate, ordinal: number): unknown {
  const reservation = { ...certificate.reservation, ordinal };
  const { journalPrevious, journalSequence } = certificate;
  const journalHash = journalHashOf(journalPrevious, journalSequence, canonicalJson(reservation));
  return { ...certificate, reservation, journalHash };
}

function withOutcome(certificate: Certificate, changes: object): unknown {
  return { ...certificate, outcome: { ...certificate.outcome, ...changes } };
}

function withStatement(certificate: Certificate, changes: object): unknown {
  const { attestation } = certificate;
  return {
    ...certificate,
    attestation: { ...attestation, statement: { ...attestation?.statement, ...changes } },
  };
}

/** With order - s for s in the attestation's signature. */
function respelled(certificate: Certificate): unknown {
  const { attestation } = certificate;
  const signature = attestation?.signature ?? '';
  const s = P256_ORDER - BigInt(`0x${signature.slice(64)}`);
  return {
    ...certificate,
    attestation: { ...attestation, signature: signature.slice(0, 64) + s.toString(16).padStart(64, '0') },
  };
}

it('certificate-log-invalid is said of a log that does not replay, and of nothing else', () => {
  const [genesis] = deployment.log;
  if (!genesis) throw new Error('no log');
  const unsigned = genesis.signatures.map((one) => ({ ...one, signature: '00'.repeat(64) }));
  expect(auditedUnder([{ ...genesis, signatures: unsigned }], first)).toEqual({
    verdict: 'mismatch',
    code: 'certificate-log-invalid',
  });
  // What a quorum should have signed is the certificate's, though it is refused with a code of governance.
  const decided = first.reservation.transfers.map((transfer) => ({
    ...transfer,
    decision: { ...transfer.decision, past: 'dead' as const },
  }));
  const burials = [burialOf(first, deployment.deploymentId)];
  const dead = { ...first, burials, reservation: { ...first.reservation, transfers: decided } };
  expect(auditedUnder(deployment.log, dead)).toEqual({
    verdict: 'refused',
    code: 'governance-signature-invalid',
  });
});

describe('a certificate', () => {
  it('is refused, not choked on, whatever stands in it; what passes says the same', () => {
    const text = JSON.stringify(first);
    const mutated = fc
      .tuple(fc.nat(text.length - 1), fc.constantFrom('0', '1', 'f', 'Z', '', '-', 'é', '\\ud800', '\\u0000'))
      .map(([at, put]) => text.slice(0, at) + put + text.slice(at + 1));
    fc.assert(
      fc.property(mutated, (candidate) => {
        let value: unknown;
        try {
          value = JSON.parse(candidate);
        } catch {
          // Not JSON any more: nothing to verify.
          return;
        }
        const outcome: Outcome<unknown> = audited(value);
        if (outcome.kind === 'accepted') expect(checked(value as Certificate)).toEqual(checked(first));
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['a rule of other letters', { rule: 'hot-bitcoin/middlé' }],
    ['a rule that did not match', { rule: 'hot-bitcoin/small' }],
    ['another kind', { kind: 'allow' }],
    ['one approver more', { approvers: ['alice', 'bob', 'carol'] }],
    ['no limits', { limits: [] }],
  ])('is refused with %s', (_title, changes) => {
    expect(audited(withDecision(first, changes)).kind).toBe('refused');
  });

  const other = 'ab'.repeat(32);
  const dead = () => withDecision(first, { past: 'dead' }) as Certificate;
  it.each<[string, string, () => unknown]>([
    ['certificate-malformed', 'a field is missing', () => ({ ...first, type: undefined })],
    [
      'certificate-malformed',
      'a text in it has no canonical form',
      () => withReservation(first, { transactionKey: '\u00e9' }),
    ],
    [
      'certificate-other-deployment',
      'it is of another deployment',
      () => ({ ...first, deploymentId: other }),
    ],
    [
      'certificate-log-too-short',
      'it rests on entries that are not in the log',
      () => withReservation(first, { governanceSequence: 1 }),
    ],
    [
      'certificate-governance-mismatch',
      'it rests on another log',
      () => withReservation(first, { governanceHead: other }),
    ],
    [
      'certificate-policy-mismatch',
      'it rests on other policies',
      () => withReservation(first, { policyHash: other }),
    ],
    [
      'certificate-decision-mismatch',
      'another approved',
      () => withDecision(first, { approvers: ['alice', 'carol'] }),
    ],
    ['certificate-burial-missing', 'it replaces what is dead, and nobody says so', dead],
    [
      'certificate-burial-missing',
      'who says so went by another log',
      () => ({ ...dead(), burials: [burialOf(first, other)] }),
    ],
    [
      'certificate-transaction-mismatch',
      'it is of another transaction',
      () => withOutcome(first, { transactionId: other }),
    ],
    [
      'certificate-transaction-mismatch',
      'its transaction is another one',
      () => withOutcome(first, bumped.outcome),
    ],
    [
      'certificate-intent-mismatch',
      'its bytes do something else than it says',
      () => withReservation(first, { intent: { ...first.reservation.intent, lockTime: 1 } }),
    ],
    ['certificate-reservation-mismatch', 'another key is named', () => withReservation(first, { keys: [] })],
    [
      'certificate-reservation-mismatch',
      'a policy document had another text',
      () => withReservation(first, { documents: [{ name: 'hot-bitcoin', sha256: other }] }),
    ],
    [
      'certificate-journal-mismatch',
      'it stands elsewhere in the journal',
      () => ({ ...first, journalPrevious: other }),
    ],
    [
      'certificate-journal-mismatch',
      'it is counted otherwise than the journal did',
      () => withReservation(first, { ordinal: 2, previous: other }),
    ],
    [
      'certificate-journal-mismatch',
      'it is counted as the second, and names none before it',
      () => counted(first, 2),
    ],
    [
      'certificate-attestation-missing',
      'nobody attests that nothing was signed',
      () => ({ ...first, outcome: { kind: 'begun' } }),
    ],
    [
      'certificate-attestation-missing',
      'nobody attests that nothing ever will be',
      () => ({ ...first, outcome: { kind: 'ended' } }),
    ],
    [
      'certificate-attestation-mismatch',
      'it is not what was attested',
      () => withOutcome(attested, { tokenSerial: '' }),
    ],
    [
      'certificate-attestation-mismatch',
      'its way to the root is that of another',
      () => ({ ...attested, attestation: attestedBump.attestation }),
    ],
    [
      'certificate-attestation-other',
      'the attestation is about another deployment',
      () => withStatement(attested, { deploymentId: other }),
    ],
    [
      'certificate-attestation-other',
      'the attestation is about later ones',
      () => withStatement(attested, { fromOrdinal: 2 }),
    ],
    [
      'certificate-attestation-other',
      'the attestation is about earlier ones',
      () => withStatement(attestedBump, { toOrdinal: 1 }),
    ],
    [
      'certificate-attestation-other',
      'the attestation is about more than there are',
      () => withStatement(attested, { newestOrdinal: 1 }),
    ],
    [
      'certificate-attestation-other',
      'the attestation is about what is lost',
      () => withStatement(attested, { keptFrom: 2 }),
    ],
    [
      'certificate-attestation-invalid',
      'the attestation key has not signed how many there are',
      () => withStatement(attested, { newestOrdinal: 3 }),
    ],
    [
      'certificate-attestation-invalid',
      'the attestation is spelled in the other way that verifies',
      () => respelled(attested),
    ],
  ])('is refused with %s when %s', (code, _, altered) => {
    expect(audited(altered())).toMatchObject({ kind: 'refused', code });
  });

  it('is refused with certificate-other-deployment by somebody who knows another genesis', () => {
    expect(verifyCertificate(first, deployment.log, other, portableVerifier)).toMatchObject({
      code: 'certificate-other-deployment',
    });
  });

  it('says of a replacement that nobody proves that its request was still alive', () => {
    const fresh = audited(first);
    const late = audited(bumped);
    if (fresh.kind === 'refused' || late.kind === 'refused') throw new Error('not accepted');
    expect(fresh.value.proved.join()).toContain('was alive');
    expect(late.value.proved.join()).not.toContain('was alive');
    expect(late.value.trusted.join()).toContain('may have expired');
    // Without the claim of an earlier transaction it is as dead as it is.
    expect(audited(withDecision(bumped, { past: 'unseen' }))).toMatchObject({ code: 'request-expired' });
  });
});

/** As a signer of another version would have written it. */
function ofOtherRules(certificate: Certificate, changes: object = {}): Certificate {
  const altered = withReservation(certificate, { ...changes, signerVersion: '0.0.1' }) as Certificate;
  const [told = altered] = rejournaled([altered]);
  return told;
}

describe('a certificate of other rules', () => {
  it('is neither proved nor refused, and says what is taken on trust', () => {
    expect(auditedUnder(deployment.log, ofOtherRules(first))).toEqual({
      verdict: 'other-rules',
      code: 'accepted',
    });
    const outcome = audited(ofOtherRules(first));
    if (outcome.kind === 'refused') throw new Error(outcome.code);
    expect(outcome.value.proved.join()).not.toContain('matched');
    expect(outcome.value.trusted.join()).toContain('it was decided by rules of version 0.0.1');
  });

  it('accuses nobody where it came to another decision', () => {
    const decided = ofOtherRules(
      withDecision(first, { rule: 'hot-bitcoin/small', limits: [] }) as Certificate,
    );
    expect(auditedUnder(deployment.log, decided).verdict).toBe('other-rules');
  });

  const unsigned = ({ reservation: { order } }: Certificate) => ({
    ...order,
    transfers: order.transfers.map((transfer) => ({
      ...transfer,
      approvals: transfer.approvals.map((one) => ({ ...one, signature: '00'.repeat(64) })),
    })),
  });
  const unasked = ({ reservation: { order } }: Certificate) => ({
    ...order,
    transfers: order.transfers.map((transfer) => ({
      ...transfer,
      request: { ...transfer.request, signature: '00'.repeat(64) },
    })),
  });
  it.each<[string, string, () => unknown]>([
    [
      'certificate-intent-mismatch',
      'its bytes do something else than it says',
      () => ofOtherRules(first, { intent: { ...first.reservation.intent, lockTime: 1 } }),
    ],
    ['certificate-reservation-mismatch', 'another key is named', () => ofOtherRules(first, { keys: [] })],
    [
      'certificate-reservation-mismatch',
      'another transfer is named',
      () => ofOtherRules(withDecision(first, { transferId: `tr-${'0'.repeat(40)}` }) as Certificate),
    ],
    ['request-signature-invalid', 'nobody asked', () => ofOtherRules(first, { order: unasked(first) })],
    ['approval-signature-invalid', 'nobody approved', () => ofOtherRules(first, { order: unsigned(first) })],
    ['certificate-attestation-mismatch', 'it is not what was attested', () => ofOtherRules(attested)],
    [
      'certificate-transaction-mismatch',
      'it is of another transaction',
      () => ofOtherRules(withOutcome(first, bumped.outcome) as Certificate),
    ],
    [
      'certificate-journal-mismatch',
      'it stands elsewhere in the journal',
      () => ({ ...ofOtherRules(first), journalPrevious: 'ab'.repeat(32) }),
    ],
  ])('is refused with %s when %s', (code, _, altered) => {
    expect(audited(altered())).toMatchObject({ kind: 'refused', code });
  });
});

/** The text of a certificate as it stands in a file, checked as an auditor's program does. */
function verdictOn(text: string, verifier = nativeVerifier) {
  const { log, deploymentId } = deployment;
  return checkDossier([{ name: 'one', text }], { log, genesisHash: deploymentId, verifier }, false).verdict;
}

describe('an attested certificate', () => {
  it('is proved by itself, with the native and with the portable verifier', () => {
    for (const verifier of [nativeVerifier, portableVerifier]) {
      expect(verdictOn(`${canonicalJson(attested)}\n`, verifier)).toBe('proved');
      expect(verdictOn(canonicalJson(attestedBump), verifier)).toBe('proved');
    }
    expect(verdictOn(canonicalJson(first))).toBe('unattested');
  });

  it('says who vouches for it, and no longer that nobody does', () => {
    const [before, after] = [audited(first), audited(attested)];
    if (before.kind === 'refused' || after.kind === 'refused') throw new Error('not accepted');
    expect(before.value.trusted.join()).toContain('has not attested it yet');
    expect(after.value.trusted.join()).not.toContain('attested');
    expect(after.value.proved.join()).toContain('vouches for all of this as reservation 1');
    expect(after.value.attested).toMatchObject({
      fromOrdinal: 1,
      toOrdinal: 2,
      newestOrdinal: 2,
      keptFrom: 1,
    });
  });

  it('is refused whatever single byte of it is another one', () => {
    const bytes = Buffer.from(canonicalJson(attested));
    const seed = Date.now() % 2 ** 31;
    // Every place once, with a byte that the seed chooses.
    const random = fc.sample(fc.integer({ min: 1, max: 255 }), { seed, numRuns: bytes.length });
    const passed: string[] = [];
    for (const [at, step] of random.entries()) {
      const changed = Buffer.from(bytes);
      changed[at] = ((changed[at] ?? 0) + step) % 256;
      const verdict = verdictOn(changed.toString('utf8'));
      if (!['malformed', 'refused', 'mismatch'].includes(verdict)) passed.push(`${at} +${step}: ${verdict}`);
    }
    expect({ seed, passed }).toEqual({ seed, passed: [] });
    // Some 7,000 verifications, two milliseconds each on a machine of its own.
  }, 240_000);

  it('is refused whatever is left out of it, doubled, or put into it', () => {
    const text = canonicalJson(attested);
    const place = fc.nat(text.length - 1);
    const part = fc.constantFrom('', ' ', '0', '"', '{', '}', ',"a":1', '\\u0061', '\n', '\u0000');
    fc.assert(
      fc.property(place, fc.nat(3), part, (at, gone, put) => {
        const changed = text.slice(0, at) + put + text.slice(at + gone);
        if (changed === text) return;
        expect(['malformed', 'refused', 'mismatch']).toContain(verdictOn(changed));
      }),
      { numRuns: 1_000 },
    );
  });
});
