// As many rules as are wanted, once as policy documents and once in Cedar's language, which mean the same: half of them let
// small amounts pass for customers whom they name, half refuse destinations. All of them are about one wallet.

import type { PolicyDocument, Wallet } from '../../src/core/governance/entry.js';
import { addressOfScript } from '../../src/core/intents/bitcoin/address.js';
import type { PolicyContext } from '../../src/core/policy/page.js';
import { parsePolicies } from '../../src/core/policy/parse.js';
import type { PolicySet, Situation } from '../../src/core/policy/types.js';

const CHAIN = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
const WALLET: Wallet = {
  walletId: 'hot-btc',
  chain: CHAIN,
  tier: 'hot',
  token: 'treasury',
  keys: [{ label: 'hot-btc-1', publicKey: `02${'11'.repeat(32)}` }],
};
const CONTEXT: PolicyContext = {
  chains: new Map([
    [CHAIN, { family: 'bitcoin', chain: CHAIN, network: 'regtest', coin: { symbol: 'BTC', decimals: 8 } }],
  ]),
  wallets: new Map([[WALLET.walletId, WALLET]]),
  tokens: new Map(),
  groups: new Map(),
  persons: new Map(),
  everRegistered: new Set(),
  everRequestKeys: new Map(),
};
const LIMITS = 20;
const MOST_RULES_PER_DOCUMENT = 250;

/** A P2WPKH address on regtest, another one for each. */
export const destinationOf = (at: number) =>
  addressOfScript(`0014${at.toString(16).padStart(40, '0')}`, 'regtest') ?? '';
export const customerOf = (at: number) => `customer-${at}`;
/** Of the rule at a place, in satoshis: one more for each, so that no rule has all that another has. */
export const mostOf = (at: number) => BigInt(1_000 + at);

interface Documents {
  readonly letPass: readonly string[];
  readonly refuse: readonly string[];
}

function linesOf(count: number): Documents {
  const half = Array.from({ length: count / 2 }, (_, at) => at);
  const btc = (sats: bigint) => `0.${sats.toString().padStart(8, '0')}`;
  return {
    letPass: half.map(
      (at) =>
        `  - { id: pass-${at}, when: { asset: BTC, amount-at-most: "${btc(mostOf(at))} BTC", customer-in: [${customerOf(at)}] }, then: allow }`,
    ),
    refuse: half.map(
      (at) => `  - { id: refuse-${at}, when: { destination-in: ["${destinationOf(at)}"] }, then: refuse }`,
    ),
  };
}

function chunks(lines: readonly string[]): readonly (readonly string[])[] {
  const documents = Math.ceil(lines.length / MOST_RULES_PER_DOCUMENT);
  return Array.from({ length: documents }, (_, at) =>
    lines.slice(at * MOST_RULES_PER_DOCUMENT, (at + 1) * MOST_RULES_PER_DOCUMENT),
  );
}

/** What lets pass stands in the wallet's document and its tier's, what refuses in those for everything. With 20 limits. */
export function policySetOf(count: number): PolicySet {
  const { letPass, refuse } = linesOf(count);
  const scopes = ['applies-to: { wallets: [hot-btc] }', 'applies-to: { tier: hot }'];
  const caps = 'fee-caps: { absolute: "0.0005 BTC", relative: "5%" }';
  const limits = Array.from(
    { length: LIMITS },
    (_, at) => `  - { id: l-${at}, per: customer, asset: BTC, window: ${at + 1}h, max: "1 BTC" }`,
  );
  const documents: PolicyDocument[] = [
    ...chunks(letPass).map((lines, at) => ({
      name: `pass-${at}`,
      lines: [
        `policy: pass-${at}`,
        scopes[at] ?? '',
        caps,
        ...(at === 0 ? ['limits:', ...limits] : []),
        'rules:',
        ...lines,
      ],
    })),
    ...chunks(refuse).map((lines, at) => ({
      name: `refuse-${at}`,
      lines: [`policy: refuse-${at}`, 'applies-to: everything', 'rules:', ...lines],
    })),
  ];
  const parsed = parsePolicies(documents, CONTEXT);
  if (parsed.kind === 'refused') throw new Error(`the rules do not parse: ${JSON.stringify(parsed.facts)}`);
  return parsed.value;
}

/** The same rules as policies of Cedar. */
export function cedarPoliciesOf(count: number): string {
  const half = Array.from({ length: count / 2 }, (_, at) => at);
  const wallet = 'principal, action == Action::"transfer", resource == Wallet::"hot-btc"';
  return [
    ...half.map(
      (at) =>
        `permit(${wallet}) when { context.asset == "BTC" && context.amount <= ${mostOf(at)} && ["${customerOf(at)}"].contains(context.customer) };`,
    ),
    ...half.map((at) => `forbid(${wallet}) when { ["${destinationOf(at)}"].contains(context.destination) };`),
  ].join('\n');
}

/** A withdrawal for a customer; `destination` is one that a rule refuses, or not. */
export function situationOf(customer: number, amount: bigint, destination: number): Situation {
  return {
    wallet: WALLET.walletId,
    tier: WALLET.tier,
    chain: CHAIN,
    contract: 'native',
    amount,
    destination: destinationOf(destination),
    requester: 'payouts',
    customer: customerOf(customer),
    kind: 'withdrawal',
    feeCeiling: 0n,
    toTier: undefined,
    known: undefined,
  };
}
