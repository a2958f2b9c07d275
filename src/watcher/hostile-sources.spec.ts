// Sources that do what they like: each costs its time at the most, and a price or a verdict is never made of what they say
// otherwise than in plain numbers.

import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BITCOIN } from '../core/governance/people.fixture.js';
import { newestBitcoinBlock } from './nodes.js';
import { seePrice } from './prices.js';
import { seeScreening } from './screenings.js';
import { documentAt, textAt } from './source.js';

const FETCHING = { timeoutMs: 400 };
const GOOD = '{"price":60000,"result":"clear","risk":1}';

let server: Server;
let url: string;
let behave: RequestListener;
let asked: string[];

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    behave(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const price = () =>
  seePrice(
    {
      chain: BITCOIN,
      contract: 'native',
      currency: 'USD',
      sources: [{ name: 'one', place: { url }, pointer: '/price' }],
      leastSources: 1,
      maxSpreadBasisPoints: 100,
    },
    FETCHING,
  );

const screening = () =>
  seeScreening(
    {
      kind: 'http',
      chains: [BITCOIN],
      url: `${url}/{address}`,
      resultPointer: '/result',
      riskPointer: '/risk',
    },
    BITCOIN,
    'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
    FETCHING,
  );

const document = () => documentAt({ url }, FETCHING);

/** Without end, until whoever listens hangs up. */
const endless =
  (piece: string): RequestListener =>
  (_request, response) => {
    const write = () => {
      while (!response.destroyed && response.write(piece));
    };
    response.on('drain', write);
    write();
  };

describe('a source that does not answer as it should', () => {
  const WAYS: readonly (readonly [string, RequestListener])[] = [
    ['never answers', () => undefined],
    ['sends its head and nothing more', (_request, response) => void response.write(' ')],
    [
      'sends a byte now and then',
      (_request, response) => {
        const drip = setInterval(() => response.write(' '), 50);
        response.on('close', () => clearInterval(drip));
      },
    ],
    ['streams for ever', endless(' '.repeat(64 * 1024))],
    ['hangs up', (request) => void request.socket.destroy()],
    [
      'announces more than it sends',
      (request, response) => {
        response.writeHead(200, { 'content-length': 1_000 });
        response.write(GOOD);
        request.socket.end();
      },
    ],
    ['sends a good answer with an error', (_request, response) => void response.writeHead(503).end(GOOD)],
    [
      'sends little that becomes much',
      (_request, response) =>
        void response
          .writeHead(200, { 'content-encoding': 'gzip' })
          .end(gzipSync(`{"price":60000,"x":"${' '.repeat(50_000_000)}"}`)),
    ],
    [
      'sends somebody elsewhere',
      (request, response) => {
        if (request.url === '/elsewhere') response.end(GOOD);
        else response.writeHead(302, { location: '/elsewhere' }).end(GOOD);
      },
    ],
  ];

  it.each(WAYS)('says nothing (source-unreachable) when it %s', async (_way, listener) => {
    behave = listener;
    expect(await document()).toMatchObject({ kind: 'refused', code: 'source-unreachable' });
    expect(asked).toEqual(['/']);
    expect(await price()).toMatchObject({ kind: 'refused', code: 'price-sources-too-few' });
    expect(await screening()).toMatchObject({ kind: 'refused', code: 'source-unreachable' });
  });

  it('is let go of once its time is over', async () => {
    behave = () => undefined;
    await document();
    const connections = promisify(server.getConnections.bind(server));
    let open = await connections();
    for (let tries = 0; tries < 200 && open > 0; tries += 1) {
      await sleep(10);
      open = await connections();
    }
    expect(open).toBe(0);
  });
});

describe('a price', () => {
  const said = (text: string) => {
    behave = (_request, response) => void response.end(`{"price":${text}}`);
  };

  it.each([
    '0',
    '-60000',
    '-0',
    '6e4',
    '6E+4',
    '1e-3',
    '1e400',
    '0.0000000000000000001',
    `1${'0'.repeat(15)}`,
    `1${'0'.repeat(200_000)}`,
    '"NaN"',
    '"Infinity"',
    '"0x10"',
    '"+60000"',
    '" 60000"',
    '"60000\\n"',
    '"60,000"',
    '"60_000"',
    '"060000"',
    '"60000."',
    '".5"',
    '"٦"',
    '""',
    'null',
    'true',
    '[60000]',
    '{"0":60000}',
  ])('is never made of %s', async (text) => {
    said(text.slice(0, 250_000));
    expect(await price()).toMatchObject({ kind: 'refused', code: 'price-sources-too-few' });
  });

  it.each(['NaN', 'Infinity', '0x10', '+1', '01', '1.', '١', '{"price":1'])(
    'is never made of what is no JSON: %s',
    async (text) => {
      said(text);
      expect(await document()).toMatchObject({ kind: 'refused', code: 'source-malformed' });
    },
  );

  it('keeps every digit that stands there', async () => {
    said('60000.123456789012345678');
    expect(await price()).toMatchObject({ value: { price: '60000.123456789012345678' } });
  });

  it('is not looked for in what its document inherits, nor in one that is nested without end', async () => {
    expect(textAt({}, '/__proto__')).toMatchObject({ code: 'source-malformed' });
    expect(textAt([], '/length')).toMatchObject({ code: 'source-malformed' });
    behave = (_request, response) => void response.end('['.repeat(100_000));
    expect(await document()).toMatchObject({ code: 'source-malformed' });
    behave = (_request, response) => void response.end(`${'['.repeat(100_000)}1${']'.repeat(100_000)}`);
    const nested = await document();
    if (nested.kind === 'accepted') expect(textAt(nested.value, '/price')).toMatchObject({ kind: 'refused' });
    else expect(nested.code).toBe('source-malformed');
  });
});

describe('a node', () => {
  it.each([
    ['null', 'source-malformed'],
    ['-1', 'source-malformed'],
    ['1e3', 'source-malformed'],
    ['1.5', 'source-malformed'],
    ['9999999999999', 'source-malformed'],
    ['"x"', 'source-malformed'],
  ])('has no height %s', async (height, code) => {
    behave = (request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += String(chunk);
      });
      request.on('end', () =>
        response.end(
          body.includes('getblockcount')
            ? `{"result":${height},"error":null}`
            : `{"result":"${BITCOIN.slice('bip122:'.length)}${'0'.repeat(32)}","error":null}`,
        ),
      );
    };
    expect(await newestBitcoinBlock(BITCOIN, { url }, FETCHING)).toMatchObject({ kind: 'refused', code });
    expect(asked).toHaveLength(2);
  });

  it('that never answers, redirects or says no is one that says nothing', async () => {
    const newest = () => newestBitcoinBlock(BITCOIN, { url }, FETCHING);
    behave = () => undefined;
    expect(await newest()).toMatchObject({ code: 'source-unreachable' });
    behave = (_request, response) => void response.writeHead(307, { location: '/elsewhere' }).end();
    expect(await newest()).toMatchObject({ code: 'source-unreachable' });
    expect(asked).toEqual(['/', '/']);
    behave = (_request, response) =>
      void response.writeHead(500).end('{"result":null,"error":{"code":-28,"message":"<b>wait</b>"}}');
    expect(await newest()).toMatchObject({ code: 'source-malformed', facts: { rpcCode: '-28' } });
  });
});
