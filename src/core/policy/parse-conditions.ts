// The conditions of a rule: each read by its kind, and none beside others with which it can never hold.

import type { PlainConditionsText } from './conditions/kind.js';
import { excludeEachOther, PLAIN_KINDS, plainWords, readCondition } from './conditions/table.js';
import type { RuleText } from './document.js';
import { isImpossible } from './implication.js';
import { known, malformed, type Page, type Path } from './page.js';
import type { Condition, PlainCondition, PolicyAsset } from './types.js';

function besideWords(condition: PlainCondition, other: PlainCondition): string {
  return condition.kind === 'amount-above' && other.kind === 'amount-at-most'
    ? 'no amount is above this and at most that'
    : `can never hold beside ${plainWords(other)}`;
}

function plainConditionsOf(
  page: Page,
  path: Path,
  when: PlainConditionsText,
  around: PolicyAsset | undefined,
): readonly PlainCondition[] {
  const conditions: PlainCondition[] = [];
  for (const kind of PLAIN_KINDS) {
    const asset = conditions.find((condition) => condition.kind === 'asset')?.asset ?? around;
    const condition = readCondition(kind, when, { page, path: [...path, kind], asset });
    if (!condition) continue;
    const other = conditions.find((one) => excludeEachOther(one, condition));
    if (other) malformed(page, [...path, kind], besideWords(condition, other));
    conditions.push(condition);
  }
  if (conditions.length === 0) malformed(page, path, 'no condition stands here');
  return conditions;
}

export function conditionsOf(page: Page, path: Path, when: RuleText['when']): readonly Condition[] {
  if (when === 'anything') return [];
  if (Object.keys(when).length === 0) malformed(page, path, 'no condition; write: when: anything');
  const { 'any-of': anyOf, 'none-of': noneOf, ...plainly } = when;
  const plain = Object.keys(plainly).length > 0 ? plainConditionsOf(page, path, plainly, undefined) : [];
  const asset = plain.find((condition) => condition.kind === 'asset')?.asset;
  const branching = (
    [
      ['any-of', anyOf],
      ['none-of', noneOf],
    ] as const
  ).flatMap(([kind, branches]): readonly Condition[] => {
    if (!branches) return [];
    const parsed = branches.map((branch, index) => {
      const at = [...path, kind, index];
      const conditions = plainConditionsOf(page, at, branch, asset);
      if (isImpossible(known(page, [...plain, ...conditions])))
        malformed(page, at, 'can never hold beside the conditions around it');
      return conditions;
    });
    if (kind === 'none-of' && isImpossible([...page.scope, { kind, branches: parsed }]))
      malformed(page, [...path, kind], 'one of these always holds here, so that this never does');
    return [{ kind, branches: parsed }];
  });
  const all = [...plain, ...branching];
  if (isImpossible(known(page, all))) malformed(page, path, 'these conditions can never all hold');
  return all;
}
