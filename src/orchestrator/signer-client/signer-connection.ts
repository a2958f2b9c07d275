// One connection to the signer, carrying one query at a time. A connection on which anything went wrong (a reply that
// is late, malformed or to another question) is closed and never used again. It does NOT retry.

import type { Socket } from 'node:net';
import { Fault } from '../../core/fault.js';
import { encodeFrame, FrameReader } from '../../signer-protocol/frame.js';
import { type Reply, reply } from '../../signer-protocol/messages.js';
import type { SignerClientFaultCode } from './signer-client.errors.js';

interface Waiting {
  readonly id: string;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (fault: Fault<SignerClientFaultCode>) => void;
}

export class SignerConnection {
  private readonly reader = new FrameReader();
  private waiting: Waiting | undefined;
  private ended = false;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => this.receive(chunk));
    socket.on('error', (error) => this.fail('signer-connection-lost', error));
    socket.on('close', () => this.fail('signer-connection-lost'));
  }

  /** `socket` is a connecting one; `ready` the event that says it can be used. Throws `signer-unreachable`. */
  static open(
    socket: Socket,
    ready: 'connect' | 'secureConnect',
    timeoutMs: number,
  ): Promise<SignerConnection> {
    return new Promise((resolve, reject) => {
      const fail = (cause?: unknown): void => {
        clearTimeout(patience);
        socket.destroy();
        reject(
          new Fault<SignerClientFaultCode>('signer-unreachable', 'cannot connect to the signer', { cause }),
        );
      };
      const patience = setTimeout(fail, timeoutMs);
      socket.once('error', fail);
      socket.once('close', fail);
      socket.once(ready, () => {
        clearTimeout(patience);
        socket.off('error', fail);
        socket.off('close', fail);
        resolve(new SignerConnection(socket));
      });
    });
  }

  get dead(): boolean {
    return this.ended;
  }

  /** Sends one query and waits for its reply. Throws `signer-connection-lost`, `signer-timeout`, `signer-reply-malformed`. */
  async ask(id: string, body: Uint8Array, timeoutMs: number): Promise<Reply> {
    const frame = encodeFrame(body);
    const answer = new Promise<Reply>((resolve, reject) => {
      this.waiting = { id, resolve, reject };
    });
    const patience = setTimeout(() => this.fail('signer-timeout'), timeoutMs);
    this.socket.write(frame);
    try {
      return await answer;
    } finally {
      clearTimeout(patience);
    }
  }

  close(): void {
    this.fail('signer-connection-lost');
  }

  private receive(chunk: Uint8Array): void {
    if (this.ended) return;
    try {
      for (const message of this.reader.push(chunk)) this.answer(message);
    } catch (cause) {
      this.fail('signer-reply-malformed', cause);
    }
  }

  private answer(message: Uint8Array): void {
    const parsed = reply.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(message)));
    const { waiting } = this;
    if (parsed.id !== waiting?.id) {
      this.fail('signer-reply-malformed');
      return;
    }
    this.waiting = undefined;
    waiting.resolve(parsed);
  }

  private fail(code: SignerClientFaultCode, cause?: unknown): void {
    this.ended = true;
    this.socket.destroy();
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.reject(
      new Fault<SignerClientFaultCode>(code, 'the signer gave no answer that can be used', {
        ...(cause === undefined ? {} : { cause }),
      }),
    );
  }
}
