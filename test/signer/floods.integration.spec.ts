// One connection that means harm: it does not read, it never finishes, it asks for more than a reply can carry. The signer
// holds only so much for it, and serves the others meanwhile.

import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment, makeOfficer, type Officer } from '../../devnet/deployment.js';
import { codeOf, SocketClient } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import { decisionsOf } from '../../src/core/certificates/certificate.js';
import type { PolicyDocument } from '../../src/core/governance/entry.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { BOUNDS } from '../../src/signer/conversation.js';
import { listen } from '../../src/signer/server.js';
import { encodeFrame } from '../../src/signer-protocol/frame.js';
import { governanceResult } from '../../src/signer-protocol/messages.js';

const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const MEGABYTE = 1024 * 1024;

let deployment: Deployment;
let honest: SocketClient;

beforeAll(async () => {
  deployment = await Deployment.create();
  honest = await deployment.start();
});
afterAll(() => deployment.destroy());

async function stillServes(): Promise<void> {
  expect(codeOf(await honest.ask({ verb: 'status', transferIds: [] }))).toBe('done');
}

const question = (id: string, message: object) =>
  encodeFrame(new TextEncoder().encode(JSON.stringify({ version: 1, id, ...message })));

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

describe('the signer holds only so much for', () => {
  it('a client that asks and does not read the replies', async () => {
    const client = await deployment.connect();
    client.stopReading();
    const asked = question('a', { verb: 'governance-read', fromSequence: 0 });
    const together = Buffer.concat(Array.from({ length: 1_000 }, () => asked));
    const rounds = Math.ceil((2 * MEGABYTE) / together.length);
    for (let round = 0; round < rounds; round++) client.sendBytes(together);
    // Their answers would be hundreds of megabytes. What it has no room for, it does not even read.
    await wait(1_500);
    expect(client.unsentBytes).toBeGreaterThan(MEGABYTE);
    await stillServes();
    client.close();
  });

  it('a client whose message never comes to its end, however steadily it trickles', async () => {
    const { signer } = deployment.serving();
    const path = `${deployment.directory}/run/trickle.sock`;
    const server = await listen({ kind: 'unix', path }, signer, () => undefined, {
      ...BOUNDS,
      frameDeadlineMs: 300,
    });
    const client = await SocketClient.connect(path);
    // A whole message in the middle of the trickle is answered, and the next one has its own time.
    client.sendBytes(question('whole', { verb: 'status', transferIds: [] }));
    client.sendBytes(Buffer.from([0, 0, 1, 0]));
    let ended = false;
    void client.ended.then(() => {
      ended = true;
    });
    const startedAt = performance.now();
    while (!ended && performance.now() - startedAt < 5_000) {
      client.sendBytes(Buffer.from([32]));
      await wait(20);
    }
    expect(ended).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(client.strays.map(codeOf)).toEqual(['done']);
    await server.close();
  });

  it('connections that say nothing: a stop does not wait for them', async () => {
    const { signer } = deployment.serving();
    const path = `${deployment.directory}/run/silent.sock`;
    const server = await listen({ kind: 'unix', path }, signer, () => undefined);
    const silent = connect(path);
    await new Promise((resolve) => silent.once('connect', resolve));
    await server.close();
    silent.destroy();
  });
});

describe('replies that are too large', () => {
  // A full batch from the largest coin there can be, approved by fourteen. Signed, it would never have reached anybody.
  it('are seen before anything is reserved (order-too-large)', async () => {
    const { alice, bob } = deployment;
    const officers = Array.from({ length: 14 }, (_, index) => makeOfficer(`officer-${index}`));
    for (const { personId, credential } of officers) {
      const person = { personId, name: personId, credentials: [credential] };
      const entry = deployment.entry({ kind: 'person-added', person, groups: ['treasury'] }, [alice, bob]);
      expect(codeOf(await honest.ask({ verb: 'governance-append', entry }))).toBe('done');
      deployment.log.push(entry);
    }
    const own = p2wpkhScript(deployment.publicKeys.bitcoin);
    const spent = coin(own, 10_000_000n);
    spent.previous.addOutput(Buffer.alloc(4_690_000), 0n);
    const requests = Array.from({ length: 200 }, (_, index) =>
      deployment.request({ amount: '1000', destination: DESTINATION, customer: `customer-${index}` }),
    );
    const outputs = [
      ...requests.map(() => payTo(DESTINATION, 1_000n)),
      { script: own, amountSats: 9_795_000n },
    ];
    const order = (approving: readonly Officer[]) => ({
      wallet: 'hot-btc',
      transaction: psbt([spent], outputs),
      transfers: requests.map((request) => deployment.transfer(request, approving)),
    });
    expect(codeOf(await honest.sign(order(officers)))).toBe('order-too-large');
    const { signedTransaction, certificate } = await honest.signed(order([alice]));
    expect(signedTransaction.length).toBeGreaterThan(0);
    expect(decisionsOf(certificate).every(({ past }) => past === 'unseen')).toBe(true);
  });

  it('are cut into pages: a long log of large policies is read to its end', async () => {
    const padded = deployment.policies.map((document): PolicyDocument => {
      const free = 65_000 - document.lines.join('\n').length;
      const comments = Array.from({ length: Math.floor(free / 200) }, () => `# ${'x'.repeat(197)}`);
      return { ...document, lines: [...document.lines, ...comments] };
    });
    for (let entries = 0; entries < 50; entries++) {
      const policies = padded.map((document, index) =>
        index === 0 ? { ...document, lines: [...document.lines, `# ${entries}`] } : document,
      );
      const entry = deployment.entry({ kind: 'policies-set', policies }, [deployment.alice, deployment.bob]);
      expect(codeOf(await honest.ask({ verb: 'governance-append', entry }))).toBe('done');
      deployment.log.push(entry);
    }
    const read = [];
    for (let pages = 0; read.length < deployment.log.length && pages < 20; pages++) {
      const page = await honest.ask({ verb: 'governance-read', fromSequence: read.length });
      if (page.kind !== 'done') throw new Error(`not read: ${codeOf(page)}`);
      const { entries, head } = governanceResult.parse(page.result);
      expect(head).toBe(deployment.head);
      expect(entries.length).toBeGreaterThan(0);
      read.push(...entries);
    }
    expect(read).toEqual(deployment.log);
  });
});
