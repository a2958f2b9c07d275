// The signer's door: a unix socket (or mTLS for another host) that speaks frames of JSON. It parses, bounds and
// dispatches; it judges nothing. Whatever cannot be parsed gets a refusal with a code, never a stack.

import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { type Facts, Fault, type Outcome } from '../core/fault.js';
import { encodeFrame, FrameReader } from '../signer-protocol/frame.js';
import { PROTOCOL_VERSION, type Query, query, type Reply } from '../signer-protocol/messages.js';
import type { SignerConfig } from './config.js';
import type { Signer } from './signer.js';

const MAX_CONNECTIONS = 64;
const MAX_IN_FLIGHT = 256;
/** A frame that was begun has to be complete after this long. */
const FRAME_DEADLINE_MS = 30_000;
const OPEN_TO_OTHERS = 0o027;

export type ServerFaultCode = 'socket-directory-open' | 'socket-taken';
export type ProtocolRefusalCode =
  | 'message-malformed'
  | 'message-version'
  | 'verb-unknown'
  | 'too-many-in-flight';

export type Log = (level: 'info' | 'warn' | 'error', event: string, facts: Facts) => void;

type Answer = Outcome<unknown, string>;

async function answer(signer: Signer, asked: Query): Promise<Answer> {
  switch (asked.verb) {
    case 'status':
      return { kind: 'accepted', value: await signer.status(asked.transferIds) };
    case 'public-keys':
      return { kind: 'accepted', value: await signer.publicKeys() };
    case 'sign':
      return signer.sign(asked.order);
    case 'governance-read':
      return { kind: 'accepted', value: signer.readGovernance(asked.fromSequence) };
    case 'governance-append':
      return signer.appendGovernance(asked.entry);
  }
}

const VERBS: readonly string[] = query.options.map((option) => option.shape.verb.value);
const MESSAGE_ID = /^[A-Za-z0-9-]{1,64}$/;

/** A message to a query, or the reply that refuses it. Input is hostile. */
function parseQuery(bytes: Uint8Array): Query | Reply {
  const refuse = (id: string, code: ProtocolRefusalCode, facts: Facts = {}): Reply => ({
    version: PROTOCOL_VERSION,
    id,
    kind: 'refused',
    code,
    facts,
  });
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // Neither the text nor the parser's message about it is echoed: both are the sender's.
    return refuse('0', 'message-malformed', { why: 'not JSON' });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse('0', 'message-malformed', { why: 'not an object' });
  const named = value as Record<string, unknown>;
  const id = typeof named.id === 'string' && MESSAGE_ID.test(named.id) ? named.id : '0';
  if (named.version !== PROTOCOL_VERSION)
    return refuse(id, 'message-version', { supported: PROTOCOL_VERSION });
  if (typeof named.verb !== 'string' || !VERBS.includes(named.verb)) return refuse(id, 'verb-unknown');
  const parsed = query.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue ? issue.path.map(String).join('.').slice(0, 100) : '';
  return refuse(id, 'message-malformed', { where, why: (issue?.message ?? '').slice(0, 200) });
}

async function replyTo(signer: Signer, asked: Query, log: Log): Promise<Reply> {
  const head = { version: PROTOCOL_VERSION, id: asked.id } as const;
  try {
    const outcome = await answer(signer, asked);
    if (outcome.kind === 'accepted') return { ...head, kind: 'done', result: outcome.value };
    log('warn', 'refused', { verb: asked.verb, code: outcome.code, ...outcome.facts });
    return { ...head, kind: 'refused', code: outcome.code, facts: bounded(outcome.facts) };
  } catch (error) {
    const fault =
      error instanceof Fault ? error : new Fault('internal', 'an unexpected error', { cause: error });
    log('error', 'fault', { verb: asked.verb, code: fault.code, message: fault.message, ...fault.facts });
    if (!(error instanceof Fault))
      log('error', 'unexpected', { stack: String((error as Error)?.stack ?? error).slice(0, 2_000) });
    return { ...head, kind: 'fault', code: fault.code, facts: bounded(fault.facts) };
  }
}

function bounded(facts: Facts): Facts {
  return Object.fromEntries(
    Object.entries(facts).map(([key, value]) => [
      key,
      typeof value === 'string' ? value.slice(0, 500) : value,
    ]),
  );
}

function serve(socket: Socket, signer: Signer, log: Log): void {
  const reader = new FrameReader();
  let inFlight = 0;
  let deadline: NodeJS.Timeout | undefined;
  const send = (reply: Reply) => {
    if (!socket.writable) return;
    socket.write(encodeFrame(new TextEncoder().encode(JSON.stringify(reply))));
  };
  const give = async (message: Uint8Array): Promise<void> => {
    const asked = parseQuery(message);
    if ('kind' in asked) return send(asked);
    if (inFlight >= MAX_IN_FLIGHT) {
      const code: ProtocolRefusalCode = 'too-many-in-flight';
      return send({
        version: PROTOCOL_VERSION,
        id: asked.id,
        kind: 'fault',
        code,
        facts: { limit: MAX_IN_FLIGHT },
      });
    }
    inFlight++;
    try {
      send(await replyTo(signer, asked, log));
    } finally {
      inFlight--;
    }
  };
  socket.on('data', (chunk: Buffer) => {
    try {
      const messages = reader.push(chunk);
      clearTimeout(deadline);
      deadline = reader.isIdle() ? undefined : setTimeout(() => socket.destroy(), FRAME_DEADLINE_MS);
      for (const message of messages) {
        give(message).catch((error: unknown) => {
          log('error', 'reply-not-sent', { message: String(error).slice(0, 200) });
          socket.destroy();
        });
      }
    } catch (error) {
      const code = error instanceof Fault ? error.code : 'message-malformed';
      send({ version: PROTOCOL_VERSION, id: '0', kind: 'refused', code, facts: {} });
      socket.end();
    }
  });
  socket.on('error', (error) => log('warn', 'connection-error', { message: error.message.slice(0, 200) }));
  socket.on('close', () => clearTimeout(deadline));
}

/** Readies the place for the socket: a directory that only owner and group can enter. Throws `socket-directory-open`. */
function readySocketPath(path: string): void {
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true, mode: 0o750 });
  const status = statSync(directory);
  if ((status.mode & OPEN_TO_OTHERS) !== 0) {
    throw new Fault<ServerFaultCode>(
      'socket-directory-open',
      'the directory of the socket is open to others',
      {
        facts: { directory, mode: (status.mode & 0o777).toString(8), wanted: '750' },
      },
    );
  }
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found && !found.isSocket()) {
    throw new Fault<ServerFaultCode>('socket-taken', 'something that is no socket stands at the socket path');
  }
  // The store's lock has shown already that no other signer of this deployment runs: what is left is a dead one's.
  if (found) rmSync(path);
}

export interface RunningServer {
  /** Port of a TLS server; undefined for a unix socket. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

/** Listens as configured. Whoever can connect can ask; what may be signed does not depend on who asks. */
export async function listen(
  config: SignerConfig['listen'],
  signer: Signer,
  log: Log,
): Promise<RunningServer> {
  const sockets = new Set<Socket>();
  const connected = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, signer, log);
  };
  const server: Server =
    config.kind === 'unix'
      ? createServer(connected)
      : createTlsServer(
          {
            cert: readFileSync(config.certificateFile),
            key: readFileSync(config.keyFile),
            ca: readFileSync(config.clientAuthorityFile),
            requestCert: true,
            rejectUnauthorized: true,
            minVersion: 'TLSv1.3',
          },
          connected,
        );
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if (config.kind === 'unix') {
      readySocketPath(config.path);
      const before = process.umask(0o117);
      server.listen(config.path, resolve);
      process.umask(before);
    } else {
      server.listen(config.port, config.host, resolve);
    }
  });
  if (config.kind === 'unix') {
    chmodSync(config.path, 0o660);
    if (config.groupId !== undefined) chownSync(config.path, process.getuid?.() ?? 0, config.groupId);
  }
  const address = server.address();
  return {
    port: typeof address === 'object' ? address?.port : undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.end();
        setTimeout(() => {
          for (const socket of sockets) socket.destroy();
        }, 2_000).unref();
      }),
  };
}
