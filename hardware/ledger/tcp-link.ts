// A Ledger behind a socket: what emulators of Ledger's devices offer. Each command goes out behind its length in 32 bits; each answer
// comes behind the length of its data, the status word not counted. On this host alone: nothing here is encrypted.

import { connect, type Socket } from 'node:net';
import { deviceFault, type LedgerLink } from './link.js';

const MOST_DATA_BYTES = 256;
const LENGTH_BYTES = 4;
const STATUS_BYTES = 2;

type Waiting = PromiseWithResolvers<Uint8Array>;

class TcpLink implements LedgerLink {
  private received = Buffer.alloc(0);
  private waiting: Waiting | undefined;
  private gone: Error | undefined;

  constructor(private readonly socket: Socket) {
    socket.on('data', (bytes) => {
      this.received = Buffer.concat([this.received, bytes]);
      this.take();
    });
    socket.on('error', (error) =>
      this.end(deviceFault('device-gone', 'the connection to the device broke', {}, error)),
    );
    socket.on('close', () => this.end(deviceFault('device-gone', 'the device has closed the connection')));
  }

  exchange(apdu: Uint8Array): Promise<Uint8Array> {
    if (this.gone) return Promise.reject(this.gone);
    if (this.waiting || this.received.length > 0) {
      this.end(deviceFault('device-answer-malformed', 'the device said something that it was not asked'));
      return Promise.reject(this.gone ?? new Error('ended'));
    }
    this.waiting = Promise.withResolvers<Uint8Array>();
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(apdu.length);
    this.socket.write(Buffer.concat([length, apdu]));
    return this.waiting.promise;
  }

  close(): Promise<void> {
    this.end(deviceFault('device-gone', 'the device was closed'));
    return Promise.resolve();
  }

  private take(): void {
    if (this.received.length < LENGTH_BYTES) return;
    const dataBytes = this.received.readUInt32BE(0);
    if (dataBytes > MOST_DATA_BYTES) {
      this.end(deviceFault('device-answer-malformed', 'an answer of the wrong length', { bytes: dataBytes }));
      return;
    }
    const end = LENGTH_BYTES + dataBytes + STATUS_BYTES;
    if (!this.waiting || this.received.length < end) return;
    const answer = Uint8Array.from(this.received.subarray(LENGTH_BYTES, end));
    this.received = this.received.subarray(end);
    const { resolve } = this.waiting;
    this.waiting = undefined;
    resolve(answer);
  }

  private end(fault: Error): void {
    this.gone ??= fault;
    this.waiting?.reject(this.gone);
    this.waiting = undefined;
    this.socket.destroy();
  }
}

/** Connects. Faults `device-gone`, also when nobody answers in time. */
export async function tcpLink(host: string, port: number, deadlineMs = 5_000): Promise<LedgerLink> {
  const socket = connect({ host, port });
  const ready = Promise.withResolvers<undefined>();
  socket.once('connect', () => ready.resolve(undefined));
  socket.once('error', ready.reject);
  const timer = setTimeout(() => ready.reject(new Error('no answer in time')), deadlineMs);
  try {
    await ready.promise;
  } catch (error) {
    socket.destroy();
    throw deviceFault('device-gone', `no device answers at ${host}:${port}`, { host, port }, error);
  } finally {
    clearTimeout(timer);
  }
  return new TcpLink(socket);
}
