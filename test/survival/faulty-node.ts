// Stands between the orchestrator and a node, and does to its answers what networks, overloaded nodes and bad providers do.
// It understands JSON-RPC over HTTP, one question a request, and nothing of what is asked but the method's name.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isRecord, type JsonValue } from '../../devnet/json-rpc.js';

export type Trouble =
  | 'none'
  /** Connections are closed without an answer. */
  | 'down'
  /** Nothing is ever answered. */
  | 'silent'
  /** HTTP 503. */
  | 'unavailable'
  /** A JSON-RPC error to whatever is asked. */
  | 'error'
  /** Half of the right answer. */
  | 'cut'
  /** Something that is no answer at all. */
  | 'garbage'
  /** The right shape with a result that makes no sense. */
  | 'nonsense'
  /** Transactions are taken and passed on, and it says that it broke. */
  | 'swallowed'
  /** The chain as it was when this trouble began. */
  | 'stale';

export const TROUBLES: readonly Trouble[] = [
  'down',
  'silent',
  'unavailable',
  'error',
  'cut',
  'garbage',
  'nonsense',
  'swallowed',
  'stale',
];

const MOST_BYTES = 64 * 1024 * 1024;
const SENDS = ['eth_sendRawTransaction', 'sendrawtransaction'];

interface Question {
  readonly id: JsonValue;
  readonly method: string;
  readonly params: readonly JsonValue[];
}

export class FaultyNode {
  /** Questions spoilt so far, by trouble. */
  readonly spoilt = new Map<Trouble, number>();
  private trouble: Trouble = 'none';
  private staleHeight = 0;
  private staleTip = '';

  private constructor(
    private readonly server: Server,
    private readonly target: string,
    private readonly authorization: string | undefined,
  ) {}

  /** `nodeUrl` may hold user and password, which then go with every question. */
  static async before(nodeUrl: string): Promise<FaultyNode> {
    const { username, password, origin, pathname } = new URL(nodeUrl);
    const secret = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    const authorization = username === '' ? undefined : `Basic ${Buffer.from(secret).toString('base64')}`;
    const server = createServer();
    const faulty = new FaultyNode(server, `${origin}${pathname}`, authorization);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      faulty.answer(request, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return faulty;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** A stale one shows the chain as it is now, or as it was some blocks ago. */
  async become(trouble: Trouble, blocksAgo = 0): Promise<void> {
    if (trouble === 'stale') await this.remember(blocksAgo);
    this.trouble = trouble;
  }

  private async remember(blocksAgo: number): Promise<void> {
    const count = await this.ask({ id: 1, method: 'getblockcount', params: [] });
    if (isRecord(count) && typeof count.result === 'number') {
      this.staleHeight = count.result - blocksAgo;
      const hash = await this.ask({ id: 1, method: 'getblockhash', params: [this.staleHeight] });
      this.staleTip = isRecord(hash) ? String(hash.result) : '';
      return;
    }
    const head = await this.ask({ id: 1, method: 'eth_blockNumber', params: [] });
    this.staleHeight = (isRecord(head) ? Number.parseInt(String(head.result), 16) : 0) - blocksAgo;
  }

  private async ask(question: Question): Promise<JsonValue> {
    return JSON.parse(await this.forward(JSON.stringify({ jsonrpc: '2.0', ...question }))) as JsonValue;
  }

  private async forward(body: string): Promise<string> {
    const headers = {
      'content-type': 'application/json',
      ...(this.authorization === undefined ? {} : { authorization: this.authorization }),
    };
    const answer = await fetch(this.target, {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(20_000),
    });
    return answer.text();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const question = JSON.parse(body) as Question;
    const { trouble } = this;
    if (trouble !== 'none') this.spoilt.set(trouble, (this.spoilt.get(trouble) ?? 0) + 1);
    const say = (text: string, status = 200) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(text);
    };
    const result = (value: JsonValue) =>
      say(JSON.stringify({ jsonrpc: '2.0', id: question.id, result: value }));
    const broken = (message: string) =>
      say(JSON.stringify({ jsonrpc: '2.0', id: question.id, error: { code: -32_603, message } }));
    switch (trouble) {
      case 'none':
        return say(await this.forward(body));
      case 'down':
        response.destroy();
        return undefined;
      case 'silent':
        return undefined;
      case 'unavailable':
        return say('<html>upstream away</html>', 503);
      case 'error':
        return broken('internal error');
      case 'cut': {
        const whole = await this.forward(body);
        return say(whole.slice(0, Math.floor(whole.length / 2)));
      }
      case 'garbage':
        return say('\u0000\u0001 not JSON');
      case 'nonsense':
        return result({ number: '0xzz', blocks: -1 });
      case 'swallowed': {
        const whole = await this.forward(body);
        return SENDS.includes(question.method) ? broken('header not found') : say(whole);
      }
      case 'stale':
        return this.answerStale(question, body, result, broken, say);
    }
  }

  /** As a node that stopped following its chain, and went on taking transactions. */
  private async answerStale(
    question: Question,
    body: string,
    result: (value: JsonValue) => void,
    broken: (message: string) => void,
    say: (text: string) => void,
  ): Promise<void> {
    const { method, params } = question;
    const stale = `0x${this.staleHeight.toString(16)}`;
    const heightOf = (tag: JsonValue | undefined) =>
      typeof tag === 'string' && tag.startsWith('0x') ? Number.parseInt(tag, 16) : this.staleHeight;
    const asked = async (changed: readonly JsonValue[]) => {
      const answer = await this.ask({ ...question, params: changed });
      return isRecord(answer) ? (answer.result ?? null) : null;
    };
    switch (method) {
      case 'eth_blockNumber':
        return result(stale);
      case 'eth_getBlockByNumber':
        if (heightOf(params[0]) > this.staleHeight) return result(null);
        return result(await asked([`0x${heightOf(params[0]).toString(16)}`, params[1] ?? false]));
      case 'eth_getTransactionCount':
      case 'eth_getBalance':
        if (heightOf(params[1]) > this.staleHeight) return broken('unknown block');
        return result(await asked([params[0] ?? '', `0x${heightOf(params[1]).toString(16)}`]));
      case 'eth_getTransactionReceipt': {
        const receipt = await asked(params);
        const known = isRecord(receipt) && heightOf(receipt.blockNumber) <= this.staleHeight;
        return result(known ? receipt : null);
      }
      case 'getblockchaininfo': {
        const info = await asked(params);
        const then = { blocks: this.staleHeight, headers: this.staleHeight, bestblockhash: this.staleTip };
        return result(isRecord(info) ? { ...info, ...then } : info);
      }
      case 'getblockcount':
        return result(this.staleHeight);
      case 'getbestblockhash':
        return result(this.staleTip);
      case 'getblockhash':
        if (Number(params[0]) > this.staleHeight) return broken('Block height out of range.');
        return say(await this.forward(body));
      default:
        return say(await this.forward(body));
    }
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new RangeError('the question is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
