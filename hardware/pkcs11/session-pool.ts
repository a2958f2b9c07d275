// A fixed set of open sessions of one token. A PKCS#11 session holds at most one operation at a time (v3.1 §4.6), so
// whoever takes a session has it alone until giving it back; the others wait in line, first come first served.
//
// It opens and closes nothing, and knows nothing of keys or logins.

import type { Handle } from 'pkcs11js';
import type { TokenFault } from '../key-signer.js';
import { DIGEST_BYTES, LARGEST_MESSAGE_BYTES } from './token-inputs.js';

/** The widest signature that any EC key could answer with: two halves of 66 bytes. */
const WIDEST_SIGNATURE_BYTES = 132;

/** A private key as this session knows it. Handles may die with the session that found them, so they live here. */
export interface KeyHandle {
  readonly handle: Handle;
  /** CKA_KEY_TYPE; `undefined` where the token does not say. */
  readonly type: number | undefined;
  /** CKA_ALWAYS_AUTHENTICATE: the PIN is wanted again for every signature. */
  readonly authenticateAlways: boolean;
}

/** The two objects of a record that take turns, as this session knows them. */
export interface RecordHandles {
  readonly handles: readonly Handle[];
  /** How many more writes may go by them before they are looked for again. */
  writesLeft: number;
}

export class Session {
  readonly handle: Handle;
  readonly writable: boolean;
  readonly keys = new Map<string, KeyHandle>();
  readonly records = new Map<string, RecordHandles>();
  /**
   * What goes into and comes out of C_Sign. They belong to the session because the binding hands bare pointers to
   * its worker thread without holding the buffers: one that is collected while the token works would be written over.
   */
  readonly digest = Buffer.alloc(DIGEST_BYTES);
  readonly message = Buffer.alloc(LARGEST_MESSAGE_BYTES);
  readonly signature = Buffer.alloc(WIDEST_SIGNATURE_BYTES);

  constructor(handle: Handle, writable: boolean) {
    this.handle = handle;
    this.writable = writable;
  }
}

interface Waiter {
  readonly resolve: (session: Session) => void;
  readonly reject: (fault: TokenFault) => void;
}

export class SessionPool {
  readonly sessions: readonly Session[];
  readonly #free: Session[];
  readonly #waitingForAny: Waiter[] = [];
  readonly #waitingForWritable: Waiter[] = [];
  #retired: TokenFault | undefined;
  #whenDrained: (() => void)[] = [];

  constructor(sessions: readonly Session[]) {
    this.sessions = sessions;
    this.#free = [...sessions];
  }

  /** A session of one's own until `give`. Rejects with the fault given to `retire` once the pool is retired. */
  take(writable: boolean): Promise<Session> {
    if (this.#retired !== undefined) return Promise.reject(this.#retired);
    const session = this.#takeFree(writable);
    if (session !== undefined) return Promise.resolve(session);
    return new Promise((resolve, reject) => {
      (writable ? this.#waitingForWritable : this.#waitingForAny).push({ resolve, reject });
    });
  }

  give(session: Session): void {
    const next =
      (session.writable ? this.#waitingForWritable.shift() : undefined) ?? this.#waitingForAny.shift();
    if (next !== undefined) {
      next.resolve(session);
      return;
    }
    this.#free.push(session);
    if (this.#drained) for (const resume of this.#whenDrained.splice(0)) resume();
  }

  /** Nobody gets a session any more; who waits is told so. Sessions in use are given back as usual. */
  retire(fault: TokenFault): void {
    if (this.#retired !== undefined) return;
    this.#retired = fault;
    for (const waiter of this.#waitingForWritable.splice(0)) waiter.reject(fault);
    for (const waiter of this.#waitingForAny.splice(0)) waiter.reject(fault);
  }

  /** Resolves when every session has been given back. */
  drained(): Promise<void> {
    if (this.#drained) return Promise.resolve();
    return new Promise((resume) => this.#whenDrained.push(resume));
  }

  get #drained(): boolean {
    return this.#free.length === this.sessions.length;
  }

  /** Signatures prefer read-only sessions, so that a record write finds the writable one free. */
  #takeFree(writable: boolean): Session | undefined {
    const preferred = this.#free.findLastIndex((session) => session.writable === writable);
    const at = preferred === -1 && !writable ? this.#free.length - 1 : preferred;
    return at === -1 ? undefined : this.#free.splice(at, 1)[0];
  }
}
