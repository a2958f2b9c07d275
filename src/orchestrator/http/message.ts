// The HTTP message as its signature sees it, from Node's request: raw target, raw headers, nothing normalised that the
// signer did not normalise.

import type { IncomingMessage } from 'node:http';
import type { HttpMessage } from '../../core/http-message-signatures/signature-base.js';

/** Input is hostile. A field sent twice keeps both values, so that nobody picks the one that was not signed. */
export function messageFrom(request: Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>): HttpMessage {
  const target = request.url ?? '/';
  const at = target.indexOf('?');
  const headers = new Map<string, string[]>();
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    const name = (request.rawHeaders[index] ?? '').toLowerCase();
    const values = headers.get(name);
    const value = request.rawHeaders[index + 1] ?? '';
    if (values) values.push(value);
    else headers.set(name, [value]);
  }
  const hosts = headers.get('host') ?? [];
  return {
    method: request.method ?? '',
    // Two Host headers would be two authorities: none of them is taken.
    authority: hosts.length === 1 ? (hosts[0] ?? '').toLowerCase() : '',
    path: at < 0 ? target : target.slice(0, at),
    query: at < 0 ? '?' : target.slice(at),
    headers,
  };
}
