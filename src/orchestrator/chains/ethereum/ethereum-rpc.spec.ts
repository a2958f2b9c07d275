import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { EthereumRpc } from './ethereum-rpc.js';
import { broadcast } from './follow.js';
import { block, quantity, smallQuantity } from './rpc-answers.js';
import { type EthereumSettings, ethereumSettings } from './settings.js';

const CHAIN_ID = 31_337;
const hash = (height: number, fork = 0) =>
  `0x${fork.toString(16).padStart(2, '0')}${height.toString(16).padStart(62, '0')}`;

/** What a test node does with one question; `undefined` leaves it to the honest answer. */
type Behaviour = (method: string, response: ServerResponse, id: unknown) => boolean;

const honest: Behaviour = () => false;
const rpcError =
  (code: number, message: string, of?: string, status = 200): Behaviour =>
  (method, response, id) => {
    if (of !== undefined && method !== of) return false;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } }));
    return true;
  };
const result =
  (of: string, value: unknown): Behaviour =>
  (method, response, id) => {
    if (method !== of) return false;
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: value }));
    return true;
  };
const html: Behaviour = (_method, response) => {
  response.writeHead(200, { 'content-type': 'text/html' });
  response.end('<html><body>Welcome to the captive portal</body></html>');
  return true;
};
const httpStatus =
  (status: number, headers: Record<string, string> = {}): Behaviour =>
  (_method, response) => {
    response.writeHead(status, headers);
    response.end('no');
    return true;
  };
const hang: Behaviour = () => true;

class TestNode {
  height = 100;
  fork = 0;
  chainId = CHAIN_ID;
  behave: Behaviour = honest;
  readonly asked: string[] = [];
  private constructor(
    readonly name: string,
    private readonly server: Server,
  ) {}

  static async start(name: string): Promise<TestNode> {
    const server = createServer();
    const node = new TestNode(name, server);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => node.answer(Buffer.concat(chunks).toString('utf8'), response));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return node;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  stop(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  private answer(body: string, response: ServerResponse): void {
    const { id, method, params } = JSON.parse(body) as { id: number; method: string; params: unknown[] };
    this.asked.push(method);
    if (this.behave(method, response, id)) return;
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: this.truth(method, params) }));
  }

  private truth(method: string, params: unknown[]): unknown {
    if (method === 'eth_chainId') return `0x${this.chainId.toString(16)}`;
    if (method === 'eth_getTransactionCount') return '0x7';
    if (method !== 'eth_getBlockByNumber') return null;
    const tag = String(params[0]);
    const height = tag.startsWith('0x') ? Number.parseInt(tag, 16) : this.height - (tag === 'latest' ? 0 : 2);
    if (height > this.height) return null;
    return {
      number: `0x${height.toString(16)}`,
      hash: hash(height, this.fork),
      timestamp: `0x${(1_700_000_000 + height * 12).toString(16)}`,
      baseFeePerGas: '0x3b9aca00',
    };
  }
}

const running: (TestNode | EthereumRpc)[] = [];
const time = { nowMs: 1_700_001_200_000 };
const clock = { nowMs: () => time.nowMs };

async function nodes(count: number): Promise<[TestNode, TestNode, TestNode]> {
  const started = await Promise.all(['a', 'b', 'c'].slice(0, count).map((name) => TestNode.start(name)));
  running.push(...started);
  return started as [TestNode, TestNode, TestNode];
}

function client(of: readonly TestNode[], more: Partial<z.input<typeof ethereumSettings>> = {}): EthereumRpc {
  const settings: EthereumSettings = ethereumSettings.parse({
    providers: of.map(({ name, url }) => ({ name, url })),
    timeoutMs: 300,
    reading: { mode: 'fail-over' },
    ...more,
  });
  const rpc = new EthereumRpc(CHAIN_ID, settings, clock);
  running.push(rpc);
  return rpc;
}

const quorum = { reading: { mode: 'quorum', agreeing: 2 } } as const;
const count = { method: 'eth_getTransactionCount', params: ['0x', 'latest'], schema: smallQuantity };
const illnesses = (rpc: EthereumRpc, name: string) =>
  rpc
    .report()
    .find((node) => node.name === name)
    ?.illnesses.map((illness) => illness.kind);

afterEach(async () => {
  for (const one of running.splice(0)) await (one instanceof TestNode ? one.stop() : one.close());
  time.nowMs = 1_700_001_200_000;
});

describe('EthereumRpc with a quorum', () => {
  const misbehaviours: [string, Behaviour, string[]][] = [
    ['answers HTML', html, ['malformed']],
    ['answers with HTTP 500', httpStatus(500), ['unreachable']],
    ['answers with HTTP 401', httpStatus(401), ['unreachable']],
    ['asks to wait', httpStatus(429, { 'retry-after': '7' }), ['rate-limited']],
    ['asks to wait in words', rpcError(-32005, 'daily request count exceeded'), ['rate-limited']],
    ['hangs', hang, ['unreachable']],
    ['does not know the method', rpcError(-32601, 'Method not found', count.method), ['unsupported']],
    ['says no by its own error', rpcError(-32000, 'header not found', count.method), []],
    ['says no with an HTTP error as well', rpcError(-32000, 'header not found', count.method, 500), []],
    ['answers nonsense', result(count.method, { nonce: 7 }), ['malformed']],
    ['answers null', result(count.method, null), ['malformed']],
    ['lies', result(count.method, '0x99'), []],
  ];

  it.each(misbehaviours)('goes on when one of three nodes %s', async (_what, behave, kinds) => {
    const [a, b, c] = await nodes(3);
    a.behave = behave;
    const rpc = client([a, b, c], quorum);
    for (let round = 0; round < 3; round += 1) expect(await rpc.agreed(count)).toBe(7);
    // A hanging node is only known to hang once its time is up; nobody waits for it.
    const deadline = performance.now() + 3_000;
    while (illnesses(rpc, 'a')?.length !== kinds.length && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(illnesses(rpc, 'a')).toEqual(kinds);
    expect(illnesses(rpc, 'b')).toEqual([]);
    expect(illnesses(rpc, 'c')).toEqual([]);
  });

  it.each(misbehaviours)(
    'refuses to believe one node when each of the other two %s',
    async (_what, behave) => {
      const [a, b, c] = await nodes(3);
      a.behave = behave;
      // Two that lie must not lie alike, or they are the quorum.
      b.behave = behave === misbehaviours.at(-1)?.[1] ? result(count.method, '0x98') : behave;
      const rpc = client([a, b, c], quorum);
      await expect(rpc.agreed(count)).rejects.toMatchObject({ code: 'chain-unavailable' });
      // And is back as soon as they are, although both were paused.
      a.behave = honest;
      expect(await rpc.agreed(count)).toBe(7);
    },
  );

  it('says of each node how it failed, and of none its URL', async () => {
    const [a, b, c] = await nodes(3);
    a.behave = html;
    b.behave = httpStatus(503);
    const error = await client([a, b, c], quorum)
      .agreed(count)
      .catch((caught: { facts: unknown }) => caught.facts);
    expect(error).toEqual({
      asked: 'eth_getTransactionCount',
      failures: 'alike: c; a: malformed not a JSON-RPC answer; b: unreachable HTTP status 503',
    });
  });

  it('never counts a node of another chain, and takes it back when it is on the right one', async () => {
    const [a, b, c] = await nodes(3);
    a.chainId = 1;
    b.chainId = 1;
    const rpc = client([a, b, c], quorum);
    await expect(rpc.agreed(count)).rejects.toMatchObject({ code: 'chain-unavailable' });
    expect(a.asked).toEqual(['eth_chainId']);
    expect(illnesses(rpc, 'a')).toEqual(['wrong-chain']);
    a.chainId = CHAIN_ID;
    expect(await rpc.agreed(count)).toBe(7);
    expect(illnesses(rpc, 'a')).toEqual([]);
  });

  it('asks for the chain id again when a node was away: another one may stand behind the URL', async () => {
    const [a, b, c] = await nodes(3);
    const rpc = client([a, b, c], quorum);
    await rpc.agreed(count);
    a.behave = httpStatus(502);
    b.behave = httpStatus(502);
    await expect(rpc.agreed(count)).rejects.toMatchObject({ code: 'chain-unavailable' });
    a.behave = honest;
    a.chainId = 1;
    await expect(rpc.agreed(count)).rejects.toMatchObject({ code: 'chain-unavailable' });
    expect(illnesses(rpc, 'a')).toContain('wrong-chain');
  });

  it('leaves a sick node alone for a while, longer each time, and comes back by time', async () => {
    const [a, b, c] = await nodes(3);
    const rpc = client([a, b, c], quorum);
    await rpc.agreed(count);
    a.behave = httpStatus(500);
    const askedBy = async (milliseconds: number) => {
      time.nowMs += milliseconds;
      const before = a.asked.length;
      await rpc.agreed(count);
      // The answer of the sick one is not waited for; give it time to arrive.
      await new Promise((resolve) => setTimeout(resolve, 50));
      return a.asked.length - before;
    };
    expect(await askedBy(0)).toBe(1);
    expect(await askedBy(999)).toBe(0);
    expect(await askedBy(1)).toBe(1);
    expect(await askedBy(1_999)).toBe(0);
    a.behave = honest;
    expect(await askedBy(1)).toBe(2);
    expect(illnesses(rpc, 'a')).toEqual([]);
    expect(await askedBy(0)).toBe(1);
  });

  it('pauses a method that a node lacks, not the node', async () => {
    const [a, b, c] = await nodes(3);
    a.behave = rpcError(-32601, 'Method not found', 'eth_feeHistory');
    const rpc = client([a, b, c], quorum);
    await rpc.first({ method: 'eth_feeHistory', params: [], schema: z.null() });
    const before = a.asked.length;
    await rpc.first({ method: 'eth_feeHistory', params: [], schema: z.null() });
    expect(a.asked.length).toBe(before);
    await rpc.everyone(count);
    expect(a.asked.at(-1)).toBe(count.method);
  });

  it('takes the highest block that enough nodes have, and agree on', async () => {
    const [a, b, c] = await nodes(3);
    a.height = 110;
    b.height = 108;
    c.height = 107;
    expect((await client([a, b, c], quorum).head()).number).toBe(108);
  });

  it('has no head while the nodes are on different forks', async () => {
    const [a, b, c] = await nodes(3);
    a.fork = 1;
    b.fork = 2;
    await expect(client([a, b, c], quorum).head()).rejects.toMatchObject({ code: 'chain-unavailable' });
  });

  it('does not let one node that claims a height far ahead make the others stale', async () => {
    const [a, b, c] = await nodes(3);
    a.height = 1_000_000;
    const rpc = client([a, b, c], quorum);
    expect((await rpc.head()).number).toBe(100);
    expect(illnesses(rpc, 'b')).toEqual([]);
    expect(illnesses(rpc, 'c')).toEqual([]);
  });

  it('does not ask a node for state that is far behind, until it has caught up', async () => {
    const [a, b, c] = await nodes(3);
    a.height = 90;
    const rpc = client([a, b, c], quorum);
    await rpc.head();
    expect(illnesses(rpc, 'a')).toEqual(['stale']);
    const before = a.asked.filter((method) => method === count.method).length;
    await rpc.agreed(count);
    expect(a.asked.filter((method) => method === count.method).length).toBe(before);
    a.height = 99;
    await rpc.head();
    expect(illnesses(rpc, 'a')).toEqual([]);
  });

  it('takes a head that is older than allowed for stale', async () => {
    const [a, b, c] = await nodes(3);
    const rpc = client([a, b, c], { ...quorum, maxHeadAgeMs: 60_000 });
    expect((await rpc.head()).number).toBe(100);
    time.nowMs += 61_000;
    await expect(rpc.head()).rejects.toMatchObject({ code: 'chain-unavailable' });
    b.height = 106;
    c.height = 105;
    expect((await rpc.head()).number).toBe(105);
  });

  it('calls final only what enough nodes call final', async () => {
    const [a, b, c] = await nodes(3);
    a.height = 5_000;
    b.height = 106;
    expect(await client([a, b, c], quorum).taggedHeight('finalized')).toBe(104);
  });
});

describe('EthereumRpc with fail-over', () => {
  it('asks the next node when the first is no use, and the first again when it is back', async () => {
    const [a, b] = await nodes(2);
    a.behave = html;
    const rpc = client([a, b]);
    expect(await rpc.agreed(count)).toBe(7);
    expect(b.asked).toContain(count.method);
    a.behave = honest;
    time.nowMs += 60_000;
    const before = b.asked.length;
    expect(await rpc.agreed(count)).toBe(7);
    expect(b.asked.length).toBe(before);
  });

  it('does not stop at an error that one node gives', async () => {
    const [a, b] = await nodes(2);
    a.behave = rpcError(-32000, 'execution reverted');
    expect(await client([a, b]).agreed(count)).toBe(7);
  });

  it('still asks a node that is paused when there is no other', async () => {
    const [a] = await nodes(1);
    a.behave = httpStatus(429, { 'retry-after': '600' });
    const rpc = client([a]);
    await expect(rpc.agreed(count)).rejects.toMatchObject({ code: 'chain-unavailable' });
    a.behave = honest;
    expect(await rpc.agreed(count)).toBe(7);
  });

  it('does not follow a redirect', async () => {
    const [a, b] = await nodes(2);
    a.behave = httpStatus(307, { location: b.url });
    await expect(client([a]).agreed(count)).rejects.toMatchObject({ code: 'chain-unavailable' });
    expect(b.asked).toEqual([]);
  });

  it('refuses an answer that does not end', async () => {
    const [a] = await nodes(1);
    a.behave = (method, response) => {
      if (method !== count.method) return false;
      const pour = () => {
        while (!response.destroyed && response.write('x'.repeat(1 << 20)));
      };
      response.on('drain', pour);
      pour();
      return true;
    };
    const rpc = client([a], { timeoutMs: 20_000 });
    const fault = { code: 'chain-unavailable', facts: { failures: 'a: malformed answer too long' } };
    await expect(rpc.agreed(count)).rejects.toMatchObject(fault);
  });

  it('refuses the answer to another question', async () => {
    const [a] = await nodes(1);
    a.behave = (method, response) => {
      if (method !== count.method) return false;
      response.end(JSON.stringify({ jsonrpc: '2.0', id: 999, result: '0x99' }));
      return true;
    };
    await expect(client([a]).agreed(count)).rejects.toMatchObject({ code: 'chain-unavailable' });
  });

  it('believes the upper median of heads when there are three', async () => {
    const [a, b, c] = await nodes(3);
    a.height = 1_000_000;
    expect((await client([a, b, c]).head()).number).toBe(100);
  });

  it('calls final only what every node that answers calls final', async () => {
    const [a, b] = await nodes(2);
    a.height = 5_000;
    expect(await client([a, b]).taggedHeight('safe')).toBe(98);
  });
});

describe('broadcast', () => {
  const id = `0x${'ab'.repeat(32)}`;
  const send = 'eth_sendRawTransaction';
  const sent = (of: readonly TestNode[], more = {}) => broadcast(client(of, more), id, '02c0');

  it('is accepted when one node takes it, whatever the others say', async () => {
    const [a, b, c] = await nodes(3);
    a.behave = rpcError(-32000, 'transaction underpriced', send);
    b.behave = html;
    c.behave = result(send, id);
    expect(await sent([a, b, c])).toEqual({ kind: 'accepted' });
    for (const node of [a, c]) expect(node.asked).toContain(send);
  });

  it('is known when one node knows it and none takes it', async () => {
    const [a, b] = await nodes(2);
    a.behave = rpcError(-32000, 'already known', send);
    b.behave = rpcError(-32000, 'nonce too low', send);
    expect(await sent([a, b])).toEqual({ kind: 'already-known' });
  });

  it('is rejected when as many nodes as must agree reject it', async () => {
    const [a, b, c] = await nodes(3);
    a.behave = rpcError(-32000, 'insufficient funds for gas * price + value', send);
    b.behave = rpcError(-32000, 'InsufficientFunds', send);
    c.behave = httpStatus(500);
    expect(await sent([a, b, c], quorum)).toEqual({ kind: 'rejected', reason: 'insufficient-funds' });
  });

  it('is to be tried again when only one of three rejects it and the others fail', async () => {
    const [a, b, c] = await nodes(3);
    a.behave = rpcError(-32000, 'insufficient funds', send);
    b.behave = httpStatus(500);
    c.behave = rpcError(-32000, 'txpool is full', send);
    expect(await sent([a, b, c], quorum)).toMatchObject({ kind: 'unreachable' });
  });

  it('is rejected as too low a nonce only when it is in no block itself', async () => {
    const [a] = await nodes(1);
    const tooLow = rpcError(-32000, 'nonce too low', send);
    a.behave = tooLow;
    expect(await sent([a])).toEqual({ kind: 'rejected', reason: 'nonce-too-low' });
    const receipt = {
      transactionHash: id,
      blockHash: hash(99),
      blockNumber: '0x63',
      status: '0x1',
      gasUsed: '0x5208',
      effectiveGasPrice: '0x1',
      logs: [],
    };
    const mined = result('eth_getTransactionReceipt', receipt);
    a.behave = (method, response, of) => tooLow(method, response, of) || mined(method, response, of);
    expect(await sent([a])).toEqual({ kind: 'already-known' });
  });

  it('does not count a node that answers with the id of something else', async () => {
    const [a] = await nodes(1);
    a.behave = result(send, hash(1));
    expect(await sent([a])).toMatchObject({ kind: 'unreachable' });
  });
});

describe('answers', () => {
  it.each(['0x', '7', '0xg', '-0x1', `0x${'f'.repeat(65)}`, 7, null, undefined])(
    'refuse %p as a quantity',
    (value) => {
      expect(quantity.safeParse(value).success).toBe(false);
      expect(smallQuantity.safeParse(value).success).toBe(false);
    },
  );

  it('refuse a nonce or height that no number holds exactly', () => {
    expect(smallQuantity.safeParse('0x20000000000000').success).toBe(false);
  });

  it('refuse a block without a base fee', () => {
    const whole = { number: '0x1', hash: hash(1), timestamp: '0x1', baseFeePerGas: '0x1' };
    expect(block.safeParse(whole).success).toBe(true);
    expect(block.safeParse({ ...whole, baseFeePerGas: undefined }).success).toBe(false);
    expect(block.safeParse({ ...whole, hash: null }).success).toBe(false);
  });
});
