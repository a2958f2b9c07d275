import { describe, expect, it } from '@jest/globals';
import { p2wpkhAddress } from '../intents/bitcoin/address.js';
import { testKey } from '../intents/bitcoin/psbt.fixture.js';
import { addressOfPublicKey } from '../intents/ethereum/address.js';
import type { Wallet } from './entry.js';
import { lookAlikeOf, tierOfAddress } from './known-addresses.js';
import { BITCOIN, start } from './people.fixture.js';
import type { GovernanceState } from './state.js';

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
    expect(lookAlikeOf(state, ETHEREUM, poison(ethereum), undefined)).toBe(ethereum.toLowerCase());
    expect(lookAlikeOf(state, ETHEREUM, ethereum, poison(ethereum).toLowerCase())).toBeUndefined();
    expect(lookAlikeOf(state, 'eip155:1', poison(ethereum), undefined)).toBeUndefined();
  });

  it('that were paid have look-alikes among all that come later', () => {
    const first = `0xabcd${'1'.repeat(32)}ef01`;
    const second = `0xABCD${'2'.repeat(32)}EF01`;
    expect(lookAlikeOf(state, ETHEREUM, second, first)).toBe(first);
    expect(lookAlikeOf(state, ETHEREUM, first, first)).toBeUndefined();
    expect(lookAlikeOf(state, ETHEREUM, second, undefined)).toBeUndefined();
  });
});
