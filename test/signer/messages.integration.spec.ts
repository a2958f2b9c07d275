// Anything at all at the signer's socket: it answers with a code or hangs up, and goes on serving.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { Deployment } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import type { Change } from '../../src/core/governance/entry.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { encodeFrame, MAX_MESSAGE_BYTES } from '../../src/signer-protocol/frame.js';
import { governanceResult, signResult } from '../../src/signer-protocol/messages.js';

const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

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

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** The code of the first reply that the signer gives to raw bytes, or `hung up`. */
async function strayCode(bytes: Uint8Array, end = false): Promise<string> {
  const client = await deployment.connect();
  client.sendBytes(bytes);
  if (end) client.end();
  for (let tries = 0; tries < 200 && client.strays.length === 0; tries++) {
    const ended = await Promise.race([
      client.ended.then(() => true),
      new Promise((done) => setTimeout(() => done(false), 10)),
    ]);
    if (ended) break;
  }
  client.close();
  const [first] = client.strays;
  return first ? codeOf(first) : 'hung up';
}

describe('messages: the signer refuses', () => {
  it.each([
    ['what is not JSON', 'message-malformed', text('hello')],
    ['what is not an object', 'message-malformed', text('[]')],
    ['null', 'message-malformed', text('null')],
    ['what is not UTF-8', 'message-malformed', Uint8Array.from([0xff, 0xfe])],
    ['another version', 'message-version', text('{"version":2,"verb":"status"}')],
    ['no verb', 'verb-unknown', text('{"version":1}')],
    ['an unknown verb', 'verb-unknown', text('{"version":1,"verb":"sign-digest","digest":"00"}')],
    ['a verb from the prototype', 'verb-unknown', text('{"version":1,"verb":"constructor"}')],
  ])('%s (%s)', async (_title, code, body) => {
    expect(await strayCode(encodeFrame(body))).toBe(code);
    await stillServes();
  });

  it('a message beyond the bound before a byte of it is kept (message-too-large)', async () => {
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint32(0, MAX_MESSAGE_BYTES + 1, false);
    expect(await strayCode(header)).toBe('message-too-large');
    await stillServes();
  });

  it('an empty message (message-empty)', async () => {
    expect(await strayCode(new Uint8Array(4))).toBe('message-empty');
  });

  it('a message cut off in the middle, by hanging up', async () => {
    const whole = encodeFrame(text('{"version":1,"id":"a","verb":"public-keys"}'));
    expect(await strayCode(whole.subarray(0, whole.length - 3), true)).toBe('hung up');
    await stillServes();
  });

  it('unknown fields, and fields of the wrong type (message-malformed)', async () => {
    expect(codeOf(await honest.ask({ verb: 'status', transferIds: [], force: true }))).toBe(
      'message-malformed',
    );
    expect(codeOf(await honest.ask({ verb: 'status', transferIds: 'all' }))).toBe('message-malformed');
    expect(codeOf(await honest.ask({ verb: 'public-keys', wallet: 'hot-btc' }))).toBe('message-malformed');
  });

  it('minus zero, which is no number of any statement (message-malformed), everywhere', async () => {
    const own = p2wpkhScript(deployment.publicKeys.bitcoin);
    const request = deployment.request({ amount: '5000000', destination: DESTINATION });
    const outputs = [payTo(DESTINATION, 5_000_000n), { script: own, amountSats: 4_990_000n }];
    const order = {
      wallet: 'hot-btc',
      transaction: psbt([coin(own, 10_000_000n)], outputs),
      transfers: [deployment.transfer(request, [deployment.alice, deployment.bob])],
    };
    const entry = deployment.entry({ kind: 'person-removed', personId: 'carol' }, [deployment.alice]);
    const added = deployment.entry({ kind: 'quorum-set', quorum: { group: 'governors', threshold: 1 } }, [
      deployment.alice,
    ]);
    const texts = [
      `{"verb":"sign","order":${JSON.stringify(order)}}`,
      `{"verb":"governance-append","entry":${JSON.stringify(entry)}}`,
      `{"verb":"governance-append","entry":${JSON.stringify(added)}}`,
      '{"verb":"governance-read","fromSequence":0}',
    ];
    for (const text of texts) {
      const numbers = [...text.matchAll(/:(\d+)(?=[,}])/g)];
      expect(numbers.length).toBeGreaterThan(0);
      for (const { index, 0: found } of numbers) {
        const changed = `${text.slice(0, index)}:-0${text.slice(index + found.length)}`;
        const body = changed.replace('{', '{"version":1,"id":"z",');
        expect(codeOf(await honest.askText('z', body))).toBe('message-malformed');
      }
    }
  });

  it('every mutation of a governance entry, with a code and without a fault', async () => {
    const { alice, bob } = deployment;
    const [genesis] = deployment.log;
    if (genesis?.body.change.kind !== 'genesis') throw new Error('no genesis');
    const [person] = genesis.body.change.persons;
    const [wallet] = genesis.body.change.wallets;
    const [token] = genesis.body.change.tokens;
    if (!person || !wallet || !token) throw new Error('no person, wallet or token');
    const changes: Change[] = [
      { kind: 'person-added', person, groups: ['treasury'] },
      { kind: 'group-set', group: { groupId: 'treasury', members: ['alice', 'bob'] } },
      { kind: 'quorum-set', quorum: { group: 'governors', threshold: 3 } },
      { kind: 'wallet-added', wallet },
      { kind: 'token-added', token },
      { kind: 'policies-set', policies: [...deployment.policies] },
      genesis.body.change,
    ];
    const texts = changes.map((change) => JSON.stringify(deployment.entry(change, [alice, bob])));
    const mutated = fc
      .tuple(
        fc.constantFrom(...texts),
        fc.nat(),
        fc.constantFrom(
          '0',
          '1',
          'f',
          'Z',
          '"',
          '}',
          ']',
          '',
          'null',
          '-',
          '\\u0000',
          '"__proto__":1,',
          '1e400',
        ),
        fc.nat({ max: 4 }),
      )
      .map(([text, at, put, cut]) => {
        const place = at % text.length;
        return text.slice(0, place) + put + text.slice(place + cut);
      })
      .filter((candidate) => !texts.includes(candidate));
    await fc.assert(
      fc.asyncProperty(mutated, async (candidate) => {
        const answer = await honest.askText(
          'g',
          `{"version":1,"id":"g","verb":"governance-append","entry":${candidate}}`,
        );
        expect([answer.kind, codeOf(answer)]).toEqual(['refused', expect.any(String)]);
      }),
      { numRuns: 500 },
    );
    const { result } = z
      .object({ result: governanceResult })
      .parse(await honest.ask({ verb: 'governance-read', fromSequence: 0 }));
    expect(result).toMatchObject({ sequence: 0, head: deployment.deploymentId });
  });

  it('every mutation of an order that changes what it says, with a code and without a fault', async () => {
    const own = p2wpkhScript(deployment.publicKeys.bitcoin);
    const request = deployment.request({ amount: '5000000', destination: DESTINATION });
    const outputs = [payTo(DESTINATION, 5_000_000n), { script: own, amountSats: 4_990_000n }];
    const order = {
      wallet: 'hot-btc',
      transaction: psbt([coin(own, 10_000_000n)], outputs),
      transfers: [deployment.transfer(request, [deployment.alice, deployment.bob])],
    };
    const honestText = JSON.stringify(order);
    const mutated = fc
      .tuple(
        fc.nat(honestText.length - 1),
        fc.constantFrom('0', '1', 'f', 'A', '"', '}', '', 'null', '-', '\\u0000'),
      )
      .map(([at, put]) => honestText.slice(0, at) + put + honestText.slice(at + 1))
      .filter((candidate) => candidate !== honestText);
    const codes = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(mutated, async (candidate) => {
        const body = `{"version":1,"id":"m","verb":"sign","order":${candidate}}`;
        const answer = await honest.askText('m', body);
        const code = codeOf(answer);
        codes.set(code, (codes.get(code) ?? 0) + 1);
        // Another lock time or a little less change is a replacement that pays the same: nothing else of it may differ.
        if (answer.kind === 'done') {
          const { certificate } = signResult.parse(answer.result);
          expect(certificate.reservation.order.transfers).toEqual(order.transfers);
          expect(certificate.reservation.order.transaction).not.toEqual(order.transaction);
        }
        expect(code).not.toBe('internal');
      }),
      { numRuns: 400 },
    );
    expect(codes.size).toBeGreaterThan(3);
    expect(codeOf(await honest.sign(order))).toBe('done');
  });

  it('random bytes and random frames, and serves on', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.boolean(),
        async (bytes, framed) => {
          const code = await strayCode(framed ? encodeFrame(bytes) : bytes, true);
          expect([
            'message-malformed',
            'message-too-large',
            'message-empty',
            'message-version',
            'verb-unknown',
            'hung up',
          ]).toContain(code);
        },
      ),
      { numRuns: 60 },
    );
    await stillServes();
  });
});
