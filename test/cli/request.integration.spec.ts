import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { hexToBytes } from '@noble/hashes/utils.js';
import { stringify } from 'yaml';
import { entryHash } from '../../src/core/governance/entry.js';
import { alice, bob, GENESIS, genesisOf } from '../../src/core/governance/people.fixture.js';
import {
  requestBytes,
  requestDigest,
  signedRequest,
  transferIdOf,
} from '../../src/core/statements/request.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { Desk } from './desk.js';
import { LyingApi } from './lying-api.js';

const TO = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

let desk: Desk;
let api: LyingApi;
let publicKey: string;
let deployment: string;
let config: string[];

beforeAll(async () => {
  desk = await Desk.create([]);
  const made = await desk.run('keys', 'request-key', 'generate', desk.path('backend.pem'), '--json');
  publicKey = String(made.answer?.publicKey);
  const requestKeys = [{ keyId: 'backend', algorithm: 'ed25519' as const, publicKey, owners: ['payouts'] }];
  const genesis = genesisOf({ ...GENESIS, requestKeys }, alice, bob);
  deployment = entryHash(genesis.body);
  await desk.write('log.json', [genesis]);
});
afterAll(() => desk.destroy());

beforeEach(async () => {
  api = await LyingApi.start(new Map([['backend', publicKey]]));
  const settings = {
    api: api.url,
    deployment,
    log: 'log.json',
    requestKey: { id: 'backend', file: 'backend.pem' },
  };
  config = ['--config', await desk.write('backend.yaml', stringify(settings)), '--json'];
});
afterEach(() => api.stop());

const args = (...more: string[]) => [
  'request',
  ...['--wallet', 'hot-btc', '--asset', 'BTC', '--amount', '0.25', '--to', TO, '--fee-ceiling', '0.0002'],
  ...['--customer', 'customer-7', ...more],
];

describe('portcullis request', () => {
  it('sends a request that the backend’s key has signed, for exactly what was asked', async () => {
    await desk.run(...args('--request-id', 'payout-1'), ...config);
    expect(api.unauthenticated).toEqual([]);
    const { statement, signature } = signedRequest.parse(api.posted[0]?.body);
    expect(statement).toMatchObject({
      deploymentId: deployment,
      requestId: 'payout-1',
      wallet: 'hot-btc',
      amount: '25000000',
      destination: TO,
      feeCeiling: '20000',
      requester: 'payouts',
      customer: 'customer-7',
    });
    expect(statement.expiresAtMs - statement.createdAtMs).toBe(3_600_000);
    expect(
      nativeVerifier.ed25519(hexToBytes(publicKey), requestBytes(statement), hexToBytes(signature)),
    ).toBe(true);
    expect(transferIdOf(requestDigest(statement))).toMatch(/^tr-[0-9a-f]{40}$/);
  });

  it('passes on a refusal of the API, with its code', async () => {
    expect(await desk.run(...args(), ...config)).toMatchObject({
      exit: 1,
      code: 'route-unknown',
      output: '',
    });
  });

  it('names the request when its answer is lost, so that asking again cannot pay twice', async () => {
    api.answers.set('/v1/transfers', { nonsense: true });
    const ended = await desk.run(...args(), ...config);
    expect(ended).toMatchObject({ exit: 4, code: 'api-answer-malformed' });
    const { statement } = signedRequest.parse(api.posted[0]?.body);
    expect(JSON.parse(ended.errors)).toMatchObject({
      error: {
        message: expect.stringContaining(`--request-id ${statement.requestId}`),
        facts: {
          requestId: statement.requestId,
          transferId: transferIdOf(requestDigest(statement)),
        },
      },
    });
  });

  it('sends nothing for an amount that is too precise, a wrong address, or an unknown wallet', async () => {
    const run = (...more: string[]) => desk.run(...args(...more), ...config);
    expect(await run('--amount', '0.123456789')).toMatchObject({ exit: 2, code: 'amount-over-precise' });
    expect(await run('--to', TO.toUpperCase())).toMatchObject({ exit: 1, code: 'destination-invalid' });
    expect(await run('--wallet', 'cold')).toMatchObject({ exit: 2, code: 'arguments-invalid' });
    expect(await run('--expires-in', '8d')).toMatchObject({ exit: 2, code: 'arguments-invalid' });
    expect(api.posted).toEqual([]);
  });

  it('sends nothing under a governance log of another deployment', async () => {
    const ended = await desk.run(...args('--deployment', 'ab'.repeat(32)), ...config);
    expect(ended).toMatchObject({ exit: 4, code: 'governance-mismatch' });
    expect(api.posted).toEqual([]);
  });

  it('never shows the private key', async () => {
    const pem = await readFile(desk.path('backend.pem'), 'utf8');
    const secret = pem.split('\n')[1] ?? 'missing';
    const ended = await desk.run(...args(), ...config);
    expect(ended.output + ended.errors).not.toContain(secret);
  });
});
