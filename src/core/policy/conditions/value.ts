// Bounds on what an amount is worth: `amount-at-most: "250000 USD"`. The price is a fact, and the comparison is exact.

import { type Currency, currency } from '../../facts/fact.js';
import { Fault } from '../../fault.js';
import { formatUnits, parseUnits } from '../../money/amount.js';
import { centsUp, FIAT_DECIMALS, isWorthMore, type Price, parsePrice } from '../../money/fiat.js';
import { malformed, type Page, type Path } from '../page.js';
import type { Situation, ValueBound, Worth } from '../types.js';
import { type Answer, saidOf, unanimous } from './answer.js';

/** The currency that an amount is written in; undefined when it is one of an asset. */
export function currencyOf(text: string): Currency | undefined {
  return currency.safeParse(text.split(' ')[1]).data;
}

/** In cents. */
export function centsOf(page: Page, path: Path, text: string, wanted: Currency): bigint {
  const [number = '', unit] = text.split(' ');
  if (unit !== wanted) return malformed(page, path, `an amount of ${wanted} is wanted here`);
  try {
    return parseUnits(number, FIAT_DECIMALS);
  } catch (error) {
    if (error instanceof Fault) return malformed(page, path, error.message);
    throw error;
  }
}

export function positiveCentsOf(page: Page, path: Path, text: string, wanted: Currency): bigint {
  const cents = centsOf(page, path, text, wanted);
  return cents > 0n ? cents : malformed(page, path, 'must be more than 0');
}

const assetName = ({ chain, contract }: Pick<Situation, 'chain' | 'contract'>) => `${chain}/${contract}`;

/** What is worth something here: every asset that the document could be asked about. */
export function worthIn(page: Page, inCurrency: Currency): Worth {
  const decimals = new Map(page.assets.map((asset) => [assetName(asset), asset.decimals]));
  return { currency: inCurrency, decimals };
}

export function priceSubject({ currency: inCurrency }: Worth, situation: Situation): string {
  return `price/${assetName(situation)}/${inCurrency}`;
}

function pricesOf(worth: Worth, situation: Situation): readonly Price[] {
  return saidOf(situation, priceSubject(worth, situation), 'price').map(({ price }) => parsePrice(price));
}

/** Of several prices the highest; undefined when nothing is known. Rounded up. */
export function valueCents(worth: Worth, situation: Situation): bigint | undefined {
  const decimals = worth.decimals.get(assetName(situation));
  if (decimals === undefined) return undefined;
  let highest: bigint | undefined;
  for (const price of pricesOf(worth, situation)) {
    const value = centsUp(situation.amount, decimals, price);
    if (highest === undefined || value > highest) highest = value;
  }
  return highest;
}

function compared(bound: ValueBound, situation: Situation, isAbove: boolean): Answer {
  const decimals = bound.worth.decimals.get(assetName(situation));
  if (decimals === undefined) return 'unknown';
  return unanimous(
    pricesOf(bound.worth, situation),
    (price) => isWorthMore(situation.amount, decimals, price, bound.cents) === isAbove,
  );
}

export function isWorthAtMost(bound: ValueBound, situation: Situation): Answer {
  return compared(bound, situation, false);
}

export function isWorthAbove(bound: ValueBound, situation: Situation): Answer {
  return compared(bound, situation, true);
}

/** `250000 USD`. */
export function centsWords({ currency: inCurrency }: Worth, cents: bigint): string {
  return `${formatUnits(cents, FIAT_DECIMALS)} ${inCurrency}`;
}

export function isSameWorth(one: Worth, other: Worth): boolean {
  return one.currency === other.currency;
}
