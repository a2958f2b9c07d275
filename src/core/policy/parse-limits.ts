// The limits and fee caps of a document: windows, amounts and shares in exact numbers. What they count is window.ts.

import { LONGEST_MS } from './calendar.js';
import { offsetOf } from './conditions/hours.js';
import { positiveCentsOf, worthIn } from './conditions/value.js';
import type { FeeCapsText, LimitText, RuleText } from './document.js';
import type { Span } from './counter.js';
import { windowMsOf } from './durations.js';
import { isImpossible } from './implication.js';
import { assetOf, distinctIds, known, malformed, type Page, type Path, positiveAmountOf } from './page.js';
import { basisPointsOf } from './shares.js';
import type { FeeCaps, Limit, Rule } from './types.js';

export function feeCapsOf(page: Page, caps: FeeCapsText): FeeCaps {
  const [wallet, ...others] = page.wallets;
  const stranger = others.find((other) => other.chain !== wallet?.chain);
  if (!wallet || stranger) {
    return malformed(
      page,
      ['applies-to'],
      'fee caps are in the coin of one chain, and the wallets of this document are on several',
    );
  }
  const coin = page.assets.find((asset) => asset.chain === wallet.chain && asset.contract === 'native');
  if (!coin) return malformed(page, ['applies-to'], `no such chain: ${wallet.chain}`);
  return {
    absoluteMax: positiveAmountOf(page, ['fee-caps', 'absolute'], caps.absolute, coin),
    relativeMaxBasisPoints: basisPointsOf(page, ['fee-caps', 'relative'], caps.relative),
  };
}

function writtenSpan(page: Page, path: Path, limit: LimitText): Span {
  if ('window' in limit) {
    const { buckets: bucketCount } = limit;
    const windowMs = windowMsOf(page, [...path, 'window'], limit.window);
    return { windowMs, ...(bucketCount !== undefined && { bucketCount }) };
  }
  const { calendar: unit, zone } = limit;
  return { windowMs: LONGEST_MS[unit], calendar: { unit, offsetMinutes: offsetOf(zone) } };
}

/** `within`: whose limit it is, a document or a rule of one. */
export function limitOf(page: Page, path: Path, limit: LimitText, within: string): Limit {
  const common = {
    id: `${within}/${limit.id}`,
    scope: limit.per,
    ...writtenSpan(page, path, limit),
  };
  if ('max-count' in limit) return { ...common, measure: { kind: 'count', max: BigInt(limit['max-count']) } };
  if ('currency' in limit) {
    const worth = worthIn(page, limit.currency);
    const max = positiveCentsOf(page, [...path, 'max'], limit.max, limit.currency);
    return { ...common, measure: { kind: 'value', worth, max } };
  }
  const asset = assetOf(page, [...path, 'asset'], limit.asset);
  if ('max-share' in limit) {
    const basisPoints = basisPointsOf(page, [...path, 'max-share'], limit['max-share']);
    return { ...common, measure: { kind: 'share', asset, basisPoints } };
  }
  const max = positiveAmountOf(page, [...path, 'max'], limit.max, asset);
  return { ...common, measure: { kind: 'amount', asset, max } };
}

/** Limits that only what this rule lets pass is charged to. */
export function ruleLimitsOf(
  page: Page,
  path: Path,
  rule: Pick<Rule, 'id' | 'when' | 'effect'>,
  written: NonNullable<RuleText['limits']>,
): readonly Limit[] {
  if (rule.effect.kind === 'refuse')
    malformed(page, path, 'a rule that refuses lets nothing pass that could be counted');
  distinctIds(page, path, written);
  return written.map((text, index) => {
    const at = [...path, index];
    const limit = limitOf(page, at, text, `${page.document}/${rule.id}`);
    const { measure } = limit;
    if (
      'asset' in measure &&
      isImpossible(known(page, [...rule.when, { kind: 'asset', asset: measure.asset }]))
    )
      malformed(page, [...at, 'asset'], `this rule is about another asset than ${measure.asset.symbol}`);
    return limit;
  });
}
