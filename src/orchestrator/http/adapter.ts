// Express under Nest, with a server that does not wait for slow clients, and with answers written as they are: statuses
// and headers were set by the interceptor or the filter, so nothing here guesses them.

import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { HttpSettings } from '../config/settings.js';

const MAX_HEADER_BYTES = 16 * 1024;

export class HttpAdapter extends ExpressAdapter {
  constructor(private readonly settings: HttpSettings) {
    super();
  }

  override initHttpServer(): void {
    const { headersTimeoutMs, requestTimeoutMs, answerTimeoutMs, keepAliveTimeoutMs, maxConnections } =
      this.settings;
    const server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
        requestTimeout: requestTimeoutMs,
        keepAliveTimeout: keepAliveTimeoutMs,
        // How often connections are checked against the two timeouts above.
        connectionsCheckingInterval: Math.max(50, Math.min(1_000, headersTimeoutMs / 2)),
        requireHostHeader: true,
      },
      this.getInstance<RequestListener>(),
    );
    // Longer than a handler may take. It ends a connection whose client takes nothing of its answer: a few hundred of
    // those would otherwise hold all connections there are, for ever.
    server.timeout = answerTimeoutMs + headersTimeoutMs;
    server.maxConnections = maxConnections;
    server.maxRequestsPerSocket = 1_000;
    this.setHttpServer(server);
  }

  override reply(response: ServerResponse, body: unknown): void {
    // Timed out, or the caller went away: there is nobody to answer.
    if (response.writableEnded || response.destroyed) return;
    const isSentAsItIs = typeof body === 'string' || body instanceof Uint8Array;
    response.end(isSentAsItIs ? body : JSON.stringify(body));
  }
}
