// The orchestrator's API as a client uses it: every call is signed (RFC 9421) by whoever makes it, and every answer is
// parsed. The orchestrator is not trusted: what matters in an answer is checked by whoever asked for it.

import { bytesToHex } from '@noble/hashes/utils.js';
import { z } from 'zod';
import type { Clock } from '../core/clock.js';
import { accepted, type Facts, Fault, type Outcome, refused } from '../core/fault.js';
import type { HttpSignatureAlgorithm } from '../core/http-message-signatures/profile.js';
import { signHttpRequest } from '../core/http-message-signatures/sign.js';
import type { Randomness } from '../core/randomness.js';

const TIMEOUT_MS = 35_000;
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
const NONCE_BYTES = 18;

/**
 * - `api-unreachable`: no answer; the call may or may not have had its effect
 * - `api-unavailable`: the service says that it cannot answer now
 * - `api-answer-malformed`: an answer that does not fit its schema
 */
export type SdkFaultCode = 'api-unreachable' | 'api-unavailable' | 'api-answer-malformed';

export function sdkFault(
  code: SdkFaultCode,
  message: string,
  facts: Facts = {},
  cause?: unknown,
): Fault<SdkFaultCode> {
  return new Fault(code, message, { facts, ...(cause === undefined ? {} : { cause }) });
}

/** Who calls: a request key or an officer's credential. */
export interface Identity {
  readonly keyId: string;
  readonly alg: HttpSignatureAlgorithm;
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>;
}

const problem = z.looseObject({
  code: z.string().max(64),
  title: z.string().max(300).optional(),
  detail: z.string().max(1_000).optional(),
  status: z.int().optional(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});

export class Api {
  constructor(
    private readonly base: string,
    private readonly identity: Identity,
    private readonly clock: Clock,
    private readonly randomness: Randomness,
  ) {}

  /** Faults `api-unreachable`, `api-unavailable`, `api-answer-malformed`. Refusals are the API's own. */
  get<S extends z.ZodType>(
    path: string,
    schema: S,
    query: Readonly<Record<string, string | undefined>> = {},
  ): Promise<Outcome<z.output<S>>> {
    const url = new URL(path, this.base);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return this.call('GET', url, schema, {}, undefined);
  }

  /** As `get`. The same idempotency key gives the same effect, however often it is sent. */
  post<S extends z.ZodType>(
    path: string,
    body: unknown,
    schema: S,
    idempotencyKey?: string,
  ): Promise<Outcome<z.output<S>>> {
    const headers: Record<string, string> =
      idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
    const bytes = body === undefined ? undefined : new TextEncoder().encode(JSON.stringify(body));
    if (bytes !== undefined) headers['content-type'] = 'application/json';
    return this.call('POST', new URL(path, this.base), schema, headers, bytes);
  }

  private async call<S extends z.ZodType>(
    method: string,
    url: URL,
    schema: S,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array<ArrayBuffer> | undefined,
  ): Promise<Outcome<z.output<S>>> {
    const nonce = bytesToHex(this.randomness.bytes(NONCE_BYTES));
    const signed = await signHttpRequest(
      { method, url: url.href, headers, ...(body === undefined ? {} : { body }) },
      { ...this.identity, nonce, nowMs: this.clock.nowMs() },
    );
    const { status, value } = await this.send(method, url, signed, body);
    if (status >= 200 && status < 300) {
      const answer = schema.safeParse(value);
      if (answer.success) return accepted(answer.data);
      const [issue] = answer.error.issues;
      throw sdkFault(
        'api-answer-malformed',
        `${method} ${url.pathname}: ${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? ''}`.slice(
          0,
          300,
        ),
      );
    }
    return refusalOf(status, value, url);
  }

  private async send(
    method: string,
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array<ArrayBuffer> | undefined,
  ): Promise<{ status: number; value: unknown }> {
    let text: string;
    let status: number;
    try {
      const response = await fetch(url, {
        method,
        headers,
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body === undefined ? {} : { body }),
      });
      status = response.status;
      text = await boundedText(response);
    } catch (cause) {
      if (cause instanceof Fault) throw cause;
      throw sdkFault('api-unreachable', `${url.origin} does not answer`, { url: url.origin }, cause);
    }
    try {
      return { status, value: JSON.parse(text) };
    } catch (cause) {
      throw sdkFault(
        'api-answer-malformed',
        `${url.origin} answers with something that is not JSON`,
        { status },
        cause,
      );
    }
  }
}

/** The service chooses how long its answer is; we choose how much of it is kept. Faults `api-answer-malformed`. */
async function boundedText(response: Response): Promise<string> {
  const body = response.body as ReadableStream<Uint8Array<ArrayBuffer>> | null;
  const reader = body?.getReader();
  if (reader === undefined) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > MAX_ANSWER_BYTES) {
      await reader.cancel();
      throw sdkFault('api-answer-malformed', 'the answer is too large');
    }
    text += decoder.decode(value, { stream: true });
  }
}

function refusalOf(status: number, value: unknown, url: URL): Outcome<never> {
  const parsed = problem.safeParse(value);
  if (!parsed.success) {
    throw sdkFault('api-answer-malformed', `${url.origin} answers ${status} without problem details`, {
      status,
    });
  }
  const { code, title, detail, facts } = parsed.data;
  const all: Facts = {
    ...facts,
    ...(title === undefined ? {} : { title }),
    ...(detail === undefined ? {} : { detail }),
  };
  if (status >= 500) throw sdkFault('api-unavailable', `${title ?? 'not available'} (${code})`, { ...facts });
  return refused(code, all);
}
