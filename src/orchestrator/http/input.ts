// Parsing what came in, by the endpoint's own schemas. Everything is hostile; what no schema has parsed goes nowhere.

import { z } from 'zod';
import { accepted, type Facts, type Outcome, refused } from '../../core/fault.js';
import type { Endpoint } from './endpoint.js';

export type InputRefusalCode =
  | 'input-invalid'
  | 'body-missing'
  | 'body-unexpected'
  | 'body-malformed'
  | 'content-type-unsupported'
  | 'idempotency-key-missing'
  | 'idempotency-key-malformed';

export interface RawInput {
  readonly params: unknown;
  readonly query: unknown;
  /** As received; empty for none. */
  readonly body: Uint8Array;
  readonly contentType: string | undefined;
}

const JSON_TYPE = /^application\/json(?:\s*;\s*charset=(?:utf-8|"utf-8"))?$/i;
const IDEMPOTENCY_KEY = /^[A-Za-z0-9._:@-]{8,128}$/;

export function parseInput(
  endpoint: Endpoint,
  raw: RawInput,
): Outcome<{ readonly params: unknown; readonly query: unknown; readonly body: unknown }, InputRefusalCode> {
  const body = parseBody(endpoint, raw);
  if (body.kind === 'refused') return body;
  const params = endpoint.params?.safeParse(joined(raw.params));
  if (params?.success === false) return refused('input-invalid', where('path', params.error));
  const query = (endpoint.query ?? z.strictObject({})).safeParse(raw.query);
  if (!query.success) return refused('input-invalid', where('query', query.error));
  return accepted({ params: params?.data, query: query.data, body: body.value });
}

/** A wildcard's segments come one by one, decoded. One that has a slash in it now was no segment, and stays what no schema takes. */
function joined(params: unknown): unknown {
  if (typeof params !== 'object' || params === null) return params;
  const isPath = (value: unknown): value is string[] =>
    Array.isArray(value) && value.every((one) => typeof one === 'string' && !one.includes('/'));
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, isPath(value) ? value.join('/') : value]),
  );
}

function parseBody(endpoint: Endpoint, raw: RawInput): Outcome<unknown, InputRefusalCode> {
  if (!endpoint.body) return raw.body.length === 0 ? accepted(undefined) : refused('body-unexpected');
  if (raw.body.length === 0) return refused('body-missing');
  if (raw.contentType === undefined || !JSON_TYPE.test(raw.contentType.trim())) {
    return refused('content-type-unsupported', { contentType: (raw.contentType ?? '').slice(0, 100) });
  }
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(raw.body));
  } catch {
    // The parser's message quotes the body; where it stumbled helps nobody who signs what a program wrote.
    return refused('body-malformed');
  }
  const parsed = endpoint.body.schema.safeParse(json);
  return parsed.success ? accepted(parsed.data) : refused('input-invalid', where('body', parsed.error));
}

/** The key of a call, if its endpoint takes one. A header that was sent twice is none. */
export function idempotencyKeyOf(
  endpoint: Endpoint,
  values: readonly string[] | undefined,
): Outcome<string | undefined, InputRefusalCode> {
  const [value, ...others] = values ?? [];
  if (value === undefined) {
    return endpoint.idempotencyKey === 'required' ? refused('idempotency-key-missing') : accepted(undefined);
  }
  if (endpoint.idempotencyKey === undefined) return accepted(undefined);
  if (others.length > 0 || !IDEMPOTENCY_KEY.test(value)) return refused('idempotency-key-malformed');
  return accepted(value);
}

/** The first mistake: its place and the schema's words, which never quote the input. */
function where(part: 'path' | 'query' | 'body', error: z.ZodError): Facts {
  const [issue] = error.issues;
  if (!issue) return { where: part };
  const path = [part, ...issue.path.map((step) => String(step).slice(0, 64))].join('.').slice(0, 200);
  const unknown = issue.code === 'unrecognized_keys' ? { unknown: issue.keys.join(', ').slice(0, 100) } : {};
  const why = issue.code === 'unrecognized_keys' ? 'unknown field' : issue.message.slice(0, 200);
  return { where: path, why, ...unknown };
}
