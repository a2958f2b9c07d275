// One connection to the signer: frames of JSON in, frames of JSON out. It parses, bounds and dispatches; it judges
// nothing. Whatever cannot be parsed gets a refusal with a code, never a stack.
//
// Whoever connects is taken for hostile: what one connection can make the signer hold is bounded in every direction, by
// not reading on until there is room again. Signatures run side by side, everything else one after the other.

import type { Socket } from 'node:net';
import { type Facts, Fault, type Outcome } from '../core/fault.js';
import { encodeFrame, FrameReader, MAX_MESSAGE_BYTES } from '../signer-protocol/frame.js';
import { PROTOCOL_VERSION, type Query, query, type Reply } from '../signer-protocol/messages.js';
import type { Signer } from './signer.js';

export type ProtocolRefusalCode = 'message-malformed' | 'message-version' | 'verb-unknown';
export type ProtocolFaultCode = 'internal' | 'reply-too-large';

export type Log = (level: 'info' | 'warn' | 'error', event: string, facts: Facts) => void;

/** For each connection. */
export interface Bounds {
  /** Signatures under way. */
  readonly signing: number;
  /** Bytes of the orders that they are about. */
  readonly signingBytes: number;
  /** Bytes of replies that the other side has not read; one reply may go beyond. */
  readonly unreadBytes: number;
  /** A frame that was begun has to be complete after this long, however steadily it trickles in. */
  readonly frameDeadlineMs: number;
  /** A TLS connection is retired at this age, so that a certificate that has expired is out soon after. */
  readonly longestMs: number;
  /** One that is retired is answered what it has asked, and cut off after this. */
  readonly retireMs: number;
}

export const BOUNDS: Bounds = {
  signing: 256,
  signingBytes: 32 * 1024 * 1024,
  unreadBytes: 4 * 1024 * 1024,
  frameDeadlineMs: 30_000,
  longestMs: 60 * 60 * 1_000,
  retireMs: 30_000,
};

async function answer(signer: Signer, asked: Query): Promise<Outcome<unknown, string>> {
  switch (asked.verb) {
    case 'status':
      return { kind: 'accepted', value: await signer.status(asked.transferIds) };
    case 'public-keys':
      return { kind: 'accepted', value: await signer.publicKeys() };
    case 'sign':
      return signer.sign(asked.order);
    case 'checkpoint':
      return signer.checkpoint(asked);
    case 'void':
      return signer.void(asked.request);
    case 'bury':
      return signer.bury(asked.burial);
    case 'certificates':
      return { kind: 'accepted', value: await signer.certificates(asked.fromOrdinal, asked.most) };
    case 'governance-read':
      return { kind: 'accepted', value: signer.readGovernance(asked.fromSequence) };
    case 'governance-append':
      return signer.appendGovernance(asked.entry);
  }
}

const VERBS: readonly string[] = query.options.map((option) => option.shape.verb.value);
const MESSAGE_ID = /^[A-Za-z0-9-]{1,64}$/;

function refusal(id: string, code: ProtocolRefusalCode, facts: Facts = {}): Reply {
  return { version: PROTOCOL_VERSION, id, kind: 'refused', code, facts };
}

/** A message to a query, or the reply that refuses it. Input is hostile. */
export function parseQuery(bytes: Uint8Array): Query | Reply {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // Neither the text nor the parser's message about it is echoed: both are the sender's.
    return refusal('0', 'message-malformed', { why: 'not JSON' });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refusal('0', 'message-malformed', { why: 'not an object' });
  const named = value as Record<string, unknown>;
  const id = typeof named.id === 'string' && MESSAGE_ID.test(named.id) ? named.id : '0';
  if (named.version !== PROTOCOL_VERSION)
    return refusal(id, 'message-version', { supported: PROTOCOL_VERSION });
  if (typeof named.verb !== 'string' || !VERBS.includes(named.verb)) return refusal(id, 'verb-unknown');
  const parsed = query.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue ? issue.path.map(String).join('.').slice(0, 100) : '';
  return refusal(id, 'message-malformed', { where, why: (issue?.message ?? '').slice(0, 200) });
}

function logUnexpected(log: Log, error: unknown): void {
  const stack = error instanceof Error ? error.stack : undefined;
  log('error', 'unexpected', { stack: (stack ?? String(error)).slice(0, 2_000) });
}

/** What the signer says to one query: never a stack, and never an error thrown. */
export async function replyTo(signer: Signer, asked: Query, log: Log): Promise<Reply> {
  const head = { version: PROTOCOL_VERSION, id: asked.id } as const;
  try {
    const outcome = await answer(signer, asked);
    if (outcome.kind === 'accepted') return { ...head, kind: 'done', result: outcome.value };
    log('warn', 'refused', { verb: asked.verb, code: outcome.code, ...outcome.facts });
    return { ...head, kind: 'refused', code: outcome.code, facts: bounded(outcome.facts) };
  } catch (error) {
    const fault =
      error instanceof Fault
        ? error
        : new Fault<ProtocolFaultCode>('internal', 'an unexpected error', { cause: error });
    log('error', 'fault', { verb: asked.verb, code: fault.code, message: fault.message, ...fault.facts });
    if (!(error instanceof Fault)) logUnexpected(log, error);
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

/** A reply that no frame can carry is told to whoever waits for it; silence would have them ask again. */
function frameOf(reply: Reply): Uint8Array {
  const bytes = new TextEncoder().encode(JSON.stringify(reply));
  if (bytes.length <= MAX_MESSAGE_BYTES) return encodeFrame(bytes);
  const code: ProtocolFaultCode = 'reply-too-large';
  const facts = { bytes: bytes.length, limit: MAX_MESSAGE_BYTES };
  const told: Reply = { version: PROTOCOL_VERSION, id: reply.id, kind: 'fault', code, facts };
  return encodeFrame(new TextEncoder().encode(JSON.stringify(told)));
}

class Conversation {
  private readonly reader = new FrameReader();
  /** Messages that wait for room; while there are any, nothing more is read. */
  private line: Uint8Array[] = [];
  private signing = 0;
  private signingBytes = 0;
  /** A query other than a signature is being answered. */
  private busy = false;
  private deadline: NodeJS.Timeout | undefined;
  private over = false;
  private retiring: NodeJS.Timeout | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly signer: Signer,
    private readonly log: Log,
    private readonly bounds: Bounds,
  ) {}

  receive(chunk: Uint8Array): void {
    if (this.over) return;
    try {
      const messages = this.reader.push(chunk);
      if (messages.length > 0) this.stopDeadline();
      this.line = this.line.concat(messages);
      this.take();
    } catch (error) {
      const head = { version: PROTOCOL_VERSION, id: '0', facts: {} } as const;
      if (error instanceof Fault) this.send({ ...head, kind: 'refused', code: error.code });
      else {
        // Whatever it is, it is not the sender's doing.
        logUnexpected(this.log, error);
        this.send({ ...head, kind: 'fault', code: 'internal' });
      }
      this.closed();
      this.socket.end();
    }
  }

  /** Takes messages while there is room for what they may cost, and reads on once none waits. */
  take(): void {
    let taken = 0;
    for (const message of this.line) {
      if (!this.hasRoom()) break;
      taken++;
      this.dispatch(message);
    }
    this.line = this.line.slice(taken);
    if (this.line.length > 0) {
      // What does not arrive because nobody reads is not late.
      this.stopDeadline();
      this.socket.pause();
    } else {
      if (this.reader.isIdle()) this.stopDeadline();
      else this.deadline ??= setTimeout(() => this.socket.destroy(), this.bounds.frameDeadlineMs);
      this.socket.resume();
    }
  }

  closed(): void {
    this.over = true;
    this.stopDeadline();
    clearTimeout(this.retiring);
    this.line = [];
  }

  /** Answers what it has been asked already, and ends; within `retireMs`, whatever the other side does. */
  retire(): void {
    if (this.over) return;
    this.retiring ??= setTimeout(() => this.socket.destroy(), this.bounds.retireMs);
    this.endIfIdle();
  }

  private endIfIdle(): void {
    const atWork = this.busy || this.signing > 0 || this.line.length > 0 || !this.reader.isIdle();
    if (this.over || this.retiring === undefined || atWork) return;
    // Whoever never closes their own side is not waited for: the timer goes on until the socket is gone.
    this.over = true;
    this.socket.end();
  }

  private hasRoom(): boolean {
    return (
      !this.busy &&
      this.signing < this.bounds.signing &&
      this.signingBytes < this.bounds.signingBytes &&
      this.socket.writableLength < this.bounds.unreadBytes
    );
  }

  private dispatch(message: Uint8Array): void {
    const asked = parseQuery(message);
    if ('kind' in asked) {
      this.send(asked);
      return;
    }
    const isSignature = asked.verb === 'sign';
    if (isSignature) {
      this.signing++;
      this.signingBytes += message.length;
    } else {
      this.busy = true;
    }
    void this.give(asked)
      .catch((error: unknown) => {
        this.log('error', 'reply-not-sent', { message: String(error).slice(0, 200) });
        this.socket.destroy();
      })
      .finally(() => {
        if (isSignature) {
          this.signing--;
          this.signingBytes -= message.length;
        } else {
          this.busy = false;
        }
        if (this.line.length > 0) this.take();
        this.endIfIdle();
      });
  }

  private async give(asked: Query): Promise<void> {
    this.send(await replyTo(this.signer, asked, this.log));
  }

  private send(reply: Reply): void {
    if (this.socket.writable) this.socket.write(frameOf(reply));
  }

  private stopDeadline(): void {
    clearTimeout(this.deadline);
    this.deadline = undefined;
  }
}

/** A conversation that is under way. */
export interface Talk {
  /** Ends it after what was asked already, and within `retireMs` at the latest. */
  retire(): void;
}

/** Answers whoever is at the other end until they leave. Input is hostile. */
export function converse(socket: Socket, signer: Signer, log: Log, bounds: Bounds = BOUNDS): Talk {
  const conversation = new Conversation(socket, signer, log, bounds);
  socket.on('data', (chunk: Buffer) => conversation.receive(chunk));
  socket.on('drain', () => conversation.take());
  socket.on('error', (error) => log('warn', 'connection-error', { message: error.message.slice(0, 200) }));
  socket.on('close', () => conversation.closed());
  return conversation;
}
