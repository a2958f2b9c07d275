// Writing a problem on Node's response, for the interceptor, the filter and the layers before them.

import type { ServerResponse } from 'node:http';
import type { Facts } from '../../core/fault.js';
import type { Call } from './call.js';
import { PROBLEM_CONTENT_TYPE, type Problem, problemOf } from './problem.js';
import type { ProblemCode } from './problems.js';

/** Sets status and headers, and notes the code for the log line. The body is the caller's to send. */
export function prepareProblem(
  response: ServerResponse,
  call: Call,
  code: ProblemCode,
  facts: Facts,
): Problem {
  const body = problemOf(code, facts, call.id);
  call.code = code;
  response.statusCode = body.status;
  response.setHeader('content-type', PROBLEM_CONTENT_TYPE);
  response.setHeader('cache-control', 'no-store');
  // RFC 9110 §15.5.2 wants a challenge; RFC 9421 has no scheme of its own in that registry.
  if (body.status === 401) response.setHeader('www-authenticate', 'HTTPMessageSignature tag="portcullis"');
  const { retryAfterMs } = facts;
  if (typeof retryAfterMs === 'number') {
    response.setHeader('retry-after', Math.max(1, Math.ceil(retryAfterMs / 1_000)).toString());
  }
  return body;
}

export function sendProblem(
  response: ServerResponse,
  call: Call,
  code: ProblemCode,
  facts: Facts = {},
): void {
  // Once the answer has begun there is no second one; ending it is all that is left.
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.end(JSON.stringify(prepareProblem(response, call, code, facts)));
}
