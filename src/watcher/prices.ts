// A price out of several sources: the median of those that answer, and none at all where they lie too far apart. Sources are
// hostile: each may say anything, be slow, or say nothing.

import { accepted, type Outcome, refused } from '../core/fault.js';
import { comparePrices, isPrice, type Price, parsePrice } from '../core/money/fiat.js';
import type { PriceConfig } from './config.js';
import { documentAt, type Fetching, type Seen, textAt, type WatcherRefusalCode } from './source.js';

const WHOLE_BASIS_POINTS = 10_000n;

interface Quote {
  readonly text: string;
  readonly price: Price;
}

async function quoteOf(
  { place, pointer }: PriceConfig['sources'][number],
  fetching: Fetching,
): Promise<Outcome<Quote, WatcherRefusalCode>> {
  const document = await documentAt(place, fetching);
  if (document.kind === 'refused') return document;
  const text = textAt(document.value, pointer);
  if (text.kind === 'refused') return text;
  return isPrice(text.value)
    ? accepted({ text: text.value, price: parsePrice(text.value) })
    : refused('source-malformed', { why: 'no plain decimal number above 0' });
}

/** The highest is at most so much above the lowest, exactly. */
export function isWithinSpread(lowest: Price, highest: Price, basisPoints: bigint): boolean {
  const low = lowest.digits * 10n ** BigInt(highest.decimals);
  const high = highest.digits * 10n ** BigInt(lowest.decimals);
  return (high - low) * WHOLE_BASIS_POINTS <= low * basisPoints;
}

/** Of an even number the higher of the two in the middle: none is made up, and what is worth more meets its limits earlier. */
export function medianOf<T extends { readonly price: Price }>(quotes: readonly T[]): T | undefined {
  const sorted = [...quotes].sort((one, other) => comparePrices(one.price, other.price));
  return sorted[Math.floor(sorted.length / 2)];
}

export async function seePrice(config: PriceConfig, fetching: Fetching): Promise<Seen> {
  const answers = await Promise.all(config.sources.map((source) => quoteOf(source, fetching)));
  const quotes = answers.flatMap((answer) => (answer.kind === 'accepted' ? [answer.value] : []));
  const median = medianOf(quotes);
  if (!median || quotes.length < config.leastSources) {
    return refused('price-sources-too-few', { answered: quotes.length, wanted: config.leastSources });
  }
  const sorted = [...quotes].sort((one, other) => comparePrices(one.price, other.price));
  const [lowest = median, highest = median] = [sorted[0], sorted.at(-1)];
  if (!isWithinSpread(lowest.price, highest.price, BigInt(config.maxSpreadBasisPoints))) {
    return refused('price-spread-too-wide', {
      lowest: lowest.text,
      highest: highest.text,
      maxBasisPoints: config.maxSpreadBasisPoints,
    });
  }
  const { chain, contract, currency } = config;
  return accepted({ kind: 'price', chain, contract, currency, price: median.text, sources: quotes.length });
}
