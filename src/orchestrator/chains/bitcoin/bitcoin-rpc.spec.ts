import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { BitcoinNode } from './bitcoin-node.js';
import { BitcoinRpc } from './bitcoin-rpc.js';

const GENESIS = '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206';
const REGTEST = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
const TXID = 'ab'.repeat(32);

type Handler = (method: string, response: ServerResponse, authorization: string | undefined) => void;

/** Answers as a node might: no real node can be made to say all of this. */
class TalkingServer {
  handler: Handler = says(200, '');

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<TalkingServer> {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const talking = new TalkingServer(server, `http://127.0.0.1:${address.port}/`);
    server.on('request', (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        const { method } = z.object({ method: z.string() }).parse(JSON.parse(body));
        talking.handler(method, response, request.headers.authorization);
      });
    });
    return talking;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

function says(status: number, text: string): Handler {
  return (_method, response) => {
    response.writeHead(status).end(text);
  };
}

/** Results, written as JSON text, by method; errors as `[code, message]`. */
function knows(results: Readonly<Record<string, string | readonly [number, string]>>): Handler {
  return (method, response) => {
    const known =
      { getblockhash: `"${GENESIS}"`, ...results }[method] ?? ([-32601, 'Method not found'] as const);
    const body =
      typeof known === 'string'
        ? `{"id":1,"result":${known},"error":null}`
        : `{"id":1,"result":null,"error":{"code":${known[0]},"message":${JSON.stringify(known[1])}}}`;
    response.writeHead(typeof known === 'string' ? 200 : 500).end(body);
  };
}

const folder = mkdtempSync(join(tmpdir(), 'portcullis-rpc-'));
let one: TalkingServer;
let two: TalkingServer;

beforeAll(async () => {
  one = await TalkingServer.start();
  two = await TalkingServer.start();
});
afterAll(() => {
  one.stop();
  two.stop();
  rmSync(folder, { recursive: true });
});

const node = (timeoutMs = 2_000) =>
  new BitcoinNode(REGTEST, { nodes: [{ url: one.url }, { url: two.url }], timeoutMs });
const rpc = () => new BitcoinRpc({ url: one.url }, 500);
const anything = z.unknown();

describe('one node over JSON-RPC', () => {
  it.each<[string, Handler, object]>([
    ['unauthorized', says(401, ''), { kind: 'unusable', trouble: 'unauthorized' }],
    ['unauthorized', says(403, ''), { kind: 'unusable', trouble: 'unauthorized' }],
    ['busy', says(503, 'Work queue depth exceeded'), { kind: 'unusable', trouble: 'busy' }],
    ['malformed', says(200, '<html>'), { kind: 'unusable', trouble: 'malformed' }],
    ['malformed', says(200, '[]'), { kind: 'unusable', trouble: 'malformed' }],
    ['malformed', says(200, '{"error":{"code":"x"}}'), { kind: 'unusable', trouble: 'malformed' }],
    [
      'warming-up',
      knows({ verb: [-28, 'Loading block index'] }),
      { kind: 'unusable', trouble: 'warming-up' },
    ],
    [
      'an error',
      knows({ verb: [-5, 'No such thing'] }),
      { kind: 'error', code: -5, message: 'No such thing' },
    ],
    ['an error', knows({}), { kind: 'error', code: -32601 }],
    ['unreachable', (_method, response) => response.destroy(), { kind: 'unusable', trouble: 'unreachable' }],
    ['unreachable', () => undefined, { kind: 'unusable', trouble: 'unreachable' }],
    ['unreachable', says(302, ''), { kind: 'unusable' }],
  ])('reads an answer as %s (%#)', async (_name, handler, expected) => {
    one.handler = handler;
    expect(await rpc().call('verb', [], anything)).toMatchObject(expected);
  });

  it('reads what does not fit the schema as malformed', async () => {
    one.handler = knows({ verb: '{"height":"x"}' });
    const schema = z.object({ height: z.string().regex(/^[0-9]+$/) });
    expect(await rpc().call('verb', [], schema)).toMatchObject({ kind: 'unusable', trouble: 'malformed' });
  });

  it('keeps words of a node to one short line of ASCII', async () => {
    one.handler = knows({ verb: [-1, `\u001b[31m\nred ${'x'.repeat(1_000)}`] });
    const answer = await rpc().call('verb', [], anything);
    expect(answer).toMatchObject({ kind: 'error', message: expect.stringMatching(/^[\x20-\x7e]{1,200}$/) });
  });

  it('reads its password file again when the node answers 401', async () => {
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, 'old\n');
    const client = new BitcoinRpc({ url: one.url, user: 'me', passwordFile }, 2_000);
    const accepts = (password: string): Handler => {
      const expected = `Basic ${Buffer.from(`me:${password}`).toString('base64')}`;
      return (method, response, authorization) =>
        (authorization === expected ? knows({ verb: '"yes"' }) : says(401, ''))(
          method,
          response,
          authorization,
        );
    };
    one.handler = accepts('old');
    expect(await client.call('verb', [], anything)).toEqual({ kind: 'result', value: 'yes' });
    writeFileSync(passwordFile, 'new\n');
    one.handler = accepts('new');
    expect(await client.call('verb', [], anything)).toEqual({ kind: 'result', value: 'yes' });
  });

  it('says unauthorized, not more, when the credentials cannot be read', async () => {
    const client = new BitcoinRpc({ url: one.url, cookieFile: join(folder, 'missing') }, 2_000);
    expect(await client.call('verb', [], anything)).toMatchObject({
      kind: 'unusable',
      trouble: 'unauthorized',
    });
  });
});

describe('several nodes as one', () => {
  it('goes on to the next node whatever is wrong with the first', async () => {
    two.handler = knows({ getmempoolentry: '{"vsize":141}' });
    for (const trouble of [
      says(401, ''),
      says(503, ''),
      says(200, 'nonsense'),
      knows({ getmempoolentry: '"nonsense"' }),
      knows({ getmempoolentry: [-28, 'Verifying blocks'] }),
      knows({ getblockhash: `"${'00'.repeat(32)}"`, getmempoolentry: [-5, 'not here'] }),
    ]) {
      one.handler = trouble;
      expect(await node().isWaiting(TXID)).toBe(true);
    }
  });

  it('throws chain-unavailable when none gives a usable answer, and names each trouble', async () => {
    one.handler = says(503, '');
    two.handler = knows({ getblockhash: `"${'00'.repeat(32)}"` });
    await expect(node().tip()).rejects.toMatchObject({
      code: 'chain-unavailable',
      facts: { why: expect.stringMatching(/busy.*other-chain/) },
    });
  });

  it('lets no node have a transaction pay nothing', async () => {
    one.handler = knows({
      estimatesmartfee: '{"feerate":0,"blocks":6}',
      getmempoolinfo: '{"mempoolminfee":0,"minrelaytxfee":0}',
      getnetworkinfo: '{"incrementalfee":0}',
    });
    expect(await node().fees(6)).toEqual({ estimate: undefined, floor: 100n, incremental: 1_000n });
  });

  it('reads fee rates to the satoshi, and takes no estimate for one that is none', async () => {
    const rest = {
      getmempoolinfo: '{"mempoolminfee":0.00000100,"minrelaytxfee":0.00000100}',
      getnetworkinfo: '{"incrementalfee":1e-6}',
    };
    one.handler = knows({ estimatesmartfee: '{"feerate":0.00001234,"blocks":6}', ...rest });
    expect(await node().fees(6)).toEqual({ estimate: 1_234n, floor: 100n, incremental: 1_000n });
    for (const none of ['{"errors":["Insufficient data"],"blocks":6}', '{"feerate":-1}']) {
      one.handler = knows({ estimatesmartfee: none, ...rest });
      expect((await node().fees(6)).estimate).toBeUndefined();
    }
  });

  it('takes an accepting node before a refusing one, and a refusal before silence', async () => {
    const refuses = knows({ sendrawtransaction: [-26, 'min relay fee not met'] });
    one.handler = refuses;
    two.handler = knows({ sendrawtransaction: `"${TXID}"` });
    expect(await node().submit('00')).toEqual({ kind: 'accepted' });
    two.handler = says(503, '');
    expect(await node().submit('00')).toMatchObject({ kind: 'rejected', rejection: 'fee-too-low' });
    one.handler = says(503, '');
    expect(await node().submit('00')).toMatchObject({ kind: 'unreachable' });
  });

  it('believes testmempoolaccept where it is offered, and sends where it is not', async () => {
    two.handler = says(503, '');
    one.handler = knows({
      testmempoolaccept: '[{"allowed":false,"reject-reason":"missing-inputs"}]',
      sendrawtransaction: `"${TXID}"`,
    });
    expect(await node().submit('00')).toMatchObject({ kind: 'rejected', rejection: 'inputs-missing' });
    one.handler = knows({ sendrawtransaction: [-27, 'Transaction outputs already in utxo set'] });
    expect(await node().submit('00')).toEqual({ kind: 'already-known' });
  });
});
