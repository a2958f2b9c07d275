// A client of the signer's socket that trusts nothing and can misbehave: it sends whatever a test gives it.

import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { SigningOrder } from '../src/core/authorization/signing-order.js';
import { encodeFrame, FrameReader } from '../src/signer-protocol/frame.js';
import {
  PROTOCOL_VERSION,
  type Reply,
  reply,
  type SignResult,
  signResult,
} from '../src/signer-protocol/messages.js';

const REPLY_DEADLINE_MS = 30_000;

const asItIs = (order: SigningOrder) => order;

export class SocketClient {
  private readonly waiting = new Map<string, (reply: Reply) => void>();
  private readonly reader = new FrameReader();
  /** Replies to messages whose id the signer could not read. */
  readonly strays: Reply[] = [];
  readonly ended: Promise<void>;

  private constructor(
    private readonly socket: Socket,
    private readonly vouched: (order: SigningOrder) => SigningOrder,
  ) {
    socket.on('data', (chunk) => {
      for (const message of this.reader.push(chunk))
        this.take(reply.parse(JSON.parse(Buffer.from(message).toString())));
    });
    socket.on('error', () => socket.destroy());
    this.ended = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  /** `vouched`: what becomes of each order before it is sent. */
  static connect(path: string, vouched = asItIs): Promise<SocketClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once('connect', () => resolve(new SocketClient(socket, vouched)));
      socket.once('error', reject);
    });
  }

  /** Over a connection that stands already. */
  static over(socket: Socket, vouched = asItIs): SocketClient {
    return new SocketClient(socket, vouched);
  }

  private take(message: Reply): void {
    // A message that cannot be read is answered under id 0; where only one is waited for, it is the one.
    const [only] = this.waiting.keys();
    const id = message.id === '0' && this.waiting.size === 1 && only !== undefined ? only : message.id;
    const waiter = this.waiting.get(id);
    if (waiter) {
      this.waiting.delete(id);
      waiter(message);
    } else {
      this.strays.push(message);
    }
  }

  sendBytes(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Bytes that the signer has not taken yet. */
  get unsentBytes(): number {
    return this.socket.writableLength;
  }

  /** Reads nothing more, as a client does that is stuck or means harm. */
  stopReading(): void {
    this.socket.pause();
  }

  end(): void {
    this.socket.end();
  }

  close(): void {
    this.socket.destroy();
  }

  /** Sends any message with a fresh id and waits for the reply to it. */
  ask(message: Record<string, unknown>): Promise<Reply> {
    const id = randomUUID();
    return this.askText(id, JSON.stringify({ version: PROTOCOL_VERSION, id, ...message }));
  }

  /** Sends a text as a message and waits for the reply to `id`, or for one to a message that could not be read. */
  askText(id: string, text: string): Promise<Reply> {
    const answered = new Promise<Reply>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error('the signer did not answer in time')),
        REPLY_DEADLINE_MS,
      ).unref();
      this.waiting.set(id, (received) => {
        clearTimeout(timer);
        resolve(received);
      });
    });
    this.sendBytes(encodeFrame(new TextEncoder().encode(text)));
    return answered;
  }

  sign(order: SigningOrder): Promise<Reply> {
    return this.ask({ verb: 'sign', order: this.vouched(order) });
  }

  /** Signs and expects it done. */
  async signed(order: SigningOrder): Promise<SignResult> {
    const answer = await this.sign(order);
    if (answer.kind !== 'done') throw new Error(`not signed: ${JSON.stringify(answer)}`);
    return signResult.parse(answer.result);
  }
}

/** The code of a refusal or fault; `done` when it was done. */
export function codeOf(answer: Reply): string {
  return answer.kind === 'done' ? 'done' : answer.code;
}
