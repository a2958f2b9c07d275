// What a service has on record of a transfer, shown beside what is decided here; and what was not looked up for that answer, so that
// nobody takes one for the other.

import { approvalWords } from '../core/policy/approvals.js';
import { quantityWords } from '../core/policy/conditions.js';
import { askedFor, factsFor } from '../core/policy/decide.js';
import type { Limit, PolicySet, Situation } from '../core/policy/types.js';
import type { Transfer } from '../sdk/shapes.js';
import { attention, faint, type Line, table } from './lines.js';

/** Its word, beside what is decided here. */
export interface OnRecord {
  readonly state: string;
  readonly rule: string | null;
  readonly limits: Transfer['limits'];
  readonly approvedBy: readonly string[];
  readonly missing: string;
}

export function recordOf({ state, rule, limits, approvals }: Transfer): OnRecord {
  const approvedBy = approvals.given.filter(({ verdict }) => verdict === 'approve');
  return {
    state,
    rule,
    limits,
    approvedBy: approvedBy.map(({ personId }) => personId),
    missing: approvalWords(approvals.missing),
  };
}

function limitsOf({ policies }: PolicySet): ReadonlyMap<string, Limit> {
  const all = policies.flatMap(({ limits, rules }) => [
    ...limits,
    ...rules.flatMap((rule) => rule.limits ?? []),
  ]);
  return new Map(all.map((limit) => [limit.id, limit]));
}

/** In the unit of the limit; of one that the documents do not have, as it stands on record. */
function wordsOf(limit: Limit | undefined, quantity: string): string {
  return limit ? quantityWords(limit.measure, BigInt(quantity)) : `${quantity} (base units)`;
}

function limitLines({ limits }: OnRecord, policies: PolicySet): readonly Line[] {
  if (limits.length === 0) return [];
  const known = limitsOf(policies);
  return table(
    ['limit', 'counter', 'used before', 'used after', 'at most'],
    limits.map(({ limitId, key, usedBefore, usedAfter, max }) => {
      const limit = known.get(limitId);
      return [limitId, key, ...[usedBefore, usedAfter, max].map((quantity) => wordsOf(limit, quantity))];
    }),
  );
}

export function recordLines(record: OnRecord, policies: PolicySet): Line[] {
  const { state, rule, approvedBy, missing } = record;
  return [
    '',
    [faint('What the service has on record, which is its word alone:')],
    [`${state}, by the rule ${rule ?? 'none'}; approved by ${approvedBy.join(', ') || 'nobody'}`],
    [missing === '' ? 'no approval is missing' : `missing: ${missing}`],
    ...limitLines(record, policies),
  ];
}

/**
 * What the policies of a wallet could ask for and nobody said here: subjects of facts, and `knowledge` of destination and hour.
 * `isKnown`: somebody has said that.
 */
export function notLookedUp(policies: PolicySet, situation: Situation, isKnown: boolean): readonly string[] {
  const facts = factsFor(policies, situation).filter((subject) => !situation.facts?.has(subject));
  return [...facts, ...(askedFor(policies, situation).has('known') && !isKnown ? ['knowledge'] : [])];
}

export function notLookedUpLines(missing: readonly string[]): readonly Line[] {
  if (missing.length === 0) return [];
  const facts = missing.filter((one) => one !== 'knowledge');
  return [
    [
      attention('Not looked up'),
      ': rules and limits here ask for what is not known here, and another rule may decide in the signer.',
    ],
    ...(facts.length === 0 ? [] : [`  what watchers say of ${facts.join(', ')}`]),
    ...(facts.length === missing.length
      ? []
      : [
          '  whether the destination was paid before, which is taken for yes; what it looks like of what was paid; how long it is whitelisted',
        ]),
    '  Say it with --price, --screening, --balance, --hot-share, --first-use, --look-alike-of, --whitelisted and --at.',
  ];
}
