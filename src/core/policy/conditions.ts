// Whether the conditions of a rule hold for a situation, and which one does not, in the words of the document. It knows
// nothing of rules' order or effects.

import { formatUnits } from '../money/amount.js';
import type { Condition, PolicyAsset, Situation } from './types.js';

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

export function isAsset(asset: PolicyAsset, situation: Pick<Situation, 'chain' | 'contract'>): boolean {
  return asset.chain === situation.chain && asset.contract === situation.contract;
}

/** Of a situation in its one spelling. */
export function holds(condition: Condition, situation: Situation): boolean {
  switch (condition.kind) {
    case 'asset':
      return isAsset(condition.asset, situation);
    case 'amount-at-most':
      return isAsset(condition.asset, situation) && situation.amount <= condition.amount;
    case 'amount-above':
      return isAsset(condition.asset, situation) && situation.amount > condition.amount;
    case 'destination-in':
      return condition.names.has(situation.destination);
    case 'requester-in':
      return condition.names.has(situation.requester);
    case 'customer-in':
      return condition.names.has(situation.customer);
    case 'wallet-in':
      return condition.names.has(situation.wallet);
    case 'tier-in':
      return condition.names.has(situation.tier);
    case 'chain-in':
      return condition.names.has(situation.chain);
    case 'any-of':
      return condition.branches.some((branch) => allHold(branch, situation));
    case 'none-of':
      return !condition.branches.some((branch) => allHold(branch, situation));
  }
}

export function allHold(when: readonly Condition[], situation: Situation): boolean {
  return when.every((condition) => holds(condition, situation));
}

/** The first that does not hold; undefined when all do. */
export function firstUnmet(when: readonly Condition[], situation: Situation): Condition | undefined {
  return when.find((condition) => !holds(condition, situation));
}

/** At most this many names of a list are told. */
const NAMES_TOLD = 3;

function list(names: Iterable<string>): string {
  const all = [...names];
  const more = all.length - NAMES_TOLD;
  return `${all.slice(0, NAMES_TOLD).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** As a person reads it in the document: `amount-at-most: 1 BTC`. */
export function wordsOf(condition: Condition): string {
  switch (condition.kind) {
    case 'asset':
      return `asset: ${condition.asset.symbol}`;
    case 'amount-at-most':
    case 'amount-above': {
      const { symbol, decimals } = condition.asset;
      return `${condition.kind}: ${formatUnits(condition.amount, decimals)} ${symbol}`;
    }
    case 'any-of':
    case 'none-of':
      return `${condition.kind}: ${condition.branches.map((branch) => `(${branch.map(wordsOf).join(', ')})`).join(' ')}`;
    default:
      return `${condition.kind}: ${list(condition.names)}`;
  }
}
