// The client against a real unix socket whose other side misbehaves. No signer here, real or pretended: bytes only.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { encodeFrame, FrameReader } from '../../signer-protocol/frame.js';
import { type Query, query } from '../../signer-protocol/messages.js';
import { SignerClient, unixSocketEndpoint } from './signer-client.js';

const HASH = 'ab'.repeat(32);
const governance = { entries: [], sequence: 3, head: HASH };
const done = (asked: Query, result: unknown = governance) => ({
  version: 1,
  id: asked.id,
  kind: 'done',
  result,
});
const frameOf = (message: unknown) => encodeFrame(Buffer.from(JSON.stringify(message)));

let folder: string;
let server: Server | undefined;
let client: SignerClient;
let nowMs = 0;
const open = new Set<Socket>();

/** A server that does whatever `behave` says with each query. */
async function listen(behave: (asked: Query, socket: Socket) => void): Promise<void> {
  const listening = createServer((socket) => {
    open.add(socket);
    const reader = new FrameReader();
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      for (const message of reader.push(chunk)) {
        behave(query.parse(JSON.parse(Buffer.from(message).toString())), socket);
      }
    });
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(join(folder, 's'), resolve));
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-client-'));
  nowMs = 1_000_000;
  client = new SignerClient({
    endpoint: unixSocketEndpoint(join(folder, 's')),
    clock: { nowMs: () => nowMs },
    randomness: { bytes: (length) => new Uint8Array(length), fraction: () => 0 },
    timeoutMs: 300,
    maxConnections: 3,
    maxWaiting: 5,
  });
});

afterEach(async () => {
  client.close();
  for (const socket of open) socket.destroy();
  open.clear();
  await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  server = undefined;
  rmSync(folder, { recursive: true });
});

describe('SignerClient', () => {
  it('gives each of many callers the answer to its own question', async () => {
    await listen((asked, socket) => {
      const from = asked.verb === 'governance-read' ? asked.fromSequence : -1;
      setTimeout(
        () => socket.write(frameOf(done(asked, { ...governance, sequence: from }))),
        (from * 7) % 20,
      );
    });
    const asked = [0, 1, 2, 3, 4, 5, 6, 7];
    const answers = await Promise.all(asked.map((from) => client.governanceRead(from)));
    expect(answers.map((answer) => answer.sequence)).toEqual(asked);
    expect(open.size).toBeLessThanOrEqual(3);
  });

  it('puts a reply together that comes byte by byte', async () => {
    await listen((asked, socket) => {
      for (const byte of frameOf(done(asked))) socket.write(Uint8Array.of(byte));
    });
    expect(await client.governanceRead(0)).toEqual(governance);
  });

  it('passes a refusal on with its code and facts', async () => {
    await listen((asked, socket) =>
      socket.write(
        frameOf({
          version: 1,
          id: asked.id,
          kind: 'refused',
          code: 'wallet-unknown',
          facts: { wallet: 'w' },
        }),
      ),
    );
    const order = {
      wallet: 'w',
      transaction: { kind: 'eip1559' as const, hex: '02' },
      transfers: [],
    };
    expect(await client.sign(order)).toEqual({
      kind: 'refused',
      code: 'wallet-unknown',
      facts: { wallet: 'w' },
    });
  });

  it.each([
    [
      'signer-fault',
      'a fault',
      (asked: Query) => frameOf({ version: 1, id: asked.id, kind: 'fault', code: 'token-gone', facts: {} }),
    ],
    [
      'signer-reply-malformed',
      'a reply to another question',
      (asked: Query) => frameOf(done({ ...asked, id: 'other' })),
    ],
    [
      'signer-reply-malformed',
      'a result of another form',
      (asked: Query) => frameOf(done(asked, { ...governance, extra: 1 })),
    ],
    ['signer-reply-malformed', 'no JSON', () => encodeFrame(Buffer.from('{'))],
    ['signer-reply-malformed', 'another version', (asked: Query) => frameOf({ ...done(asked), version: 2 })],
    [
      'signer-reply-malformed',
      'an announced length beyond the bound',
      () => Uint8Array.of(0xff, 0xff, 0xff, 0xff),
    ],
    ['signer-reply-malformed', 'an empty message', () => Uint8Array.of(0, 0, 0, 0)],
  ])('throws %s for %s, and asks over a sound connection next', async (code, _what, reply) => {
    let bad = true;
    await listen((asked, socket) => {
      socket.write(bad ? reply(asked) : frameOf(done(asked)));
      bad = false;
    });
    await expect(client.governanceRead(0)).rejects.toMatchObject({ code });
    expect(await client.governanceRead(0)).toEqual(governance);
  });

  it('throws signer-connection-lost when the connection ends inside a reply', async () => {
    await listen((asked, socket) => socket.end(frameOf(done(asked)).subarray(0, 9)));
    await expect(client.governanceRead(0)).rejects.toMatchObject({ code: 'signer-connection-lost' });
  });

  it('throws signer-timeout and does not take the late reply for the answer to the next question', async () => {
    let first = true;
    await listen((asked, socket) => {
      const answer = () => socket.write(frameOf(done(asked, { ...governance, sequence: first ? 1 : 2 })));
      if (first) setTimeout(answer, 350);
      else answer();
      first = false;
    });
    await expect(client.governanceRead(0)).rejects.toMatchObject({ code: 'signer-timeout' });
    expect((await client.governanceRead(0)).sequence).toBe(2);
    await sleep(100);
  });

  it('throws signer-fault when a status says nothing about a transfer it was asked about', async () => {
    const status = {
      signerVersion: '1',
      deploymentId: HASH,
      governanceSequence: 0,
      governanceHead: HASH,
      policyHash: HASH,
      journalSequence: 0,
      journalHead: HASH,
      anchoredSequence: 0,
      checkpoint: null,
      auditKeyFault: null,
      nowMs: 1,
      tokens: [],
      nonces: [],
      transfers: [],
    };
    await listen((asked, socket) => socket.write(frameOf(done(asked, status))));
    await expect(client.records([`tr-${'0'.repeat(40)}`])).rejects.toMatchObject({
      code: 'signer-reply-malformed',
    });
  });

  it('throws signer-unreachable at once while it backs off, and connects again after that', async () => {
    await expect(client.governanceRead(0)).rejects.toMatchObject({ code: 'signer-unreachable' });
    await listen((asked, socket) => socket.write(frameOf(done(asked))));
    await expect(client.governanceRead(0)).rejects.toMatchObject({ code: 'signer-unreachable' });
    nowMs += 1_000;
    expect(await client.governanceRead(0)).toEqual(governance);
  });

  it('throws signer-busy when more wait than it may keep', async () => {
    await listen(() => undefined);
    const asked = Array.from({ length: 9 }, () => client.governanceRead(0));
    const results = await Promise.allSettled(asked);
    const codes = results.map((result) =>
      result.status === 'rejected' ? (result.reason as { code: string }).code : 'answered',
    );
    expect(codes.filter((code) => code === 'signer-busy')).toHaveLength(1);
    expect(codes.filter((code) => code === 'signer-timeout')).toHaveLength(8);
  });

  it('ends what is under way and what waits when it is closed', async () => {
    await listen(() => undefined);
    const asked = Array.from({ length: 5 }, () => client.governanceRead(0));
    const results = Promise.allSettled(asked);
    await sleep(50);
    client.close();
    for (const result of await results) expect(result.status).toBe('rejected');
    await expect(client.governanceRead(0)).rejects.toMatchObject({ code: 'signer-client-closed' });
  });
});
