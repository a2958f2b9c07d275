import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { BITCOIN, ETHEREUM, start } from '../governance/people.fixture.js';
import type { GovernanceState } from '../governance/state.js';
import {
  REQUEST_TYPE,
  type RequestStatement,
  requestBytes,
  type SignedRequest,
} from '../statements/request.js';
import { portableVerifier } from '../statements/signature.js';
import { knownContent, MAX_CLOCK_SKEW_MS, MAX_REQUEST_LIFETIME_MS, verifyRequest } from './requests.js';

const NOW_MS = 1_760_000_000_000;
const backend = generateKeyPairSync('ed25519');
const publicKey = Buffer.from(backend.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString(
  'hex',
);
const state: GovernanceState = {
  ...start,
  requestKeys: new Map([
    ['backend', { keyId: 'backend', algorithm: 'ed25519', publicKey, owners: ['payouts', 'alice', 'gone'] }],
  ]),
  everRegistered: new Set([...start.everRegistered, 'person:gone']),
};

function request(altered: Partial<RequestStatement>): SignedRequest {
  const statement: RequestStatement = {
    type: REQUEST_TYPE,
    deploymentId: state.deploymentId,
    requestId: 'req-1',
    keyId: 'backend',
    kind: 'withdrawal',
    chain: BITCOIN,
    wallet: 'hot-btc',
    asset: { kind: 'native', symbol: 'BTC', decimals: 8 },
    amount: '100000',
    destination: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
    feeCeiling: '1000',
    requester: 'payouts',
    customer: 'customer-7',
    createdAtMs: NOW_MS,
    expiresAtMs: NOW_MS + 3_600_000,
    ...altered,
  };
  const signature = sign(null, requestBytes(statement), backend.privateKey).toString('hex');
  return { statement, signature };
}

function answerTo(altered: Partial<RequestStatement>, nowMs = NOW_MS): string {
  const outcome = verifyRequest(state, request(altered), portableVerifier, nowMs);
  return outcome.kind === 'refused' ? outcome.code : 'accepted';
}

const CONTRACT = '0x5FbDB2315678afecb367f032d93F642f64180aa3';

describe('a signed request', () => {
  it('is accepted as it is', () => {
    expect(answerTo({})).toBe('accepted');
  });

  it.each<[string, string, Partial<RequestStatement>]>([
    ['request-other-deployment', 'it is for another deployment', { deploymentId: 'ab'.repeat(32) }],
    ['request-key-unknown', 'its key is not registered', { keyId: 'desk' }],
    ['requester-not-owner', 'its key does not speak for the requester', { requester: 'mallory' }],
    ['requester-removed', 'the requester is no person of the roster any more', { requester: 'gone' }],
    ['request-lifetime', 'it ends when it begins', { expiresAtMs: NOW_MS }],
    ['request-lifetime', 'it ends before it begins', { expiresAtMs: NOW_MS - 1 }],
    [
      'request-lifetime',
      'it lives a millisecond too long',
      { expiresAtMs: NOW_MS + MAX_REQUEST_LIFETIME_MS + 1 },
    ],
    [
      'request-from-the-future',
      'it was made a millisecond too far ahead',
      { createdAtMs: NOW_MS + MAX_CLOCK_SKEW_MS + 1 },
    ],
    ['request-expired', 'it ends now', { createdAtMs: NOW_MS - 1, expiresAtMs: NOW_MS }],
    ['wallet-unknown', 'governance knows no such wallet', { wallet: 'cold-btc' }],
    ['chain-mismatch', "it names another chain than the wallet's", { chain: ETHEREUM }],
    [
      'asset-not-registered',
      'its coin has another symbol',
      { asset: { kind: 'native', symbol: 'LTC', decimals: 8 } },
    ],
    [
      'asset-not-registered',
      'its coin has other decimals',
      { asset: { kind: 'native', symbol: 'BTC', decimals: 9 } },
    ],
    [
      'asset-not-registered',
      'it asks for a token of a chain without tokens',
      { asset: { kind: 'erc20', symbol: 'USDX', decimals: 6, contract: CONTRACT } },
    ],
  ])('is refused with %s when %s', (code, _, altered) => {
    expect(answerTo(altered)).toBe(code);
  });

  it('is refused with request-signature-invalid when a word of it is another than was signed', () => {
    const { statement, signature } = request({});
    const altered = { statement: { ...statement, amount: '100001' }, signature };
    expect(verifyRequest(state, altered, portableVerifier, NOW_MS)).toMatchObject({
      kind: 'refused',
      code: 'request-signature-invalid',
    });
  });

  it('is accepted of a person of the roster, and of a service, which was never on it', () => {
    expect(start.persons.has('alice')).toBe(true);
    expect(answerTo({ requester: 'alice' })).toBe('accepted');
    expect(state.everRegistered.has('person:payouts')).toBe(false);
    expect(answerTo({ requester: 'payouts' })).toBe('accepted');
  });

  it('outlives its expiry once something was signed for it', () => {
    const expired = request({ createdAtMs: NOW_MS - 2, expiresAtMs: NOW_MS - 1 });
    expect(verifyRequest(state, expired, portableVerifier, NOW_MS, () => true).kind).toBe('accepted');
  });
});

describe('what nobody has signed', () => {
  const codeOf = (altered: Partial<RequestStatement>) => {
    const outcome = knownContent(state, request(altered).statement);
    return outcome.kind === 'refused' ? outcome.code : 'accepted';
  };

  it('is known as a request of it would be', () => {
    expect(codeOf({})).toBe('accepted');
  });

  it.each<[string, Partial<RequestStatement>]>([
    ['request-key-unknown', { keyId: 'nobody' }],
    ['requester-not-owner', { requester: 'mallory' }],
    ['requester-removed', { requester: 'gone' }],
    ['wallet-unknown', { wallet: 'cold-btc' }],
    ['chain-mismatch', { chain: ETHEREUM }],
    ['asset-not-registered', { asset: { kind: 'native', symbol: 'BTC', decimals: 9 } }],
  ])('is refused as a request of it would be: %s', (code, altered) => {
    expect(codeOf(altered)).toBe(code);
    expect(answerTo(altered)).toBe(code);
  });
});
