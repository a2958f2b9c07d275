import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { httpSettings } from '../config/settings.js';
import { HttpAdapter } from './adapter.js';

const WITHIN_MS = 3_000;

describe('a client that does not read', () => {
  it('does not keep its connection: an answer that nobody takes is given up', async () => {
    const adapter = new HttpAdapter(
      httpSettings.parse({ headersTimeoutMs: 100, requestTimeoutMs: 100, answerTimeoutMs: 100 }),
    );
    adapter.initHttpServer();
    adapter.get('/', (_request: unknown, response: { end(body: Buffer): void }) =>
      response.end(Buffer.alloc(64 * 1024 * 1024)),
    );
    const server = adapter.getHttpServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const client = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
    client.on('error', () => undefined);
    try {
      const closed = new Promise<string>((resolve) => {
        server.once('connection', (socket: NodeJS.EventEmitter) =>
          socket.once('close', () => resolve('closed')),
        );
      });
      client.pause();
      client.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n');
      const late = new Promise<string>((resolve) => setTimeout(() => resolve('open'), WITHIN_MS));
      expect(await Promise.race([closed, late])).toBe('closed');
    } finally {
      client.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
