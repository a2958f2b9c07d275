// Where facts are asked for: HTTP, reading only. Facts are signed and no secret, so there is no log-in; what is bounded is how
// often one address asks, how much it asks for at once, and how long it may take over it.
//   GET /facts?subject=price/eip155:1/native/USD&subject=…   up to 32 subjects
//   GET /health                                              which key signs, and for which deployment

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../core/clock.js';
import { type FactSubject, parseSubject, subjectOf } from '../core/facts/fact.js';
import { Fault, type Refusal } from '../core/fault.js';
import type { ProgramLog } from '../platform/program.js';
import type { WatcherConfig } from './config.js';
import type { Fact, Watcher } from './watcher.js';

export type DoorRefusalCode = 'not-found' | 'method-not-allowed' | 'subjects-malformed' | 'too-many-requests';

const STATUS: Readonly<Record<DoorRefusalCode, number>> = {
  'not-found': 404,
  'method-not-allowed': 405,
  'subjects-malformed': 400,
  'too-many-requests': 429,
};

export const MAX_SUBJECTS = 32;
const MAX_HEADER_BYTES = 32 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;
/** How often slow callers are looked for: by default they would have half a minute more. */
const CHECKED_EVERY_MS = 1_000;
const MAX_CONNECTIONS = 256;
const MAX_CALLERS = 10_000;
const MINUTE_MS = 60_000;

/** So many at once, and so many a minute; a bucket for each address, and the oldest forgotten when there are too many. */
export class Pace {
  private readonly buckets = new Map<string, { left: number; atMs: number }>();

  constructor(
    private readonly pace: WatcherConfig['pace'],
    private readonly clock: Clock,
  ) {}

  allows(caller: string): boolean {
    const { perMinute, burst } = this.pace;
    const atMs = this.clock.nowMs();
    const before = this.buckets.get(caller) ?? { left: burst, atMs };
    const passedMs = Math.max(0, atMs - before.atMs);
    const left = Math.min(burst, before.left + (passedMs * perMinute) / MINUTE_MS);
    this.buckets.delete(caller);
    const [oldest] = this.buckets.keys();
    if (this.buckets.size >= MAX_CALLERS && oldest !== undefined) this.buckets.delete(oldest);
    this.buckets.set(caller, { left: left >= 1 ? left - 1 : left, atMs });
    return left >= 1;
  }
}

export interface RunningDoor {
  readonly port: number;
  close(): Promise<void>;
}

export interface Identity {
  readonly deploymentId: string;
  readonly keyId: string;
  readonly publicKey: string;
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}

/** Hostile input; undefined unless each is a subject, and they are not too many. */
export function subjectsOf(query: URLSearchParams): readonly FactSubject[] | undefined {
  const texts = query.getAll('subject');
  const subjects = texts.flatMap((text) => parseSubject(text) ?? []);
  const isWhole = subjects.length === texts.length && [...query.keys()].every((key) => key === 'subject');
  return isWhole && texts.length > 0 && texts.length <= MAX_SUBJECTS ? subjects : undefined;
}

export class Door {
  private readonly pace: Pace;

  constructor(
    private readonly watcher: Watcher,
    private readonly identity: Identity,
    private readonly config: Pick<WatcherConfig, 'listen' | 'pace'>,
    clock: Clock,
    private readonly log: ProgramLog,
  ) {
    this.pace = new Pace(config.pace, clock);
  }

  async open(): Promise<RunningDoor> {
    const server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        requestTimeout: REQUEST_TIMEOUT_MS,
        headersTimeout: REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: CHECKED_EVERY_MS,
      },
      (request, response) => {
        this.respond(request, response).catch((error: unknown) => {
          this.log('error', 'answer-failed', {
            code: error instanceof Fault ? error.code : 'internal',
            message: String(error).slice(0, 300),
          });
          if (response.headersSent) response.destroy();
          else answer(response, 500, { code: 'internal' });
        });
      },
    );
    server.maxConnections = MAX_CONNECTIONS;
    const { host, port } = this.config.listen;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    return {
      port: (server.address() as AddressInfo).port,
      close: () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
    };
  }

  private async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const no = (code: DoorRefusalCode) => answer(response, STATUS[code], { code });
    // A body is nobody's business here: it is not read, and its connection ends with the answer.
    if (request.method !== 'GET') return no('method-not-allowed');
    if (!this.pace.allows(request.socket.remoteAddress ?? '')) return no('too-many-requests');
    const url = URL.parse(request.url ?? '', 'http://watcher');
    if (url?.pathname === '/health') return answer(response, 200, this.identity);
    if (url?.pathname !== '/facts') return no('not-found');
    const subjects = subjectsOf(url.searchParams);
    if (!subjects) return no('subjects-malformed');
    const facts = await Promise.all(subjects.map((subject) => this.watcher.fact(subject)));
    this.giveOut(response, subjects, facts);
  }

  private giveOut(response: ServerResponse, subjects: readonly FactSubject[], facts: readonly Fact[]): void {
    const missing = facts.flatMap((fact, at) => {
      const subject = subjects[at];
      return subject ? this.missing(fact, subjectOf(subject)) : [];
    });
    answer(response, 200, {
      facts: facts.flatMap((fact) => (fact.kind === 'accepted' ? [fact.value] : [])),
      missing,
    });
  }

  private missing(fact: Fact, subject: string): readonly { subject: string; code: string }[] {
    if (fact.kind === 'accepted') return [];
    const { code, facts }: Refusal = fact;
    // What nobody watches is asked about by whoever likes, and is nobody's business here.
    if (code !== 'subject-not-watched') this.log('warn', 'no-fact', { ...facts, subject, code });
    return [{ subject, code }];
  }
}
