// One document while its names are resolved: what it is about, where each value stands, and how it is refused. The names and
// amounts that stand in documents are looked up here, for conditions, limits and caps alike.

import { Fault } from '../fault.js';
import type { Wallet } from '../governance/entry.js';
import type { GovernanceState } from '../governance/state.js';
import { parseUnits } from '../money/amount.js';
import type { PolicyFile } from './document.js';
import { perhaps } from './suggestions.js';
import type { YamlText } from './strict-yaml.js';
import type { Condition, PlainCondition, PolicyAsset } from './types.js';

/** What policies may refer to. */
export type PolicyContext = Pick<
  GovernanceState,
  'chains' | 'wallets' | 'tokens' | 'groups' | 'persons' | 'everRegistered' | 'everRequestKeys'
>;

export type PolicyParseRefusalCode = 'policy-malformed';

export type Path = readonly PropertyKey[];

export interface Page {
  readonly document: string;
  readonly text: YamlText;
  /** Those that the document is about. */
  readonly wallets: readonly Wallet[];
  readonly assets: readonly PolicyAsset[];
  /** What holds for whatever the document is asked about, and always will. */
  readonly scope: readonly PlainCondition[];
  readonly context: PolicyContext;
}

/** Of some wallets: their tiers and chains, which never change. */
function tiersAndChains(wallets: readonly Wallet[]): readonly PlainCondition[] {
  return [
    { kind: 'tier-in', names: new Set(wallets.map(({ tier }) => tier)) },
    { kind: 'chain-in', names: new Set(wallets.map(({ chain }) => chain)) },
  ];
}

/**
 * What holds for whatever a document is asked about. Wallets are never removed, but others may come: a tier may get one on another
 * chain, and a refusal that was written for it is none that never matches.
 */
export function scopeOf(scope: PolicyFile['applies-to'], wallets: readonly Wallet[]): Page['scope'] {
  if (scope === 'everything') return [];
  if ('tier' in scope) return [{ kind: 'tier-in', names: new Set([scope.tier]) }];
  return [{ kind: 'wallet-in', names: new Set(scope.wallets) }, ...tiersAndChains(wallets)];
}

/** The conditions of a rule, and what is known beside them. */
export function known(page: Page, when: readonly Condition[]): readonly Condition[] {
  const ofWallets = when.flatMap((condition) =>
    condition.kind === 'wallet-in'
      ? tiersAndChains(page.wallets.filter(({ walletId }) => condition.names.has(walletId)))
      : [],
  );
  return [...page.scope, ...ofWallets, ...when];
}

export function malformed(page: Pick<Page, 'document' | 'text'>, path: Path, why: string): never {
  const { line, column, text } = page.text.placeOf(path);
  const facts = { document: page.document, line, column, text, why: why.slice(0, 200) };
  throw new Fault<PolicyParseRefusalCode>('policy-malformed', why, { facts });
}

export function distinct(page: Page, path: Path, names: readonly string[]): void {
  names.forEach((name, index) => {
    if (names.indexOf(name) !== index) malformed(page, [...path, index], `${name} stands here twice`);
  });
}

export function distinctIds(page: Page, list: Path, items: readonly { readonly id: string }[]): void {
  const ids = items.map((item) => item.id);
  ids.forEach((id, index) => {
    if (ids.indexOf(id) !== index) malformed(page, [...list, index, 'id'], `${id} is an id twice`);
  });
}

export function assetOf(page: Page, path: Path, name: string): PolicyAsset {
  const [symbol, chain] = name.split('@');
  const named = page.assets.filter(
    (asset) => asset.symbol === symbol && (chain === undefined || asset.chain === chain),
  );
  const [asset, another] = named;
  if (!asset)
    return malformed(
      page,
      path,
      `no wallet of this document is on a chain with an asset ${name}${perhaps(
        name,
        page.assets.map((one) => one.symbol),
      )}`,
    );
  if (another) {
    return malformed(page, path, `${name} stands for more than one asset: ${asset.chain}, ${another.chain}`);
  }
  return asset;
}

export function amountOf(page: Page, path: Path, text: string, asset: PolicyAsset): bigint {
  const [number = '', symbol] = text.split(' ');
  if (symbol !== asset.symbol) return malformed(page, path, `an amount of ${asset.symbol} is wanted here`);
  try {
    return parseUnits(number, asset.decimals);
  } catch (error) {
    if (error instanceof Fault) return malformed(page, path, error.message);
    throw error;
  }
}

export function positiveAmountOf(page: Page, path: Path, text: string, asset: PolicyAsset): bigint {
  const amount = amountOf(page, path, text, asset);
  return amount > 0n ? amount : malformed(page, path, 'must be more than 0');
}
