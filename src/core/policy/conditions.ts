// Whether the conditions of a rule hold for a situation, and which one does not, in the words of the document, as are the
// quantities of its limits. It knows nothing of rules' order or effects.

import type { Answer } from './conditions/answer.js';
import { amountWords } from './conditions/asset.js';
import { plainNeed, plainTest, plainWords, type Test } from './conditions/table.js';
import { centsWords } from './conditions/value.js';
import type { Condition, Limit, Situation } from './types.js';

/** The same situation in one spelling: addresses in hexadecimal (Ethereum) in lower case, segwit ones as they are. */
export function spelled(situation: Situation): Situation {
  return situation.chain.startsWith('eip155:')
    ? {
        ...situation,
        contract: situation.contract.toLowerCase(),
        destination: situation.destination.toLowerCase(),
      }
    : situation;
}

/** Asks a condition of a situation in its one spelling. */
function testOf(condition: Condition): Test {
  if (!('branches' in condition)) return plainTest(condition);
  const isWanted = condition.kind === 'any-of';
  const branches = condition.branches.map(testOfAll);
  return (situation) => {
    let isOpen = false;
    for (const test of branches) {
      const answer = test(situation);
      if (answer === true) return isWanted;
      isOpen ||= answer === 'unknown';
    }
    return isOpen ? 'unknown' : !isWanted;
  };
}

/** Asks whether all of them hold, in their order; not known where none is known not to and one is not known to. made once for a rule that is asked of every transfer. */
export function testOfAll(when: readonly Condition[]): Test {
  const [first, second, ...rest] = when.map(testOf);
  if (!first) return () => true;
  if (!second) return first;
  const others = [second, ...rest];
  return (situation) => {
    let all = first(situation);
    if (all === false) return false;
    for (const test of others) {
      const answer = test(situation);
      if (answer === false) return false;
      if (answer === 'unknown') all = answer;
    }
    return all;
  };
}

export function allHold(when: readonly Condition[], situation: Situation): Answer {
  return testOfAll(when)(situation);
}

/** The first that does not hold, or else the first that is not known to; undefined when all do. */
export function firstUnmet(when: readonly Condition[], situation: Situation): Condition | undefined {
  const answers = when.map((condition) => ({ condition, answer: testOf(condition)(situation) }));
  const unmet =
    answers.find(({ answer }) => answer === false) ?? answers.find(({ answer }) => answer === 'unknown');
  return unmet?.condition;
}

/** Subjects of the facts that these conditions need, in their order. */
export function needsOf(when: readonly Condition[], situation: Situation): readonly string[] {
  return when.flatMap((condition) =>
    'branches' in condition
      ? condition.branches.flatMap((branch) => needsOf(branch, situation))
      : (plainNeed(condition, situation) ?? []),
  );
}

/** Subjects of the facts for which it is not known whether these conditions hold. */
export function unknownOf(when: readonly Condition[], situation: Situation): readonly string[] {
  return when.flatMap((condition) => {
    if (testOf(condition)(situation) !== 'unknown') return [];
    if (!('branches' in condition)) return plainNeed(condition, situation) ?? [];
    return condition.branches.flatMap((branch) => unknownOf(branch, situation));
  });
}

/** `0.5 BTC`, `1 transfer`, `20 transfers`. Exact. */
export function quantityWords(measure: Limit['measure'], quantity: bigint): string {
  if ('asset' in measure) return amountWords(measure.asset, quantity);
  if (measure.kind === 'value') return centsWords(measure.worth, quantity);
  return `${quantity} transfer${quantity === 1n ? '' : 's'}`;
}

/** As a person reads it in the document: `amount-at-most: 1 BTC`. */
export function wordsOf(condition: Condition): string {
  if (!('branches' in condition)) return plainWords(condition);
  return `${condition.kind}: ${condition.branches.map((branch) => `(${branch.map(wordsOf).join(', ')})`).join(' ')}`;
}
