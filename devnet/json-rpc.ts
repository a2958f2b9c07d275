// One JSON-RPC call to a node of the devnet. Not the product's client: no retries, no fail-over, no schema.

import { Fault } from '../src/core/fault.js';

export type JsonRpcFaultCode = 'rpc-error' | 'rpc-unreachable';

/** What a node answers, unparsed: the caller knows the node, and says so with a check or a cast of its own. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

interface Reply {
  readonly result?: JsonValue;
  readonly error?: { readonly code: number; readonly message: string } | null;
}

const TIMEOUT_MS = 30_000;

/**
 * Calls `method` at `url` (credentials may stand in the URL, as in `http://user:password@127.0.0.1:18443/`).
 * Throws a Fault: `rpc-error` with facts `rpcCode` and `rpcMessage` when the node said no, `rpc-unreachable` otherwise.
 */
export async function jsonRpc(
  url: string,
  method: string,
  params: readonly unknown[] = [],
): Promise<JsonValue> {
  const target = new URL(url);
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (target.username !== '') {
    const credentials = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`;
    headers.authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
    target.username = '';
    target.password = '';
  }
  let reply: Reply;
  try {
    const response = await fetch(target, {
      method: 'POST',
      headers,
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    reply = JSON.parse(await response.text()) as Reply;
  } catch (cause) {
    throw new Fault<JsonRpcFaultCode>('rpc-unreachable', `${method}: no answer from ${target.host}`, {
      cause,
    });
  }
  if (reply.error) {
    const { code, message } = reply.error;
    throw new Fault<JsonRpcFaultCode>('rpc-error', `${method}: ${message} (${code})`, {
      facts: { method, rpcCode: code, rpcMessage: message },
    });
  }
  return reply.result ?? null;
}

/** The same, for an answer that is a string. */
export async function jsonRpcText(
  url: string,
  method: string,
  params: readonly unknown[] = [],
): Promise<string> {
  const result = await jsonRpc(url, method, params);
  if (typeof result !== 'string') {
    throw new Fault<JsonRpcFaultCode>(
      'rpc-error',
      `${method}: expected a string, got ${JSON.stringify(result)}`,
    );
  }
  return result;
}

export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

export function isRecord(value: JsonValue | undefined): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !isList(value);
}
