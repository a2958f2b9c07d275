// The arithmetic of signatures on a thread of its own, so that the one that judges orders goes on meanwhile. The thread is
// this very program (arithmetic-worker.ts) and trusted like it. Should it end, or fall silent, whoever waits does the work
// themselves, and so does everybody after that: nothing is answered wrongly or not at all.

import { Worker } from 'node:worker_threads';
import type { SignatureClaim, SignatureVerifier } from '../core/statements/signature.js';
import { type Answered, type Asked, packed } from './arithmetic-messages.js';
import { knowing, ownArithmetic, type SignatureArithmetic } from './signature-arithmetic.js';

type Resolve = (answered: Answered | undefined) => void;

/** More than this under way at a time is done by whoever asks. */
const MOST_WAITING = 1_024;
/**
 * So long without a word while somebody waits, twice over, is taken for the end: one answer takes milliseconds. Twice, since
 * the whole program may have stood still, and its clock not.
 */
const SILENCE_MS = 2_000;

export interface ThreadOptions {
  /** The compiled worker; the one beside this file unless said otherwise. */
  readonly program?: string | URL;
  readonly silenceMs?: number;
}

export class ArithmeticThread implements SignatureArithmetic {
  private readonly waiting = new Map<number, Resolve>();
  private asked: Asked[] = [];
  private nextId = 1;
  private isLost = false;
  /** Runs while somebody waits, anew from each answer. */
  private silence: NodeJS.Timeout | undefined;
  private silences = 0;

  private constructor(
    private readonly worker: Worker,
    private readonly onLost: (error: unknown) => void,
    private readonly silenceMs: number,
  ) {
    worker.on('message', (answered: Answered) => this.settle(answered));
    worker.on('error', (error) => this.lose(error));
    worker.on('exit', (code) => this.lose(new Error(`the thread ended with ${code}`)));
    worker.unref();
  }

  /** `onLost` is told once, unless it was closed. */
  static start(
    onLost: (error: unknown) => void,
    {
      program = new URL('./arithmetic-worker.js', import.meta.url),
      silenceMs = SILENCE_MS,
    }: ThreadOptions = {},
  ): ArithmeticThread {
    return new ArithmeticThread(new Worker(program), onLost, silenceMs);
  }

  async ahead(claims: readonly SignatureClaim[]): Promise<SignatureVerifier> {
    if (claims.length === 0) return ownArithmetic.ahead(claims);
    const answered = await this.ask((id) => ({ id, claims }));
    return answered !== undefined && 'valid' in answered
      ? knowing(claims, answered.valid)
      : ownArithmetic.ahead(claims);
  }

  async recoveryIdOf(publicKey: string, digest: Uint8Array, rs64: Uint8Array): Promise<0 | 1> {
    const answered = await this.ask((id) => ({ id, recovery: { publicKey, digest, rs64 } }));
    // Where there is none, it is asked once more here, for the fault that says so.
    return answered !== undefined && 'yParity' in answered && answered.yParity !== undefined
      ? answered.yParity
      : ownArithmetic.recoveryIdOf(publicKey, digest, rs64);
  }

  async close(): Promise<void> {
    this.endWaiting();
    await this.worker.terminate();
  }

  /** What is asked together goes in one message. Undefined where nobody is there to answer. */
  private ask(asked: (id: number) => Asked): Promise<Answered | undefined> {
    if (this.isLost || this.waiting.size >= MOST_WAITING) return Promise.resolve(undefined);
    const id = this.nextId++;
    this.asked.push(asked(id));
    if (this.asked.length === 1) process.nextTick(() => this.flush());
    this.silence ??= setTimeout(() => this.heardNothing(), this.silenceMs).unref();
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }

  private flush(): void {
    const message = packed(this.asked);
    this.asked = [];
    if (!this.isLost) this.worker.postMessage(message, [message.bytes.buffer]);
  }

  private settle(answered: Answered): void {
    this.waiting.get(answered.id)?.(answered);
    this.waiting.delete(answered.id);
    this.silences = 0;
    if (this.waiting.size === 0) this.stopListening();
    else this.silence?.refresh();
  }

  private heardNothing(): void {
    this.silences++;
    if (this.silences === 1) {
      this.silence?.refresh();
      return;
    }
    this.lose(new Error(`the thread has not answered for ${2 * this.silenceMs} ms`));
    // Not waited for: what hangs in machine code may never end.
    void this.worker.terminate();
  }

  private stopListening(): void {
    clearTimeout(this.silence);
    this.silence = undefined;
  }

  private lose(error: unknown): void {
    if (this.isLost) return;
    this.endWaiting();
    this.onLost(error);
  }

  private endWaiting(): void {
    this.isLost = true;
    this.stopListening();
    for (const resolve of this.waiting.values()) resolve(undefined);
    this.waiting.clear();
  }
}
