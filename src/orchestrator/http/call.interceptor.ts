// What happens to every call, in this order: who is it, may they, how often; what do they want, and was it done before;
// the handler; its answer. A handler is reached only through here, and only with what its endpoint's schemas parsed.

import type { ServerResponse } from 'node:http';
import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { lastValueFrom, type Observable, of } from 'rxjs';
import type { Clock } from '../../core/clock.js';
import { accepted, Fault, type Outcome, refused } from '../../core/fault.js';
import type { HttpMessage } from '../../core/http-message-signatures/signature-base.js';
import { sha256Hex } from '../../platform/sha256.js';
import { CallRecorder } from '../audit/call-recorder.js';
import { CONFIGURATION } from '../config/config.module.js';
import type { Configuration } from '../config/settings.js';
import { IdempotencyStore, type KeyedCall } from '../idempotency/idempotency.store.js';
import { Authenticator } from '../identity/authenticator.js';
import { nameOf, type Principal } from '../identity/principal.js';
import { CLOCK } from '../tokens.js';
import { type Call, callOf, type HttpRequest } from './call.js';
import { descriptionOf, type Endpoint } from './endpoint.js';
import { idempotencyKeyOf, parseInput } from './input.js';
import { messageFrom } from './message.js';
import { isProblemCode } from './problem.js';
import type { ProblemCode } from './problems.js';
import { prepareProblem } from './reply.js';
import { TokenBuckets } from './token-bucket.js';

type Result = Outcome<unknown, ProblemCode>;

@Injectable()
export class CallInterceptor implements NestInterceptor {
  private readonly buckets: TokenBuckets;

  constructor(
    private readonly authenticator: Authenticator,
    private readonly idempotency: IdempotencyStore,
    private readonly recorder: CallRecorder,
    @Inject(CONFIGURATION) private readonly configuration: Configuration,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.buckets = new TokenBuckets(configuration.http.rateLimits.perPrincipal);
  }

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<HttpRequest>();
    const response = context.switchToHttp().getResponse<ServerResponse>();
    const endpoint = descriptionOf(context.getHandler());
    if (!endpoint) throw new Fault('route-undescribed', 'a handler was routed without a description');
    const call = callOf(request);
    call.operation = endpoint.operation;
    const result = await this.withinTime(this.run(endpoint, request, call, next));
    if (result.kind === 'refused') return of(prepareProblem(response, call, result.code, result.facts));
    prepareAnswer(response, endpoint);
    return of(result.value);
  }

  /** Whoever is known and is told no is in the audit log, before they are told. */
  private async run(
    endpoint: Endpoint,
    request: HttpRequest,
    call: Call,
    next: CallHandler,
  ): Promise<Result> {
    const result = await this.answered(endpoint, request, call, next);
    if (result.kind === 'refused' && call.principal && isForTheLog(endpoint, result.code)) {
      await this.recorder.refused(recordOf(endpoint, call, call.principal), result.code);
    }
    return result;
  }

  private async answered(
    endpoint: Endpoint,
    request: HttpRequest,
    call: Call,
    next: CallHandler,
  ): Promise<Result> {
    const message = messageFrom(request);
    const body = request.body instanceof Uint8Array ? request.body : new Uint8Array(0);
    const admitted = await this.admit(endpoint, message, body, call);
    if (admitted.kind === 'refused') return admitted;

    const contentType = message.headers.get('content-type')?.join(', ');
    const input = parseInput(endpoint, { params: request.params, query: request.query, body, contentType });
    if (input.kind === 'refused') return input;
    call.input = input.value;
    call.about = aboutOf(endpoint, input.value);
    if (call.principal) await this.recordLook(endpoint, call, call.principal);

    const key = idempotencyKeyOf(endpoint, message.headers.get('idempotency-key'));
    if (key.kind === 'refused') return key;
    if (endpoint.handsIn && call.principal) {
      const bodySha256 = sha256Hex(body);
      const handedIn = { ...endpoint.handsIn, bodySha256 };
      await this.recorder.handedIn(recordOf(endpoint, call, call.principal), handedIn);
    }
    if (key.value === undefined || !call.principal) return handled(next);
    return this.once(
      { principal: nameOf(call.principal), key: key.value, fingerprint: fingerprintOf(message, body) },
      call,
      next,
    );
  }

  private async admit(
    endpoint: Endpoint,
    message: HttpMessage,
    body: Uint8Array,
    call: Call,
  ): Promise<Outcome<Principal | undefined, ProblemCode>> {
    const { access, operation } = endpoint;
    if (access === 'open') return accepted(undefined);
    const authenticated = await this.authenticator.authenticate(message, body);
    if (authenticated.kind === 'refused') {
      await this.recorder.notLetIn({ callId: call.id, operation }, authenticated.code);
      return authenticated;
    }
    const principal = authenticated.value;
    call.principal = principal;
    const retryAfterMs = this.buckets.take(nameOf(principal), this.clock.nowMs());
    if (retryAfterMs > 0) return refused('rate-limited', { retryAfterMs });
    if (access === 'officer' && principal.kind !== 'officer') return refused('officers-only');
    if (access === 'backend' && principal.kind !== 'backend') return refused('backends-only');
    await this.recorder.cameIn(recordOf(endpoint, call, principal));
    return accepted(principal);
  }

  /** What request keys read is their own, and programs read it all day. */
  private async recordLook(endpoint: Endpoint, call: Call, principal: Principal): Promise<void> {
    if (principal.kind !== 'officer' || !(endpoint.isRecorded || endpoint.method === 'GET')) return;
    const when = endpoint.isRecorded ? 'each' : 'first';
    await this.recorder.looked(recordOf(endpoint, call, principal), when);
  }

  /** The same call under the same key has one effect and one answer. */
  private async once(keyed: KeyedCall, call: Call, next: CallHandler): Promise<Result> {
    const earlier = await this.idempotency.earlier(keyed);
    if (earlier.kind === 'refused') return earlier;
    if (earlier.value.kind === 'answered') return accepted(JSON.parse(earlier.value.answer));
    if (earlier.value.kind === 'new') {
      const expiresAtMs = this.clock.nowMs() + this.configuration.http.idempotencyRetentionMs;
      call.effect = { alongside: this.idempotency.binding(keyed, expiresAtMs), alreadyDone: false };
      const result = await unlessBound(() => handled(next));
      if (result !== 'bound') return this.kept(keyed, result);
    }
    // The effect is there, from a call that crashed or from one that was faster; only the answer is to be made.
    call.effect = { alongside: undefined, alreadyDone: true };
    return this.kept(keyed, await handled(next));
  }

  private async kept(keyed: KeyedCall, result: Result): Promise<Result> {
    if (result.kind === 'refused') return result;
    return accepted(JSON.parse(await this.idempotency.answer(keyed, JSON.stringify(result.value))));
  }

  private async withinTime(work: Promise<Result>): Promise<Result> {
    const timeoutMs = this.configuration.http.answerTimeoutMs;
    const { promise, resolve } = Promise.withResolvers<Result>();
    const timer = setTimeout(() => resolve(refused('answer-timeout', { timeoutMs })), timeoutMs);
    try {
      return await Promise.race([work, promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function recordOf({ operation }: Endpoint, { id: callId, about = [] }: Call, principal: Principal) {
  return { callId, operation, principal: nameOf(principal), about };
}

/** What a path names, by the name of its parameter. */
const NAMED = { transferId: 'transfer', walletId: 'wallet', proposalId: 'proposal' } as const;

function aboutOf(
  endpoint: Endpoint,
  { params, body }: { readonly params: unknown; readonly body: unknown },
): readonly string[] {
  if (endpoint.about) return endpoint.about(body);
  const given = new Map<string, unknown>(Object.entries(params ?? {}));
  return Object.entries(NAMED).flatMap(([name, kind]) => {
    const id = given.get(name);
    return typeof id === 'string' ? [`${kind}:${id}`] : [];
  });
}

const NOT_THEIRS: readonly ProblemCode[] = ['officers-only', 'backends-only'];

/** Of what is only read, that it was not theirs to read. A caller who is too fast is not written down: that would be a flood. */
function isForTheLog({ method }: Endpoint, code: ProblemCode): boolean {
  return code !== 'rate-limited' && (method !== 'GET' || NOT_THEIRS.includes(code));
}

async function unlessBound(work: () => Promise<Result>): Promise<Result | 'bound'> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Fault && error.code === 'idempotency-key-bound') return 'bound';
    throw error;
  }
}

/** The handler's outcome. A handler gives a refusal or an answer as values; a code that is in no list is a fault. */
async function handled(next: CallHandler): Promise<Result> {
  const outcome: unknown = await lastValueFrom(next.handle());
  if (!isOutcome(outcome))
    throw new Fault('answer-malformed', 'a handler gave neither an answer nor a refusal');
  if (outcome.kind === 'accepted') return outcome;
  if (isProblemCode(outcome.code)) return refused(outcome.code, outcome.facts);
  throw new Fault('answer-malformed', 'a handler refused with a code that is in no list', {
    facts: { code: outcome.code },
  });
}

function isOutcome(value: unknown): value is Outcome<unknown> {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  return value.kind === 'accepted' || (value.kind === 'refused' && 'code' in value && 'facts' in value);
}

const STATUS_OF = { ok: 200, created: 201 } as const;

function prepareAnswer(response: ServerResponse, endpoint: Endpoint): void {
  const { answer } = endpoint;
  response.statusCode = STATUS_OF[answer.is];
  response.setHeader('content-type', answer.contentType ?? 'application/json; charset=utf-8');
  if (answer.fileName !== undefined) {
    response.setHeader('content-disposition', `attachment; filename="${answer.fileName}"`);
  }
  // What an authenticated caller was told is nobody else's, and no proxy keeps it.
  if (endpoint.access !== 'open') response.setHeader('cache-control', 'no-store');
  else if (answer.cacheControl !== undefined) response.setHeader('cache-control', answer.cacheControl);
}

/** Method, target and body: what makes two calls the same. */
function fingerprintOf(message: HttpMessage, body: Uint8Array): string {
  return sha256Hex(`${message.method}\n${message.path}${message.query}\n`, body);
}
