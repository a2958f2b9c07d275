// JSON-RPC to one Bitcoin node. It says what kind of answer came, never what to do about it: fail-over is bitcoin-node.ts.
// Answers are hostile until a schema has read them; numbers reach the schema as the digits that the node wrote.

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseExactJson } from './btc-decimal.js';
import type { BitcoinNodeSettings } from './settings.js';

/** Why an answer cannot be used. None of these says anything about what was asked. */
export type RpcTrouble = 'unreachable' | 'unauthorized' | 'busy' | 'warming-up' | 'malformed' | 'other-chain';

export type RpcAnswer<T> =
  | { readonly kind: 'result'; readonly value: T }
  /** The node understood and said no. Codes are those of Bitcoin Core's `rpc/protocol.h`. */
  | { readonly kind: 'error'; readonly code: number; readonly message: string }
  | { readonly kind: 'unusable'; readonly trouble: RpcTrouble; readonly detail: string };

/** Error codes that callers tell apart. */
export const RPC = {
  misc: -1,
  notFound: -5,
  invalidParameter: -8,
  undecodable: -22,
  verifyError: -25,
  rejected: -26,
  alreadyInChain: -27,
  inWarmup: -28,
  methodNotFound: -32601,
} as const;

/** A raw block is at most 8,000,000 hex digits; nothing else comes near. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
const MAX_TEXT = 200;

const envelope = z.object({
  id: z.unknown(),
  result: z.unknown(),
  error: z.object({ code: z.string().regex(/^-?[0-9]{1,6}$/), message: z.string() }).nullish(),
});

export interface HttpText {
  readonly status: number;
  readonly text: string;
}

/** Carries one call to a node and brings the answer back. It rejects for whatever is no HTTP answer. */
export type Post = (
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  timeoutMs: number,
) => Promise<HttpText>;

export class BitcoinRpc {
  /** For messages and logs: never with credentials. */
  readonly name: string;
  private authorization: string | undefined;
  private calls = 0;

  constructor(
    private readonly settings: BitcoinNodeSettings,
    private readonly timeoutMs: number,
    private readonly carry: Post = postByFetch,
  ) {
    this.name = new URL(settings.url).host;
  }

  /** One call. Never throws for what the node or the network does. */
  async call<T>(
    method: string,
    params: readonly (string | number | boolean | readonly string[])[],
    schema: z.ZodType<T>,
    timeoutMs: number = this.timeoutMs,
  ): Promise<RpcAnswer<T>> {
    this.calls += 1;
    const body = JSON.stringify({ jsonrpc: '2.0', id: this.calls, method, params });
    let answer = await this.post(body, timeoutMs);
    if (answer.kind === 'text' && isUnauthorized(answer.status)) {
      // A cookie changes whenever the node starts; so may a password.
      this.authorization = undefined;
      answer = await this.post(body, timeoutMs);
    }
    if (answer.kind === 'unusable') return answer;
    if (isUnauthorized(answer.status)) return unusable('unauthorized', `HTTP ${answer.status}`);
    return read(answer.text, answer.status, schema);
  }

  private async post(body: string, timeoutMs: number): Promise<HttpAnswer> {
    try {
      this.authorization ??= authorizationOf(this.settings);
    } catch (error) {
      return unusable('unauthorized', `credentials cannot be read: ${messageOf(error)}`);
    }
    const headers = {
      'content-type': 'application/json',
      ...(this.authorization === '' ? {} : { authorization: this.authorization }),
    };
    try {
      return { kind: 'text', ...(await this.carry(this.settings.url, headers, body, timeoutMs)) };
    } catch (error) {
      return unusable('unreachable', messageOf(error));
    }
  }
}

type Unusable = { readonly kind: 'unusable'; readonly trouble: RpcTrouble; readonly detail: string };
type HttpAnswer = ({ readonly kind: 'text' } & HttpText) | Unusable;

async function postByFetch(...[url, headers, body, timeoutMs]: Parameters<Post>): Promise<HttpText> {
  const signal = AbortSignal.timeout(timeoutMs);
  const response = await fetch(url, { method: 'POST', redirect: 'error', headers, body, signal });
  return { status: response.status, text: await boundedText(response) };
}

function read<T>(text: string, status: number, schema: z.ZodType<T>): RpcAnswer<T> {
  let json: unknown;
  try {
    json = parseExactJson(text);
  } catch {
    // Not JSON: an HTTP server's own page. Only its status says something.
    return status === 503 || status === 429
      ? unusable('busy', `HTTP ${status}`)
      : unusable('malformed', `HTTP ${status}, no JSON`);
  }
  const reply = envelope.safeParse(json);
  if (!reply.success) return unusable('malformed', `HTTP ${status}, no JSON-RPC`);
  const { error, result } = reply.data;
  if (error) {
    const code = Number.parseInt(error.code, 10);
    const message = printable(error.message);
    return code === RPC.inWarmup ? unusable('warming-up', message) : { kind: 'error', code, message };
  }
  const value = schema.safeParse(result);
  if (value.success) return { kind: 'result', value: value.data };
  const [issue] = value.error.issues;
  return unusable(
    'malformed',
    printable(`${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? ''}`),
  );
}

function authorizationOf({ user, passwordFile, cookieFile }: BitcoinNodeSettings): string {
  if (cookieFile !== undefined) return basic(firstLine(cookieFile));
  if (user === undefined || passwordFile === undefined) return '';
  return basic(`${user}:${firstLine(passwordFile)}`);
}

function basic(credentials: string): string {
  return `Basic ${Buffer.from(credentials).toString('base64')}`;
}

function firstLine(path: string): string {
  return readFileSync(path, 'utf8').split('\n')[0]?.trimEnd() ?? '';
}

async function boundedText(response: Response): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new RangeError(`answer of more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function isUnauthorized(status: number): boolean {
  return status === 401 || status === 403;
}

function unusable(trouble: RpcTrouble, detail: string): Unusable {
  return { kind: 'unusable', trouble, detail };
}

const spoken = z.object({
  message: z.string(),
  cause: z.object({ message: z.string() }).optional().catch(undefined),
});

/** Fetch says "fetch failed", and why in its cause. */
function messageOf(error: unknown): string {
  const { data } = spoken.safeParse(error);
  if (data === undefined) return 'unknown reason';
  return printable(data.cause === undefined ? data.message : `${data.message}: ${data.cause.message}`);
}

/** A node's words, fit for logs: bounded, one line, ASCII. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, ' ').slice(0, MAX_TEXT);
}
