import { describe, expect, it } from '@jest/globals';
import { p2wpkhAddress } from '../intents/bitcoin/address.js';
import { testKey } from '../intents/bitcoin/psbt.fixture.js';
import { addressOfPublicKey } from '../intents/ethereum/address.js';
import type { Tier, Wallet } from './entry.js';
import { lookAlikeOf, tierOfAddress } from './known-addresses.js';
import { BITCOIN, start } from './people.fixture.js';
import type { GovernanceState, Whitelisted } from './state.js';

const ETHEREUM = 'eip155:31337';
const { publicKey } = testKey('own');
const wallet = (walletId: string, chain: string, tier: Wallet['tier']): Wallet => ({
  walletId,
  chain,
  tier,
  token: 'treasury',
  keys: [{ label: walletId, publicKey }],
});
const state: GovernanceState = {
  ...start,
  chains: new Map([
    ...start.chains,
    [ETHEREUM, { family: 'ethereum', chain: ETHEREUM, coin: { symbol: 'ETH', decimals: 18 } }],
  ]),
  wallets: new Map([
    ['cold-btc', wallet('cold-btc', BITCOIN, 'cold')],
    ['warm-eth', wallet('warm-eth', ETHEREUM, 'warm')],
  ]),
};
const bitcoin = p2wpkhAddress(publicKey, 'regtest');
const ethereum = addressOfPublicKey(publicKey);
/** With the same four digits at either end. */
const poison = (address: string) => `${address.slice(0, 6)}${'0'.repeat(32)}${address.slice(-4)}`;

const NOW_MS = 1_700_000_000_000;
const first = `0xabcd${'1'.repeat(32)}ef01`;
const second = `0xabcd${'2'.repeat(32)}ef01`;
const entry = (entryId: string, address: string, tiers: Tier[]): Whitelisted => ({
  entryId,
  label: 'desk',
  chain: ETHEREUM,
  address,
  tiers,
  sequence: 1,
});
const whitelisting = (...entries: readonly Whitelisted[]): GovernanceState => ({
  ...state,
  whitelist: new Map(entries.map((one) => [one.entryId, one])),
});

/** What an address could be taken for, asked by a wallet of a tier; `paid` as whoever decides remembers. */
function taken(
  address: string,
  paid: readonly string[] = [],
  known = state,
  tier: Tier = 'hot',
  nowMs = NOW_MS,
): string | undefined {
  return lookAlikeOf(known, { chain: ETHEREUM, address, tier }, nowMs, paid);
}

describe('known addresses', () => {
  it('are of the tier of the own wallet that has the key, on its own chain', () => {
    expect(tierOfAddress(state, BITCOIN, bitcoin)).toBe('cold');
    expect(tierOfAddress(state, ETHEREUM, ethereum)).toBe('warm');
    expect(tierOfAddress(state, ETHEREUM, ethereum.toLowerCase())).toBe('warm');
    expect(tierOfAddress(state, 'eip155:1', ethereum)).toBeUndefined();
    expect(tierOfAddress(state, ETHEREUM, poison(ethereum))).toBeUndefined();
  });

  it('are forgotten with the wallet', () => {
    expect(tierOfAddress({ ...state, wallets: new Map() }, BITCOIN, bitcoin)).toBeUndefined();
  });

  it('have look-alikes, and are none themselves', () => {
    expect(taken(poison(ethereum))).toBe(ethereum.toLowerCase());
    expect(taken(ethereum, [poison(ethereum).toLowerCase()])).toBeUndefined();
    const elsewhere = { chain: 'eip155:1', address: poison(ethereum), tier: 'hot' as const };
    expect(lookAlikeOf(state, elsewhere, NOW_MS, [])).toBeUndefined();
  });

  it('that were paid have look-alikes among all that come later', () => {
    expect(taken(second, [first])).toBe(first);
    expect(taken(first, [first])).toBeUndefined();
    expect(taken(second, [])).toBeUndefined();
    // The first of this wallet, and the first of any.
    expect(taken(second, [second, first])).toBe(first);
    expect(taken(second, [first, second])).toBe(first);
  });

  it('of the whitelist are no look-alikes for wallets of their tiers, and for others are', () => {
    const listed = whitelisting(entry('wl-1', second, ['hot']));
    expect(taken(second, [first], listed, 'hot')).toBeUndefined();
    for (const tier of ['warm', 'cold', 'safu', 'deposit'] as const) {
      expect(taken(second, [first], listed, tier)).toBe(first);
    }
  });

  it('of the whitelist are look-alikes from the moment at which they end', () => {
    const listed = whitelisting({ ...entry('wl-1', second, ['hot']), endsAtMs: NOW_MS });
    expect(taken(second, [first], listed, 'hot', NOW_MS - 1)).toBeUndefined();
    expect(taken(second, [first], listed, 'hot', NOW_MS)).toBe(first);
  });

  it('of the whitelist can be taken for, whichever tier they are for and though they have ended', () => {
    const listed = whitelisting({ ...entry('wl-1', first, ['cold']), endsAtMs: NOW_MS });
    expect(taken(second, [], listed, 'hot')).toBe(first);
    // Two that look alike, each for wallets of one tier: neither hides the other.
    const both = whitelisting(entry('wl-1', second, ['hot']), entry('wl-2', first, ['cold']));
    expect(taken(second, [], both, 'cold')).toBe(first);
    expect(taken(first, [], both, 'cold')).toBeUndefined();
    expect(taken(second, [], both, 'hot')).toBeUndefined();
  });
});
