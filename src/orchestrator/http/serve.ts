// Makes the program listen, and stop without dropping anything: an order of events, and nothing about routes.

import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Clock } from '../../core/clock.js';
import { Fault } from '../../core/fault.js';
import type { Randomness } from '../../core/randomness.js';
import type { Configuration } from '../config/settings.js';
import { Authorities } from '../identity/authorities.js';
import { Log } from '../logging/log.js';
import { CLOCK, RANDOMNESS } from '../tokens.js';
import { HttpAdapter } from './adapter.js';
import { addressLimitLayer, callLayer, headersLayer } from './front.js';
import { Shutdown } from './shutdown.js';

export type HttpFaultCode = 'listen-failed' | 'address-unknown';

const IDLE_CHECK_MS = 50;

export interface Served {
  readonly application: NestExpressApplication;
  /** `http://127.0.0.1:7430`. */
  readonly url: string;
  /** Finishes what is under way, for as long as the configuration allows, and stops. Safe to call twice. */
  readonly stop: () => Promise<void>;
}

/** Throws `listen-failed`, and whatever keeps a part of the program from starting. */
export async function serve(
  root: Type | DynamicModule,
  configuration: Configuration,
  log: Log,
): Promise<Served> {
  const { http } = configuration;
  const adapter = new HttpAdapter(http);
  const application = await NestFactory.create<NestExpressApplication>(root, adapter, {
    bodyParser: false,
    logger: log,
    abortOnError: false,
  });
  try {
    prepare(application, configuration, log);
    await application.init();
    const url = await listen(application, adapter, configuration);
    log.info('listening', { url });
    return { application, url, stop: stopper(application, configuration, log) };
  } catch (error) {
    await application.close();
    throw error;
  }
}

function prepare(application: NestExpressApplication, { http }: Configuration, log: Log): void {
  const clock = application.get<Clock>(CLOCK);
  const randomness = application.get<Randomness>(RANDOMNESS);
  application.disable('x-powered-by');
  application.set('etag', false);
  application.set('case sensitive routing', true);
  application.set('trust proxy', http.trustedProxies.length === 0 ? false : http.trustedProxies);
  application.use(callLayer(log, clock, randomness));
  application.use(headersLayer());
  application.use(addressLimitLayer(http.rateLimits.perAddress, clock));
  // The bytes as they came: a digest is over them, and they are parsed only once they are known to be signed.
  application.useBodyParser('raw', { type: () => true, limit: http.bodyLimitBytes, inflate: false });
}

async function listen(
  application: NestExpressApplication,
  adapter: HttpAdapter,
  { http }: Configuration,
): Promise<string> {
  const authorities = application.get(Authorities);
  const server: Server = adapter.getHttpServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host: http.host, port: http.port }, resolve);
  try {
    await promise;
  } catch (cause) {
    throw new Fault<HttpFaultCode>('listen-failed', `cannot listen on ${http.host} port ${http.port}`, {
      facts: { host: http.host, port: http.port },
      cause,
    });
  }
  server.off('error', reject);
  const { port } = addressOf(server);
  authorities.listeningOn(port);
  return `http://${http.host.includes(':') ? `[${http.host}]` : http.host}:${port}`;
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') {
    throw new Fault<HttpFaultCode>('address-unknown', 'the server listens on no port');
  }
  return address;
}

function stopper(
  application: NestExpressApplication,
  { http }: Configuration,
  log: Log,
): () => Promise<void> {
  let stopped: Promise<void> | undefined;
  return () => {
    stopped ??= drain(application, http.drainMs, log);
    return stopped;
  };
}

async function drain(application: NestExpressApplication, drainMs: number, log: Log): Promise<void> {
  log.info('stopping');
  application.get(Shutdown).begin();
  const server: Server = application.getHttpServer();
  // Closing waits for requests under way. A client that never finishes its own is cut off when the time is over.
  const timer = setTimeout(() => server.closeAllConnections(), drainMs);
  try {
    // Takes no new connections, then lets every module end what it does: workers first, the database last.
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // A connection that has answered its last request would otherwise be kept alive for a next one.
    const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
    await closed.finally(() => clearInterval(idle));
    await application.close();
  } finally {
    clearTimeout(timer);
  }
  log.info('stopped');
}
