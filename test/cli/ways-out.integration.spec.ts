// `void`, `resolve` and `burial` with a real token, against a service that serves what a test tells it to: true or not.

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import {
  type EntryBody,
  entryBytes,
  GOVERNANCE_TYPE,
  type GovernanceEntry,
  NO_PREVIOUS,
} from '../../src/core/governance/entry.js';
import { replayLog } from '../../src/core/governance/replay.js';
import type { GovernanceState } from '../../src/core/governance/state.js';
import { BURIAL_TYPE, type BurialStatement, burial, burialBytes } from '../../src/core/recovery/burial.js';
import { VOID_TYPE, type VoidStatement, voidBytes } from '../../src/core/recovery/void.js';
import {
  REQUEST_TYPE,
  type RequestStatement,
  requestBytes,
  requestDigest,
  type SignedRequest,
  transferIdOf,
} from '../../src/core/statements/request.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { Desk } from './desk.js';
import { LyingApi } from './lying-api.js';

const BITCOIN = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
const HOUR_MS = 3_600_000;
const POLICY = [
  'policy: hot',
  'applies-to: { wallets: [hot-btc] }',
  'fee-caps: { absolute: "0.001 BTC", relative: "5%" }',
  'rules:',
  '  - { id: all, when: { asset: BTC }, then: { approve: [{ group: treasury, quorum: 1 }] } }',
];

const backend = generateKeyPairSync('ed25519');
/** A request key that officer alice speaks for. */
const alicesDesk = generateKeyPairSync('ed25519');
const bob = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const mallory = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const rawEd25519 = (key: KeyObject) =>
  key.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');
const point = (key: KeyObject) => key.export({ format: 'der', type: 'spki' }).subarray(-65).toString('hex');
const p256 = (bytes: Uint8Array, key: KeyObject) =>
  sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }).toString('hex');

let desk: Desk;
let api: LyingApi;
let alicesKey: string;
let log: GovernanceEntry[];
let state: GovernanceState;
let config: string[];

function signedEntry(body: EntryBody): GovernanceEntry {
  return {
    body,
    signatures: [{ credentialId: 'bob-token', signature: p256(entryBytes(body), bob.privateKey) }],
  };
}

function genesis(): GovernanceEntry {
  const publicKey = bytesToHex(secp256k1.getPublicKey(secp256k1.utils.randomSecretKey(), true));
  const credential = (credentialId: string, key: string) =>
    ({ credentialId, credentialClass: 'pkcs11', algorithm: 'p256', publicKey: key }) as const;
  return signedEntry({
    type: GOVERNANCE_TYPE,
    sequence: 0,
    previous: NO_PREVIOUS,
    deploymentId: NO_PREVIOUS,
    createdAtMs: Date.now(),
    change: {
      kind: 'genesis',
      seed: '5e'.repeat(32),
      persons: [
        { personId: 'alice', name: 'Alice', credentials: [credential('alice-token', alicesKey)] },
        { personId: 'bob', name: 'Bob', credentials: [credential('bob-token', point(bob.publicKey))] },
      ],
      groups: [{ groupId: 'treasury', members: ['alice', 'bob'] }],
      quorum: { group: 'treasury', threshold: 1 },
      timelock: { whitelistMs: 0, policyMs: 0, veto: { group: 'treasury', threshold: 1 } },
      attestation: {
        token: 'treasury',
        label: 'attestation',
        algorithm: 'p256',
        publicKey: point(signer.publicKey),
      },
      requestKeys: [
        {
          keyId: 'exchange-1',
          algorithm: 'ed25519',
          publicKey: rawEd25519(backend.publicKey),
          owners: ['exchange'],
        },
        {
          keyId: 'exchange-2',
          algorithm: 'ed25519',
          publicKey: rawEd25519(alicesDesk.publicKey),
          owners: ['desk', 'alice'],
        },
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
          keys: [{ label: 'one', publicKey }],
        },
      ],
      tokens: [],
      policies: [{ name: 'hot', lines: POLICY }],
    },
  });
}

/** A further entry that changes nothing that matters here. */
function later(): GovernanceEntry {
  return signedEntry({
    type: GOVERNANCE_TYPE,
    sequence: 1,
    previous: state.head,
    deploymentId: state.deploymentId,
    createdAtMs: Date.now(),
    change: { kind: 'request-key-removed', keyId: 'exchange-2' },
  });
}

function request(altered: Partial<RequestStatement> = {}, key = backend.privateKey): SignedRequest {
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
  return { statement, signature: sign(null, requestBytes(statement), key).toString('hex') };
}

const idOf = ({ statement }: SignedRequest) => transferIdOf(requestDigest(statement));

function voidOf({ statement: of }: SignedRequest, key = signer.privateKey) {
  const digest = requestDigest(of);
  const statement: VoidStatement = {
    type: VOID_TYPE,
    deploymentId: state.deploymentId,
    transferId: transferIdOf(digest),
    requestId: of.requestId,
    requestDigest: digest,
    basis: 'never-signed',
    journalSequence: 7,
    journalHash: 'ab'.repeat(32),
    voidedAtMs: Date.now(),
  };
  return { statement, signature: p256(voidBytes(statement), key) };
}

function burialOf(of: SignedRequest, altered: Partial<BurialStatement> = {}): BurialStatement {
  return {
    type: BURIAL_TYPE,
    deploymentId: state.deploymentId,
    governanceHead: state.head,
    transferIds: [idOf(of)],
    dead: [`bitcoin:${'aa'.repeat(32)}`],
    conflicting: {
      transactionKey: `bitcoin:${'bb'.repeat(32)}`,
      transactionId: 'bb'.repeat(32),
      blockHash: 'cc'.repeat(32),
      blockHeight: 905_214,
      confirmations: 7,
    },
    createdAtMs: Date.now(),
    expiresAtMs: Date.now() + HOUR_MS,
    ...altered,
  };
}

/** Makes the service show a transfer's ways out. */
function show(of: SignedRequest, statement: BurialStatement | null, others: readonly string[] = []): string {
  const transferId = idOf(of);
  const cost = 'None.';
  api.answers.set(`/v1/transfers/${transferId}/request`, of);
  api.answers.set(`/v1/transfers/${transferId}/ways-out`, {
    transferId,
    state: 'broadcast',
    asOfMs: Date.now(),
    signer: { transferId, state: 'signed', transactionIds: ['aa'.repeat(32)], transactions: [] },
    transactions: [
      {
        transactionKey: `bitcoin:${'aa'.repeat(32)}`,
        planKey: 'btc-1',
        transactionId: 'aa'.repeat(32),
        purpose: 'pays',
        state: 'broadcast',
        signerState: 'signed',
        transferIds: [transferId, ...others],
        maxFee: '1200',
        chain: {
          kind: 'pending',
          blockHash: null,
          blockHeight: null,
          confirmations: null,
          conflictingBy: null,
          why: null,
        },
      },
    ],
    ways: [
      { way: 'cancel-on-chain', open: true, why: 'It is not in the chain yet.', cost },
      { way: 'bury', open: statement !== null, why: 'Nothing conflicts with it.', cost },
      { way: 'void', open: false, why: 'The signer has signed something for it.', cost },
    ],
    burial: statement,
  });
  return transferId;
}

beforeAll(async () => {
  desk = await Desk.create(['alice']);
  const key = ['--label', 'approvals', '--curve', 'p256'];
  const made = await desk.run('keys', 'generate', ...key, '--json', '--config', await desk.config('alice'));
  alicesKey = String(made.answer?.publicKey);
  log = [genesis()];
  const replayed = replayLog(log, nativeVerifier);
  if (replayed.kind === 'refused') throw new Error(replayed.code);
  state = replayed.value;
  await desk.write('genesis.json', log[0]);
});
afterAll(() => desk.destroy());

beforeEach(async () => {
  api = await LyingApi.start(
    new Map([
      ['alice-token', alicesKey],
      ['exchange-1', rawEd25519(backend.publicKey)],
    ]),
  );
  api.answers.set('/v1/governance', { entries: log, nextFrom: null });
  config = [
    '--json',
    '--config',
    await desk.config('alice', { api: api.url, deployment: state.deploymentId }),
  ];
});
afterEach(() => api.stop());

const names = new Set<string>();
/** A file name that was not used before. */
function fresh(name: string): string {
  const unused = `${name}-${names.size}.json`;
  names.add(unused);
  return unused;
}

describe('portcullis void', () => {
  it("keeps the signer's void of a backend's stored request, which verifies with nothing running", async () => {
    const of = request({ requestId: 'req-void' });
    api.answers.set(`/v1/transfers/${idOf(of)}/void`, { transferId: idOf(of), void: voidOf(of) });
    const key = backend.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    await desk.write('exchange.pem', key);
    await desk.write('log.json', log);
    const own = await desk.write(
      'exchange.yaml',
      JSON.stringify({
        api: api.url,
        deployment: state.deploymentId,
        log: 'log.json',
        requestKey: { id: 'exchange-1', file: 'exchange.pem' },
      }),
    );
    await desk.write('request.json', of);
    const [out, args] = ['void.json', ['--request', 'request.json']];
    const ended = await desk.run('void', ...args, '--out', out, '--json', '--config', own);
    expect(ended).toMatchObject({ exit: 0, answer: { transferId: idOf(of), file: out } });
    expect(api.unauthenticated).toEqual([]);
    expect(api.posted).toMatchObject([{ body: of }]);

    const offline = ['verify-void', out, '--genesis', 'genesis.json', '--json'];
    expect(await desk.run(...offline, ...args)).toMatchObject({ exit: 0, answer: { valid: true } });
    await desk.write('other.json', request({ requestId: 'req-other' }));
    expect(await desk.run(...offline, '--request', 'other.json')).toMatchObject({
      exit: 1,
      code: 'void-other-request',
    });
  });

  it('is had by an officer, who needs the transfer alone', async () => {
    const of = request({ requestId: 'req-officer' });
    api.answers.set(`/v1/transfers/${idOf(of)}/request`, of);
    api.answers.set(`/v1/transfers/${idOf(of)}/void`, { transferId: idOf(of), void: voidOf(of) });
    const ended = await desk.run('void', idOf(of), '--out', fresh('void'), ...config);
    expect(ended).toMatchObject({ exit: 0 });
    expect(api.unauthenticated).toEqual([]);
  });

  it('writes nothing when another key vouches, or for another request, or the API swaps the request', async () => {
    const [of, other] = [request({ requestId: 'req-a' }), request({ requestId: 'req-b' })];
    const asked = async (answer: unknown, served = of) => {
      api.answers.set(`/v1/transfers/${idOf(of)}/request`, served);
      api.answers.set(`/v1/transfers/${idOf(of)}/void`, { transferId: idOf(of), void: answer });
      const out = fresh('void');
      const ended = await desk.run('void', idOf(of), '--out', out, ...config);
      expect(existsSync(desk.path(out))).toBe(false);
      return ended;
    };
    const mismatch = { exit: 4, code: 'attestation-mismatch' };
    expect(await asked(voidOf(of, mallory.privateKey))).toMatchObject(mismatch);
    expect(await asked(voidOf(other))).toMatchObject(mismatch);
    expect(await asked(voidOf(of), other)).toMatchObject(mismatch);
  });
});

describe('portcullis resolve', () => {
  it('without a choice shows what is known and changes nothing', async () => {
    const transferId = show(request(), null);
    const ended = await desk.run('resolve', transferId, ...config);
    expect(ended).toMatchObject({ exit: 0, answer: { state: 'broadcast' } });
    expect(ended.answer?.commands).toEqual({
      'cancel-on-chain': [`portcullis resolve ${transferId} --cancel-on-chain`],
    });
    expect(api.posted).toEqual([]);
    const read = await desk.run('resolve', transferId, ...config.slice(1));
    expect(read.output).toContain(`$ portcullis resolve ${transferId} --cancel-on-chain`);
    expect(read.output).toContain('may pay twice');
  });

  it('cancels on the chain only after a person has seen all that it ends', async () => {
    const other = `tr-${'2'.repeat(40)}`;
    const transferId = show(request(), null, [other]);
    const cancel = ['resolve', transferId, '--cancel-on-chain'];
    expect(await desk.run(...cancel, ...config)).toMatchObject({ exit: 2, code: 'confirmation-needed' });
    expect(api.posted).toEqual([]);
    api.answers.set(`/v1/transfers/${transferId}/cancel-on-chain`, {
      transferId,
      planKey: 'btc-2',
      replaces: 'btc-1',
      maxFee: '2400',
      transferIds: [transferId, other],
      again: false,
    });
    const ended = await desk.run(...cancel, '--yes', ...config);
    expect(ended).toMatchObject({ exit: 0, answer: { planKey: 'btc-2' } });
    expect(ended.errors).toContain(other);
    expect(api.posted).toHaveLength(1);
  });

  it.each([
    [['--how', 'paid']],
    [['--how', 'ask-signer', '--note', 'I know']],
    [['--note', 'I know']],
    [['--cancel-on-chain', '--how', 'ask-signer']],
  ])('refuses choices that do not go together: %j', async (choice) => {
    const transferId = show(request(), null);
    const ended = await desk.run('resolve', transferId, ...choice, ...config);
    expect(ended).toMatchObject({ exit: 2, code: 'arguments-invalid' });
    expect(api.posted).toEqual([]);
  });
});

describe('portcullis burial', () => {
  const write = (statement: BurialStatement, requests: readonly SignedRequest[]) => {
    const name = fresh('burial');
    return desk.write(name, { statement, requests, signatures: [] });
  };

  it('is drawn up only where the service has a draft, and only if the draft holds', async () => {
    const of = request();
    const draft = (id: string, out: string) => desk.run('burial', 'draft', id, '--out', out, ...config);
    expect(await draft(show(of, null), fresh('b'))).toMatchObject({ exit: 1, code: 'burial-not-possible' });
    const shallow = { ...burialOf(of).conflicting, confirmations: 5 };
    expect(await draft(show(of, burialOf(of, { conflicting: shallow })), fresh('b'))).toMatchObject({
      exit: 1,
      code: 'burial-too-shallow',
    });
    const out = fresh('b');
    expect(await draft(show(of, burialOf(of)), out)).toMatchObject({ exit: 0, answer: { file: out } });
    const written = z
      .object({ requests: z.array(z.unknown()) })
      .parse(JSON.parse(await readFile(desk.path(out), 'utf8')));
    expect(written.requests).toEqual([of]);
  });

  it('is signed as it is shown, and handed in without the requests', async () => {
    const of = request();
    const file = await write(burialOf(of), [of]);
    const signed = await desk.run('burial', 'sign', file, '--yes', ...config.slice(1));
    expect(signed).toMatchObject({ exit: 0 });
    expect(signed.errors).toContain('0.25 BTC  =  25000000 sat');
    expect(signed.errors).toContain(`bitcoin:${'aa'.repeat(32)}`);
    expect(signed.errors).toContain('the customer is paid twice');
    expect(signed.errors).toContain('Not compared with a node of yours');
    api.answers.set('/v1/burials', {
      journalSequence: 9,
      transfers: [{ transferId: idOf(of), state: 'approved' }],
    });
    expect(await desk.run('burial', 'submit', file, ...config)).toMatchObject({ exit: 0 });
    const { statement, signatures } = burial.parse(api.posted[0]?.body);
    expect(signatures.map(({ credentialId }) => credentialId)).toEqual(['alice-token']);
    const [{ signature } = { signature: '' }] = signatures;
    expect(nativeVerifier.p256(hexToBytes(alicesKey), burialBytes(statement), hexToBytes(signature))).toBe(
      true,
    );
    expect(await desk.run('burial', 'sign', file, '--yes', ...config)).toMatchObject({ code: 'file-exists' });
  });

  it('is not signed without a person, nor with a request that the file makes up', async () => {
    const of = request();
    const file = await write(burialOf(of), [of]);
    expect(await desk.run('burial', 'sign', file, ...config)).toMatchObject({
      exit: 2,
      code: 'confirmation-needed',
    });
    const forged = { ...of, statement: { ...of.statement, amount: '1' } };
    const made = await write(burialOf(forged), [forged]);
    expect(await desk.run('burial', 'sign', made, '--yes', ...config)).toMatchObject({
      exit: 4,
      code: 'statement-mismatch',
    });
  });

  it('is not signed by whoever the request key speaks for (approver-is-requester)', async () => {
    const of = request({ keyId: 'exchange-2', requester: 'desk' }, alicesDesk.privateKey);
    const file = await write(burialOf(of), [of]);
    const ended = await desk.run('burial', 'sign', file, '--yes', ...config);
    expect(ended).toMatchObject({ exit: 1, code: 'approver-is-requester' });
  });

  it('is not signed on top of an older entry than the officer or the API knows, nor when it has expired', async () => {
    const of = request();
    const file = await write(burialOf(of), [of]);
    const entry = later();
    const sign = ['burial', 'sign', file, '--yes', ...config];
    const moved = { exit: 1, code: 'burial-governance-moved' };
    await desk.write('longer.json', [...log, entry]);
    expect(await desk.run(...sign, '--log', 'longer.json')).toMatchObject(moved);
    await desk.write('same.json', log);
    api.answers.set('/v1/governance', { entries: [...log, entry], nextFrom: null });
    expect(await desk.run(...sign, '--log', 'same.json')).toMatchObject(moved);
    api.answers.set('/v1/governance', { entries: log, nextFrom: null });
    const expired = await write(burialOf(of, { expiresAtMs: Date.now() - 1 }), [of]);
    expect(await desk.run('burial', 'sign', expired, '--yes', ...config)).toMatchObject({
      exit: 1,
      code: 'burial-expired',
    });
    expect(api.posted).toEqual([]);
  });
});
