// What a connection is told when an answer cannot be given. Hostile messages are under test at the real signer's socket.

import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Fault } from '../core/fault.js';
import { encodeFrame, FrameReader, MAX_MESSAGE_BYTES } from '../signer-protocol/frame.js';
import { converse } from './conversation.js';
import type { Signer } from './signer.js';

const open: (Server | Socket)[] = [];
afterEach(() => {
  for (const one of open.splice(0)) {
    if ('destroy' in one) one.destroy();
    else one.close();
  }
});

/** What a signer whose status is this answers to one question for it. */
async function told(status: () => Promise<unknown>): Promise<{ kind: string; code?: string }> {
  const signer: Pick<Signer, 'status'> = { status: status as Signer['status'] };
  const server = createServer((socket) => converse(socket, signer as Signer, () => undefined));
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  open.push(client);
  const query = { version: 1, id: 'q-1', verb: 'status', transferIds: [] };
  client.write(encodeFrame(Buffer.from(JSON.stringify(query))));
  const reader = new FrameReader();
  return new Promise((resolve, reject) => {
    client.on('data', (chunk: Buffer) => {
      const [message] = reader.push(chunk);
      if (message) resolve(JSON.parse(Buffer.from(message).toString('utf8')));
    });
    client.on('close', () => reject(new Error('hung up')));
  });
}

describe('a question whose answer fails', () => {
  it('is answered with the code of the fault', async () => {
    const gone = () => Promise.reject(new Fault('token-gone', 'pulled out'));
    expect(await told(gone)).toMatchObject({ kind: 'fault', code: 'token-gone' });
  });

  it('is answered with internal, and nothing else, when the error is one that nobody expected', async () => {
    const reply = await told(() => Promise.reject(new TypeError('secret')));
    expect(reply).toMatchObject({ kind: 'fault', code: 'internal', facts: {} });
    expect(JSON.stringify(reply)).not.toContain('secret');
  });

  it('is answered with reply-too-large when no frame could carry the answer', async () => {
    const large = () => Promise.resolve('x'.repeat(MAX_MESSAGE_BYTES));
    expect(await told(large)).toMatchObject({ kind: 'fault', code: 'reply-too-large' });
  });
});
