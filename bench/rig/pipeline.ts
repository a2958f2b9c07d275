// A client of the signer that costs as little as it can: frames are made before the clock runs, a fixed number of them is
// under way at a time on one connection, and answers are kept as bytes and looked at when the clock has stopped.

import { connect, type Socket } from 'node:net';
import type { SigningOrder } from '../../src/core/authorization/signing-order.js';
import { encodeFrame, FrameReader } from '../../src/signer-protocol/frame.js';
import { PROTOCOL_VERSION, reply, type SignResult, signResult } from '../../src/signer-protocol/messages.js';

const IDLE_DEADLINE_MS = 60_000;

export function signFrame(id: string, order: SigningOrder): Uint8Array {
  const text = JSON.stringify({ version: PROTOCOL_VERSION, id, verb: 'sign', order });
  return encodeFrame(new TextEncoder().encode(text));
}

export interface Exchange {
  readonly ms: number;
  /** In the order in which they came. */
  readonly answers: readonly Uint8Array[];
}

export class PipelineClient {
  private constructor(private readonly socket: Socket) {}

  static connect(path: string): Promise<PipelineClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once('connect', () => resolve(new PipelineClient(socket)));
      socket.once('error', reject);
    });
  }

  /** Sends all frames, never more than `inFlight` unanswered. Rejects when nothing comes for a minute. */
  exchange(frames: readonly Uint8Array[], inFlight: number): Promise<Exchange> {
    const { socket } = this;
    const reader = new FrameReader();
    const answers: Uint8Array[] = [];
    let sent = 0;
    return new Promise((resolve, reject) => {
      const end = (finish: () => void) => {
        socket.off('data', take).off('error', fail).off('close', closed).off('timeout', late).setTimeout(0);
        finish();
      };
      const fail = (error: Error) => end(() => reject(error));
      const closed = () => fail(new Error('the signer closed the connection'));
      const late = () => fail(new Error('the signer has not answered in a minute'));
      const sendMore = () => {
        for (; sent < frames.length && sent - answers.length < inFlight; sent += 1) {
          socket.write(frames[sent] ?? new Uint8Array(0));
        }
      };
      const take = (chunk: Uint8Array) => {
        answers.push(...reader.push(chunk));
        if (answers.length === frames.length)
          end(() => resolve({ ms: performance.now() - started, answers }));
        else sendMore();
      };
      socket.on('data', take).on('error', fail).on('close', closed).on('timeout', late);
      socket.setTimeout(IDLE_DEADLINE_MS);
      const started = performance.now();
      sendMore();
    });
  }

  close(): void {
    this.socket.destroy();
  }
}

/** What an answer says. Throws unless it was signed. */
export function signedOf(answer: Uint8Array): SignResult {
  const parsed = reply.parse(JSON.parse(new TextDecoder().decode(answer)));
  if (parsed.kind !== 'done') throw new Error(`not signed: ${parsed.code} ${JSON.stringify(parsed.facts)}`);
  return signResult.parse(parsed.result);
}
