// What an endpoint is: one description that routes it, says who may call it, parses what comes in, and documents it.
// There is no other way to serve a route, so nothing can be served that is not described.

import {
  applyDecorators,
  createParamDecorator,
  type ExecutionContext,
  RequestMapping,
  RequestMethod,
  SetMetadata,
} from '@nestjs/common';
import type { z } from 'zod';
import { Fault } from '../../core/fault.js';
import type { HandedIn } from '../audit/call-recorder.js';
import type { Principal } from '../identity/principal.js';
import { callOf, type HttpRequest, type KeyedEffect } from './call.js';
import type { ProblemCode } from './problems.js';

/** Who may call: anybody at all, a registered request key, a person of the roster, or either of the two. */
export type Access = 'open' | 'backend' | 'officer' | 'authenticated';

export interface Answer<A extends z.ZodType = z.ZodType> {
  readonly is: 'ok' | 'created';
  readonly description: string;
  readonly schema: A;
  readonly example: z.output<A>;
  /** Not JSON: the handler's string, or its bytes, are sent as they are. */
  readonly contentType?: string;
  /** For how long whoever is in between may keep it, as the header says it. For open endpoints alone. */
  readonly cacheControl?: string;
  /** The answer is a file to keep, with this name. */
  readonly fileName?: string;
}

export interface Endpoint<
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
  A extends z.ZodType = z.ZodType,
> {
  /** Name of the operation in the OpenAPI document: clients generate function names of it. */
  readonly operation: string;
  readonly method: 'GET' | 'POST';
  /** With `:name` for path parameters; `*name` at the end takes all segments that there are, as one text. */
  readonly path: string;
  readonly tag:
    | 'Transfers'
    | 'Approvals'
    | 'Ways out'
    | 'Wallets'
    | 'Policy'
    | 'Governance'
    | 'Audit'
    | 'Status'
    | 'Documents';
  readonly summary: string;
  readonly description: string;
  readonly access: Access;
  /** A file of the documentation page: routed like the rest, and no part of the API. */
  readonly partOfPage?: true;
  /**
   * An officer's call is a look, and in the audit log each time. What is read with GET is one too, the first time in a while.
   */
  readonly isRecorded?: true;
  /** The signer acts on what is handed in before this program writes any of it down: that it was is in the audit log first. */
  readonly handsIn?: Pick<HandedIn, 'kind' | 'what'>;
  /** What the body is about, each as `kind:id`; what the path names is known without. */
  about?(body: z.output<B>): readonly string[];
  readonly params?: P;
  readonly query?: Q;
  readonly body?: { readonly schema: B; readonly example: z.input<B> };
  readonly idempotencyKey?: 'required' | 'optional';
  readonly answer: Answer<A>;
  /** Refusals of its own, besides those that every endpoint of its access can give. */
  readonly refusals: readonly ProblemCode[];
}

/** Types an endpoint's description from what it says. */
export function endpoint<
  P extends z.ZodType = z.ZodUndefined,
  Q extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
  A extends z.ZodType = z.ZodType,
>(description: Endpoint<P, Q, B, A>): Endpoint<P, Q, B, A> {
  return description;
}

/** What a handler gets of a call, parsed. */
export interface InputOf<E extends Endpoint> {
  readonly params: E extends Endpoint<infer P> ? z.output<P> : never;
  readonly query: E extends Endpoint<z.ZodType, infer Q> ? z.output<Q> : never;
  readonly body: E extends Endpoint<z.ZodType, z.ZodType, infer B> ? z.output<B> : never;
}

const DESCRIPTION = Symbol('endpoint');

/** On a controller's method: serves the endpoint. */
export function Serves(description: Endpoint): MethodDecorator {
  return applyDecorators(
    RequestMapping({
      path: description.path,
      method: description.method === 'GET' ? RequestMethod.GET : RequestMethod.POST,
    }),
    SetMetadata(DESCRIPTION, description),
  );
}

/** The description behind a handler; undefined for a handler that somebody routed in another way. */
export function descriptionOf(handler: object): Endpoint | undefined {
  const metadata: unknown = Reflect.getMetadata(DESCRIPTION, handler);
  return isEndpoint(metadata) ? metadata : undefined;
}

function isEndpoint(value: unknown): value is Endpoint {
  return typeof value === 'object' && value !== null && 'operation' in value && 'answer' in value;
}

function requestOf(context: ExecutionContext): HttpRequest {
  return context.switchToHttp().getRequest<HttpRequest>();
}

/** The parsed input, as `InputOf` of the endpoint. */
export const Input = createParamDecorator(
  (_data: unknown, context: ExecutionContext) => callOf(requestOf(context)).input,
);

/** Who calls. Throws for an open endpoint, where nobody was asked. */
export const Caller = createParamDecorator((_data: unknown, context: ExecutionContext): Principal => {
  const { principal } = callOf(requestOf(context));
  if (!principal) throw new Fault('caller-unknown', 'an open endpoint asked who calls');
  return principal;
});

/** How to bind an effect to the call's Idempotency-Key. */
export const Effect = createParamDecorator(
  (_data: unknown, context: ExecutionContext): KeyedEffect => callOf(requestOf(context)).effect,
);
