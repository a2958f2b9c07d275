// The in-process adapter: one PKCS#11 token as a KeySigner. It notices that sessions, logins, handles or the token
// itself died, and comes back without a restart of anything.
//
// It has NO deadline: a call that hangs inside the vendor's library cannot be cancelled, and PKCS#11's login, session
// and search calls block the event loop. A service therefore uses it through token-client.ts, which runs it in a
// process that can be killed. In the same process it serves where a person waits: the officer's command line.

import { promisify } from 'node:util';
import type {
  KeyCurve,
  KeyDescription,
  KeyReference,
  KeySigner,
  TokenFault,
  TokenRecord,
  TokenStatus,
} from '../key-signer.js';
import { authenticateOnce, Connection, type TokenWanted, trimmed } from './connection.js';
import { asTokenFault, returnValueOf } from './cryptoki-errors.js';
import { CryptokiModule } from './cryptoki-module.js';
import {
  describePrivateKey,
  findPrivateKey,
  generatePrivateKey,
  type ListedKey,
  listPrivateKeys,
  type Signing,
  signDigestWith,
  signMessageWith,
} from './key-objects.js';
import type { Session } from './session-pool.js';
import { tokenFault } from './token-fault.js';
import { checkDigest, checkMessage, DIGEST_BYTES } from './token-inputs.js';
import { readRecord, writeRecord } from './token-records.js';

export interface Pkcs11TokenConfig extends TokenWanted {
  /** Path of the vendor's PKCS#11 library. */
  readonly modulePath: string;
  /** C_Sign holds this thread up. For a process that is there for the token alone: its event loop turns between signatures. */
  readonly signInThisThread?: boolean;
}

/** After a failed connection the token is left in peace this long; doubles up to the longest. */
const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
/** How often one operation may find its connection gone before it began. */
const MOST_TURNS = 8;
/** A lost session is replaced by opening another; when that has not helped this often, the module is initialised anew. */
const ABANDONED_BEFORE_RESTART = 3;

const immediately = promisify(setImmediate);

type Work<T> = (session: Session, connection: Connection) => Promise<T> | T;

export class Pkcs11Token implements KeySigner {
  readonly #config: Pkcs11TokenConfig;
  #module: CryptokiModule | undefined;
  #connection: Connection | undefined;
  #connecting: Promise<Connection> | undefined;
  /** Ends when the sessions of the connection before are closed. */
  #cleared: Promise<void> = Promise.resolve();
  /** The serial of the first token seen: a different token under the same label is not taken for ours. */
  #serial: string | undefined;
  /** A PIN that the token has refused is never tried again: tokens lock themselves. A new adapter is a person's decision. */
  #refusedLogin: TokenFault | undefined;
  #lastFailure: { readonly fault: TokenFault; readonly until: number; readonly pauseMs: number } | undefined;
  /** Connections that had to be abandoned since something last worked. */
  #abandonedInARow = 0;
  #closed = false;

  constructor(config: Pkcs11TokenConfig) {
    this.#config = config;
    this.#serial = config.serial;
  }

  status(): Promise<TokenStatus> {
    return this.#run(false, (session, connection) => {
      const info = connection.tokenInfo();
      const loggedIn = connection.isLoggedIn(session);
      if (!loggedIn) throw tokenFault('session-lost', 'the token has logged us out');
      return {
        label: trimmed(info.label),
        serial: trimmed(info.serialNumber),
        manufacturer: trimmed(info.manufacturerID),
        model: trimmed(info.model),
        firmware: `${info.firmwareVersion.major}.${info.firmwareVersion.minor}`,
        sessionsOpen: connection.pool.sessions.length,
        sessionsWanted: this.#config.sessions,
        loggedIn,
      };
    });
  }

  describeKey(key: KeyReference): Promise<KeyDescription> {
    return this.#run(false, (session, connection) =>
      describePrivateKey(connection.module.api, session, key, () => connection.assertVisible(session)),
    );
  }

  /** All private keys on the token. Not part of the port: for a person who looks at a token, never for a service. */
  listKeys(): Promise<ListedKey[]> {
    return this.#run(false, (session, connection) =>
      listPrivateKeys(connection.module.api, session, () => connection.assertVisible(session)),
    );
  }

  generateKey(label: string, curve: KeyCurve): Promise<KeyDescription> {
    return this.#run(true, (session, connection) =>
      generatePrivateKey(connection.module.api, session, label, curve, () =>
        connection.assertVisible(session),
      ),
    );
  }

  async signDigest(key: KeyReference, digest: Uint8Array): Promise<Uint8Array> {
    checkDigest(digest);
    return await this.signDigests(key, digest);
  }

  /** Signs digests of 32 bytes, one after the other on one session; all of their signatures, or a fault. */
  signDigests(key: KeyReference, digests: Uint8Array): Promise<Uint8Array> {
    return this.#run(false, async (session, connection) => {
      const { api } = connection.module;
      const found = findPrivateKey(api, session, key, () => connection.assertVisible(session));
      const signatures: Uint8Array[] = [];
      for (let at = 0; at < digests.length; at += DIGEST_BYTES) {
        if (this.#config.signInThisThread === true) await immediately();
        signatures.push(
          await signDigestWith(
            api,
            session,
            found,
            digests.subarray(at, at + DIGEST_BYTES),
            this.#signing(api, session),
          ),
        );
      }
      return Uint8Array.from(Buffer.concat(signatures));
    });
  }

  async signMessage(key: KeyReference, message: Uint8Array): Promise<Uint8Array> {
    checkMessage(message);
    // Copied: the caller may reuse its buffer while this waits for a session.
    const own = Uint8Array.from(message);
    return await this.#run(false, async (session, connection) => {
      const { api } = connection.module;
      const found = findPrivateKey(api, session, key, () => connection.assertVisible(session));
      if (this.#config.signInThisThread === true) await immediately();
      return await signMessageWith(api, session, found, own, this.#signing(api, session));
    });
  }

  readRecord(name: string): Promise<TokenRecord | undefined> {
    return this.#run(true, (session, connection) =>
      readRecord(connection.module.api, session, name, () => connection.assertVisible(session)),
    );
  }

  writeRecord(name: string, record: TokenRecord, replaces?: TokenRecord): Promise<void> {
    return this.#run(true, (session, connection) =>
      writeRecord(connection.module.api, session, name, { record, replaces }, () =>
        connection.assertVisible(session),
      ),
    );
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#connecting !== undefined) await Promise.allSettled([this.#connecting]);
    if (this.#connection !== undefined) this.#abandon(this.#connection, closedFault());
    await this.#cleared;
    await this.#module?.release();
    this.#module = undefined;
  }

  #signing(api: CryptokiModule['api'], session: Session): Signing {
    return {
      inThisThread: this.#config.signInThisThread === true,
      authenticate: () => authenticateOnce(api, session, this.#config.pin),
    };
  }

  /**
   * Runs `work` on a session of its own. When the session, the login, a handle or the token died under it, a new
   * connection is made and the work is done once more; all work here can be repeated safely.
   */
  async #run<T>(writable: boolean, work: Work<T>): Promise<T> {
    let repeated = false;
    for (let turn = 0; turn < MOST_TURNS; turn += 1) {
      const connection = await this.#connected();
      let session: Session;
      try {
        session = await connection.pool.take(writable);
      } catch (error) {
        const fault = asTokenFault(error, 'waiting for a session');
        if (fault.code === 'closed') throw fault;
        continue;
      }
      try {
        if (connection.generation !== connection.module.generation) {
          this.#abandon(connection, tokenFault('session-lost', 'the module was initialised anew'));
          continue;
        }
        const result = await connection.module.inside(async () => await work(session, connection));
        this.#abandonedInARow = 0;
        return result;
      } catch (error) {
        const fault = asTokenFault(error, 'the operation');
        if (fault.code === 'login-failed') this.#rememberRefusal(fault);
        if (!leavesConnectionSound(fault)) this.#abandon(connection, fault);
        const mayComeBack = fault.code === 'session-lost' || fault.code === 'token-gone';
        if (!mayComeBack || repeated) throw fault;
        repeated = true;
      } finally {
        connection.pool.give(session);
      }
    }
    throw tokenFault('session-lost', 'the connection to the token kept dying');
  }

  async #connected(): Promise<Connection> {
    if (this.#closed) throw closedFault();
    if (this.#connection !== undefined) return this.#connection;
    if (this.#refusedLogin !== undefined) throw this.#refusedLogin;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return await this.#connecting;
  }

  async #connect(): Promise<Connection> {
    const last = this.#lastFailure;
    if (last !== undefined && performance.now() < last.until) throw last.fault;
    try {
      await this.#cleared;
      const connection = await this.#openWithRestart();
      this.#serial ??= connection.serial;
      this.#lastFailure = undefined;
      this.#connection = connection;
      return connection;
    } catch (error) {
      const fault = asTokenFault(error, 'connecting');
      this.#rememberRefusal(fault);
      const pauseMs = Math.min((last?.pauseMs ?? SHORTEST_PAUSE_MS / 2) * 2, LONGEST_PAUSE_MS);
      this.#lastFailure = { fault, until: performance.now() + pauseMs, pauseMs };
      throw fault;
    }
  }

  /**
   * Opens; and where that fails although no PIN was refused, initialises the module anew and opens once more: some
   * libraries see a token that came back only then. What is reported is the more telling of the two failures.
   * Also where opening keeps succeeding and nothing works afterwards, the module is initialised anew.
   */
  async #openWithRestart(): Promise<Connection> {
    this.#module ??= CryptokiModule.acquire(this.#config.modulePath);
    const module = this.#module;
    const wanted = { ...this.#config, serial: this.#serial };
    const generation = module.generation;
    if (this.#abandonedInARow >= ABANDONED_BEFORE_RESTART) {
      this.#abandonedInARow = 0;
      await module.restart(generation);
    }
    try {
      return await Connection.open(module, wanted);
    } catch (error) {
      const first = asTokenFault(error, 'connecting');
      if (first.code === 'login-failed' || first.code === 'mechanism') throw first;
      try {
        if (!(await module.restart(module.generation))) throw first;
        return await Connection.open(module, wanted);
      } catch (again) {
        const second = asTokenFault(again, 'connecting');
        throw second.code === 'login-failed' || first.code !== 'token-gone' ? second : first;
      }
    }
  }

  #rememberRefusal(fault: TokenFault): void {
    if (fault.code === 'login-failed' && fault.facts.attempted === true) this.#refusedLogin = fault;
  }

  /** Lets go of a connection: nobody gets a session of it any more, and it is closed when the last one is back. */
  #abandon(connection: Connection, fault: TokenFault): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#abandonedInARow += 1;
    connection.pool.retire(fault);
    this.#cleared = connection.close();
  }
}

/**
 * Whether the token answered in full possession of its senses. After a lost session, a dropped login, a device error
 * or a sign of an operation left half-way, the next caller gets a fresh connection rather than this one.
 */
function leavesConnectionSound(fault: TokenFault): boolean {
  switch (fault.code) {
    case 'key-missing':
    case 'key-duplicate':
    case 'record-duplicate':
    case 'record-too-large':
    case 'record-malformed':
    case 'record-stale':
    case 'record-changed':
      return true;
    case 'mechanism':
      // Said by us about an attribute or a length, not by the token in the middle of an operation.
      return returnValueOf(fault.cause) === undefined;
    default:
      return false;
  }
}

function closedFault(): TokenFault {
  return tokenFault('closed', 'the token was closed by its owner');
}
