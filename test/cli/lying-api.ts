// Plays the orchestrator for tests of the officer's side: it serves what a test tells it to, true or not, and takes
// whatever is posted. It checks the signature of every call as the real one does.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '../../src/core/http-message-signatures/signature-base.js';
import { verifyHttpRequest } from '../../src/core/http-message-signatures/verify.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';

export interface Posted {
  readonly path: string;
  readonly body: unknown;
}

export class LyingApi {
  /** Answers by path; anything else is not found. */
  readonly answers = new Map<string, unknown>();
  readonly posted: Posted[] = [];
  /** Codes of calls whose signature did not hold. */
  readonly unauthenticated: string[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(keys: ReadonlyMap<string, string>): Promise<LyingApi> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const api = new LyingApi(server, url);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const headers = Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
        );
        const body = Buffer.concat(chunks);
        const target = new URL(request.url ?? '/', url);
        const outcome = verifyHttpRequest(messageOf(request.method ?? '', target.href, headers), body, {
          lookUpKey: (keyId) => keys.get(keyId),
          verifier: nativeVerifier,
          nowMs: Date.now(),
        });
        if (outcome.kind === 'refused') api.unauthenticated.push(outcome.code);
        if (request.method === 'POST') {
          const sent: unknown = body.length === 0 ? undefined : JSON.parse(body.toString());
          api.posted.push({ path: target.pathname, body: sent });
        }
        const answer = api.answers.get(target.pathname);
        response.statusCode = answer === undefined ? 404 : request.method === 'POST' ? 201 : 200;
        response.end(JSON.stringify(answer ?? { code: 'route-unknown', title: 'No such route', facts: {} }));
      });
    });
    return api;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
