// What is known about one HTTP call while it is answered.

import type { IncomingMessage } from 'node:http';
import { Fault } from '../../core/fault.js';
import type { Alongside } from '../database/alongside.js';
import type { Principal } from '../identity/principal.js';

/** What the framework adds to Node's request, unparsed. */
export interface HttpRequest extends IncomingMessage {
  readonly params: unknown;
  readonly query: unknown;
  /** The body's bytes; something else when there is none. */
  readonly body: unknown;
  /** The caller's address, by X-Forwarded-For when a trusted proxy says so. */
  readonly ip?: string;
}

export interface KeyedEffect {
  /** To be passed to the service whose effect the call is; undefined when the call has no Idempotency-Key. */
  readonly alongside: Alongside | undefined;
  /** The effect is there from an earlier call that was never answered: show what became of it, do nothing again. */
  readonly alreadyDone: boolean;
}

export interface Call {
  /** In logs and in every problem document, so that the two can be brought together. */
  readonly id: string;
  readonly startedMs: number;
  principal?: Principal;
  input?: unknown;
  /** What it is about, for the audit log: each as `kind:id`. */
  about?: readonly string[];
  effect: KeyedEffect;
  /** For the log line. */
  code?: string;
  operation?: string;
}

const calls = new WeakMap<IncomingMessage, Call>();

export function beginCall(request: IncomingMessage, id: string, startedMs: number): Call {
  const call: Call = { id, startedMs, effect: { alongside: undefined, alreadyDone: false } };
  calls.set(request, call);
  return call;
}

export function callOf(request: IncomingMessage): Call {
  const call = calls.get(request);
  if (!call) throw new Fault('call-unknown', 'a request was not begun as a call');
  return call;
}
