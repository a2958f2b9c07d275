// The signer behind mTLS on another address, as on a host of its own: withdrawals are paid while all certificates are
// replaced, twice, by running programs. Network namespaces would need privileges that a test run does not have everywhere, so
// the other host is another loopback address.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Authorities } from '../../devnet/authorities.js';
import { freePort } from '../../devnet/process.js';
import { codeOf, SocketClient } from '../../devnet/socket-client.js';
import { expectBooksAgree, expectPaidOnce, type Wanted } from './books.js';
import { ETHER, eventually, Rig } from './rig.js';

const SIGNER_HOST = '127.0.0.2';
const NAME = 'signer.treasury';
const WITHDRAWALS = 24;

let rig: Rig;
let made: Authorities;
let port: number;

beforeAll(async () => {
  made = new Authorities(mkdtempSync(join(tmpdir(), 'portcullis-certificates-')));
  port = await freePort();
  for (const name of ['first', 'second', 'third', 'impostor']) {
    made.found(name);
    made.issue(`${name}-signer`, name, { usage: 'serverAuth', names: `DNS:${NAME}` });
    made.issue(`${name}-orchestrator`, name, { usage: 'clientAuth' });
  }
  made.issue('late-orchestrator', 'first', { usage: 'clientAuth', days: -1 });
  made.install('first-signer', 'signer');
  made.install('first-orchestrator', 'orchestrator');
  for (const trusted of ['signers', 'clients']) made.bundle(['first'], trusted);
  rig = await Rig.start({
    programs: true,
    settings: {
      signer: {
        host: SIGNER_HOST,
        port,
        timeoutMs: 10_000,
        tls: {
          caFile: made.path('signers.pem'),
          certificateFile: made.path('orchestrator.pem'),
          keyFile: made.path('orchestrator.key'),
          serverName: NAME,
        },
      },
    },
    door: {
      listen: {
        kind: 'tls',
        host: SIGNER_HOST,
        port,
        certificateFile: made.path('signer.pem'),
        keyFile: made.path('signer.key'),
        clientAuthorityFile: made.path('clients.pem'),
      },
      connect: async () => {
        const socket = toSigner(made.holding('first-orchestrator'));
        await once(socket, 'secureConnect');
        return SocketClient.over(socket);
      },
    },
  });
  rig.chains.startMining();
});
afterAll(async () => {
  await rig?.stop();
  rmSync(made.folder, { recursive: true, force: true });
});

function toSigner(options: ConnectionOptions) {
  const ca = ['first', 'second', 'third'].map((name) => made.pem(name));
  return connectTls({ host: SIGNER_HOST, port, ca, servername: NAME, ...options });
}

/** What comes of a question over a connection with these options. */
async function fate(client: SocketClient): Promise<string> {
  const answered = client.ask({ verb: 'status', transferIds: [] }).then(codeOf);
  const code = await Promise.race([answered, client.ended.then(() => 'hung up')]);
  client.close();
  return code;
}

/** The signer has read its files again, and says how many authorities it goes by now. */
async function reload(authorities: number): Promise<void> {
  const taken = () => rig.signerLog().split('"certificates-taken"').length - 1;
  const before = taken();
  rig.signalSigner('SIGHUP');
  await eventually('the signer has taken its certificates', async () => taken() > before);
  expect(rig.signerLog().trimEnd().split('\n').at(-1)).toContain(`"authorities":${authorities}`);
}

/** As docs/operations.md says: trust both, show the new one, trust the new one alone. */
async function rotate(from: string, to: string): Promise<void> {
  for (const trusted of ['signers', 'clients']) made.bundle([from, to], trusted);
  await reload(2);
  await sleep(400);
  made.install(`${to}-orchestrator`, 'orchestrator');
  made.install(`${to}-signer`, 'signer');
  await reload(2);
  await sleep(400);
  for (const trusted of ['signers', 'clients']) made.bundle([to], trusted);
  await reload(1);
}

async function submitAll(): Promise<readonly Wanted[]> {
  return Promise.all(
    Array.from({ length: WITHDRAWALS }, async (_, index): Promise<Wanted> => {
      await sleep(index * 100);
      const asset = index % 2 === 0 ? 'BTC' : 'ETH';
      const amount = asset === 'BTC' ? 100_000n + BigInt(index) : ETHER / 200n + BigInt(index);
      const request = rig.request({ asset, amount, feeCeiling: asset === 'BTC' ? 5_000n : ETHER / 1000n });
      return { asset, amount, destination: request.statement.destination, id: await rig.taken(request) };
    }),
  );
}

describe(`a signer on another host (${SIGNER_HOST}; not a network namespace)`, () => {
  it.each([
    ['without a certificate', () => ({})],
    ['with one of another authority', () => made.holding('impostor-orchestrator')],
    ['with one that has expired', () => made.holding('late-orchestrator')],
    ['with one that is for servers', () => made.holding('first-signer')],
  ])('does not talk to a client %s', async (_title, options) => {
    expect(await fate(SocketClient.over(toSigner(options())))).toBe('hung up');
    expect(await fate(SocketClient.over(toSigner(made.holding('first-orchestrator'))))).toBe('done');
  });

  it('does not talk in plain text', async () => {
    expect(await fate(SocketClient.over(connectPlain(port, SIGNER_HOST)))).toBe('hung up');
  });

  it(`pays ${WITHDRAWALS} withdrawals once while its and the orchestrator's certificates are replaced twice`, async () => {
    const idle = SocketClient.over(toSigner(made.holding('first-orchestrator')));
    expect(codeOf(await idle.ask({ verb: 'status', transferIds: [] }))).toBe('done');
    const submitting = submitAll();
    await sleep(500);
    await rotate('first', 'second');
    await idle.ended;
    await rotate('second', 'third');
    await expectPaidOnce(rig, await submitting, 60_000);
    await expectBooksAgree(rig);
  }, 120_000);

  it('refuses the certificates that were replaced, and goes by the newest', async () => {
    for (const name of ['first', 'second']) {
      expect(await fate(SocketClient.over(toSigner(made.holding(`${name}-orchestrator`))))).toBe('hung up');
    }
    expect(await fate(SocketClient.over(toSigner(made.holding('third-orchestrator'))))).toBe('done');
  });

  it('keeps what it has when the new files do not fit, and says so', async () => {
    made.install('second-signer', 'signer', ['key']);
    rig.signalSigner('SIGHUP');
    await eventually('it says so', async () => rig.signerLog().includes('"certificates-refused"'));
    expect(rig.signerLog()).toContain('"code":"certificate-key-mismatch"');
    expect(await fate(SocketClient.over(toSigner(made.holding('third-orchestrator'))))).toBe('done');
    await rig.settled([await rig.taken(rig.request({ asset: 'ETH', amount: ETHER / 100n }))]);
  });
});
