// Calls the API as a backend or an officer would: signs the request, sends it with fetch, gives back what came.

import { request } from 'node:http';
import { callerOf } from '../../devnet/caller.js';
import type { Backend, Officer } from '../../devnet/deployment.js';
import { signHttpRequest } from '../../src/core/http-message-signatures/sign.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  readonly nonce?: string;
  readonly headers?: Record<string, string>;
  /** Changes the headers after they were signed. */
  readonly tamper?: (headers: Record<string, string>) => void;
  readonly sentBody?: string;
}

export class ApiClient {
  constructor(
    readonly url: string,
    private readonly who: Backend | Officer,
    private readonly nowMs: () => number = Date.now,
  ) {}

  get(path: string, options: CallOptions = {}): Promise<Answer> {
    return this.call('GET', path, options);
  }

  post(path: string, options: CallOptions = {}): Promise<Answer> {
    return this.call('POST', path, options);
  }

  async call(method: string, path: string, options: CallOptions): Promise<Answer> {
    const body = options.body === undefined ? undefined : Buffer.from(JSON.stringify(options.body));
    const headers = await this.signed(method, path, options);
    options.tamper?.(headers);
    return send(this.url + path, method, headers, options.sentBody ?? body);
  }

  /** The headers of a signed request. */
  signed(method: string, path: string, options: CallOptions = {}): Promise<Record<string, string>> {
    const body = options.body === undefined ? undefined : Buffer.from(JSON.stringify(options.body));
    const { who } = this;
    return signHttpRequest(
      {
        method,
        url: this.url + path,
        headers: {
          ...(body ? { 'content-type': 'application/json' } : {}),
          ...(options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey }),
          ...options.headers,
        },
        ...(body ? { body } : {}),
      },
      {
        ...callerOf(who, this.nowMs()),
        ...(options.nonce === undefined ? {} : { nonce: options.nonce }),
      },
    );
  }
}

/** Sends as it is, signed or not. */
export async function send(
  url: string,
  method = 'GET',
  headers: Record<string, string> = {},
  body?: string | Buffer,
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers,
    signal: AbortSignal.timeout(20_000),
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }),
  });
  return answerOf(response.status, response.headers, await response.text());
}

/** A call with whatever Host header, which fetch would not send. */
export async function rawCall(
  url: string,
  path: string,
  headers: Record<string, string>,
  { method = 'GET', body }: { readonly method?: string; readonly body?: string } = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const call = request(url + path, { method, headers, timeout: 10_000 }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => {
      const received = new Headers();
      for (const [name, value] of Object.entries(response.headers)) received.set(name, String(value));
      resolve(answerOf(response.statusCode ?? 0, received, Buffer.concat(chunks).toString()));
    });
  });
  call.on('error', reject);
  call.end(body);
  return promise;
}

function answerOf(status: number, headers: Headers, text: string): Answer {
  const isJson = headers.get('content-type')?.includes('json') ?? false;
  const parsed: unknown = isJson ? JSON.parse(text) : {};
  const body = typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  return { status, headers, body, text };
}
