// An explanation as it is shown: plain data, amounts as decimal strings beside their words. Made for people and programs that
// ask what policies say; nothing decides by it.

import { z } from 'zod';
import { baseUnits } from '../statements/fields.js';
import { approvalRequirement } from './approvals.js';
import type { Explanation } from './decide.js';
import type { PolicyRefusalCode } from './types.js';

export const policyRefusalCode = z.enum([
  'policy-no-match',
  'policy-refused',
  'policy-error',
  'limit-exceeded',
  'fact-missing',
  'facts-disagree',
  'token-changed',
]) satisfies z.ZodType<PolicyRefusalCode>;

export const explainedLimitView = z.object({
  limitId: z.string(),
  key: z.string().describe('Whose counter: the wallet, customer, destination, ….'),
  windowMs: z.int(),
  amount: baseUnits,
  usedBefore: baseUnits,
  usedAfter: baseUnits,
  max: baseUnits,
  takes: z.string().describe('`amount` in words: `0.5 BTC`, `1 transfer`. So are the following.'),
  used: z.string(),
  wouldBe: z.string(),
  atMost: z.string(),
  within: z.string().describe('`24h`'),
});

export const explainedView = z.object({
  decision: z.enum(['allow', 'approve', 'refuse']),
  rule: z.string().nullable().describe('`document/rule`; null where no rule decided.'),
  code: policyRefusalCode.nullable().describe('Why it is refused; else null.'),
  facts: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .describe('About the refusal: the limit, the fact that is missing.'),
  requirements: z.array(approvalRequirement).describe('Whose approvals it needs; empty for none.'),
  holdMs: z.int().describe('How long the signer holds it then; 0 for not at all.'),
  limits: z
    .array(explainedLimitView)
    .describe('What it takes of which limits, also where one of them refuses it.'),
  passedOver: z
    .array(z.object({ rule: z.string(), unmet: z.string() }))
    .describe('The rules asked before, each with the first of its conditions that does not hold.'),
});
export type ExplainedView = z.infer<typeof explainedView>;

export function explainedViewOf({ decision, passedOver, limits }: Explanation): ExplainedView {
  const refusal = decision.kind === 'refuse' ? decision : undefined;
  const permission = decision.kind === 'refuse' ? undefined : decision;
  return {
    decision: decision.kind,
    rule: decision.rule ?? null,
    code: refusal?.code ?? null,
    facts: { ...refusal?.facts },
    requirements: (permission?.requirements ?? []).map((one) => approvalRequirement.parse(one)),
    holdMs: permission?.holdMs ?? 0,
    // `within` says the calendar.
    limits: limits.map(
      ({ amount, usedBefore, usedAfter, max, calendar: _, bucketCount: _parts, ...words }) => ({
        ...words,
        amount: amount.toString(),
        usedBefore: usedBefore.toString(),
        usedAfter: usedAfter.toString(),
        max: max.toString(),
      }),
    ),
    passedOver: passedOver.map((one) => ({ ...one })),
  };
}
