// From policy documents to typed policies: strict YAML, strict schema, then every name is resolved against what
// governance has registered. Nothing is guessed or rounded; one bad document refuses the whole set.
// It does NOT decide anything about a transfer.

import { Fault, type Outcome, refused } from '../fault.js';
import { type PolicyDocument, policyHashOf, policyText, type Wallet } from '../governance/entry.js';
import { type PolicyFile, policyFile, QUOTED_KEYS } from './document.js';
import { schemaProblems } from './schema-problems.js';
import {
  distinctIds,
  malformed,
  type Page,
  type Path,
  type PolicyContext,
  type PolicyParseRefusalCode,
  scopeOf,
} from './page.js';
import { checkCoversAcross, type ReadPolicy } from './parse-cover.js';
import { feeCapsOf, limitOf } from './parse-limits.js';
import { rulesOf, tighteningRulesOf } from './parse-rules.js';
import { perhaps } from './suggestions.js';
import { readYaml, type YamlText } from './strict-yaml.js';
import type { Policy, PolicyAsset, PolicySet } from './types.js';

interface Written {
  readonly text: YamlText;
  readonly file: PolicyFile;
}

/** What a document says does not depend on governance, and every entry of the log has the documents in force read again. */
const written = new WeakMap<PolicyDocument, Written>();

function read(document: PolicyDocument): Written {
  const known = written.get(document);
  if (known) return known;
  const found = readAnew(document);
  written.set(document, found);
  return found;
}

function readAnew(document: PolicyDocument): Written {
  const yaml = readYaml(policyText(document), QUOTED_KEYS);
  if (yaml.kind === 'refused') {
    const facts = { document: document.name, ...yaml.facts };
    throw new Fault<PolicyParseRefusalCode>('policy-malformed', 'not a policy document', { facts });
  }
  const page = { document: document.name, text: yaml.value };
  const parsed = policyFile.safeParse(yaml.value.value);
  if (!parsed.success) {
    const problems = schemaProblems(parsed.error.issues);
    // Whoever mistypes a key also misses it: what stands there says more than what does not.
    const problem = problems.find(({ isOfKey }) => isOfKey) ?? problems[0];
    return malformed(page, problem?.path ?? [], problem?.why ?? 'does not fit the schema');
  }
  if (parsed.data.policy !== document.name) malformed(page, ['policy'], `the document is ${document.name}`);
  return { text: yaml.value, file: parsed.data };
}

/** The wallets that a document is about, as governance knows them now. */
function walletsInScope(
  page: Omit<Page, 'wallets' | 'assets' | 'scope'>,
  file: PolicyFile,
): readonly Wallet[] {
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
    return (
      page.context.wallets.get(walletId) ??
      malformed(page, path, `no such wallet: ${walletId}${perhaps(walletId, page.context.wallets.keys())}`)
    );
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

function policyOf(document: PolicyDocument, context: PolicyContext): ReadPolicy {
  const { text, file } = read(document);
  const wallets = walletsInScope({ document: document.name, text, context }, file);
  const assets = assetsOn(new Set(wallets.map((wallet) => wallet.chain)), context);
  const scope = file['applies-to'];
  const page = {
    document: document.name,
    text,
    wallets,
    assets,
    scope: scopeOf(scope, wallets),
    context,
  };
  const { limits = [], rules = [] } = file;
  distinctIds(page, ['limits'], limits);
  distinctIds(page, ['rules'], rules);
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
    const parsed = documents.map((document) => {
      const { policy, page } = policyOf(document, context);
      if (names.has(policy.name)) malformed(page, ['policy'], `two documents are called ${policy.name}`);
      names.add(policy.name);
      for (const { subject, path } of subjectsOf(policy)) {
        const owner = owners.get(subject);
        if (owner !== undefined) malformed(page, path, `${subject} has a document already: ${owner}`);
        owners.set(subject, policy.name);
      }
      return { policy, page };
    });
    checkCoversAcross(parsed);
    const policies = parsed.map(({ policy }) => policy);
    return { kind: 'accepted', value: { hash: policyHashOf(documents), policies } };
  } catch (error) {
    if (error instanceof Fault && error.code === 'policy-malformed') {
      return refused('policy-malformed', error.facts);
    }
    throw error;
  }
}
