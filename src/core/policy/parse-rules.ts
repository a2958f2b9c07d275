// The rules of a document, in their order: none that is never reached, none that lets an asset pass which it does not name.

import type { RuleText } from './document.js';
import { isImpossible } from './implication.js';
import { known, malformed, type Page } from './page.js';
import { canApproveFor, effectOf } from './parse-approvals.js';
import { conditionsOf } from './parse-conditions.js';
import { checkCovers } from './parse-cover.js';
import { ruleLimitsOf } from './parse-limits.js';
import type { Condition, Rule } from './types.js';

/** As many requesters as a line of an error holds. */
const MOST_TOLD = 5;

/** Those who alone can ask for what meets these conditions; undefined where anybody could. */
function requestersOf(page: Page, when: readonly Condition[]): readonly string[] | undefined {
  const named = when.flatMap((condition) => {
    if (condition.kind === 'requester-in') return [[...condition.names]];
    if (condition.kind !== 'any-of') return [];
    const ways = condition.branches.map((branch) => branch.find(({ kind }) => kind === 'requester-in'));
    return ways.every((way) => way?.kind === 'requester-in') ? [ways.flatMap(({ names }) => [...names])] : [];
  });
  return named[0]?.filter(
    (name) => !isImpossible(known(page, [...when, { kind: 'requester-in', names: new Set([name]) }])),
  );
}

function ruleOf(page: Page, rule: RuleText, index: number): Rule {
  const path = ['rules', index];
  const when = conditionsOf(page, [...path, 'when'], rule.when);
  const effect = effectOf(page, [...path, 'then'], rule.then);
  if (effect.kind !== 'refuse' && !when.some(({ kind }) => kind === 'asset')) {
    malformed(page, [...path, 'when'], 'a rule that lets a transfer pass names its asset');
  }
  const requesters = requestersOf(page, when);
  if (effect.kind === 'approve' && requesters && !canApproveFor(page, effect, requesters)) {
    const who = requesters.slice(0, MOST_TOLD).join(' or ');
    malformed(
      page,
      [...path, 'then'],
      `can never be met: who asks for it is ${who}, and nobody approves what they asked for`,
    );
  }
  const parsed = { id: rule.id, when, effect };
  if (!rule.limits) return parsed;
  return { ...parsed, limits: ruleLimitsOf(page, [...path, 'limits'], parsed, rule.limits) };
}

export function rulesOf(page: Page, rules: readonly RuleText[]): readonly Rule[] {
  const dead = rules.findIndex((rule) => rule.when === 'anything') + 1;
  if (dead > 0 && dead < rules.length) {
    malformed(page, ['rules', dead, 'id'], 'never reached: the rule before it matches anything');
  }
  const parsed = rules.map((rule, index) => ruleOf(page, rule, index));
  checkCovers(page, parsed);
  return parsed;
}

/** They hold on top of a wallet's own document: they tighten, and never let pass. */
export function tighteningRulesOf(page: Page, rules: readonly RuleText[]): readonly Rule[] {
  const parsed = rulesOf(page, rules);
  parsed.forEach(({ effect, when }, index) => {
    if (effect.kind !== 'refuse')
      malformed(page, ['rules', index, 'then'], 'a document for everything can only refuse');
    if (when.length === 0)
      malformed(page, ['rules', index, 'when'], 'a document for everything refuses on some condition');
  });
  return parsed;
}
