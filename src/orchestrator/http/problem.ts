// Problem details (RFC 9457): the one shape of every answer that is not a success.

import { z } from 'zod';
import type { Facts } from '../../core/fault.js';
import { PROBLEMS, type ProblemCode } from './problems.js';

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

export const problem = z.strictObject({
  type: z.string().describe('Identifies the kind of problem: `urn:portcullis:problem:` and the code.'),
  title: z.string().describe('The kind of problem in a few words; the same for every occurrence.'),
  status: z.int().describe('The HTTP status, again.'),
  detail: z.string().describe('What it means and what to do about it.'),
  instance: z.string().describe('`urn:portcullis:call:` and the id of this call, as it stands in the logs.'),
  code: z.string().describe('From a closed list; programs go by this.'),
  facts: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .describe('What a person needs to act.'),
});
export type Problem = z.infer<typeof problem>;

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

export function problemOf(code: ProblemCode, facts: Facts, callId: string): Problem {
  const { status, title, detail } = PROBLEMS[code];
  return {
    type: `urn:portcullis:problem:${code}`,
    title,
    status,
    detail,
    instance: `urn:portcullis:call:${callId}`,
    code,
    facts: { ...facts },
  };
}
