import { generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import {
  type EntryBody,
  entryBytes,
  GOVERNANCE_TYPE,
  type GovernanceEntry,
  NO_PREVIOUS,
} from '../../src/core/governance/entry.js';
import { replayGenesis } from '../../src/core/governance/replay.js';
import type { GovernanceState } from '../../src/core/governance/state.js';
import { p2wpkhAddress } from '../../src/core/intents/bitcoin/address.js';
import {
  approval,
  approvalBytes,
  statementOf,
  type TransferStatement,
} from '../../src/core/statements/approval.js';
import {
  REQUEST_TYPE,
  type RequestStatement,
  requestBytes,
  type SignedRequest,
} from '../../src/core/statements/request.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { Desk } from './desk.js';
import { LyingApi } from './lying-api.js';

const BITCOIN = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
const HOUR_MS = 3_600_000;
const MALLORYS = 'bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry';
const POLICY = [
  'policy: hot',
  'applies-to: { wallets: [hot-btc] }',
  'fee-caps: { absolute: "0.001 BTC", relative: "5%" }',
  'rules:',
  '  - { id: all, when: { asset: BTC }, then: { approve: [{ group: treasury, quorum: 1 }] } }',
];

const backend = generateKeyPairSync('ed25519');
const ed25519Hex = backend.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');
const spare = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spareHex = spare.publicKey.export({ format: 'der', type: 'spki' }).subarray(-65).toString('hex');
const vouch = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const vouchHex = vouch.publicKey.export({ format: 'der', type: 'spki' }).subarray(-65).toString('hex');

let desk: Desk;
let api: LyingApi;
let alicesKey: string;
let genesis: GovernanceEntry;
let state: GovernanceState;
let config: string[];

function genesisWith(publicKey: string): GovernanceEntry {
  const wallet = bytesToHex(secp256k1.getPublicKey(secp256k1.utils.randomSecretKey(), true));
  const credential = (credentialId: string, key: string) =>
    ({ credentialId, credentialClass: 'pkcs11', algorithm: 'p256', publicKey: key }) as const;
  const body: EntryBody = {
    type: GOVERNANCE_TYPE,
    sequence: 0,
    previous: NO_PREVIOUS,
    deploymentId: NO_PREVIOUS,
    createdAtMs: Date.now(),
    change: {
      kind: 'genesis',
      seed: '5e'.repeat(32),
      persons: [
        { personId: 'alice', name: 'Alice', credentials: [credential('alice-token', publicKey)] },
        { personId: 'bob', name: 'Bob', credentials: [credential('bob-token', spareHex)] },
      ],
      groups: [{ groupId: 'treasury', members: ['alice', 'bob'] }],
      quorum: { group: 'treasury', threshold: 1 },
      timelock: { whitelistMs: 0, policyMs: 0, veto: { group: 'treasury', threshold: 1 } },
      attestation: { token: 'treasury', label: 'attestation', algorithm: 'p256', publicKey: vouchHex },
      requestKeys: [
        { keyId: 'exchange-1', algorithm: 'ed25519', publicKey: ed25519Hex, owners: ['exchange'] },
      ],
      chains: [
        { family: 'bitcoin', chain: BITCOIN, network: 'regtest', coin: { symbol: 'BTC', decimals: 8 } },
      ],
      wallets: [
        {
          walletId: 'hot-btc',
          chain: BITCOIN,
          tier: 'hot',
          token: 'treasury',
          keys: [{ label: 'one', publicKey: wallet }],
        },
      ],
      tokens: [],
      policies: [{ name: 'hot', lines: POLICY }],
    },
  };
  const signature = sign('sha256', entryBytes(body), { key: spare.privateKey, dsaEncoding: 'ieee-p1363' });
  return { body, signatures: [{ credentialId: 'bob-token', signature: signature.toString('hex') }] };
}

function request(altered: Partial<RequestStatement> = {}): SignedRequest {
  const statement: RequestStatement = {
    type: REQUEST_TYPE,
    deploymentId: state.deploymentId,
    requestId: 'req-1',
    keyId: 'exchange-1',
    kind: 'withdrawal',
    chain: BITCOIN,
    wallet: 'hot-btc',
    asset: { kind: 'native', symbol: 'BTC', decimals: 8 },
    amount: '25000000',
    destination: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
    feeCeiling: '20000',
    requester: 'exchange',
    customer: 'customer-7',
    createdAtMs: Date.now(),
    expiresAtMs: Date.now() + HOUR_MS,
    ...altered,
  };
  return { statement, signature: sign(null, requestBytes(statement), backend.privateKey).toString('hex') };
}

/** Makes the API serve a transfer; what is altered is what it lies about. Returns the transfer's id. */
function serve(signed: SignedRequest, altered: Partial<TransferStatement> = {}): string {
  const context = {
    policyHash: state.policyHash,
    governanceHead: state.head,
    expiresAtMs: Date.now() + HOUR_MS / 2,
  };
  const honest = statementOf(signed.statement, context);
  const { transferId } = honest;
  api.answers.set(`/v1/transfers/${transferId}/statement`, {
    statement: { ...honest, ...altered },
    request: signed,
    statementDigest: '00'.repeat(32),
    required: [{ group: 'treasury', quorum: 1 }],
    missing: [{ group: 'treasury', quorum: 1 }],
  });
  const { statement: of } = signed;
  api.answers.set(`/v1/transfers/${transferId}/approvals`, {
    ...of,
    transferId,
    requestDigest: honest.requestDigest,
    state: 'approved',
    reason: { code: 'approvals-complete', facts: {} },
    waitingFor: null,
    receivedAtMs: of.createdAtMs,
    updatedAtMs: of.createdAtMs,
    rule: 'hot/all',
    policyHash: state.policyHash,
    approvals: { required: [], given: [], missing: [], statementDigest: null },
    spendable: { is: 'no', transactionIds: [] },
    transactions: [],
    transitions: [],
  });
  return transferId;
}

beforeAll(async () => {
  desk = await Desk.create(['alice']);
  const made = await desk.run(
    'keys',
    'generate',
    '--label',
    'approvals',
    '--curve',
    'p256',
    '--json',
    '--config',
    await desk.config('alice'),
  );
  alicesKey = String(made.answer?.publicKey);
  genesis = genesisWith(alicesKey);
  const replayed = replayGenesis(genesis, nativeVerifier);
  if (replayed.kind === 'refused') throw new Error(replayed.code);
  state = replayed.value;
});
afterAll(() => desk.destroy());

beforeEach(async () => {
  await api?.stop();
  api = await LyingApi.start(new Map([['alice-token', alicesKey]]));
  api.answers.set('/v1/governance', { entries: [genesis], nextFrom: null });
  config = ['--config', await desk.config('alice', { api: api.url, deployment: state.deploymentId })];
});
afterAll(() => api.stop());

describe('portcullis approve', () => {
  it('signs with the token exactly the statement that was requested, and every call with it', async () => {
    const signed = request();
    const transferId = serve(signed);
    const ended = await desk.run('approve', transferId, '--yes', ...config);
    expect(ended).toMatchObject({ exit: 0 });
    expect(ended.errors).toContain('0.25 BTC  =  25000000 sat');
    expect(ended.errors).toContain('bcrt 1qw5 08d6 qejx tdg4 y5r3 zarv ary0 c5xw 7kyg t080');

    expect(api.unauthenticated).toEqual([]);
    const [posted, ...more] = api.posted;
    expect(more).toEqual([]);
    const { credentialId, verdict, signature } = approval.parse(posted?.body);
    expect([credentialId, verdict]).toEqual(['alice-token', 'approve']);
    const served = api.answers.get(`/v1/transfers/${transferId}/statement`) as {
      statement: TransferStatement;
    };
    const bytes = approvalBytes('approve', served.statement);
    expect(nativeVerifier.p256(hexToBytes(alicesKey), bytes, hexToBytes(signature))).toBe(true);
  });

  it('signs a rejection as a rejection', async () => {
    const transferId = serve(request());
    expect(await desk.run('reject', transferId, '--yes', ...config)).toMatchObject({ exit: 0 });
    expect(api.posted).toMatchObject([{ body: { verdict: 'reject' } }]);
  });

  const lies: readonly (readonly [string, Partial<TransferStatement>])[] = [
    ['another destination', { destination: MALLORYS }],
    ['a higher amount', { amount: '25000001' }],
    ['another policy', { policyHash: 'ab'.repeat(32) }],
    ['another transfer', { transferId: `tr-${'0'.repeat(40)}` }],
  ];
  it.each(lies)('refuses with code 4, and sends nothing, when the API shows %s', async (_what, altered) => {
    const transferId = serve(request(), altered);
    const ended = await desk.run('approve', transferId, '--yes', '--json', ...config);
    expect(ended).toMatchObject({ exit: 4, code: 'statement-mismatch' });
    expect(api.posted).toEqual([]);
  });

  it('refuses when the request was changed with the statement, since the backend has not signed that', async () => {
    const honest = request();
    const forged = { ...honest, statement: { ...honest.statement, destination: MALLORYS } };
    const ended = await desk.run('approve', serve(forged), '--yes', '--json', ...config);
    expect(ended).toMatchObject({ exit: 4, code: 'statement-mismatch' });
    expect(ended.errors).toContain('request-signature-invalid');
    expect(api.posted).toEqual([]);
  });

  it('refuses when the API shows a governance log of another deployment', async () => {
    api.answers.set('/v1/governance', { entries: [genesisWith(alicesKey)], nextFrom: null });
    const ended = await desk.run('approve', serve(request()), '--yes', '--json', ...config);
    expect(ended).toMatchObject({ exit: 4, code: 'governance-mismatch' });
    expect(api.posted).toEqual([]);
  });

  it('refuses when the key on the token is not the one of the credential', async () => {
    const ended = await desk.run(
      'approve',
      serve(request()),
      '--yes',
      '--json',
      '--credential',
      'bob-token',
      ...config,
    );
    expect(ended).toMatchObject({ exit: 4, code: 'key-mismatch' });
    expect(api.posted).toEqual([]);
  });

  it('signs nothing under a log that leads back to no deployment that the officer has named', async () => {
    const unpinned = ['--config', await desk.config('alice', { api: api.url })];
    const ended = await desk.run('approve', serve(request()), '--yes', '--json', ...unpinned);
    expect(ended).toMatchObject({ exit: 2, code: 'setting-missing' });
    expect(ended.errors).toContain('--deployment ID');
    expect(api.posted).toEqual([]);
  });

  it('signs nothing without a person or --yes', async () => {
    const ended = await desk.run('approve', serve(request()), '--json', ...config);
    expect(ended).toMatchObject({ exit: 2, code: 'confirmation-needed' });
    expect(api.posted).toEqual([]);
  });

  it('ends with 3 when nobody answers, and with 2 for what is no transfer', async () => {
    const nowhere = ['--api', 'http://127.0.0.1:1'];
    const transferId = serve(request());
    expect(await desk.run('approve', transferId, '--yes', '--json', ...nowhere, ...config)).toMatchObject({
      exit: 3,
      code: 'api-unreachable',
    });
    expect(await desk.run('approve', 'tr-12', '--json', ...config)).toMatchObject({
      exit: 2,
      code: 'arguments-invalid',
    });
  });

  it('shows no escape sequence that the API sends', async () => {
    const transferId = serve(request());
    api.answers.set(`/v1/transfers/${transferId}/statement`, {
      code: 'x',
      title: '\u001b[2J\u001b]0;gone\u0007',
    });
    const ended = await desk.run('approve', transferId, '--yes', ...config);
    expect(ended.exit).not.toBe(0);
    expect(ended.output + ended.errors).not.toContain('\u001b');
  });
});

describe('portcullis wallets', () => {
  it('shows the address that the key in governance has, whatever the API says', async () => {
    const wallet = state.wallets.get('hot-btc')?.keys[0]?.publicKey ?? '';
    const key = { label: 'one', publicKey: wallet, address: MALLORYS };
    const lie = { walletId: 'hot-btc', chain: BITCOIN, tier: 'hot', token: 'treasury', keys: [key] };
    api.answers.set('/v1/wallets', { items: [lie] });
    const ended = await desk.run('wallets', '--json', ...config);
    expect(ended).toMatchObject({
      exit: 0,
      answer: { wallets: [{ walletId: 'hot-btc', keys: [{ address: p2wpkhAddress(wallet, 'regtest') }] }] },
    });
    expect(ended.output).not.toContain(MALLORYS);
  });

  it('shows none under a log that leads back to no deployment that the officer has named', async () => {
    const unpinned = ['--config', await desk.config('alice', { api: api.url })];
    expect(await desk.run('wallets', '--json', ...unpinned)).toMatchObject({
      exit: 2,
      code: 'setting-missing',
      output: '',
    });
  });
});

describe('portcullis resolve', () => {
  it('has the signer asked again, or records what was found out, in the name of whose token it is', async () => {
    const transferId = serve(request());
    const path = `/v1/transfers/${transferId}/resolve`;
    api.answers.set(path, api.answers.get(`/v1/transfers/${transferId}/approvals`));
    const asked = await desk.run('resolve', transferId, '--how', 'ask-signer', '--json', ...config);
    expect(asked).toMatchObject({ exit: 0, answer: { transferId } });
    const found = ['--how', 'not-paid', '--note', 'no such transaction by block 800'];
    expect((await desk.run('resolve', transferId, ...found, ...config)).exit).toBe(0);
    expect(api.posted).toEqual([
      { path, body: { how: 'ask-signer' } },
      { path, body: { how: 'not-paid', note: 'no such transaction by block 800' } },
    ]);
    expect(api.unauthenticated).toEqual([]);
  });

  it.each([
    ['a note without a way', ['--note', 'please']],
    ['a way that there is not', ['--how', 'retry']],
    ['an outcome without how it is known', ['--how', 'paid']],
    ['a note to the signer', ['--how', 'ask-signer', '--note', 'please']],
  ])('refuses %s with code 2, and sends nothing', async (_title, options) => {
    const ended = await desk.run('resolve', serve(request()), ...options, '--json', ...config);
    expect(ended).toMatchObject({ exit: 2, code: 'arguments-invalid' });
    expect(api.posted).toEqual([]);
  });
});

describe('portcullis policy explain --transfer', () => {
  /** As `serve`, with what the service has on record. */
  function onRecord(signed: SignedRequest, shown = signed): string {
    const transferId = serve(signed);
    const view = api.answers.get(`/v1/transfers/${transferId}/approvals`) as object;
    const limit = { limitId: 'hot/day', key: 'hot-btc', windowMs: 86_400_000, max: '200000000' };
    api.answers.set(`/v1/transfers/${transferId}/request`, shown);
    api.answers.set(`/v1/transfers/${transferId}`, {
      ...view,
      state: 'awaiting-approvals',
      limits: [{ ...limit, usedBefore: '5', usedAfter: '25000005' }],
      approvals: {
        required: [{ group: 'treasury', quorum: 1 }],
        given: [{ personId: 'bob', credentialId: 'bob-token', verdict: 'reject', atMs: Date.now() }],
        missing: [{ group: 'treasury', quorum: 1 }],
        statementDigest: null,
      },
    });
    return transferId;
  }

  it('decides here about what was asked for, and shows beside it what the service has on record', async () => {
    const transferId = onRecord(request());
    const args = ['policy', 'explain', '--transfer', transferId, ...config];
    const ended = await desk.run(...args, '--json');
    expect(ended).toMatchObject({
      exit: 0,
      answer: {
        decision: 'approve',
        rule: 'hot/all',
        requirements: [{ group: 'treasury', quorum: 1 }],
        record: {
          state: 'awaiting-approvals',
          rule: 'hot/all',
          approvedBy: [],
          missing: '1 of treasury',
          limits: [{ limitId: 'hot/day', usedBefore: '5', usedAfter: '25000005' }],
        },
      },
    });
    const { output } = await desk.run(...args);
    expect(output).toContain('to be approved by hot/all: 1 of treasury');
    expect(output).toContain('which is its word alone');
    expect(output).toContain('missing: 1 of treasury');
  });

  it('says nothing of a request that is not this transfer’s, whatever the service shows', async () => {
    const transferId = onRecord(request(), request({ requestId: 'req-2', amount: '1' }));
    const ended = await desk.run('policy', 'explain', '--transfer', transferId, '--json', ...config);
    expect(ended).toMatchObject({ exit: 4, code: 'statement-mismatch' });
  });

  it('asks for what is missing where nothing is said of a transfer', async () => {
    const ended = await desk.run('policy', 'explain', '--wallet', 'hot-btc', '--json', ...config);
    expect(ended).toMatchObject({ exit: 2, code: 'arguments-invalid' });
  });
});
