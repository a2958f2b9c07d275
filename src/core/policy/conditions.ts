// Whether the conditions of a rule hold for a situation, and which one does not, in the words of the document, as are the
// quantities of its limits. It knows nothing of rules' order or effects.

import { amountWords } from './conditions/asset.js';
import { plainTest, plainWords, type Test } from './conditions/table.js';
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
    for (const test of branches) if (test(situation)) return isWanted;
    return !isWanted;
  };
}

/** Asks whether all of them hold, in their order: made once for a rule that is asked of every transfer. */
export function testOfAll(when: readonly Condition[]): Test {
  const [first, second, ...rest] = when.map(testOf);
  if (!first) return () => true;
  if (!second) return first;
  const others = [second, ...rest];
  return (situation) => {
    if (!first(situation)) return false;
    for (const test of others) if (!test(situation)) return false;
    return true;
  };
}

export function allHold(when: readonly Condition[], situation: Situation): boolean {
  return testOfAll(when)(situation);
}

/** The first that does not hold; undefined when all do. */
export function firstUnmet(when: readonly Condition[], situation: Situation): Condition | undefined {
  return when.find((condition) => !testOf(condition)(situation));
}

/** `0.5 BTC`, `1 transfer`, `20 transfers`. Exact. */
export function quantityWords(measure: Limit['measure'], quantity: bigint): string {
  if (measure.kind === 'amount') return amountWords(measure.asset, quantity);
  return `${quantity} transfer${quantity === 1n ? '' : 's'}`;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `30m`, `24h`, `7d`: in days where it is more than one and whole. A window of a document is whole minutes. */
export function windowWords(windowMs: number): string {
  if (windowMs > DAY_MS && windowMs % DAY_MS === 0) return `${windowMs / DAY_MS}d`;
  return windowMs % HOUR_MS === 0 ? `${windowMs / HOUR_MS}h` : `${windowMs / MINUTE_MS}m`;
}

/** As a person reads it in the document: `amount-at-most: 1 BTC`. */
export function wordsOf(condition: Condition): string {
  if (!('branches' in condition)) return plainWords(condition);
  return `${condition.kind}: ${condition.branches.map((branch) => `(${branch.map(wordsOf).join(', ')})`).join(' ')}`;
}
