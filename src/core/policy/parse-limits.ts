// The limits and fee caps of a document: windows, amounts and shares in exact numbers. What they count is window.ts.

import { parseUnits } from '../money/amount.js';
import { positiveCentsOf, worthIn } from './conditions/value.js';
import type { FeeCapsText, LimitText, RuleText } from './document.js';
import { isImpossible } from './implication.js';
import { assetOf, distinctIds, malformed, type Page, type Path, positiveAmountOf } from './page.js';
import type { FeeCaps, Limit, Rule } from './types.js';

const MINUTE_MS = 60_000;
const UNIT_MS = new Map([
  ['m', MINUTE_MS],
  ['h', 60 * MINUTE_MS],
  ['d', 24 * 60 * MINUTE_MS],
]);
const MAX_WINDOW_MS = 90 * 24 * 60 * MINUTE_MS;
const WHOLE_BASIS_POINTS = 10_000n;

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
  const basisPoints = parseUnits(caps.relative.slice(0, -1), 2);
  if (basisPoints < 1n || basisPoints > WHOLE_BASIS_POINTS) {
    return malformed(page, ['fee-caps', 'relative'], 'must be more than 0% and at most 100%');
  }
  return {
    absoluteMax: positiveAmountOf(page, ['fee-caps', 'absolute'], caps.absolute, coin),
    relativeMaxBasisPoints: basisPoints,
  };
}

function windowMsOf(page: Page, path: Path, text: string): number {
  const unitMs = UNIT_MS.get(text.slice(-1)) ?? malformed(page, path, 'a window is written like 24h');
  const windowMs = Number.parseInt(text.slice(0, -1), 10) * unitMs;
  return windowMs <= MAX_WINDOW_MS ? windowMs : malformed(page, path, 'a window is at most 90d');
}

/** `within`: whose limit it is, a document or a rule of one. */
export function limitOf(page: Page, path: Path, limit: LimitText, within: string): Limit {
  const common = {
    id: `${within}/${limit.id}`,
    scope: limit.per,
    windowMs: windowMsOf(page, [...path, 'window'], limit.window),
  };
  if ('max-count' in limit) return { ...common, measure: { kind: 'count', max: BigInt(limit['max-count']) } };
  if ('currency' in limit) {
    const worth = worthIn(page, limit.currency);
    const max = positiveCentsOf(page, [...path, 'max'], limit.max, limit.currency);
    return { ...common, measure: { kind: 'value', worth, max } };
  }
  const asset = assetOf(page, [...path, 'asset'], limit.asset);
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
    if (measure.kind === 'amount' && isImpossible([...rule.when, { kind: 'asset', asset: measure.asset }]))
      malformed(page, [...at, 'asset'], `this rule is about another asset than ${measure.asset.symbol}`);
    return limit;
  });
}
