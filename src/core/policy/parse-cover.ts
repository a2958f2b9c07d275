// Rules that are never reached: others before them, or others that refuse, have all that they could match, one alone or several
// between them. In one document, and in all of those that hold for the same wallets.

import { type Given, given, implies, impliesOneOf } from './implication.js';
import { known, malformed, type Page } from './page.js';
import type { Condition, PlainCondition, Policy, Rule } from './types.js';

/** What decides before a rule, and its name as it is told. */
interface Cover {
  readonly name: string;
  readonly when: readonly Condition[];
}

function isPlain(when: readonly Condition[]): when is readonly PlainCondition[] {
  return when.every((condition) => !('branches' in condition));
}

/** The names of those that have it all between them, as few as will do; none where that is not certain. */
function together(from: Given, covers: readonly Cover[]): readonly string[] {
  const ways = covers.flatMap(({ name, when }) => (isPlain(when) ? [{ name, when }] : []));
  const has = (some: readonly { readonly when: readonly PlainCondition[] }[]) =>
    impliesOneOf(
      from,
      some.map(({ when }) => when),
    );
  if (!has(ways)) return [];
  // Whichever is not needed for it is left out.
  const needed = ways.reduce((left, way) => {
    const others = left.filter((one) => one !== way);
    return has(others) ? others : left;
  }, ways);
  return needed.map(({ name }) => name);
}

/** Why whatever meets it is never decided by it: in words; undefined where that is not certain. */
function coverOf(from: Given, covers: readonly Cover[]): string | undefined {
  const one = covers.find(({ when }) => implies(from, when));
  if (one) return `never reached: ${one.name} matches all that it could`;
  const names = together(from, covers);
  return names.length === 0
    ? undefined
    : `never reached: ${names.join(' and ')} match between them all that it could`;
}

function refusals(rules: readonly Rule[]): readonly Rule[] {
  return rules.filter(({ effect, when }) => effect.kind === 'refuse' && when.length > 0);
}

/** Of the same document: what is asked before the rule. Of two that refuse the very same, the second is the one too many. */
function ownCovers(page: Page, rules: readonly Rule[], rule: Rule, index: number): readonly Cover[] {
  if (rule.effect.kind !== 'refuse')
    return [
      ...refusals(rules),
      ...rules.slice(0, index).filter(({ effect }) => effect.kind !== 'refuse'),
    ].map(({ id, when }) => ({ name: id, when }));
  return refusals(rules)
    .filter((other) => other !== rule)
    .filter((other) => rules.indexOf(other) < index || !implies(given(known(page, other.when)), rule.when))
    .map(({ id, when }) => ({ name: id, when }));
}

/** Refuses the first rule of a document that is never reached for what stands in it. */
export function checkCovers(page: Page, rules: readonly Rule[]): void {
  rules.forEach((rule, index) => {
    if (rule.when.length === 0) return;
    const why = coverOf(given(known(page, rule.when)), ownCovers(page, rules, rule, index));
    if (why !== undefined) malformed(page, ['rules', index, 'id'], why);
  });
}

export interface ReadPolicy {
  readonly policy: Policy;
  readonly page: Page;
}

/** Whether a document holds for every wallet of another one. */
function holdsForAllOf({ appliesTo }: Policy, { wallets }: Page): boolean {
  if (appliesTo.kind === 'everything') return true;
  return appliesTo.kind === 'tier' && wallets.every(({ tier }) => tier === appliesTo.tier);
}

/** Refuses the first rule that lets pass only what documents for the tier or for everything refuse. */
export function checkCoversAcross(documents: readonly ReadPolicy[]): void {
  for (const { policy, page } of documents) {
    const others = documents.filter((other) => other.policy !== policy && holdsForAllOf(other.policy, page));
    const covers = others.flatMap((other) =>
      refusals(other.policy.rules).map(({ id, when }) => ({ name: `${other.policy.name}/${id}`, when })),
    );
    if (covers.length === 0) continue;
    const own = refusals(policy.rules).map(({ id, when }) => ({ name: id, when }));
    policy.rules.forEach(({ effect, when }, index) => {
      if (effect.kind === 'refuse') return;
      const why = coverOf(given(known(page, when)), [...covers, ...own]);
      if (why !== undefined) malformed(page, ['rules', index, 'id'], why);
    });
  }
}
