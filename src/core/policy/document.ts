// The shape of a policy document as officers write it. The schema sees words and numbers only: what the words refer
// to (wallets, assets, groups) is resolved by parse.ts. The JSON Schema for editors comes from here too.

import { z } from 'zod';
import { currency } from '../facts/fact.js';
import { classCounts } from '../governance/credential-class.js';
import { tier } from '../governance/entry.js';
import { identifier } from '../statements/fields.js';
import { CALENDAR_UNITS } from './calendar.js';
import { zone } from './conditions/hours.js';
import { KINDS } from './conditions/table.js';
import { amount, assetName, duration, EMPTY, names, percentage } from './document-fields.js';
import { LEAST_BUCKETS, MOST_BUCKETS, USUAL_BUCKETS } from './window.js';
import type { PlainKind } from './types.js';

/** Keys whose values must stand in quotes: an amount never passes through a float. */
export const QUOTED_KEYS: ReadonlySet<string> = new Set([
  'absolute',
  'relative',
  'max',
  'max-share',
  'amount-at-most',
  'amount-above',
  'share-of-balance-at-most',
  'hot-share-at-most',
  'fee-at-most',
  'fee-share-at-most',
  'from',
  'to',
]);

const BUCKETS = `a window is kept in ${LEAST_BUCKETS} to ${MOST_BUCKETS} buckets`;

const SCOPES = ['wallet', 'tier', 'asset', 'destination', 'customer', 'requester'] as const;

function limitsPer<const T extends string>(scopes: readonly T[]) {
  const common = { id: identifier, per: z.enum(scopes) };
  const spans = [
    {
      window: duration,
      buckets: z
        .int()
        .min(LEAST_BUCKETS, BUCKETS)
        .max(MOST_BUCKETS, BUCKETS)
        .describe(`In so many parts is the window kept; ${USUAL_BUCKETS} unless said`)
        .optional(),
    },
    {
      calendar: z
        .enum(CALENDAR_UNITS, 'a calendar window is day, week or month')
        .describe('In place of a rolling window: the day, the week from Monday, or the month'),
      zone: zone.describe('By which it is told: UTC, or a fixed offset from it: "+01:00"'),
    },
  ] as const;
  const [rolling, inCalendar] = spans;
  const measures = <const S extends typeof rolling | typeof inCalendar>(span: S) =>
    [
      z.strictObject({ ...common, ...span, asset: assetName, max: amount }),
      z.strictObject({
        ...common,
        ...span,
        asset: assetName,
        'max-share': percentage.describe('Of what the wallet holds of the asset, as watchers say'),
      }),
      z.strictObject({ ...common, ...span, currency, max: amount }),
      z.strictObject({ ...common, ...span, 'max-count': z.int().min(1).max(1_000_000) }),
    ] as const;
  return z
    .array(
      z.union(
        [...measures(rolling), ...measures(inCalendar)],
        'a limit has window, or calendar and zone; and asset and max or max-share, currency and max, or max-count',
      ),
    )
    .min(1, EMPTY)
    .max(64)
    .optional();
}

const documentLimits = limitsPer([...SCOPES, 'global']);
const ruleLimits = limitsPer([...SCOPES, 'rule']).describe('Charged only by what this rule lets pass');

/** Named here, since an object with this very key looks like a promise; no schema and no document is ever awaited. */
const RULE_KEYS = { effect: 'then' } as const;

const plainConditions = {
  asset: KINDS.asset.schema.optional(),
  'amount-at-most': KINDS['amount-at-most'].schema.optional(),
  'amount-above': KINDS['amount-above'].schema.optional(),
  'destination-in': KINDS['destination-in'].schema.optional(),
  'requester-in': KINDS['requester-in'].schema.optional(),
  'customer-in': KINDS['customer-in'].schema.optional(),
  'wallet-in': KINDS['wallet-in'].schema.optional(),
  'tier-in': KINDS['tier-in'].schema.optional(),
  'chain-in': KINDS['chain-in'].schema.optional(),
  'risk-score-at-most': KINDS['risk-score-at-most'].schema.optional(),
  'risk-score-above': KINDS['risk-score-above'].schema.optional(),
  'screening-in': KINDS['screening-in'].schema.optional(),
  'share-of-balance-at-most': KINDS['share-of-balance-at-most'].schema.optional(),
  'hot-share-at-most': KINDS['hot-share-at-most'].schema.optional(),
  'kind-in': KINDS['kind-in'].schema.optional(),
  'to-own-tier-in': KINDS['to-own-tier-in'].schema.optional(),
  'fee-at-most': KINDS['fee-at-most'].schema.optional(),
  'fee-share-at-most': KINDS['fee-share-at-most'].schema.optional(),
  'within-hours': KINDS['within-hours'].schema.optional(),
  'first-use': KINDS['first-use'].schema.optional(),
  'look-alike': KINDS['look-alike'].schema.optional(),
  whitelisted: KINDS.whitelisted.schema.optional(),
  'whitelist-label-in': KINDS['whitelist-label-in'].schema.optional(),
  'whitelist-entry-in': KINDS['whitelist-entry-in'].schema.optional(),
  'whitelist-age-at-least': KINDS['whitelist-age-at-least'].schema.optional(),
} satisfies { readonly [K in PlainKind]: z.ZodType };

/** Of branches of branches a person loses count: two levels say whatever a treasury has to say. */
const innermost = z.strictObject(plainConditions);
const branches = z.array(innermost).min(1, EMPTY).max(16);

const conditionMap = z.strictObject({
  ...plainConditions,
  'any-of': branches.describe('All conditions of at least one of these hold').optional(),
  'none-of': branches.describe('Of none of these do all conditions hold').optional(),
});

const conditions = z.union(
  [z.literal('anything'), conditionMap],
  'when is the word anything, or a map of conditions',
);

const requirements = z
  .array(
    z.strictObject({
      group: identifier,
      quorum: z.int().min(1, 'a quorum is at least 1').max(64),
      except: names.describe('Persons who do not count for this one').optional(),
      with: classCounts.describe('At least so many of them approve with each of these').optional(),
      'not-members-of': names.describe('Groups whose members do not count for this one').optional(),
    }),
    'a list like [ { group: treasury, quorum: 2 } ] is wanted here',
  )
  .min(1, EMPTY)
  .max(8)
  .describe('All of these approve, each with persons of its own');

const stepped = z.strictObject({
  steps: z
    .array(requirements)
    .min(2, 'steps are two lists or more')
    .max(8)
    .describe('Each of these lists is met before anybody approves for the next'),
});

const alternatives = z.strictObject({
  'any-of': z
    .array(
      z.union(
        [requirements, stepped],
        'a list like [ { group: treasury, quorum: 2 } ], or { steps: [ [...], [...] ] }, is wanted here',
      ),
    )
    .min(2, 'any-of is between two lists or more')
    .max(8)
    .describe('One of these is enough'),
});

const approved = z.strictObject({
  approve: z.union(
    [requirements, stepped, alternatives],
    'approve is a list like [ { group: treasury, quorum: 2 } ], { steps: [ [...], [...] ] } or { any-of: [ [...], [...] ] }',
  ),
});

const held = z.strictObject({
  hold: duration.describe('How long the signer waits, while it runs, once everything else is in place'),
  [RULE_KEYS.effect]: z.union(
    [z.literal('allow'), approved],
    'after a hold stands allow, or { approve: [ { group: treasury, quorum: 2 } ] }',
  ),
});

const effect = z.union(
  [z.enum(['allow', 'refuse']), approved, held],
  'then is allow, refuse, { approve: [ { group: treasury, quorum: 2 } ] }, or { hold: 24h, then: ... }',
);

export const policyFile = z.strictObject({
  policy: identifier.describe('Name of the document; the same as its file'),
  'applies-to': z.union(
    [
      z.literal('everything'),
      z.strictObject({ wallets: z.array(identifier).min(1, EMPTY).max(64) }),
      z.strictObject({ tier }),
    ],
    'applies-to is everything, { wallets: [hot-btc] } or { tier: hot }',
  ),
  'fee-caps': z.strictObject({ absolute: amount, relative: percentage }).optional(),
  limits: documentLimits,
  rules: z
    .array(
      z.strictObject({ id: identifier, when: conditions, [RULE_KEYS.effect]: effect, limits: ruleLimits }),
    )
    .min(1, EMPTY)
    .max(256)
    .optional(),
});
export type PolicyFile = z.infer<typeof policyFile>;
export type RuleText = NonNullable<PolicyFile['rules']>[number];
/** Of a document, or of a rule in it. */
export type LimitText = (NonNullable<PolicyFile['limits']> | NonNullable<RuleText['limits']>)[number];
export type RequirementsText = z.infer<typeof requirements>;
/** A list, or several in their order. */
export type WayText = RequirementsText | z.infer<typeof stepped>;
export type FeeCapsText = NonNullable<PolicyFile['fee-caps']>;

/** JSON Schema (draft 2020-12) of a document, for editors: `policies/policy.schema.json`. Looser than parsing. */
export function policySchemaText(): string {
  return `${JSON.stringify(z.toJSONSchema(policyFile, { io: 'input' }), null, 2)}\n`;
}
