// Decision certificates in hostile hands: whatever is changed in one is noticed, or is something that the verification
// itself calls taken on trust.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Deployment } from '../../devnet/deployment.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import type { Certificate } from '../../src/core/certificates/certificate.js';
import { verifyCertificate } from '../../src/core/certificates/verify.js';
import type { Outcome } from '../../src/core/fault.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { BURIAL_TYPE, type Burial } from '../../src/core/recovery/burial.js';
import { portableVerifier } from '../../src/core/statements/signature.js';

const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

let deployment: Deployment;
let first: Certificate;
let bumped: Certificate;

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
});
afterAll(() => deployment.destroy());

function audited(certificate: unknown): ReturnType<typeof verifyCertificate> {
  return verifyCertificate(certificate, deployment.log, deployment.deploymentId, portableVerifier);
}

/** What a certificate says, without what its verification takes on trust. */
function checked(certificate: Certificate): unknown {
  const { signerVersion, journalSequence, journalHash, tokenSerial, decidedAtMs, ...rest } = certificate;
  return {
    ...rest,
    decisions: rest.decisions.map(({ limits, ...decision }) => ({
      ...decision,
      limits: limits.map(({ usedBefore, usedAfter, ...limit }) => limit),
    })),
  };
}

/** A quorum's word about the transfers of a certificate, in form alone. */
function burialOf({ decisions, deploymentId }: Certificate, governanceHead: string): Burial {
  const key = `bitcoin:${'ab'.repeat(32)}`;
  return {
    statement: {
      type: BURIAL_TYPE,
      deploymentId,
      governanceHead,
      transferIds: decisions.map(({ transferId }) => transferId),
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
  return {
    ...certificate,
    decisions: certificate.decisions.map((decision) => ({ ...decision, ...changes })),
  };
}

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
      'certificate-other-deployment',
      'it is of another deployment',
      () => ({ ...first, deploymentId: other }),
    ],
    [
      'certificate-log-too-short',
      'it rests on entries that are not in the log',
      () => ({ ...first, governanceSequence: 1 }),
    ],
    [
      'certificate-governance-mismatch',
      'it rests on another log',
      () => ({ ...first, governanceHead: other }),
    ],
    ['certificate-policy-mismatch', 'it rests on other policies', () => ({ ...first, policyHash: other })],
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
      () => ({ ...first, transactionId: other }),
    ],
    [
      'certificate-transaction-mismatch',
      'its transaction is another one',
      () => ({ ...first, signedTransaction: bumped.signedTransaction }),
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
