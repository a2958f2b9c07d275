// The arithmetic of signatures on a thread of its own, so that the one that judges orders goes on meanwhile. The thread is
// this very program (arithmetic-worker.ts) and trusted like it. Should it end, whoever waits does the work themselves, and so
// does everybody after that: nothing is answered wrongly or not at all.

import { Worker } from 'node:worker_threads';
import type { SignatureClaim, SignatureVerifier } from '../core/statements/signature.js';
import { knowing, ownArithmetic, type SignatureArithmetic } from './signature-arithmetic.js';

export interface Recovery {
  readonly publicKey: string;
  readonly digest: Uint8Array;
  readonly rs64: Uint8Array;
}

export type Asked = { readonly id: number } & (
  | { readonly claims: readonly SignatureClaim[] }
  | { readonly recovery: Recovery }
);

export type Answered = { readonly id: number } & (
  | { readonly valid: readonly boolean[] }
  | { readonly yParity: 0 | 1 | undefined }
);

type Resolve = (answered: Answered | undefined) => void;

/** More than this under way at a time is done by whoever asks. */
const MOST_WAITING = 1_024;

export class ArithmeticThread implements SignatureArithmetic {
  private readonly waiting = new Map<number, Resolve>();
  private asked: Asked[] = [];
  private nextId = 1;
  private isLost = false;

  private constructor(
    private readonly worker: Worker,
    private readonly onLost: (error: unknown) => void,
  ) {
    worker.on('message', (answered: Answered) => this.settle(answered));
    worker.on('error', (error) => this.lose(error));
    worker.on('exit', (code) => this.lose(new Error(`the thread ended with ${code}`)));
    worker.unref();
  }

  /** `onLost` is told once, unless it was closed. `program` is the compiled worker, the one beside this file unless said otherwise. */
  static start(
    onLost: (error: unknown) => void,
    program: string | URL = new URL('./arithmetic-worker.js', import.meta.url),
  ): ArithmeticThread {
    return new ArithmeticThread(new Worker(program), onLost);
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
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }

  private flush(): void {
    const asked = this.asked;
    this.asked = [];
    if (!this.isLost) this.worker.postMessage(asked);
  }

  private settle(answered: Answered): void {
    this.waiting.get(answered.id)?.(answered);
    this.waiting.delete(answered.id);
  }

  private lose(error: unknown): void {
    if (this.isLost) return;
    this.endWaiting();
    this.onLost(error);
  }

  private endWaiting(): void {
    this.isLost = true;
    for (const resolve of this.waiting.values()) resolve(undefined);
    this.waiting.clear();
  }
}
