// What tests of policies stand on: the wallets, assets and groups of the demo deployment, and the shipped documents.
// For tests alone; not part of any program.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../fault.js';
import type { Person, PolicyDocument, Tier } from '../governance/entry.js';
import { tokenKey } from '../governance/state.js';
import type { PolicyContext } from './page.js';
import type { Situation } from './types.js';

export const POLICIES = join(import.meta.dirname, '../../../policies');
/** What the language can say and no shipped document does. */
export const EXAMPLES = join(POLICIES, 'examples');
export const BITCOIN = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
export const ETHEREUM = 'eip155:31337';
export const USDX = '0x5FbDB2315678afecb367f032d93F642f64180aa3';

function wallet(walletId: string, chain: string, tier: Tier) {
  const keys = [{ label: walletId, publicKey: `02${'11'.repeat(32)}` }];
  return { walletId, chain, tier, token: 'treasury', keys };
}

const WITH_DISPLAY = ['alice', 'dora', 'frank'];

function credentialOf(personId: string): Person['credentials'][number] {
  const publicKey = `04${'22'.repeat(64)}`;
  return WITH_DISPLAY.includes(personId)
    ? { credentialId: personId, credentialClass: 'device-display', algorithm: 'eip191', publicKey }
    : { credentialId: personId, credentialClass: 'pkcs11', algorithm: 'p256', publicKey };
}

/** A withdrawal of 100 satoshis. */
export const SITUATION: Situation = {
  wallet: 'hot-btc',
  tier: 'hot',
  chain: BITCOIN,
  contract: 'native',
  amount: 100n,
  destination: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
  requester: 'payouts',
  customer: 'customer-1',
  kind: 'withdrawal',
  feeCeiling: 0n,
  toTier: undefined,
  known: undefined,
};

export const SHIPPED_CONTEXT: PolicyContext = {
  chains: new Map([
    [
      BITCOIN,
      {
        family: 'bitcoin',
        chain: BITCOIN,
        network: 'regtest',
        coin: { symbol: 'BTC', decimals: 8 },
      },
    ],
    [ETHEREUM, { family: 'ethereum', chain: ETHEREUM, coin: { symbol: 'ETH', decimals: 18 } }],
  ]),
  wallets: new Map([
    ['hot-btc', wallet('hot-btc', BITCOIN, 'hot')],
    ['hot-eth', wallet('hot-eth', ETHEREUM, 'hot')],
    ...(['warm', 'cold', 'safu', 'deposit'] as const).flatMap((tier) => [
      [`${tier}-btc`, wallet(`${tier}-btc`, BITCOIN, tier)] as const,
      [`${tier}-eth`, wallet(`${tier}-eth`, ETHEREUM, tier)] as const,
    ]),
  ]),
  tokens: new Map([
    [
      tokenKey(ETHEREUM, USDX),
      { chain: ETHEREUM, contract: USDX, symbol: 'USDX', decimals: 18, codeHash: 'ab'.repeat(32) },
    ],
  ]),
  groups: new Map([
    ['treasury', ['alice', 'bob', 'carol']],
    ['board', ['carol', 'dora']],
    ['custodians', ['frank', 'grace', 'heidi']],
  ]),
  // Who has a device with a display: one of the treasury, one of the board, and one of the custodians.
  persons: new Map(
    ['alice', 'bob', 'carol', 'dora', 'frank', 'grace', 'heidi'].map((personId) => [
      personId,
      { personId, name: personId, credentials: [credentialOf(personId)] },
    ]),
  ),
  everRequestKeys: new Map([
    [
      'backend',
      { keyId: 'backend', algorithm: 'ed25519', publicKey: 'e1'.repeat(32), owners: ['payouts', 'refunds'] },
    ],
  ]),
  // Erin is nobody's member any more.
  everRegistered: new Set(
    ['alice', 'bob', 'carol', 'dora', 'erin', 'frank', 'grace', 'heidi'].map((person) => `person:${person}`),
  ),
};

export function documentOf(name: string, text: string): PolicyDocument {
  return { name, lines: text.replace(/\n$/, '').split('\n') };
}

export function namesIn(folder: string, suffix: string): readonly string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(suffix))
    .map((file) => file.slice(0, -suffix.length))
    .sort();
}

export function shippedDocuments(folder = POLICIES): readonly PolicyDocument[] {
  return namesIn(folder, '.policy.yaml').map((name) =>
    documentOf(name, readFileSync(join(folder, `${name}.policy.yaml`), 'utf8')),
  );
}

export function valueFrom<T>(outcome: Outcome<T>): T {
  if (outcome.kind === 'refused') throw new Error(`${outcome.code} ${JSON.stringify(outcome.facts)}`);
  return outcome.value;
}
