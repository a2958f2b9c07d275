// The signer's TLS door while its certificates are replaced: whoever is answered stays until they have their answer,
// whoever the new files do not know is out, and files that do not fit together change nothing.

import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer as createPlainServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect as connectTls, createServer, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Authorities } from '../../devnet/authorities.js';
import { Deployment } from '../../devnet/deployment.js';
import { codeOf, SocketClient } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import { Fault } from '../../src/core/fault.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { ClientCertificates } from '../../src/orchestrator/signer-client/client-certificates.js';
import { SignerClient, tlsEndpoint } from '../../src/orchestrator/signer-client/signer-client.js';
import { systemClock } from '../../src/platform/system-clock.js';
import { systemRandomness } from '../../src/platform/system-randomness.js';
import { BOUNDS } from '../../src/signer/conversation.js';
import { listen, type RunningServer } from '../../src/signer/server.js';

const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const RETIRE_MS = 700;
const LONGEST_MS = 1_500;

let deployment: Deployment;
let made: Authorities;
let server: RunningServer;
let port: number;
const clients: { close(): void }[] = [];

beforeAll(async () => {
  deployment = await Deployment.create();
  await deployment.start();
  const folder = `${deployment.directory}/tls`;
  mkdirSync(folder);
  made = new Authorities(folder);
  for (const year of ['old', 'new']) {
    made.found(`${year}-authority`);
    made.issue(`${year}-signer`, `${year}-authority`, { usage: 'serverAuth' });
    made.issue(`${year}-orchestrator`, `${year}-authority`, { usage: 'clientAuth' });
  }
  made.issue('late-signer', 'new-authority', { usage: 'serverAuth', days: -1 });
});
beforeEach(async () => {
  made.install('old-signer', 'signer');
  made.bundle(['old-authority'], 'clients');
  server = await open();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.close();
});
afterAll(() => deployment.destroy());

async function open(longestMs = BOUNDS.longestMs): Promise<RunningServer> {
  const opened = await listen(
    {
      kind: 'tls',
      host: '127.0.0.1',
      port: 0,
      certificateFile: made.path('signer.pem'),
      keyFile: made.path('signer.key'),
      clientAuthorityFile: made.path('clients.pem'),
    },
    deployment.serving().signer,
    () => undefined,
    { ...BOUNDS, retireMs: RETIRE_MS, longestMs },
  );
  port = opened.port ?? 0;
  return opened;
}

function toTls(year: 'old' | 'new', options: ConnectionOptions = {}): TLSSocket {
  const ca = [made.pem('old-authority'), made.pem('new-authority')];
  return connectTls({ host: '127.0.0.1', port, ca, ...made.holding(`${year}-orchestrator`), ...options });
}

async function join(year: 'old' | 'new'): Promise<{ readonly client: SocketClient; readonly shown: string }> {
  const socket = toTls(year);
  const client = SocketClient.over(socket, deployment.vouched);
  clients.push(client);
  await once(socket, 'secureConnect');
  return { client, shown: socket.getPeerCertificate().subject.CN?.toString() ?? '' };
}

const status = (client: SocketClient) => client.ask({ verb: 'status', transferIds: [] }).then(codeOf);

/** The code of an answer, or that there was none. */
async function fate(socket: TLSSocket): Promise<string> {
  const client = SocketClient.over(socket);
  clients.push(client);
  return Promise.race([status(client), client.ended.then(() => 'hung up')]);
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

function replaceWithNew(): void {
  made.install('new-signer', 'signer');
  made.bundle(['new-authority'], 'clients');
}

describe('new certificates', () => {
  it('are shown and demanded at once, and whoever the new authority did not certify is out', async () => {
    const { client, shown } = await join('old');
    expect(shown).toBe('old-signer');
    expect(await status(client)).toBe('done');
    replaceWithNew();
    expect(server.reload()).toMatchObject({ subject: 'CN=new-signer', authorities: 1 });
    await client.ended;
    expect(await fate(toTls('old'))).toBe('hung up');
    const next = await join('new');
    expect(next.shown).toBe('new-signer');
    expect(await status(next.client)).toBe('done');
  });

  it('overlap with the old ones while the file holds both authorities', async () => {
    made.install('new-signer', 'signer');
    made.bundle(['old-authority', 'new-authority'], 'clients');
    expect(server.reload()).toMatchObject({ authorities: 2 });
    expect(await fate(toTls('old'))).toBe('done');
    expect(await fate(toTls('new'))).toBe('done');
  });

  it('disturb no order under way: each is answered before its connection ends', async () => {
    const { client } = await join('old');
    const answers = Array.from({ length: 12 }, () => client.sign(order()).then(codeOf));
    await sleep(20);
    replaceWithNew();
    server.reload();
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 12 }, () => 'done'));
    await client.ended;
  });

  it('end a connection within the bound, though it never finishes what it began to send', async () => {
    const { client } = await join('old');
    client.sendBytes(Uint8Array.of(0, 0, 1));
    await sleep(50);
    replaceWithNew();
    const since = performance.now();
    server.reload();
    await client.ended;
    expect(performance.now() - since).toBeGreaterThan(RETIRE_MS / 2);
    expect(performance.now() - since).toBeLessThan(RETIRE_MS + 2_000);
  });

  it('also judge whoever had connected before, and shows an old certificate only now', async () => {
    const plain = connect(port, '127.0.0.1');
    await once(plain, 'connect');
    await sleep(50);
    replaceWithNew();
    server.reload();
    expect(await fate(toTls('old', { socket: plain }))).toBe('hung up');
  });

  it('are not got round with a session from before', async () => {
    const before = toTls('old');
    let session: Buffer | undefined;
    before.on('session', (given: Buffer) => {
      session = given;
    });
    expect(await fate(before)).toBe('done');
    replaceWithNew();
    server.reload();
    expect(await fate(toTls('old', session === undefined ? {} : { session }))).toBe('hung up');
  });
});

describe('files that do not fit', () => {
  const misfits: readonly (readonly [string, string, () => void])[] = [
    [
      'a key of another certificate',
      'certificate-key-mismatch',
      () => made.install('new-signer', 'signer', ['pem']),
    ],
    ['a certificate that has expired', 'certificate-expired', () => made.install('late-signer', 'signer')],
    [
      'half a certificate',
      'certificate-malformed',
      () => writeFileSync(made.path('signer.pem'), made.pem('new-signer').slice(0, 200)),
    ],
    ['no authority at all', 'certificate-malformed', () => made.bundle([], 'clients')],
    [
      'an authority that is cut off',
      'certificate-malformed',
      () => writeFileSync(made.path('clients.pem'), `${made.pem('new-authority').slice(0, 300)}\n`),
    ],
  ];

  it.each(misfits)('change nothing: %s (%s)', async (_what, code, spoil) => {
    const { client } = await join('old');
    spoil();
    expect(codeThrown(() => server.reload())).toBe(code);
    expect(await status(client)).toBe('done');
    expect((await join('old')).shown).toBe('old-signer');
  });
});

describe('a TLS connection', () => {
  it('ends when it has grown old, so that an expired certificate does not stay inside', async () => {
    await server.close();
    server = await open(LONGEST_MS);
    const { client } = await join('old');
    const since = performance.now();
    expect(await status(client)).toBe('done');
    await client.ended;
    expect(performance.now() - since).toBeGreaterThan(LONGEST_MS - 200);
  });
});

describe("the orchestrator's side", () => {
  const files = () => ({
    certificateFile: made.path('orchestrator.pem'),
    keyFile: made.path('orchestrator.key'),
    authorityFile: made.path('signers.pem'),
  });
  const told: string[] = [];

  beforeEach(() => {
    told.length = 0;
    made.install('old-orchestrator', 'orchestrator');
    made.bundle(['old-authority'], 'signers');
  });

  function signerClient(serverName?: string): SignerClient {
    const certificates = new ClientCertificates(files(), {
      taken: ({ subject }) => told.push(`taken ${String(subject)}`),
      refused: ({ code }) => told.push(`refused ${String(code)}`),
    });
    const named = serverName === undefined ? {} : { serverName };
    const endpoint = tlsEndpoint({
      host: '127.0.0.1',
      port,
      ...named,
      certificates: () => certificates.current(),
    });
    const client = new SignerClient({
      endpoint,
      clock: systemClock,
      randomness: systemRandomness,
      timeoutMs: 10_000,
      maxConnections: 1,
    });
    clients.push(client);
    return client;
  }

  it('goes on over a rotation of everything, and waits out files that are half written', async () => {
    const client = signerClient();
    await client.status();
    made.bundle(['old-authority', 'new-authority'], 'signers');
    made.install('new-orchestrator', 'orchestrator', ['pem']);
    made.bundle(['old-authority', 'new-authority'], 'clients');
    server.reload();
    await sleep(50);
    await client.status();
    expect(told).toEqual(['refused certificate-key-mismatch']);
    made.install('new-orchestrator', 'orchestrator');
    replaceWithNew();
    server.reload();
    await sleep(50);
    await client.status();
    expect(told).toEqual(['refused certificate-key-mismatch', 'taken CN=new-orchestrator']);
  });

  it.each([
    ['whose certificate has another name', () => signerClient('signer.internal')],
    [
      'that another authority certified',
      () => {
        made.bundle(['new-authority'], 'signers');
        return signerClient();
      },
    ],
  ])('does not talk to a signer %s (signer-unreachable)', async (_title, client) => {
    expect(
      await client()
        .status()
        .then(() => 'talked', faultCode),
    ).toBe('signer-unreachable');
  });

  it('does not talk to a signer whose certificate has expired (signer-unreachable)', async () => {
    made.bundle(['new-authority'], 'signers');
    const late = createServer(made.holding('late-signer')).listen(0, '127.0.0.1');
    await once(late, 'listening');
    const address = late.address();
    port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    expect(
      await signerClient()
        .status()
        .then(() => 'talked', faultCode),
    ).toBe('signer-unreachable');
    late.close();
  });

  it('does not talk to a signer in plain text (signer-unreachable)', async () => {
    const plain = createPlainServer((socket) => socket.on('data', () => socket.end('hello'))).listen(
      0,
      '127.0.0.1',
    );
    await once(plain, 'listening');
    const address = plain.address();
    port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    expect(
      await signerClient()
        .status()
        .then(() => 'talked', faultCode),
    ).toBe('signer-unreachable');
    plain.close();
  });

  it('cannot be started on files that do not fit', () => {
    made.install('new-orchestrator', 'orchestrator', ['pem']);
    expect(codeThrown(() => signerClient())).toBe('certificate-key-mismatch');
  });
});

function faultCode(error: unknown): string {
  if (error instanceof Fault) return error.code;
  throw error;
}

function codeThrown(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return faultCode(error);
  }
  return 'nothing was thrown';
}
