// Who may talk to the signer at all: a unix socket that only its owner and its group reach, or TLS 1.3 with certificates
// on both sides for another host.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Authorities } from '../../devnet/authorities.js';
import { Deployment } from '../../devnet/deployment.js';
import { codeOf, SocketClient } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import { Fault } from '../../src/core/fault.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { listen, type RunningServer } from '../../src/signer/server.js';

const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const isRoot = process.getuid?.() === 0;

let deployment: Deployment;
const open: RunningServer[] = [];

beforeAll(async () => {
  deployment = await Deployment.create();
  await deployment.start();
});
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});
afterAll(() => deployment.destroy());

function place(...parts: string[]): string {
  return join(deployment.directory, ...parts);
}

async function listenAt(path: string, groupId?: number): Promise<RunningServer> {
  const at = { kind: 'unix', path, ...(groupId === undefined ? {} : { groupId }) } as const;
  const server = await listen(at, deployment.serving().signer, () => undefined);
  open.push(server);
  return server;
}

async function faultOf(started: Promise<unknown>): Promise<string> {
  try {
    await started;
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return 'started';
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

async function statusCode(path: string): Promise<string> {
  const client = await SocketClient.connect(path);
  const code = codeOf(await client.ask({ verb: 'status', transferIds: [] }));
  client.close();
  return code;
}

function order() {
  const own = p2wpkhScript(deployment.publicKeys.bitcoin);
  const outputs = [payTo(DESTINATION, 500_000n), { script: own, amountSats: 490_000n }];
  return {
    wallet: 'hot-btc',
    transaction: psbt([coin(own, 1_000_000n)], outputs),
    transfers: [deployment.transfer(deployment.request())],
  };
}

describe('the unix socket', () => {
  it('is for owner and group alone, in a directory that they alone enter, whatever the umask is', async () => {
    for (const umask of [0, 0o077]) {
      const before = process.umask(umask);
      try {
        const path = place(`fresh-${umask}`, 'signer.sock');
        await listenAt(path);
        expect(modeOf(path)).toBe('660');
        expect(modeOf(place(`fresh-${umask}`))).toBe('750');
        expect(await statusCode(path)).toBe('done');
      } finally {
        process.umask(before);
      }
    }
  });

  (isRoot ? it : it.skip)('and its new directory belong to the group that is configured', async () => {
    const path = place('grouped', 'signer.sock');
    await listenAt(path, 12_345);
    expect(statSync(path).gid).toBe(12_345);
    expect(statSync(place('grouped')).gid).toBe(12_345);
  });

  it.each([
    ['755', 0o755],
    ['751', 0o751],
    ['770', 0o770],
  ] as const)('is refused in a directory of mode %s (socket-directory-open)', async (_title, mode) => {
    const directory = place(`open-${mode}`);
    mkdirSync(directory);
    chmodSync(directory, mode);
    expect(await faultOf(listenAt(join(directory, 'signer.sock')))).toBe('socket-directory-open');
    expect(existsSync(join(directory, 'signer.sock'))).toBe(false);
  });

  (isRoot ? it : it.skip)(
    "is refused in somebody else's directory, who could put another in its place (socket-directory-open)",
    async () => {
      const directory = place('foreign');
      mkdirSync(directory, { mode: 0o750 });
      chownSync(directory, 12_345, 0);
      expect(await faultOf(listenAt(join(directory, 'signer.sock')))).toBe('socket-directory-open');
    },
  );

  it('replaces the one that a dead signer left', async () => {
    const path = place('run', 'dead.sock');
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.stdout.write('ready'))`;
    const dying = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(dying.stdout, 'data');
    dying.kill('SIGKILL');
    await once(dying, 'exit');
    expect(lstatSync(path).isSocket()).toBe(true);
    await listenAt(path);
    expect(modeOf(path)).toBe('660');
    expect(await statusCode(path)).toBe('done');
  });

  it.each([
    ['a file', (path: string) => writeFileSync(path, 'mine')],
    ['a directory', (path: string) => mkdirSync(path)],
  ])('does not replace %s (socket-taken)', async (title, make) => {
    const path = place('run', title.replace(' ', '-'));
    make(path);
    expect(await faultOf(listenAt(path))).toBe('socket-taken');
    expect(existsSync(path)).toBe(true);
  });
});

describe('TLS', () => {
  let port: number;

  let made: Authorities;

  beforeAll(() => {
    mkdirSync(place('tls'));
    made = new Authorities(place('tls'));
    for (const name of ['authority', 'impostor']) made.found(name);
    made.issue('signer', 'authority', { usage: 'serverAuth' });
    made.issue('orchestrator', 'authority', { usage: 'clientAuth' });
    made.issue('stranger', 'impostor', { usage: 'clientAuth' });
    made.issue('late', 'authority', { usage: 'clientAuth', days: -1 });
  });

  async function listenTls(): Promise<RunningServer> {
    const server = await listen(
      {
        kind: 'tls',
        host: '127.0.0.1',
        port: 0,
        certificateFile: place('tls', 'signer.pem'),
        keyFile: place('tls', 'signer.key'),
        clientAuthorityFile: place('tls', 'authority.pem'),
      },
      deployment.serving().signer,
      () => undefined,
    );
    open.push(server);
    port = server.port ?? 0;
    return server;
  }

  /** What comes of a query over a connection with these options: the code of the reply, or that there is none. */
  async function asked(options: ConnectionOptions): Promise<string> {
    const socket = connectTls({ host: '127.0.0.1', port, ca: made.pem('authority'), ...options });
    const client = SocketClient.over(socket);
    const answered = client.ask({ verb: 'status', transferIds: [] }).then(codeOf);
    const ended = client.ended.then(() => 'hung up');
    const code = await Promise.race([answered, ended]);
    client.close();
    return code;
  }

  it('signs for a client with a certificate of the configured authority', async () => {
    await listenTls();
    const socket = connectTls({
      host: '127.0.0.1',
      port,
      ca: made.pem('authority'),
      ...made.holding('orchestrator'),
    });
    await once(socket, 'secureConnect');
    expect(socket.getProtocol()).toBe('TLSv1.3');
    const client = SocketClient.over(socket, deployment.vouched);
    const { repeated, signedTransaction } = await client.signed(order());
    expect(repeated).toBe(false);
    expect(signedTransaction).toMatch(/^02000000/);
    client.close();
  });

  it.each([
    ['without a certificate', () => ({})],
    ['with one of another authority of the same name', () => made.holding('stranger')],
    ['with one that is not for clients', () => made.holding('signer')],
    ['with one that has expired', () => made.holding('late')],
    [
      'that speaks TLS 1.2 at most',
      () => ({ ...made.holding('orchestrator'), maxVersion: 'TLSv1.2' as const }),
    ],
  ])('does not talk to a client %s', async (_title, options) => {
    await listenTls();
    expect(await asked(options())).toBe('hung up');
    expect(await asked(made.holding('orchestrator'))).toBe('done');
  });

  it('does not talk to a client in plain text, and stops although one waits before the handshake', async () => {
    const server = await listenTls();
    const plain = SocketClient.over(connect(port, '127.0.0.1'));
    const answered = plain.ask({ verb: 'status', transferIds: [] }).then(codeOf);
    expect(await Promise.race([answered, plain.ended.then(() => 'hung up')])).toBe('hung up');
    const silent = connect(port, '127.0.0.1');
    await once(silent, 'connect');
    const startedAt = performance.now();
    await server.close();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    silent.destroy();
  });
});
