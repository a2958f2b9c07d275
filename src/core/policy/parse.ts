// From policy documents to typed policies: strict YAML, strict schema, then every name is resolved against what
// governance has registered. Nothing is guessed or rounded; one bad document refuses the whole set.
// It does NOT decide anything about a transfer.

import { Fault, type Outcome, refused } from '../fault.js';
import { type PolicyDocument, policyHashOf, policyText, type Wallet } from '../governance/entry.js';
import type { GovernanceState } from '../governance/state.js';
import { parseUnits } from '../money/amount.js';
import { candidatesFor, meetingMeets, missingApprovals } from './approvals.js';
import {
  type FeeCapsText,
  type LimitText,
  type PlainConditionsText,
  type PolicyFile,
  policyFile,
  QUOTED_KEYS,
  type RequirementsText,
  type RuleText,
  schemaProblems,
} from './document.js';
import { implies, isImpossible } from './implication.js';
import { readYaml, type YamlText } from './strict-yaml.js';
import type {
  ApprovalRequirement,
  Condition,
  Effect,
  FeeCaps,
  Limit,
  PlainCondition,
  Policy,
  PolicyAsset,
  PolicySet,
  Rule,
} from './types.js';

/** What policies may refer to. */
export type PolicyContext = Pick<
  GovernanceState,
  'chains' | 'wallets' | 'tokens' | 'groups' | 'everRegistered'
>;

export type PolicyParseRefusalCode = 'policy-malformed';

type Path = readonly PropertyKey[];

const NAMES_KINDS = [
  'destination-in',
  'requester-in',
  'customer-in',
  'wallet-in',
  'tier-in',
  'chain-in',
] as const;
type NamesKind = (typeof NAMES_KINDS)[number];

const MINUTE_MS = 60_000;
const UNIT_MS = new Map([
  ['m', MINUTE_MS],
  ['h', 60 * MINUTE_MS],
  ['d', 24 * 60 * MINUTE_MS],
]);
const MAX_WINDOW_MS = 90 * 24 * 60 * MINUTE_MS;
const WHOLE_BASIS_POINTS = 10_000n;
const BITCOIN_ADDRESS = /^(?:bc|tb|bcrt)1[02-9ac-hj-np-z]{11,84}$/;
const ETHEREUM_ADDRESS = /^0x[0-9a-fA-F]{40}$/;

/** One document while its names are resolved. */
interface Page {
  readonly document: string;
  readonly text: YamlText;
  readonly wallets: readonly Wallet[];
  readonly assets: readonly PolicyAsset[];
  readonly context: PolicyContext;
}

function malformed(page: Pick<Page, 'document' | 'text'>, path: Path, why: string): never {
  const { line, column, text } = page.text.placeOf(path);
  const facts = { document: page.document, line, column, text, why: why.slice(0, 200) };
  throw new Fault<PolicyParseRefusalCode>('policy-malformed', why, { facts });
}

function read(document: PolicyDocument): { readonly text: YamlText; readonly file: PolicyFile } {
  const yaml = readYaml(policyText(document), QUOTED_KEYS);
  if (yaml.kind === 'refused') {
    const facts = { document: document.name, ...yaml.facts };
    throw new Fault<PolicyParseRefusalCode>('policy-malformed', 'not a policy document', { facts });
  }
  const page = { document: document.name, text: yaml.value };
  const parsed = policyFile.safeParse(yaml.value.value);
  if (!parsed.success) {
    const [problem] = schemaProblems(parsed.error.issues);
    return malformed(page, problem?.path ?? [], problem?.why ?? 'does not fit the schema');
  }
  if (parsed.data.policy !== document.name) malformed(page, ['policy'], `the document is ${document.name}`);
  return { text: yaml.value, file: parsed.data };
}

function distinct(page: Page, path: Path, names: readonly string[]): void {
  names.forEach((name, index) => {
    if (names.indexOf(name) !== index) malformed(page, [...path, index], `${name} stands here twice`);
  });
}

function distinctIds(page: Page, list: Path, items: readonly { readonly id: string }[]): void {
  const ids = items.map((item) => item.id);
  ids.forEach((id, index) => {
    if (ids.indexOf(id) !== index) malformed(page, [...list, index, 'id'], `${id} is an id twice`);
  });
}

/** The wallets that a document is about, as governance knows them now. */
function walletsInScope(page: Omit<Page, 'wallets' | 'assets'>, file: PolicyFile): readonly Wallet[] {
  const scope = file['applies-to'];
  const all = [...page.context.wallets.values()];
  if (scope === 'everything') return all;
  if ('tier' in scope) {
    const wallets = all.filter((wallet) => wallet.tier === scope.tier);
    if (wallets.length === 0) malformed(page, ['applies-to', 'tier'], `no wallet has the tier ${scope.tier}`);
    return wallets;
  }
  return scope.wallets.map((walletId, index) => {
    const path = ['applies-to', 'wallets', index];
    if (scope.wallets.indexOf(walletId) !== index) malformed(page, path, `${walletId} stands here twice`);
    return page.context.wallets.get(walletId) ?? malformed(page, path, `no such wallet: ${walletId}`);
  });
}

function assetsOn(chains: ReadonlySet<string>, context: PolicyContext): readonly PolicyAsset[] {
  const coins = [...context.chains.values()].map(({ chain, coin }) => ({
    chain,
    contract: 'native',
    ...coin,
  }));
  const tokens = [...context.tokens.values()].map(({ chain, contract, symbol, decimals }) => ({
    chain,
    contract: contract.toLowerCase(),
    symbol,
    decimals,
  }));
  return [...coins, ...tokens].filter((asset) => chains.has(asset.chain));
}

function assetOf(page: Page, path: Path, name: string): PolicyAsset {
  const [symbol, chain] = name.split('@');
  const named = page.assets.filter(
    (asset) => asset.symbol === symbol && (chain === undefined || asset.chain === chain),
  );
  const [asset, another] = named;
  if (!asset) return malformed(page, path, `no wallet of this document is on a chain with an asset ${name}`);
  if (another) {
    return malformed(page, path, `${name} stands for more than one asset: ${asset.chain}, ${another.chain}`);
  }
  return asset;
}

function amountOf(page: Page, path: Path, text: string, asset: PolicyAsset): bigint {
  const [number = '', symbol] = text.split(' ');
  if (symbol !== asset.symbol) return malformed(page, path, `an amount of ${asset.symbol} is wanted here`);
  try {
    return parseUnits(number, asset.decimals);
  } catch (error) {
    if (error instanceof Fault) return malformed(page, path, error.message);
    throw error;
  }
}

function positiveAmountOf(page: Page, path: Path, text: string, asset: PolicyAsset): bigint {
  const amount = amountOf(page, path, text, asset);
  return amount > 0n ? amount : malformed(page, path, 'must be more than 0');
}

function feeCapsOf(page: Page, caps: FeeCapsText): FeeCaps {
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
function limitOf(page: Page, path: Path, limit: LimitText, within: string): Limit {
  const common = {
    id: `${within}/${limit.id}`,
    scope: limit.per,
    windowMs: windowMsOf(page, [...path, 'window'], limit.window),
  };
  if ('max-count' in limit) return { ...common, measure: { kind: 'count', max: BigInt(limit['max-count']) } };
  const asset = assetOf(page, [...path, 'asset'], limit.asset);
  const max = positiveAmountOf(page, [...path, 'max'], limit.max, asset);
  return { ...common, measure: { kind: 'amount', asset, max } };
}

function destinationsOf(page: Page, path: Path, addresses: readonly string[]): readonly string[] {
  const families = new Set(page.wallets.map((wallet) => page.context.chains.get(wallet.chain)?.family));
  addresses.forEach((address, index) => {
    const fits =
      (families.has('bitcoin') && BITCOIN_ADDRESS.test(address)) ||
      (families.has('ethereum') && ETHEREUM_ADDRESS.test(address));
    if (!fits) malformed(page, [...path, index], 'not an address on the chain of this document');
  });
  return addresses.map((address) => (ETHEREUM_ADDRESS.test(address) ? address.toLowerCase() : address));
}

/** Names that a list may hold, and what is said of another one; undefined where any name will do. */
function knownNames(
  page: Page,
  kind: NamesKind,
): { readonly names: ReadonlySet<string>; readonly what: string } | undefined {
  const of = (name: (wallet: Wallet) => string) => new Set(page.wallets.map(name));
  switch (kind) {
    case 'wallet-in':
      return { names: of((wallet) => wallet.walletId), what: 'no wallet of this document' };
    case 'tier-in':
      return { names: of((wallet) => wallet.tier), what: 'the tier of no wallet of this document' };
    case 'chain-in':
      return { names: of((wallet) => wallet.chain), what: 'the chain of no wallet of this document' };
    default:
      return undefined;
  }
}

function namesOf(page: Page, path: Path, kind: NamesKind, written: readonly string[]): PlainCondition {
  const names = kind === 'destination-in' ? destinationsOf(page, path, written) : written;
  distinct(page, path, names);
  const known = knownNames(page, kind);
  names.forEach((name, index) => {
    if (known && !known.names.has(name)) malformed(page, [...path, index], `${known.what}: ${name}`);
  });
  return { kind, names: new Set(names) };
}

function plainConditionsOf(
  page: Page,
  path: Path,
  when: PlainConditionsText,
  around: PolicyAsset | undefined,
): readonly PlainCondition[] {
  const named = when.asset === undefined ? undefined : assetOf(page, [...path, 'asset'], when.asset);
  const conditions: PlainCondition[] = named ? [{ kind: 'asset', asset: named }] : [];
  const asset = named ?? around;
  for (const kind of ['amount-at-most', 'amount-above'] as const) {
    const text = when[kind];
    if (text === undefined) continue;
    const at = [...path, kind];
    if (!asset) return malformed(page, at, 'a condition on an amount needs its asset beside it');
    const amount =
      kind === 'amount-at-most' ? positiveAmountOf(page, at, text, asset) : amountOf(page, at, text, asset);
    conditions.push({ kind, asset, amount });
  }
  const [atMost, above] = ['amount-at-most', 'amount-above'].map((kind) =>
    conditions.find((condition) => condition.kind === kind),
  );
  if (atMost && above && isImpossible([atMost, above])) {
    malformed(page, [...path, 'amount-above'], 'no amount is above this and at most that');
  }
  for (const kind of NAMES_KINDS) {
    const names = when[kind];
    if (names) conditions.push(namesOf(page, [...path, kind], kind, names));
  }
  if (conditions.length === 0) malformed(page, path, 'no condition stands here');
  return conditions;
}

function conditionsOf(page: Page, path: Path, when: RuleText['when']): readonly Condition[] {
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
      if (isImpossible([...plain, ...conditions]))
        malformed(page, at, 'can never hold beside the conditions around it');
      return conditions;
    });
    return [{ kind, branches: parsed }];
  });
  const all = [...plain, ...branching];
  if (isImpossible(all)) malformed(page, path, 'these conditions can never all hold');
  return all;
}

function requirementOf(
  page: Page,
  path: Path,
  written: RequirementsText[number],
): Omit<ApprovalRequirement, 'alternative'> {
  const { groups, everRegistered } = page.context;
  const { group, quorum, except, 'not-members-of': notMembersOf } = written;
  const members = groups.get(group) ?? malformed(page, [...path, 'group'], `no such group: ${group}`);
  // Whoever was a person once may stay in the text: else nobody whom a policy names could be removed in a hurry.
  except?.forEach((person, index) => {
    if (!everRegistered.has(`person:${person}`))
      malformed(page, [...path, 'except', index], `no such person: ${person}`);
  });
  notMembersOf?.forEach((other, index) => {
    if (!groups.has(other)) malformed(page, [...path, 'not-members-of', index], `no such group: ${other}`);
  });
  distinct(page, [...path, 'except'], except ?? []);
  distinct(page, [...path, 'not-members-of'], notMembersOf ?? []);
  const requirement = { group, quorum, ...(except && { except }), ...(notMembersOf && { notMembersOf }) };
  const left = candidatesFor(requirement, groups).length;
  if (quorum > left) {
    const besides = left < members.length ? ' besides those who do not count' : '';
    malformed(
      page,
      [...path, 'quorum'],
      `${group} has ${left} members${besides}, ${quorum} can never approve`,
    );
  }
  return requirement;
}

/** What has to be met together. */
function requirementsOf(
  page: Page,
  path: Path,
  written: RequirementsText,
): readonly Omit<ApprovalRequirement, 'alternative'>[] {
  const { groups } = page.context;
  const requirements = written.map((one, index) => {
    if (written.findIndex(({ group }) => group === one.group) !== index) {
      malformed(page, [...path, index, 'group'], `${one.group} stands here twice`);
    }
    return requirementOf(page, [...path, index], one);
  });
  const everybody = new Set(requirements.flatMap(({ group }) => groups.get(group) ?? []));
  if (missingApprovals(requirements, everybody, groups, new Set()).length > 0) {
    malformed(page, path, 'these groups share too many members to approve together');
  }
  return requirements;
}

function alternativesOf(
  page: Page,
  path: Path,
  written: readonly RequirementsText[],
): readonly ApprovalRequirement[] {
  const alternatives = written.map((one, index) => requirementsOf(page, [...path, index], one));
  alternatives.forEach((one, index) => {
    const isSpared = alternatives.some(
      (other, at) => at !== index && meetingMeets(one, other) && (at < index || !meetingMeets(other, one)),
    );
    if (isSpared) malformed(page, [...path, index], 'never needed: another of these lists asks for no more');
  });
  return alternatives.flatMap((requirements, alternative) =>
    requirements.map((requirement) => ({ ...requirement, alternative })),
  );
}

function effectOf(page: Page, path: Path, then: RuleText['then']): Effect {
  if (typeof then === 'string') return { kind: then };
  const at = [...path, 'approve'];
  const requirements =
    'any-of' in then.approve
      ? alternativesOf(page, [...at, 'any-of'], then.approve['any-of'])
      : requirementsOf(page, at, then.approve);
  return { kind: 'approve', requirements };
}

/** Limits that only what this rule lets pass is charged to. */
function ruleLimitsOf(
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

function ruleOf(page: Page, rule: RuleText, index: number): Rule {
  const path = ['rules', index];
  const when = conditionsOf(page, [...path, 'when'], rule.when);
  const effect = effectOf(page, [...path, 'then'], rule.then);
  if (effect.kind !== 'refuse' && !when.some(({ kind }) => kind === 'asset')) {
    malformed(page, [...path, 'when'], 'a rule that lets a transfer pass names its asset');
  }
  const parsed = { id: rule.id, when, effect };
  if (!rule.limits) return parsed;
  return { ...parsed, limits: ruleLimitsOf(page, [...path, 'limits'], parsed, rule.limits) };
}

/** Why a rule is never reached: the one before it, or one that refuses, has all that it could match. */
function coverOf(rules: readonly Rule[], index: number): Rule | undefined {
  const rule = rules[index];
  const isFirst = (other: Rule, at: number) =>
    other.effect.kind === 'refuse' ? other.when.length > 0 : rule?.effect.kind !== 'refuse' && at < index;
  return rules.find(
    (other, at) =>
      rule !== undefined &&
      other !== rule &&
      rule.when.length > 0 &&
      isFirst(other, at) &&
      implies(rule.when, other.when) &&
      // Of two that refuse the very same, the second is the one too many.
      (at < index || !implies(other.when, rule.when)),
  );
}

function rulesOf(page: Page, rules: readonly RuleText[]): readonly Rule[] {
  const dead = rules.findIndex((rule) => rule.when === 'anything') + 1;
  if (dead > 0 && dead < rules.length) {
    malformed(page, ['rules', dead, 'id'], 'never reached: the rule before it matches anything');
  }
  const parsed = rules.map((rule, index) => ruleOf(page, rule, index));
  parsed.forEach((_, index) => {
    const cover = coverOf(parsed, index);
    if (cover)
      malformed(page, ['rules', index, 'id'], `never reached: ${cover.id} matches all that it could`);
  });
  return parsed;
}

/** They hold on top of a wallet's own document: they tighten, and never let pass. */
function tighteningRulesOf(page: Page, rules: readonly RuleText[]): readonly Rule[] {
  const parsed = rulesOf(page, rules);
  parsed.forEach(({ effect, when }, index) => {
    if (effect.kind !== 'refuse')
      malformed(page, ['rules', index, 'then'], 'a document for everything can only refuse');
    if (when.length === 0)
      malformed(page, ['rules', index, 'when'], 'a document for everything refuses on some condition');
  });
  return parsed;
}

function policyOf(document: PolicyDocument, context: PolicyContext): { policy: Policy; page: Page } {
  const { text, file } = read(document);
  const wallets = walletsInScope({ document: document.name, text, context }, file);
  const assets = assetsOn(new Set(wallets.map((wallet) => wallet.chain)), context);
  const page = { document: document.name, text, wallets, assets, context };
  const { limits = [], rules = [] } = file;
  distinctIds(page, ['limits'], limits);
  distinctIds(page, ['rules'], rules);
  const scope = file['applies-to'];
  const common = {
    name: document.name,
    limits: limits.map((limit, index) => limitOf(page, ['limits', index], limit, document.name)),
  };
  if (scope === 'everything') {
    if (file['fee-caps']) malformed(page, ['fee-caps'], 'a document for everything has no fee caps');
    if (limits.length + rules.length === 0) {
      malformed(page, [], 'a document for everything has limits, or rules that refuse');
    }
    const tightening = tighteningRulesOf(page, rules);
    return { page, policy: { ...common, appliesTo: { kind: 'everything' }, rules: tightening } };
  }
  const feeCaps = file['fee-caps'] ?? malformed(page, [], 'fee-caps are missing');
  if (rules.length === 0) malformed(page, [], 'rules are missing');
  const appliesTo: Policy['appliesTo'] =
    'tier' in scope ? { kind: 'tier', tier: scope.tier } : { kind: 'wallets', wallets: scope.wallets };
  return {
    page,
    policy: { ...common, appliesTo, feeCaps: feeCapsOf(page, feeCaps), rules: rulesOf(page, rules) },
  };
}

function subjectsOf({ appliesTo }: Policy): readonly { readonly subject: string; readonly path: Path }[] {
  if (appliesTo.kind === 'everything') return [];
  if (appliesTo.kind === 'tier')
    return [{ subject: `the tier ${appliesTo.tier}`, path: ['applies-to', 'tier'] }];
  return appliesTo.wallets.map((wallet, index) => ({
    subject: `the wallet ${wallet}`,
    path: ['applies-to', 'wallets', index],
  }));
}

/**
 * All documents of a deployment, in their order. Input is hostile. Refuses `policy-malformed` with the document, line,
 * column, the line's text and why. A wallet that no document covers is not refused here: deciding refuses its transfers.
 */
export function parsePolicies(
  documents: readonly PolicyDocument[],
  context: PolicyContext,
): Outcome<PolicySet, PolicyParseRefusalCode> {
  const owners = new Map<string, string>();
  const names = new Set<string>();
  try {
    const policies = documents.map((document) => {
      const { policy, page } = policyOf(document, context);
      if (names.has(policy.name)) malformed(page, ['policy'], `two documents are called ${policy.name}`);
      names.add(policy.name);
      for (const { subject, path } of subjectsOf(policy)) {
        const owner = owners.get(subject);
        if (owner !== undefined) malformed(page, path, `${subject} has a document already: ${owner}`);
        owners.set(subject, policy.name);
      }
      return policy;
    });
    return { kind: 'accepted', value: { hash: policyHashOf(documents), policies } };
  } catch (error) {
    if (error instanceof Fault && error.code === 'policy-malformed') {
      return refused('policy-malformed', error.facts);
    }
    throw error;
  }
}
