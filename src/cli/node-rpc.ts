// One question to a node over JSON-RPC, for officers who compare what they sign with a node of their own. Bounded in time
// and size; numbers that are no whole numbers stay the text that the node wrote, since money is not for floats.

import { z } from 'zod';
import { cliFault } from './exit.js';

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 16 * 1024 * 1024;
/** JSON-RPC 2.0: the method does not exist. */
const METHOD_UNKNOWN = -32_601;

export interface RpcNode {
  readonly url: URL;
  /** `user:password`. */
  readonly login?: string;
}

/** `none`: the node does not offer this method. */
export type RpcAnswer =
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'none' }
  | { readonly kind: 'error'; readonly code: number; readonly message: string };

const answerShape = z.looseObject({
  result: z.unknown(),
  error: z.looseObject({ code: z.int(), message: z.string() }).nullish(),
});

/** Node.js gives revivers the text of a number. */
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
const keepText: Reviver = (_key, value, { source }) =>
  typeof value === 'number' && !Number.isSafeInteger(value) ? source : value;

/** Faults `node-unreachable`: no answer, or one that is none. */
export async function askNode(
  { url, login }: RpcNode,
  method: string,
  params: readonly unknown[],
  timeoutMs = TIMEOUT_MS,
): Promise<RpcAnswer> {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (login !== undefined) headers.authorization = `Basic ${Buffer.from(login).toString('base64')}`;
  const away = (cause: unknown) =>
    cliFault('node-unreachable', `${url.origin} gives no answer to ${method}`, { url: url.origin }, cause);
  let text: string;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      redirect: 'error',
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status === 401 || response.status === 403) throw new Error(`status ${response.status}`);
    text = await response.text();
    if (text.length > MAX_BYTES) throw new Error('the answer is too large');
  } catch (cause) {
    throw away(cause);
  }
  let value: unknown;
  try {
    value = JSON.parse(text, keepText as (key: string, value: unknown) => unknown);
  } catch (cause) {
    throw away(cause);
  }
  const answer = answerShape.safeParse(value);
  if (!answer.success) throw away(answer.error);
  const { error, result } = answer.data;
  if (!error) return { kind: 'result', value: result };
  return error.code === METHOD_UNKNOWN
    ? { kind: 'none' }
    : { kind: 'error', code: error.code, message: error.message.slice(0, 200) };
}
