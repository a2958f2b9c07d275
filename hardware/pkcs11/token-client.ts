// The parent's side of a token that lives in a process of its own: a KeySigner whose every call ends by its deadline.
//
// A call into a vendor's library can hang and cannot be cancelled, so the whole process is killed at the deadline.
// What had been sent to it and was to change something (a signature, a record) is then `indeterminate`; what had not
// been sent yet goes to the next process. Nothing here retries a signature, and nothing tries a refused PIN again.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type {
  KeyCurve,
  KeyDescription,
  KeyReference,
  KeySigner,
  TokenFault,
  TokenRecord,
  TokenStatus,
} from '../key-signer.js';
import { tokenFault } from './token-fault.js';
import {
  checkDigest,
  checkMessage,
  checkRecord,
  checkRecordName,
  checkReference,
  DIGEST_BYTES,
  MOST_DIGESTS,
} from './token-inputs.js';
import {
  type Answer,
  fromChildSchema,
  LARGEST_BATCH,
  type Operation,
  resultSchemas,
  SIGNATURE_BYTES,
  type ToChild,
  type TokenProcessConfig,
  tokenProcessConfigSchema,
} from './token-messages.js';

/** Pause before a new process after one was lost; doubles until something is answered again. */
const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/**
 * Calls at the process, per session and at least: enough to keep it busy while this program is at something else (50 ms with
 * a token that takes 0.4 for a signature), few enough to be lost with it and to be done by a slow one before their deadline.
 */
const SENT_PER_SESSION = 16;
const LEAST_SENT = 128;
/** More calls than this in line mean that nobody will live to see the answer. */
const MOST_IN_LINE = 8_192;

export interface SpawnOptions {
  /** Compiled token-process.js; the one beside this file unless said otherwise. */
  readonly programPath?: string;
  /** Told when a process was lost, for the log. */
  readonly onProcessLost?: (facts: { reason: ProcessLoss; processId: number; callsSent: number }) => void;
}

/** `hung`: killed at a deadline. `ended`: died by itself. `protocol`: said what no token process says; killed. */
export type ProcessLoss = 'hung' | 'ended' | 'protocol';

type PortOperation = Exclude<Operation, { op: 'signDigests' }> | SignDigest;

/** Goes to the process with others of its kind, as `signDigests`. */
interface SignDigest {
  readonly op: 'signDigest';
  readonly key: KeyReference;
  readonly digest: Uint8Array;
}

interface Call {
  readonly operation: PortOperation;
  readonly resolve: (value: unknown) => void;
  readonly reject: (fault: TokenFault) => void;
  /** When it was put in line; milliseconds of the monotonic clock. */
  readonly since: number;
}

/** What the process was asked in one go, for one or more calls. */
interface Sent {
  readonly operation: Operation;
  readonly calls: readonly Call[];
  /** When it was sent. */
  readonly since: number;
}

/** Starts nothing yet: the process is started by the first call. Throws a ZodError for a bad configuration. */
export function spawnToken(config: TokenProcessConfig, options: SpawnOptions = {}): TokenClient {
  return new TokenClient(config, options);
}

export class TokenClient implements KeySigner {
  readonly #config;
  readonly #options: SpawnOptions;
  readonly #programPath: string;
  readonly #line: Call[] = [];
  readonly #sent = new Map<number, Sent>();
  #child: ChildProcess | undefined;
  #listening = false;
  #startedAt = 0;
  /** A killed process that has not ended yet: two at one token would get into each other's way. */
  #dying: ChildProcess | undefined;
  #startNotBefore = 0;
  #pauseMs = SHORTEST_PAUSE_MS;
  #callsSent = 0;
  #nextId = 1;
  #flushing = false;
  #timer: NodeJS.Timeout | undefined;
  #refusedLogin: TokenFault | undefined;
  #closing: Promise<void> | undefined;
  #ended: (() => void)[] = [];

  constructor(config: TokenProcessConfig, options: SpawnOptions) {
    this.#config = tokenProcessConfigSchema.parse(config);
    this.#options = options;
    this.#programPath = options.programPath ?? fileURLToPath(new URL('./token-process.js', import.meta.url));
  }

  /** The process at the token now, if there is one. */
  get processId(): number | undefined {
    return this.#child?.pid;
  }

  async status(): Promise<TokenStatus> {
    return await this.#call<TokenStatus>({ op: 'status' });
  }

  async describeKey(key: KeyReference): Promise<KeyDescription> {
    checkReference(key);
    return await this.#call<KeyDescription>({ op: 'describeKey', key });
  }

  async generateKey(label: string, curve: KeyCurve): Promise<KeyDescription> {
    checkReference({ label });
    return await this.#call<KeyDescription>({ op: 'generateKey', label, curve });
  }

  async signDigest(key: KeyReference, digest: Uint8Array): Promise<Uint8Array> {
    checkReference(key);
    checkDigest(digest);
    // Copied: the caller may reuse its buffer while the call waits in line.
    return await this.#call<Uint8Array>({ op: 'signDigest', key, digest: Uint8Array.from(digest) });
  }

  async signMessage(key: KeyReference, message: Uint8Array): Promise<Uint8Array> {
    checkReference(key);
    checkMessage(message);
    const signature = await this.#call<Uint8Array>({
      op: 'signMessage',
      key,
      message: Uint8Array.from(message),
    });
    return Uint8Array.from(signature);
  }

  async readRecord(name: string): Promise<TokenRecord | undefined> {
    checkRecordName(name);
    const record = await this.#call<TokenRecord | undefined>({ op: 'readRecord', name });
    return record === undefined
      ? undefined
      : { version: record.version, value: Uint8Array.from(record.value) };
  }

  async writeRecord(name: string, record: TokenRecord, replaces?: TokenRecord): Promise<void> {
    checkRecord(name, record);
    if (replaces !== undefined) checkRecord(name, replaces);
    await this.#call<undefined>({
      op: 'writeRecord',
      name,
      record: copyOf(record),
      ...(replaces === undefined ? {} : { replaces: copyOf(replaces) }),
    });
  }

  /** Lets the process finish what it was sent, at most for one deadline; what waits in line is refused `closed`. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const call of this.#line.splice(0)) call.reject(closedFault());
    const child = this.#child ?? this.#dying;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => this.#ended.push(resolve));
    this.#send(child, { kind: 'close' });
    const impatience = setTimeout(() => child.kill('SIGKILL'), this.#config.deadlineMs);
    await ended;
    clearTimeout(impatience);
    clearTimeout(this.#timer);
  }

  #call<Result>(operation: PortOperation): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#closing !== undefined) return reject(closedFault());
      if (this.#refusedLogin !== undefined) return reject(this.#refusedLogin);
      if (this.#line.length >= MOST_IN_LINE) {
        return reject(
          tokenFault('transient', 'too many calls wait for this token', { inLine: MOST_IN_LINE }),
        );
      }
      this.#line.push({
        operation,
        // The answer was parsed with the schema of this very operation.
        resolve: (value) => resolve(value as Result),
        reject,
        since: performance.now(),
      });
      this.#flushSoon();
    });
  }

  /** Calls made together, by whatever one event has brought about, go in one message. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    const child = this.#child;
    if (child === undefined) {
      this.#start();
    } else if (this.#listening) {
      const most = Math.max(this.#config.sessions * SENT_PER_SESSION, LEAST_SENT);
      const batch = this.#line.splice(0, Math.max(Math.min(most - this.#callsSent, LARGEST_BATCH), 0));
      const groups = inGroups(batch, this.#config.sessions);
      const since = performance.now();
      const asked = groups.map((calls) => {
        const id = this.#nextId;
        this.#nextId += 1;
        const operation = operationOf(calls);
        this.#sent.set(id, { operation, calls, since });
        return { id, operation };
      });
      this.#callsSent += batch.length;
      if (asked.length > 0) this.#send(child, { kind: 'calls', calls: asked });
    }
    this.#watch();
  }

  #start(): void {
    const now = performance.now();
    if (this.#line.length === 0 || this.#dying !== undefined || now < this.#startNotBefore) return;
    const { environment, pin, modulePath, tokenLabel, serial, sessions } = this.#config;
    const child = fork(this.#programPath, [], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: {
        ...environment,
        // Each signing session occupies one thread of the pool, and one is left for reading the PIN.
        UV_THREADPOOL_SIZE: String(sessions + 2),
        ...(pin.kind === 'credential' ? { CREDENTIALS_DIRECTORY: process.env.CREDENTIALS_DIRECTORY } : {}),
      },
    });
    this.#child = child;
    this.#listening = false;
    this.#startedAt = now;
    child.on('message', (message) => this.#receive(child, message));
    child.on('exit', () => this.#gone(child));
    // Emitted instead of `exit` when the process could not be started at all.
    child.on('error', () => {
      if (child.pid === undefined) this.#gone(child);
    });
    this.#send(child, {
      kind: 'settings',
      settings: { modulePath, tokenLabel, sessions, pin, ...(serial === undefined ? {} : { serial }) },
    });
  }

  #send(child: ChildProcess, message: ToChild): void {
    // A channel that broke shows as the process's end, which is handled there.
    if (child.connected) child.send(message, () => undefined);
  }

  #receive(child: ChildProcess, message: unknown): void {
    if (child !== this.#child) return;
    const parsed = fromChildSchema.safeParse(message);
    if (!parsed.success) {
      this.#lose(child, 'protocol');
      return;
    }
    switch (parsed.data.kind) {
      case 'ready':
        this.#listening = true;
        break;
      case 'closed':
        return;
      case 'answers':
        for (const answer of parsed.data.answers) {
          if (this.#settle(answer)) continue;
          this.#lose(child, 'protocol');
          return;
        }
        this.#pauseMs = SHORTEST_PAUSE_MS;
    }
    this.#flush();
  }

  /** Returns false for an answer that fits no call. */
  #settle(answer: Answer): boolean {
    const sent = this.#sent.get(answer.id);
    if (sent === undefined) return false;
    if (answer.kind === 'fault') {
      this.#forget(answer.id, sent);
      const fault = tokenFault(answer.code, answer.message, answer.facts);
      // Kept here too, because a new process would not know and would try the PIN once more.
      if (fault.code === 'login-failed' && fault.facts.attempted === true) this.#refuseLogins(fault);
      for (const call of sent.calls) call.reject(fault);
      return true;
    }
    const value = resultSchemas[sent.operation.op].safeParse(answer.value);
    if (!value.success) return false;
    const values = sent.operation.op === 'signDigests' ? signaturesIn(value.data) : [value.data];
    if (values.length !== sent.calls.length) return false;
    this.#forget(answer.id, sent);
    for (const [at, call] of sent.calls.entries()) call.resolve(values[at]);
    return true;
  }

  #forget(id: number, { calls }: Sent): void {
    this.#sent.delete(id);
    this.#callsSent -= calls.length;
  }

  #refuseLogins(fault: TokenFault): void {
    this.#refusedLogin = fault;
    for (const call of this.#line.splice(0)) call.reject(fault);
  }

  /** Ends a process that can no longer be trusted to answer. */
  #lose(child: ChildProcess, reason: ProcessLoss): void {
    if (child !== this.#child) return;
    this.#child = undefined;
    this.#dying = child;
    child.kill('SIGKILL');
    this.#reportLoss(child, reason);
  }

  /** The process has ended, killed or by itself. */
  #gone(child: ChildProcess): void {
    if (child === this.#child) {
      this.#child = undefined;
      if (this.#closing === undefined) {
        const listened = this.#listening;
        this.#reportLoss(child, 'ended');
        // A program that does not even begin will not begin better for those who wait.
        if (!listened) {
          const fault = tokenFault('transient', "the token's process could not be started");
          for (const call of this.#line.splice(0)) call.reject(fault);
        }
      } else {
        this.#rejectSent('ended');
      }
    }
    if (child === this.#dying) this.#dying = undefined;
    for (const resolve of this.#ended.splice(0)) resolve();
    if (this.#closing === undefined) this.#flush();
  }

  #reportLoss(child: ChildProcess, reason: ProcessLoss): void {
    this.#startNotBefore = performance.now() + this.#pauseMs;
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    const callsSent = this.#callsSent;
    this.#rejectSent(reason);
    this.#options.onProcessLost?.({ reason, processId: child.pid ?? 0, callsSent });
    this.#watch();
  }

  #rejectSent(reason: ProcessLoss): void {
    for (const [id, sent] of this.#sent) {
      this.#forget(id, sent);
      for (const call of sent.calls) call.reject(lostFault(call.operation.op, reason));
    }
  }

  /** One timer for the nearest of all deadlines. */
  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { deadlineMs, startDeadlineMs } = this.#config;
    const times: number[] = [];
    const [oldestSent] = this.#sent.values();
    const oldestInLine = this.#line[0];
    if (oldestSent !== undefined) times.push(oldestSent.since + deadlineMs);
    if (oldestInLine !== undefined) {
      times.push(oldestInLine.since + deadlineMs);
      if (this.#child === undefined && this.#dying === undefined) times.push(this.#startNotBefore);
    }
    if (this.#child !== undefined && !this.#listening) times.push(this.#startedAt + startDeadlineMs);
    if (times.length === 0) return;
    this.#timer = setTimeout(() => this.#expire(), Math.max(Math.min(...times) - performance.now(), 1));
  }

  #expire(): void {
    const now = performance.now();
    const { deadlineMs, startDeadlineMs } = this.#config;
    while (this.#line[0] !== undefined && this.#line[0].since + deadlineMs <= now) {
      this.#line
        .shift()
        ?.reject(tokenFault('deadline', 'the call never reached the token', { deadlineMs, sent: false }));
    }
    const child = this.#child;
    if (child !== undefined) {
      const [oldestSent] = this.#sent.values();
      const hung = oldestSent !== undefined && oldestSent.since + deadlineMs <= now;
      const notStarted = !this.#listening && this.#startedAt + startDeadlineMs <= now;
      if (hung || notStarted) this.#lose(child, 'hung');
    }
    this.#flush();
  }
}

/** Digests for one key go together, but not so many that a session has nothing to do. The others go alone, in order. */
function inGroups(calls: readonly Call[], sessions: number): Call[][] {
  const signatures = calls.filter(({ operation }) => operation.op === 'signDigest').length;
  const most = Math.min(Math.ceil(signatures / sessions), MOST_DIGESTS);
  const groups: Call[][] = [];
  const open = new Map<string, Call[]>();
  for (const call of calls) {
    const { operation } = call;
    const name = operation.op === 'signDigest' ? `${operation.key.id ?? ''}/${operation.key.label}` : '';
    const group = operation.op === 'signDigest' ? open.get(name) : undefined;
    if (group !== undefined && group.length < most) {
      group.push(call);
      continue;
    }
    const begun = [call];
    groups.push(begun);
    if (operation.op === 'signDigest') open.set(name, begun);
  }
  return groups;
}

/** Of calls that go together. */
function operationOf(calls: readonly Call[]): Operation {
  const [first] = calls.map(({ operation }) => operation);
  if (first === undefined) throw new RangeError('no calls');
  if (first.op !== 'signDigest') return first;
  const digests = new Uint8Array(calls.length * DIGEST_BYTES);
  for (const [at, { operation }] of calls.entries()) {
    if (operation.op === 'signDigest') digests.set(operation.digest, at * DIGEST_BYTES);
  }
  return { op: 'signDigests', key: first.key, digests };
}

/** What `signDigests` answers with, one by one; each in bytes of its own. */
function signaturesIn(value: unknown): Uint8Array[] {
  const bytes = value instanceof Uint8Array ? value : new Uint8Array(0);
  return Array.from({ length: bytes.length / SIGNATURE_BYTES }, (_, at) =>
    Uint8Array.from(bytes.subarray(at * SIGNATURE_BYTES, (at + 1) * SIGNATURE_BYTES)),
  );
}

function copyOf({ version, value }: TokenRecord): TokenRecord {
  return { version, value: Uint8Array.from(value) };
}

/** What an operation that had been sent to a lost process has come to. */
function lostFault(op: PortOperation['op'], reason: ProcessLoss): TokenFault {
  const facts = { operation: op, reason, sent: true };
  if (op === 'signDigest' || op === 'signMessage' || op === 'writeRecord') {
    return tokenFault(
      'indeterminate',
      "the token's process was lost while it was at work: it may have happened",
      facts,
    );
  }
  if (reason === 'hung') return tokenFault('deadline', 'the token hung and its process was killed', facts);
  return tokenFault('transient', "the token's process was lost", facts);
}

function closedFault(): TokenFault {
  return tokenFault('closed', 'the token was closed by its owner');
}
