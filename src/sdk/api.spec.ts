// The client against a service that means it ill.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Api } from './api.js';

const CHUNK = Buffer.alloc(1024 * 1024, 'x');
const MAX_MEGABYTES = 64;

let server: Server;
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

describe('an answer', () => {
  it('without an end is left off, and is not kept in memory (api-answer-malformed)', async () => {
    let sent = 0;
    server = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json');
      const more = () => {
        for (sent += 1; response.write(CHUNK); sent += 1);
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const api = new Api(
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      { keyId: 'backend', alg: 'ed25519', sign: async () => new Uint8Array(64) },
      { nowMs: () => Date.now() },
      { bytes: (length) => new Uint8Array(length), fraction: () => 0 },
    );
    await expect(api.get('/v1/wallets', z.unknown())).rejects.toMatchObject({ code: 'api-answer-malformed' });
    expect(sent).toBeLessThan(MAX_MEGABYTES);
  });
});
