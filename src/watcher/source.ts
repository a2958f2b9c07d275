// What every source of the watcher answers with, and how a JSON document is fetched: bounded in time and size, without
// redirects, and with every number as the text that stands there, since prices are not for floats.

import { readFileSync, statSync } from 'node:fs';
import type { FactContent } from '../core/facts/fact.js';
import { accepted, type Outcome, refused } from '../core/fault.js';
import { type Call, fetchText } from '../platform/bounded-fetch.js';
import type { Place } from './config.js';

export type WatcherRefusalCode =
  /** Nothing is configured that could say something about this. */
  | 'subject-not-watched'
  /** More is asked about at this moment than is looked at. */
  | 'looks-too-many'
  | 'source-unreachable'
  | 'source-malformed'
  | 'price-sources-too-few'
  | 'price-spread-too-wide'
  | 'node-on-another-chain'
  /** What the node says does not follow from the hash that it names. */
  | 'node-proof-invalid';

export type Seen = Outcome<FactContent, WatcherRefusalCode>;

const MAX_BYTES = 256 * 1024;

export interface Fetching {
  readonly timeoutMs: number;
  readonly maxBytes?: number;
}

type Fetched = Outcome<unknown, 'source-unreachable' | 'source-malformed'>;

/** Node.js gives revivers the text of a number. */
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
const numbersAsText: Reviver = (_key, value, { source }) => (typeof value === 'number' ? source : value);

export function parseJson(text: string): Outcome<unknown, 'source-malformed'> {
  try {
    return accepted(JSON.parse(text, numbersAsText as (key: string, value: unknown) => unknown));
  } catch {
    // What stands there instead may be anything, and is shown to nobody.
    return refused('source-malformed', { why: 'no JSON' });
  }
}

/** Every number in it is text. */
export async function fetchJson(call: Call, fetching: Fetching): Promise<Fetched> {
  let text: string;
  try {
    text = await fetchText(call, { maxBytes: MAX_BYTES, ...fetching });
  } catch (error) {
    const why = error instanceof Error ? error.name : 'unknown';
    return refused('source-unreachable', { host: URL.parse(call.url)?.host ?? '', why });
  }
  return parseJson(text);
}

/** First line of a file, for a header. A login that cannot be read is a source that does not answer: others may. */
export function loginIn(path: string): Outcome<string, 'source-unreachable'> {
  try {
    return accepted(readFileSync(path, 'utf8').split(/\r?\n/, 1)[0] ?? '');
  } catch {
    // Its path is configuration, and what is wrong with it is shown by `watcher check`.
    return refused('source-unreachable', { why: 'login file' });
  }
}

/** A document behind an Authorization header, where there is one. */
export async function fetchAs(
  url: string,
  authorizationFile: string | undefined,
  fetching: Fetching,
): Promise<Fetched> {
  if (authorizationFile === undefined) return fetchJson({ url }, fetching);
  const login = loginIn(authorizationFile);
  return login.kind === 'refused' ? login : fetchJson({ url, authorization: login.value }, fetching);
}

export async function documentAt(place: Place, fetching: Fetching): Promise<Fetched> {
  if ('url' in place) return fetchAs(place.url, place.authorizationFile, fetching);
  try {
    if (statSync(place.file).size > (fetching.maxBytes ?? MAX_BYTES))
      return refused('source-malformed', { why: 'the file is too large' });
    return parseJson(readFileSync(place.file, 'utf8'));
  } catch {
    // Not there for now; the path is configuration and no secret, but nobody outside needs it.
    return refused('source-unreachable', { why: 'file' });
  }
}

/** RFC 6901; undefined where nothing stands. Hostile document. */
export function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}

export function textAt(document: unknown, pointer: string): Outcome<string, 'source-malformed'> {
  const value = valueAt(document, pointer);
  return typeof value === 'string' && value.length <= 100
    ? accepted(value)
    : refused('source-malformed', { why: 'no number or text where one is wanted' });
}
