// `governance freeze` with an officer's real token and a real signer: at the signer's own socket with nothing else running,
// and against a service that serves what a test tells it to.

import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { type FreezeScope, governanceEntry } from '../../src/core/governance/entry.js';
import { replayLog } from '../../src/core/governance/replay.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { governanceResult } from '../../src/signer-protocol/messages.js';
import { Desk } from './desk.js';
import { LyingApi } from './lying-api.js';

let desk: Desk;
let deployment: Deployment;
let signer: SocketClient;
let socket: string;
let config: string;
let publicKey: string;

beforeAll(async () => {
  desk = await Desk.create(['dora']);
  const key = ['--label', 'approvals', '--curve', 'p256'];
  config = await desk.config('dora');
  const made = await desk.run('keys', 'generate', ...key, '--json', '--config', config);
  publicKey = String(made.answer?.publicKey);
  deployment = await Deployment.create();
  signer = await deployment.start();
  const { listen } = deployment.config();
  if (listen.kind !== 'unix') throw new Error('the test deployment listens on a unix socket');
  socket = listen.path;
  const credential = {
    credentialId: 'dora-token',
    credentialClass: 'pkcs11',
    algorithm: 'p256',
    publicKey,
  } as const;
  const person = { personId: 'dora', name: 'Dora', credentials: [credential] };
  await append({ kind: 'person-added', person, groups: [] });
});
afterAll(async () => {
  await deployment.destroy();
  await desk.destroy();
});

async function append(change: Parameters<Deployment['entry']>[0]): Promise<void> {
  const entry = deployment.entry(change, [deployment.alice, deployment.bob]);
  expect(codeOf(await signer.ask({ verb: 'governance-append', entry }))).toBe('done');
  deployment.log.push(entry);
}

/** The log as the signer has it now, which the deployment takes over. */
async function readLog() {
  const answer = await signer.ask({ verb: 'governance-read', fromSequence: 0 });
  if (answer.kind !== 'done') throw new Error(codeOf(answer));
  const { entries } = governanceResult.parse(answer.result);
  deployment.log.splice(0, deployment.log.length, ...entries);
  const state = replayLog(entries, nativeVerifier);
  if (state.kind === 'refused') throw new Error(state.code);
  return state.value;
}

const freeze = (...args: string[]) =>
  desk.run('governance', 'freeze', '--why', 'drill', '--json', '--config', config, ...args);

async function thaw(scope: FreezeScope): Promise<void> {
  await append({ kind: 'thawed', scope });
}

describe('portcullis governance freeze', () => {
  it("stops a wallet at the signer's own socket, by one officer and with no orchestrator", async () => {
    const scope: FreezeScope = { kind: 'wallet', walletId: 'hot-btc' };
    const ended = await freeze('--wallet', 'hot-btc', '--socket', socket, '--yes');
    expect(ended).toMatchObject({ exit: 0, answer: { sequence: 2, scope, saidBy: 'signer' } });
    const { frozen } = await readLog();
    expect([...frozen.values()]).toEqual([{ scope, why: 'drill', sequence: 2 }]);
    expect(await freeze('--wallet', 'hot-btc', '--socket', socket, '--yes')).toMatchObject({
      exit: 1,
      code: 'governance-change-invalid',
    });
    await thaw(scope);
  });

  it('stops everything, and says so in words', async () => {
    const args = ['--everything', '--why', 'drill', '--socket', socket, '--yes', '--config', config];
    const ended = await desk.run('governance', 'freeze', ...args);
    expect(ended.errors).toContain('Freezes ALL WALLETS');
    expect(ended.errors).toContain('no deployment id is configured');
    expect(ended.output).toContain('nothing is signed any more for ALL WALLETS');
    expect((await readLog()).frozen.size).toBe(1);
    await thaw({ kind: 'everything' });
  });

  it('signs nothing without an answer to its question, or without saying what to freeze', async () => {
    const { sequence } = await readLog();
    expect(await freeze('--everything', '--socket', socket)).toMatchObject({
      exit: 2,
      code: 'confirmation-needed',
    });
    expect(await freeze('--socket', socket, '--yes')).toMatchObject({ exit: 2, code: 'arguments-invalid' });
    const both = ['--everything', '--wallet', 'hot-btc', '--socket', socket, '--yes'];
    expect(await freeze(...both)).toMatchObject({ exit: 2, code: 'arguments-invalid' });
    expect((await readLog()).sequence).toBe(sequence);
  });

  it('says what it finds instead of a signer: nobody, or somebody else', async () => {
    const nowhere = desk.path('nobody.sock');
    expect(await freeze('--everything', '--socket', nowhere, '--yes')).toMatchObject({
      exit: 3,
      code: 'signer-unreachable',
    });
    const stranger = desk.path('stranger.sock');
    const server: Server = createServer((peer) => peer.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>((resolve) => server.listen(stranger, resolve));
    try {
      expect(await freeze('--everything', '--socket', stranger, '--yes')).toMatchObject({
        exit: 4,
        code: 'signer-answer-malformed',
      });
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('refuses the log of another deployment than the one that is trusted', async () => {
    const pinned = ['--deployment', 'ab'.repeat(32)];
    expect(await freeze('--everything', '--socket', socket, '--yes', ...pinned)).toMatchObject({
      exit: 4,
      code: 'governance-mismatch',
    });
  });

  it('does not take the word of an orchestrator for the signer’s, and says so', async () => {
    const state = await readLog();
    const api = await LyingApi.start(new Map([['dora-token', publicKey]]));
    try {
      api.answers.set('/v1/governance', { entries: deployment.log, nextFrom: null });
      api.answers.set('/v1/governance/entries', { sequence: state.sequence + 1, head: state.head });
      const args = ['--everything', '--why', 'drill', '--api', api.url, '--yes', '--config', config];
      const { output } = await desk.run('governance', 'freeze', ...args);
      expect(output).toContain('The orchestrator says that the signer has it');
      expect(output).toContain('--socket');
      expect(output).not.toContain('Frozen.');
      expect((await readLog()).sequence).toBe(state.sequence);
    } finally {
      await api.stop();
    }
  });

  it('goes through the API where there is one', async () => {
    const state = await readLog();
    const api = await LyingApi.start(new Map([['dora-token', publicKey]]));
    try {
      api.answers.set('/v1/governance', { entries: deployment.log, nextFrom: null });
      api.answers.set('/v1/governance/entries', { sequence: state.sequence + 1, head: state.head });
      const ended = await freeze('--everything', '--api', api.url, '--yes');
      expect(ended).toMatchObject({
        exit: 0,
        answer: { sequence: state.sequence + 1, saidBy: 'orchestrator' },
      });
      expect(api.unauthenticated).toEqual([]);
      const [posted] = api.posted;
      const entry = governanceEntry.parse(posted?.body);
      expect(codeOf(await signer.ask({ verb: 'governance-append', entry }))).toBe('done');
    } finally {
      await api.stop();
    }
  });
});
