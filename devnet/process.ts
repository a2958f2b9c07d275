// Starts and stops the real programs that the demo and the tests run against: nodes, databases, and Portcullis's own.
// Not a supervisor: nothing is restarted, and nothing is looked for by name. A program is ended by its own process id,
// and ends by itself when the process that started it dies, however it dies.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../src/core/fault.js';
import { repositoryRoot } from './paths.js';

export type ProcessFaultCode =
  | 'program-not-started'
  | 'program-ended-early'
  | 'program-not-ready'
  | 'no-free-port';

/** Milliseconds that a program gets to end by itself before it is killed. */
const DEFAULT_STOP_MS = 10_000;
const POLL_MS = 25;
const LOG_TAIL_CHARS = 4_000;

/** Where programs that are started again and again keep what V8 has compiled of them: a start is a third shorter. */
const COMPILED = join(repositoryRoot, '.portcullis', 'compile-cache');

/** The environment of a program that is to find nothing else of ours in it. */
export function bareEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, NODE_COMPILE_CACHE: COMPILED, ...more };
}

export interface ProgramOptions {
  /** What a person calls it; used in messages only. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the program, when given; otherwise it inherits ours. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Receives standard output and standard error; appended to. Its folder is made. */
  readonly logFile: string;
  /** Called again and again until it answers true. A thrown error counts as "not yet". */
  readonly ready: () => Promise<boolean>;
  readonly readyWithinMs?: number;
  /** Run as another user. Only root can. */
  readonly runAs?: { readonly uid: number; readonly gid: number };
}

export interface ProgramExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One running program. */
export interface Program {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Settles when the program is gone, for whatever reason; never rejects. */
  readonly exited: Promise<ProgramExit>;
  readonly running: boolean;
  /** Sends one signal and does not wait: SIGKILL for a crash, SIGSTOP and SIGCONT for a hang. */
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL after `withinMs`; returns when the program is gone. Safe to call twice. */
  stop(withinMs?: number): Promise<ProgramExit>;
}

/** A TCP port on 127.0.0.1 that was free a moment ago. Somebody else may take it before you do: see `onFreePort`. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') {
          reject(new Fault<ProcessFaultCode>('no-free-port', 'the system gave no port'));
        } else resolve(address.port);
      });
    });
  });
}

/** Starts something on a free port, and on another one if it ended early because that port was taken meanwhile. */
export async function onFreePort<T>(start: (port: number) => Promise<T>, attempts = 3): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePort());
    } catch (error) {
      const early = error instanceof Fault && error.code === 'program-ended-early';
      if (!early || attempt >= attempts) throw error;
    }
  }
}

/** Starts a program and returns once `ready` has said yes. If it never does, the program is gone when this throws. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const program = spawnProgram(options);
  const readyWithinMs = options.readyWithinMs ?? 30_000;
  const deadline = performance.now() + readyWithinMs;
  let last: unknown;
  while (performance.now() < deadline) {
    if (!program.running) {
      const { code, signal } = await program.exited;
      throw new Fault<ProcessFaultCode>(
        'program-ended-early',
        `${options.name} ended before it was ready (${signal ?? `exit code ${code}`}); its log ends with:\n${tail(options.logFile)}`,
        { facts: { name: options.name, logFile: options.logFile } },
      );
    }
    try {
      if (await options.ready()) return program;
    } catch (error) {
      last = error;
    }
    await sleep(POLL_MS);
  }
  await program.stop(1_000);
  throw new Fault<ProcessFaultCode>(
    'program-not-ready',
    `${options.name} was not ready after ${readyWithinMs} ms; its log ends with:\n${tail(options.logFile)}`,
    { facts: { name: options.name, logFile: options.logFile }, cause: last },
  );
}

function spawnProgram(options: ProgramOptions): Program {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'a', 0o600);
  let child: ChildProcess;
  try {
    // setpriv (util-linux, on every Debian) makes the kernel end the program when its parent dies, and then becomes
    // the program, so that the process id is the program's own.
    const user = options.runAs;
    const identity = user ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'] : [];
    child = spawn('setpriv', ['--pdeathsig', 'TERM', ...identity, '--', options.command, ...options.args], {
      stdio: ['ignore', log, log],
      // A session of its own: Ctrl-C at the terminal reaches the demo alone, which then ends its programs in order.
      detached: true,
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
  } finally {
    closeSync(log);
  }
  const exited = new Promise<ProgramExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
  const pid = child.pid;
  if (pid === undefined) {
    throw new Fault<ProcessFaultCode>('program-not-started', `${options.name} could not be started`, {
      facts: { name: options.name, command: options.command },
    });
  }
  return new ChildProgram(options.name, pid, options.logFile, child, exited);
}

class ChildProgram implements Program {
  #gone = false;
  readonly #child: ChildProcess;
  readonly #exited: Promise<ProgramExit>;

  constructor(
    readonly name: string,
    readonly pid: number,
    readonly logFile: string,
    child: ChildProcess,
    exited: Promise<ProgramExit>,
  ) {
    this.#child = child;
    this.#exited = exited;
    void exited.then(() => {
      this.#gone = true;
    });
    // A program that nobody stopped must not keep us from ending; the kernel ends it then.
    child.unref();
  }

  get exited(): Promise<ProgramExit> {
    if (!this.#gone) this.#child.ref();
    return this.#exited;
  }

  get running(): boolean {
    return !this.#gone && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  signal(signal: NodeJS.Signals): void {
    // ChildProcess.kill does nothing once the child was reaped, so a recycled process id is never hit.
    if (this.running) this.#child.kill(signal);
  }

  async stop(withinMs = DEFAULT_STOP_MS): Promise<ProgramExit> {
    this.signal('SIGTERM');
    // A program that a test has stopped with SIGSTOP would not see the SIGTERM otherwise.
    this.signal('SIGCONT');
    const patience = new AbortController();
    const timeout = sleep(withinMs, 'timeout' as const, { signal: patience.signal }).catch(
      () => 'ended' as const,
    );
    const first = await Promise.race([this.exited, timeout]);
    patience.abort();
    if (first === 'timeout') this.signal('SIGKILL');
    return this.exited;
  }
}

function tail(file: string): string {
  return readFileSync(file, 'utf8').slice(-LOG_TAIL_CHARS);
}
