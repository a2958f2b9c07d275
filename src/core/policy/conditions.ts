// Whether the conditions of a rule hold for a situation, and which one does not, in the words of the document, as are the
// quantities of its limits. It knows nothing of rules' order or effects.

import { formatUnits } from '../money/amount.js';
import type { Condition, Limit, PolicyAsset, Situation } from './types.js';

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

function amountWords({ decimals, symbol }: PolicyAsset, amount: bigint): string {
  return `${formatUnits(amount, decimals)} ${symbol}`;
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
  switch (condition.kind) {
    case 'asset':
      return `asset: ${condition.asset.symbol}`;
    case 'amount-at-most':
    case 'amount-above':
      return `${condition.kind}: ${amountWords(condition.asset, condition.amount)}`;
    case 'any-of':
    case 'none-of':
      return `${condition.kind}: ${condition.branches.map((branch) => `(${branch.map(wordsOf).join(', ')})`).join(' ')}`;
    default:
      return `${condition.kind}: ${list(condition.names)}`;
  }
}
