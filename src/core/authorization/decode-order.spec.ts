import { describe, expect, it } from '@jest/globals';
import type { Wallet } from '../governance/entry.js';
import { BITCOIN, ETHEREUM, start } from '../governance/people.fixture.js';
import type { GovernanceState } from '../governance/state.js';
import { addressOfScript } from '../intents/bitcoin/address.js';
import { draftOf, psbtOf, testKey } from '../intents/bitcoin/psbt.fixture.js';
import { ALICE, NATIVE, PUBLIC_KEY, unsignedHex } from '../intents/ethereum/transaction.fixture.js';
import { REQUEST_TYPE, type RequestStatement } from '../statements/request.js';
import { type DecodedOrder, decodeOrder } from './decode-order.js';
import type { VerifiedRequest } from './requests.js';
import type { SigningOrder } from './signing-order.js';

const own = testKey('own');
const foreign = testKey('foreign');
const bitcoinWallet: Wallet = {
  walletId: 'hot-btc',
  chain: BITCOIN,
  tier: 'hot',
  token: 'treasury',
  keys: [{ label: 'hot-btc-0', publicKey: own.publicKey }],
};
const ethereumWallet: Wallet = {
  ...bitcoinWallet,
  walletId: 'hot-eth',
  chain: ETHEREUM,
  keys: [{ label: 'hot-eth-0', publicKey: PUBLIC_KEY }],
};

function stateWith(...wallets: readonly Wallet[]): GovernanceState {
  return { ...start, wallets: new Map(wallets.map((wallet) => [wallet.walletId, wallet])) };
}
const state = stateWith(bitcoinWallet, ethereumWallet);

const psbt: SigningOrder['transaction'] = {
  kind: 'psbt',
  base64: psbtOf(
    draftOf([{ script: own.script, sats: 100_000n }], [{ script: foreign.script, sats: 99_000n }]),
  ),
};
const eip1559: SigningOrder['transaction'] = { kind: 'eip1559', hex: unsignedHex(NATIVE) };

function decoded(wallet: string, transaction: SigningOrder['transaction']): DecodedOrder {
  const outcome = decodeOrder({ wallet, transaction, transfers: [] }, state);
  if (outcome.kind === 'refused') throw new Error(outcome.code);
  return outcome.value;
}

function codeOf(outcome: { readonly kind: string; readonly code?: string }): string {
  return outcome.code ?? outcome.kind;
}

/** What `verifyRequest` would give: only what the comparison with the bytes looks at is true. */
function verified(altered: Partial<RequestStatement>, transferId = 'tr-1'): VerifiedRequest {
  const statement: RequestStatement = {
    type: REQUEST_TYPE,
    deploymentId: state.deploymentId,
    requestId: 'req-1',
    keyId: 'backend',
    kind: 'withdrawal',
    chain: BITCOIN,
    wallet: 'hot-btc',
    asset: { kind: 'native', symbol: 'BTC', decimals: 8 },
    amount: '99000',
    destination: addressOfScript(foreign.script, 'regtest') ?? '',
    feeCeiling: '1000',
    requester: 'payouts',
    customer: 'customer-7',
    createdAtMs: 1,
    expiresAtMs: 2,
    ...altered,
  };
  const [chain] = state.chains.values();
  const [key] = state.requestKeys.values();
  if (!chain || !key) throw new Error('the fixture has neither chain nor key');
  return { transferId, digest: '00'.repeat(32), statement, key, wallet: bitcoinWallet, chain };
}

const ether: Partial<RequestStatement> = {
  chain: ETHEREUM,
  wallet: 'hot-eth',
  asset: { kind: 'native', symbol: 'ETH', decimals: 18 },
  amount: '1000000000000000000',
  destination: ALICE,
  feeCeiling: '630000000000000',
};

describe('the bytes of an order', () => {
  it('are compared with the request that they carry out', () => {
    const [paid] = [decoded('hot-btc', psbt).matchPayments([verified({})])];
    expect(paid).toMatchObject({ kind: 'accepted', value: [{ contract: 'native', amount: 99_000n }] });
    const sent = decoded('hot-eth', eip1559).matchPayments([verified(ether)]);
    expect(sent).toMatchObject({ kind: 'accepted', value: [{ contract: 'native', amount: 10n ** 18n }] });
  });

  it('are refused with wallet-unknown when governance knows no such wallet', () => {
    expect(codeOf(decodeOrder({ wallet: 'cold-btc', transaction: psbt, transfers: [] }, state))).toBe(
      'wallet-unknown',
    );
  });

  it.each([
    ['a PSBT for an Ethereum wallet', 'hot-eth', psbt],
    ['an Ethereum transaction for a Bitcoin wallet', 'hot-btc', eip1559],
  ])('are refused with transaction-of-other-family when they are %s', (_, wallet, transaction) => {
    expect(codeOf(decodeOrder({ wallet, transaction, transfers: [] }, state))).toBe(
      'transaction-of-other-family',
    );
  });

  it('are refused with transaction-of-other-family when the wallet has no key', () => {
    const order = { wallet: 'hot-eth', transaction: eip1559, transfers: [] };
    expect(codeOf(decodeOrder(order, stateWith({ ...ethereumWallet, keys: [] })))).toBe(
      'transaction-of-other-family',
    );
  });

  it("are refused with input-foreign when an input is not the wallet's own", () => {
    const stranger = { ...bitcoinWallet, keys: [{ label: 'hot-btc-0', publicKey: foreign.publicKey }] };
    const order = { wallet: 'hot-btc', transaction: psbt, transfers: [] };
    expect(codeOf(decodeOrder(order, stateWith(stranger)))).toBe('input-foreign');
  });

  it('are refused with asset-mismatch when a token is asked of a Bitcoin wallet', () => {
    const contract = '0x5FbDB2315678afecb367f032d93F642f64180aa3';
    const token = verified({ asset: { kind: 'erc20', symbol: 'USDX', decimals: 8, contract } });
    expect(codeOf(decoded('hot-btc', psbt).matchPayments([token]))).toBe('asset-mismatch');
  });

  it('are refused with transfers-too-many when one Ethereum transaction is to pay two transfers, or none', () => {
    const { matchPayments } = decoded('hot-eth', eip1559);
    expect(codeOf(matchPayments([verified(ether), verified(ether, 'tr-2')]))).toBe('transfers-too-many');
    expect(codeOf(matchPayments([]))).toBe('transfers-too-many');
  });
});
