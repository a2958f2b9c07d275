// The text that an HTTP message signature covers (RFC 9421 §2), for the requests that this project sends and receives.
// Pure: it takes what a request says and gives bytes. It is NOT a general implementation: components have no
// parameters, and responses are covered only as far as the specification's own examples need.

import { utf8ToBytes } from '@noble/hashes/utils.js';
import { type InnerList, serializeInnerList } from 'structured-headers';

/** What a signature can cover, as it stood on the wire. Header names in lower case; a field sent twice has two values. */
export interface HttpMessage {
  /** Upper case. */
  readonly method: string;
  /** Host in lower case, with the port where it is not the scheme's own. RFC 9421 §2.2.3. */
  readonly authority: string;
  /** Absolute path as sent, never empty. RFC 9421 §2.2.6. */
  readonly path: string;
  /** With its leading `?`; `?` alone when the target has none. RFC 9421 §2.2.7. */
  readonly query: string;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** Only for a response. */
  readonly status?: number;
}

/** A request whose components are read from its absolute URL. The URL parser has normalised host, port and path. */
export function messageOf(
  method: string,
  url: string,
  headers: Readonly<Record<string, string>>,
): HttpMessage {
  const target = new URL(url);
  return {
    method: method.toUpperCase(),
    authority: target.host,
    path: target.pathname,
    query: target.search === '' ? '?' : target.search,
    headers: new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value]])),
  };
}

/** The value of one component, or undefined when the message has none. Field values are joined as RFC 9421 §2.1 says. */
export function componentValue(message: HttpMessage, name: string): string | undefined {
  switch (name) {
    case '@method':
      return message.method;
    case '@authority':
      return message.authority;
    case '@path':
      return message.path;
    case '@query':
      return message.query;
    case '@status':
      return message.status?.toString();
    default:
      // A derived component that is not listed above is none that this program knows how to compute.
      if (name.startsWith('@')) return undefined;
      return message.headers
        .get(name)
        ?.map((value) => value.trim())
        .join(', ');
  }
}

/**
 * The signature base (RFC 9421 §2.5) of the components in `input`, or the name of the first that the message lacks.
 * `input` is the parsed value of a Signature-Input member.
 */
export function signatureBase(
  message: HttpMessage,
  input: InnerList,
): { readonly bytes: Uint8Array } | { readonly missing: string } {
  const lines: string[] = [];
  for (const [name] of input[0]) {
    if (typeof name !== 'string') return { missing: 'a component whose name is not a string' };
    const value = componentValue(message, name);
    if (value === undefined) return { missing: name };
    lines.push(`"${name}": ${value}`);
  }
  lines.push(`"@signature-params": ${serializeInnerList(input)}`);
  return { bytes: utf8ToBytes(lines.join('\n')) };
}
