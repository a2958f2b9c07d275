// The layers before any route: an id and a log line for every call, a limit for every address, strict headers. What
// they know of a request is its address and its size.

import type { ServerResponse } from 'node:http';
import helmet from 'helmet';
import type { Clock } from '../../core/clock.js';
import type { Randomness } from '../../core/randomness.js';
import { nameOf } from '../identity/principal.js';
import type { Log } from '../logging/log.js';
import { beginCall, callOf, type HttpRequest } from './call.js';
import { sendProblem } from './reply.js';
import { type Rate, TokenBuckets } from './token-bucket.js';

export type Layer = (request: HttpRequest, response: ServerResponse, next: () => void) => void;

const CALL_ID_BYTES = 12;

/** Gives the call its id, and writes one line when it is over: facts, and nothing that the caller sent. */
export function callLayer(log: Log, clock: Clock, randomness: Randomness): Layer {
  return (request, response, next) => {
    const id = Buffer.from(randomness.bytes(CALL_ID_BYTES)).toString('base64url');
    const call = beginCall(request, id, clock.nowMs());
    response.setHeader('x-call-id', id);
    response.once('close', () => {
      log.info(response.writableFinished ? 'call answered' : 'call broken off', {
        call: id,
        operation: call.operation,
        method: request.method,
        status: response.statusCode,
        code: call.code,
        principal: call.principal && nameOf(call.principal),
        tookMs: Math.max(0, clock.nowMs() - call.startedMs),
      });
    });
    next();
  };
}

/** A bucket for each address, before anything is read of the body. IPv6 callers are counted by their /64, which is one customer's. */
export function addressLimitLayer(rate: Rate, clock: Clock): Layer {
  const buckets = new TokenBuckets(rate);
  return (request, response, next) => {
    const retryAfterMs = buckets.take(networkOf(request.ip ?? ''), clock.nowMs());
    if (retryAfterMs === 0) next();
    else sendProblem(response, callOf(request), 'rate-limited', { retryAfterMs });
  };
}

export function networkOf(address: string): string {
  const v4 = /^(?:::ffff:)?(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address)?.[1];
  if (v4 !== undefined) return v4;
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? [];
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  return `${groups.slice(0, 4).join(':')}::/64`;
}

const COMMON = {
  contentSecurityPolicy: false,
  crossOriginEmbedderPolicy: true,
  frameguard: { action: 'deny' },
} as const;

/** Answers are data: no browser is to run, frame or guess anything. The documentation page may load its own files. */
export function headersLayer(): Layer {
  const others = helmet(COMMON);
  const data = helmet.contentSecurityPolicy({
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
    },
  });
  const page = helmet.contentSecurityPolicy({
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
    },
  });
  return (request, response, next) => {
    const policy = request.url === '/docs' || request.url?.startsWith('/docs/') ? page : data;
    others(request, response, () => policy(request, response, next));
  };
}
