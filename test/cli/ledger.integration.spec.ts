// An officer with a Ledger at the command line: a device played behind the socket of Ledger's emulator, speaking the app's own
// commands, and a real signer under a policy that asks for a display.

import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { Deployment } from '../../devnet/deployment.js';
import { LedgerEmulator } from '../../devnet/ledger-emulator.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import { verifyCertificate } from '../../src/core/certificates/verify.js';
import {
  type Change,
  type Credential,
  credential,
  governanceEntry,
} from '../../src/core/governance/entry.js';
import { signedHead, verifyHead } from '../../src/core/governance/fresh-head.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { type Approval, approval, approvalBytes } from '../../src/core/statements/approval.js';
import { portableVerifier } from '../../src/core/statements/signature.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { deskOf, readLog, socketOf } from './at-signer.js';
import type { Desk } from './desk.js';
import { LyingApi } from './lying-api.js';

const POLICY = [
  'policy: hot-bitcoin',
  'applies-to: { wallets: [hot-btc] }',
  'fee-caps: { absolute: "0.001 BTC", relative: "5%" }',
  'rules:',
  '  - id: shown',
  '    when: { asset: BTC }',
  '    then: { approve: [{ group: treasury, quorum: 1, with: { device-display: 1 } }] }',
];
const PATH = "44'/60'/0'/0/0";
const HEAD = '/v1/governance/head';

let desk: Desk;
let deployment: Deployment;
let signer: SocketClient;
let socket: string;
let ledger: LedgerEmulator;
let ledgersKey: Credential;
let api: LyingApi;
let tokensKey: string;
let withLedger: string;
/** No token, and no API. */
let ledgerAlone: string;

const ledgerAt = (place: string) => ({ credential: 'dora-ledger', path: PATH, tcp: place });

async function append(change: Change): Promise<void> {
  const entry = deployment.entry(change, [deployment.alice, deployment.bob]);
  expect(codeOf(await signer.ask({ verb: 'governance-append', entry }))).toBe('done');
  deployment.log.push(entry);
}

beforeAll(async () => {
  const dora = await deskOf('dora');
  ({ desk, publicKey: tokensKey } = dora);
  ledger = await LedgerEmulator.start('dora');
  const shown = await desk.run('keys', 'ledger', '--tcp', ledger.place, '--json');
  ledgersKey = credential.parse({ credentialId: 'dora-ledger', ...(shown.answer?.credential as object) });
  expect(ledger.screens).toEqual([`Address ${String(shown.answer?.address)}`]);

  deployment = await Deployment.create();
  signer = await deployment.start();
  socket = socketOf(deployment);
  const person = { ...dora.person, credentials: [...dora.person.credentials, ledgersKey] };
  await append({ kind: 'person-added', person, groups: ['treasury', 'governors'] });
  const policies = deployment.policies.map((one) =>
    one.name === 'hot-bitcoin' ? { ...one, lines: POLICY } : one,
  );
  await append({ kind: 'policies-set', policies });
  deployment.policies = policies;
});
afterAll(async () => {
  await deployment.destroy();
  await ledger.stop();
  await desk.destroy();
});

beforeEach(async () => {
  ledger.screens.length = 0;
  api = await LyingApi.start(new Map([['dora-token', tokensKey]]));
  api.answers.set('/v1/governance', { entries: deployment.log, nextFrom: null });
  const { deploymentId } = deployment;
  withLedger = await desk.config('dora', {
    api: api.url,
    deployment: deploymentId,
    ledger: ledgerAt(ledger.place),
  });
  const alone = { deployment: deploymentId, ledger: ledgerAt(ledger.place) };
  ledgerAlone = await desk.write('alone.yaml', stringify(alone));
});
afterEach(async () => {
  ledger.press = () => 'yes';
  ledger.locked = false;
  ledger.app = { name: 'Ethereum', version: '1.22.0' };
  await api.stop();
});

/** A transfer that waits for approvals at the API. */
function waiting() {
  const request = deployment.request();
  const statement = deployment.statement(request);
  const { transferId } = statement;
  api.answers.set(`/v1/transfers/${transferId}/statement`, {
    statement,
    request,
    statementDigest: '00'.repeat(32),
    required: [{ group: 'treasury', quorum: 1, with: { 'device-display': 1 } }],
    missing: [{ group: 'treasury', quorum: 1, with: { 'device-display': 1 } }],
  });
  const { statement: asked } = request;
  api.answers.set(`/v1/transfers/${transferId}/approvals`, {
    ...asked,
    transferId,
    requestDigest: statement.requestDigest,
    state: 'approved',
    reason: { code: 'approvals-complete', facts: {} },
    waitingFor: null,
    receivedAtMs: asked.createdAtMs,
    updatedAtMs: asked.createdAtMs,
    rule: 'hot-bitcoin/shown',
    policyHash: statement.policyHash,
    approvals: { required: [], given: [], missing: [], statementDigest: null },
    spendable: { is: 'no', transactionIds: [] },
    transactions: [],
    transitions: [],
  });
  const own = p2wpkhScript(deployment.publicKeys.bitcoin);
  const transaction = psbt(
    [coin(own, 1_000_000n)],
    [payTo(asked.destination, 500_000n), { script: own, amountSats: 499_000n }],
  );
  const ordered = (approvals: Approval[]) => ({
    wallet: 'hot-btc',
    transaction,
    transfers: [{ request, statement, approvals }],
  });
  return { transferId, statement, ordered };
}

const approve = (transferId: string, ...args: string[]) =>
  desk.run('approve', transferId, '--yes', '--json', '--config', withLedger, ...args);

describe('an officer with a Ledger', () => {
  it('approves what the device has shown whole, and the signer takes it where policy asks for a display', async () => {
    const { transferId, statement, ordered } = waiting();
    const ended = await approve(transferId);
    expect(ended).toMatchObject({ exit: 0, answer: { transferId, verdict: 'approve' } });
    expect(ledger.screens).toEqual([
      `Message ${String.fromCharCode(...approvalBytes('approve', statement)).replace('\n', ' ')}`,
    ]);
    expect(ended.errors).toContain('Read it on your Ledger');
    const given = approval.parse(api.posted[0]?.body);
    expect(given.credentialId).toBe('dora-ledger');
    expect(api.unauthenticated).toEqual([]);

    const byToken = deployment.approve(statement, deployment.alice);
    expect(codeOf(await signer.sign(ordered([byToken])))).toBe('approvals-insufficient');
    const { certificate } = await signer.signed(ordered([given]));
    expect(
      verifyCertificate(certificate, deployment.log, deployment.deploymentId, portableVerifier),
    ).toMatchObject({ kind: 'accepted' });
  });

  it('signs with the token when told to, which that policy does not take', async () => {
    const { transferId, ordered } = waiting();
    expect(await approve(transferId, '--sign-with', 'token')).toMatchObject({ exit: 0 });
    expect(ledger.screens).toEqual([]);
    const given = approval.parse(api.posted[0]?.body);
    expect(given.credentialId).toBe('dora-token');
    expect(codeOf(await signer.sign(ordered([given])))).toBe('approvals-insufficient');
  });

  it('rejects on it: another text, which is no approval', async () => {
    const { transferId, statement, ordered } = waiting();
    const args = ['reject', transferId, '--yes', '--json', '--config', withLedger];
    expect(await desk.run(...args)).toMatchObject({ exit: 0 });
    expect(ledger.screens[0]).toMatch(/^Message portcullis\/reject\/v1 \{/);
    const given = approval.parse(api.posted[0]?.body);
    const claimed = ordered([{ ...given, verdict: 'approve' }]);
    expect(codeOf(await signer.sign(claimed))).toBe('approval-signature-invalid');
    expect(statement.transferId).toBe(transferId);
  });

  it.each([
    [
      'says no on the device',
      'device-refused',
      5,
      () => {
        ledger.press = () => 'no';
      },
    ],
    [
      'has locked it',
      'device-locked',
      3,
      () => {
        ledger.locked = true;
      },
    ],
    [
      'has another app open',
      'device-other-app',
      3,
      () => {
        ledger.app = { name: 'Bitcoin', version: '2.4.6' };
      },
    ],
    [
      'has an app that is not known to show texts whole',
      'device-other-app',
      3,
      () => {
        ledger.app = { name: 'Ethereum', version: '1.9.19' };
      },
    ],
  ] as const)('who %s gives no approval', async (_, code, exit, first) => {
    first();
    expect(await approve(waiting().transferId)).toMatchObject({ exit, code });
    expect(api.posted).toEqual([]);
  });

  it('is shown nothing by another device, or by another key of theirs', async () => {
    const { transferId } = waiting();
    const others = await LedgerEmulator.start('mallory');
    try {
      for (const place of [
        { ...ledgerAt(others.place) },
        { ...ledgerAt(ledger.place), path: "44'/60'/1'/0/0" },
      ]) {
        withLedger = await desk.config('dora', {
          api: api.url,
          deployment: deployment.deploymentId,
          ledger: place,
        });
        const ended = await approve(transferId);
        expect(ended).toMatchObject({ exit: 4, code: 'key-mismatch' });
        expect(ended.errors).not.toContain('Read it on your Ledger');
      }
      expect([...others.screens, ...ledger.screens]).toEqual([]);
    } finally {
      await others.stop();
    }
    expect(api.posted).toEqual([]);
  });

  it('is told when there is no device, or no library for one', async () => {
    const { transferId } = waiting();
    const gone = await LedgerEmulator.start('gone');
    await gone.stop();
    const { deploymentId } = deployment;
    const at = (more: object) => desk.config('dora', { api: api.url, deployment: deploymentId, ...more });
    withLedger = await at({ ledger: ledgerAt(gone.place) });
    expect(await approve(transferId)).toMatchObject({ exit: 3, code: 'device-gone' });
    withLedger = await at({ ledger: { credential: 'dora-ledger' } });
    const ended = await approve(transferId);
    expect(ended.exit).toBe(3);
    expect(['device-library-missing', 'device-gone']).toContain(ended.code);
    withLedger = await at({ ledger: { credential: 'dora-token', tcp: ledger.place } });
    expect(await approve(transferId)).toMatchObject({ exit: 4, code: 'key-mismatch' });
    withLedger = await at({});
    expect(await approve(transferId, '--sign-with', 'ledger')).toMatchObject({
      exit: 2,
      code: 'setting-missing',
    });
  });

  it.each([['example.com:9999'], ['10.0.0.7:9999'], ['127.0.0.1'], ['127.0.0.1:0']])(
    'is reached over no network: %s is refused',
    async (tcp) => {
      expect(await desk.run('keys', 'ledger', '--tcp', tcp, '--json')).toMatchObject({
        exit: 2,
        code: 'arguments-invalid',
      });
    },
  );

  it("freezes at the signer's host with the device alone: no token, no API", async () => {
    const args = ['--everything', '--why', 'drill', '--socket', socket, '--yes', '--json'];
    const ended = await desk.run('governance', 'freeze', ...args, '--config', ledgerAlone);
    expect(ended).toMatchObject({ exit: 0, answer: { saidBy: 'signer' } });
    expect(ledger.screens).toHaveLength(1);
    expect(ledger.screens[0]).toContain('"kind":"frozen"');
    expect((await readLog(deployment, signer)).frozen.size).toBe(1);
    await append({ kind: 'thawed', scope: { kind: 'everything' } });
  });

  it('signs an entry in a file with the device alone, which counts as shown', async () => {
    const quorum = { group: 'governors', threshold: 2, with: { 'device-display': 1 } };
    const log = await desk.write('log.json', deployment.log);
    const entry = deployment.entry({ kind: 'quorum-set', quorum }, [deployment.alice]);
    const file = await desk.write('entry.json', entry);
    const signed = await desk.run(
      ...['governance', 'sign', file, '--log', log, '--yes', '--json', '--config', ledgerAlone],
    );
    expect(signed).toMatchObject({ exit: 0, answer: { signatures: ['alice-token', 'dora-ledger'] } });
    const written = governanceEntry.parse(JSON.parse(await readFile(file, 'utf8')));
    expect(codeOf(await signer.ask({ verb: 'governance-append', entry: written }))).toBe('done');
    deployment.log.push(written);
    const back = { kind: 'quorum-set', quorum: { group: 'governors', threshold: 2 } } as const;
    const byTokens = deployment.entry(back, [deployment.alice, deployment.bob]);
    expect(codeOf(await signer.ask({ verb: 'governance-append', entry: byTokens }))).toBe(
      'governance-class-missing',
    );
    const next = await desk.write('next.json', deployment.entry(back, [deployment.bob]));
    await desk.write('log.json', deployment.log);
    expect(
      await desk.run(...['governance', 'sign', next, '--log', log, '--yes', '--config', ledgerAlone]),
    ).toMatchObject({ exit: 0 });
    const last = governanceEntry.parse(JSON.parse(await readFile(next, 'utf8')));
    expect(codeOf(await signer.ask({ verb: 'governance-append', entry: last }))).toBe('done');
    deployment.log.push(last);
  });

  it("vouches for the log's head with it", async () => {
    api.answers.set(HEAD, { newest: null, freshForMs: 24 * 3_600_000 });
    const args = ['governance', 'vouch', '--yes', '--json', '--config', withLedger];
    await desk.run(...args);
    const given = signedHead.parse(api.posted[0]?.body);
    expect(given.credentialId).toBe('dora-ledger');
    const state = await readLog(deployment, signer);
    expect(verifyHead(state, given, 60_000, nativeVerifier, Date.now())).toMatchObject({ kind: 'accepted' });
    expect(ledger.screens[0]).toMatch(/^Message portcullis\/head\/v1 \{/);
  });

  it('is told where a text is longer than a device has room for, and has signed nothing', async () => {
    const line = '# '.padEnd(200, 'x');
    const policies = deployment.policies.map((one) => ({
      ...one,
      lines: [...one.lines, ...Array<string>(70).fill(line)],
    }));
    const log = await desk.write('log.json', deployment.log);
    const file = await desk.write(
      'long.json',
      deployment.entry({ kind: 'policies-set', policies }, [deployment.alice]),
    );
    const args = ['governance', 'sign', file, '--log', log, '--yes', '--json', '--config', ledgerAlone];
    expect(await desk.run(...args)).toMatchObject({ exit: 1, code: 'device-text-too-long' });
    expect(ledger.screens).toEqual([]);
  });
});
