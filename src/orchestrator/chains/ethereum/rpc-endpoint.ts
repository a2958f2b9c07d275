// One node, asked one question at a time over HTTP. It classifies what went wrong and keeps nothing: health is
// rpc-health.ts, and which node to believe is ethereum-rpc.ts. No retries here.

import type { z } from 'zod';
import { rpcResponse } from './rpc-answers.js';

/** One question, with the schema that its answer must fit. */
export interface Question<T> {
  readonly method: string;
  readonly params: readonly unknown[];
  readonly schema: z.ZodType<T>;
}

/** What went wrong with one answer of one node. Texts are short and printable; none holds the node's URL. */
export type ProviderFailure =
  /** No HTTP answer in time, or one that is a server's failure. */
  | { readonly kind: 'unreachable'; readonly detail: string }
  | { readonly kind: 'rate-limited'; readonly retryAfterMs: number | undefined }
  /** It answered, but not with what the method answers. */
  | { readonly kind: 'malformed'; readonly detail: string }
  /** The method is not there. Says nothing about the node's other methods. */
  | { readonly kind: 'unsupported'; readonly detail: string }
  /** The node understood and said no. An answer, not an illness. */
  | { readonly kind: 'node-error'; readonly code: number; readonly message: string }
  | { readonly kind: 'wrong-chain'; readonly detail: string };

export type ProviderAnswer<T> =
  | { readonly kind: 'answered'; readonly value: T }
  | { readonly kind: 'failed'; readonly failure: ProviderFailure };

/** What came back over HTTP. `text` is undefined when it was too long to be read. */
export interface HttpAnswer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly text: string | undefined;
}

/** Carries one question to a node and brings the answer back. It rejects for whatever is no HTTP answer. */
export type Post = (
  target: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
) => Promise<HttpAnswer>;

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const MAX_RETRY_AFTER_MS = 10 * 60_000;

const METHOD_NOT_FOUND = -32601;
const METHOD_NOT_SUPPORTED = -32004;
const LIMIT_EXCEEDED = -32005;
/** Some gateways put the HTTP status where the JSON-RPC code belongs. */
const TOO_MANY_REQUESTS = 429;
const RATE_LIMIT_WORDS = /rate.?limit|too many requests|request limit|quota|capacity exceeded/i;

export class RpcEndpoint {
  private readonly target: URL;
  private readonly headers: Record<string, string>;
  private nextId = 1;

  constructor(
    readonly name: string,
    url: string,
    private readonly timeoutMs: number,
    private readonly stop: AbortSignal,
    private readonly post: Post = postByFetch,
  ) {
    this.target = new URL(url);
    this.headers = { 'content-type': 'application/json', accept: 'application/json' };
    if (this.target.username !== '' || this.target.password !== '') {
      const credentials = `${decodeURIComponent(this.target.username)}:${decodeURIComponent(this.target.password)}`;
      this.headers.authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
      // fetch refuses URLs with credentials in them.
      this.target.username = '';
      this.target.password = '';
    }
  }

  /** Never throws: whatever happens is an answer or a classified failure. */
  async ask<T>(question: Question<T>): Promise<ProviderAnswer<T>> {
    const id = this.nextId;
    this.nextId += 1;
    const body = JSON.stringify({ jsonrpc: '2.0', id, method: question.method, params: question.params });
    const signal = AbortSignal.any([AbortSignal.timeout(this.timeoutMs), this.stop]);
    let answer: HttpAnswer;
    try {
      answer = await this.post(this.target, this.headers, body, signal);
    } catch (error) {
      return failed({ kind: 'unreachable', detail: reasonOf(error) });
    }
    const { status, retryAfter, text } = answer;
    if (text === undefined) return failed({ kind: 'malformed', detail: 'answer too long' });
    return judge(question, id, status, retryAfter, text);
  }
}

async function postByFetch(...[target, headers, body, signal]: Parameters<Post>): Promise<HttpAnswer> {
  const response = await fetch(target, {
    method: 'POST',
    headers,
    body,
    // A redirect would send a signed transaction, or our credentials, to somebody nobody configured.
    redirect: 'error',
    signal,
  });
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    text: await boundedText(response),
  };
}

function judge<T>(
  question: Question<T>,
  id: number,
  status: number,
  retryAfter: string | null,
  text: string,
): ProviderAnswer<T> {
  // A JSON-RPC error often comes with an HTTP error status: what the body says is the better information.
  const response = rpcResponse.safeParse(parsedJson(text));
  if (status === TOO_MANY_REQUESTS) {
    return failed({ kind: 'rate-limited', retryAfterMs: retryAfterMs(retryAfter) });
  }
  if (!response.success) {
    if (status >= 200 && status < 300) return failed({ kind: 'malformed', detail: 'not a JSON-RPC answer' });
    return failed({ kind: 'unreachable', detail: `HTTP status ${status}` });
  }
  const { error, result } = response.data;
  if (error) {
    const message = printable(error.message);
    if (error.code === METHOD_NOT_FOUND || error.code === METHOD_NOT_SUPPORTED) {
      return failed({ kind: 'unsupported', detail: message });
    }
    if (error.code === LIMIT_EXCEEDED || error.code === TOO_MANY_REQUESTS || RATE_LIMIT_WORDS.test(message)) {
      return failed({ kind: 'rate-limited', retryAfterMs: retryAfterMs(retryAfter) });
    }
    return failed({ kind: 'node-error', code: error.code, message });
  }
  if (response.data.id !== id) return failed({ kind: 'malformed', detail: 'an answer to another question' });
  if (status < 200 || status >= 300) return failed({ kind: 'unreachable', detail: `HTTP status ${status}` });
  const value = question.schema.safeParse(result);
  if (!value.success) {
    const where = value.error.issues[0]?.path.join('.') ?? '';
    return failed({ kind: 'malformed', detail: printable(`not what ${question.method} answers: ${where}`) });
  }
  return { kind: 'answered', value: value.data };
}

export function failed(failure: ProviderFailure): { kind: 'failed'; failure: ProviderFailure } {
  return { kind: 'failed', failure };
}

/** A failure in a few words, for facts and logs. */
export function describeFailure(failure: ProviderFailure): string {
  switch (failure.kind) {
    case 'rate-limited':
      return 'rate-limited';
    case 'node-error':
      return `node-error ${failure.code} ${failure.message}`;
    default:
      return `${failure.kind} ${failure.detail}`;
  }
}

async function boundedText(response: Response): Promise<string | undefined> {
  if (!response.body) return '';
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    // Leaving the loop cancels the stream.
    if (length > MAX_ANSWER_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function retryAfterMs(header: string | null): number | undefined {
  if (header === null || !/^[0-9]{1,6}$/.test(header)) return undefined;
  return Math.min(Number.parseInt(header, 10) * 1_000, MAX_RETRY_AFTER_MS);
}

/** A system error's code; never its message, which names the URL. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  if (error.name === 'TimeoutError') return 'no answer in time';
  if (error.name === 'AbortError') return 'stopped';
  const { cause } = error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string')
    return printable(cause.code);
  return 'connection failed';
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
}
