import { sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { newKey } from '../governance/people.fixture.js';
import { REQUEST_TYPE, type RequestStatement, requestDigest, transferIdOf } from '../statements/request.js';
import { portableVerifier } from '../statements/signature.js';
import { type AttestedVoid, VOID_TYPE, type VoidStatement, verifyVoid, voidBytes } from './void.js';

const DEPLOYMENT = 'ab'.repeat(32);
const attestation = newKey('attestation');
const stranger = newKey('stranger');

const request: RequestStatement = {
  type: REQUEST_TYPE,
  deploymentId: DEPLOYMENT,
  requestId: 'req-1',
  keyId: 'backend',
  kind: 'withdrawal',
  chain: 'eip155:31337',
  wallet: 'hot-eth',
  asset: { kind: 'native', symbol: 'ETH', decimals: 18 },
  amount: '1',
  destination: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  feeCeiling: '1',
  requester: 'payouts',
  customer: 'customer-7',
  createdAtMs: 1,
  expiresAtMs: 2,
};

function attested(altered: Partial<VoidStatement> = {}, by = attestation): AttestedVoid {
  const digest = requestDigest(request);
  const statement: VoidStatement = {
    type: VOID_TYPE,
    deploymentId: DEPLOYMENT,
    transferId: transferIdOf(digest),
    requestId: request.requestId,
    requestDigest: digest,
    basis: 'never-signed',
    journalSequence: 7,
    journalHash: 'cd'.repeat(32),
    voidedAtMs: 3,
    ...altered,
  };
  const signature = sign('sha256', voidBytes(statement), { key: by.secret, dsaEncoding: 'ieee-p1363' });
  return { statement, signature: signature.toString('hex') };
}

function answerTo(input: unknown, of = request): string {
  const authority = { deploymentId: DEPLOYMENT, attestationKey: attestation.publicKey };
  const outcome = verifyVoid(input, of, authority, portableVerifier);
  return outcome.kind === 'refused' ? outcome.code : 'accepted';
}

describe("a void, in a backend's hands", () => {
  it('is the word of the signer about that very request', () => {
    expect(answerTo(attested())).toBe('accepted');
    expect(answerTo(JSON.parse(JSON.stringify(attested({ basis: 'buried' }))))).toBe('accepted');
  });

  it.each<[string, string, () => unknown]>([
    ['void-malformed', 'it is nothing', () => null],
    ['void-malformed', 'it says something more', () => ({ ...attested(), word: 'void' })],
    ['void-malformed', 'it stands on nothing that is known', () => attested({ basis: 'likely' as 'buried' })],
    [
      'void-other-deployment',
      'another deployment gave it',
      () => attested({ deploymentId: 'ef'.repeat(32) }),
    ],
    [
      'void-other-request',
      'its request had another digest',
      () => attested({ requestDigest: 'ef'.repeat(32) }),
    ],
    ['void-other-request', 'its transfer is another', () => attested({ transferId: `tr-${'0'.repeat(40)}` })],
    ['void-other-request', 'its request has another id', () => attested({ requestId: 'req-2' })],
    ['void-signature-invalid', 'somebody else signed it', () => attested({}, stranger)],
    [
      'void-signature-invalid',
      'a word of it is another than was signed',
      () => {
        const { statement, signature } = attested();
        return { statement: { ...statement, voidedAtMs: 4 }, signature };
      },
    ],
  ])('is refused with %s when %s', (code, _, input) => {
    expect(answerTo(input())).toBe(code);
  });

  it('is refused with void-other-request for the same payment, asked for anew', () => {
    expect(answerTo(attested(), { ...request, requestId: 'req-2' })).toBe('void-other-request');
  });
});
