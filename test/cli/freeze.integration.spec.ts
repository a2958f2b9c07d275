// `governance freeze` with an officer's real token and a real signer: at the signer's own socket with nothing else running,
// and against a service that serves what a test tells it to.

import { chmod } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { type FreezeScope, governanceEntry } from '../../src/core/governance/entry.js';
import { deskOf, readLog, socketOf } from './at-signer.js';
import type { Desk } from './desk.js';
import { LyingApi } from './lying-api.js';

let desk: Desk;
let deployment: Deployment;
let signer: SocketClient;
let socket: string;
let config: string;
let publicKey: string;

beforeAll(async () => {
  const officer = await deskOf('dora');
  ({ desk, config, publicKey } = officer);
  deployment = await Deployment.create();
  signer = await deployment.start();
  socket = socketOf(deployment);
  await append({ kind: 'person-added', person: officer.person, groups: [] });
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
    const { frozen } = await readLog(deployment, signer);
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
    expect((await readLog(deployment, signer)).frozen.size).toBe(1);
    await thaw({ kind: 'everything' });
  });

  it('signs nothing without an answer to its question, or without saying what to freeze', async () => {
    const { sequence } = await readLog(deployment, signer);
    expect(await freeze('--everything', '--socket', socket)).toMatchObject({
      exit: 2,
      code: 'confirmation-needed',
    });
    expect(await freeze('--socket', socket, '--yes')).toMatchObject({ exit: 2, code: 'arguments-invalid' });
    const both = ['--everything', '--wallet', 'hot-btc', '--socket', socket, '--yes'];
    expect(await freeze(...both)).toMatchObject({ exit: 2, code: 'arguments-invalid' });
    expect((await readLog(deployment, signer)).sequence).toBe(sequence);
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

  it('freezes with a freeze key and no token, and with that key does nothing else', async () => {
    const file = desk.path('watcher.pem');
    const made = await desk.run('keys', 'request-key', 'generate', file, '--json');
    const key = String(made.answer?.publicKey);
    const byKey = (...args: string[]) =>
      desk.run('governance', 'freeze', '--freeze-key', file, '--why', 'drill', '--json', ...args);
    const all = ['--everything', '--socket', socket, '--yes'];
    expect(await byKey(...all)).toMatchObject({ exit: 4, code: 'key-mismatch' });
    const freezeKey = {
      keyId: 'watcher',
      algorithm: 'ed25519',
      publicKey: key,
      holder: 'the watcher',
    } as const;
    await append({ kind: 'freeze-key-added', freezeKey });
    expect(await byKey('--everything', '--yes')).toMatchObject({ exit: 2, code: 'arguments-invalid' });
    expect(await byKey('--everything', '--socket', socket)).toMatchObject({ code: 'confirmation-needed' });
    const { sequence } = await readLog(deployment, signer);
    expect(await byKey(...all)).toMatchObject({
      exit: 0,
      answer: { sequence: sequence + 1, saidBy: 'signer' },
    });
    expect((await readLog(deployment, signer)).frozen.size).toBe(1);
    expect(deployment.log.at(-1)?.signatures.map(({ credentialId }) => credentialId)).toEqual(['watcher']);
    await chmod(file, 0o644);
    expect(await byKey(...all)).toMatchObject({ exit: 2, code: 'file-open-to-others' });
    await chmod(file, 0o600);
    await thaw({ kind: 'everything' });
    await append({ kind: 'freeze-key-removed', keyId: 'watcher' });
    expect(await byKey(...all)).toMatchObject({ exit: 4, code: 'key-mismatch' });
    expect((await readLog(deployment, signer)).frozen.size).toBe(0);
  });

  it('refuses the log of another deployment than the one that is trusted', async () => {
    const pinned = ['--deployment', 'ab'.repeat(32)];
    expect(await freeze('--everything', '--socket', socket, '--yes', ...pinned)).toMatchObject({
      exit: 4,
      code: 'governance-mismatch',
    });
  });

  it('does not take the word of an orchestrator for the signer’s, and says so', async () => {
    const state = await readLog(deployment, signer);
    const api = await LyingApi.start(new Map([['dora-token', publicKey]]));
    try {
      api.answers.set('/v1/governance', { entries: deployment.log, nextFrom: null });
      api.answers.set('/v1/governance/entries', { sequence: state.sequence + 1, head: state.head });
      const args = ['--everything', '--why', 'drill', '--api', api.url, '--yes', '--config', config];
      const { output } = await desk.run('governance', 'freeze', ...args);
      expect(output).toContain('The orchestrator says that the signer has it');
      expect(output).toContain('--socket');
      expect(output).not.toContain('Frozen.');
      expect((await readLog(deployment, signer)).sequence).toBe(state.sequence);
    } finally {
      await api.stop();
    }
  });

  it('goes through the API where there is one', async () => {
    const state = await readLog(deployment, signer);
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
