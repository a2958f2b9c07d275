import { describe, expect, it } from '@jest/globals';
import { p2wpkhAddress } from '../../../core/intents/bitcoin/address.js';
import { REQUEST_TYPE, type RequestStatement } from '../../../core/statements/request.js';
import { type PayingWallet, paymentOf } from './payments-of.js';

const CHAIN = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
const OWN_KEY = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
const OWN_SCRIPT = '0014751e76e8199196d454941c45d1b3a323f1433bd6';
const RECIPIENT = 'bcrt1qfue9l7vn0yd7l97u4dylwz9xfd2zk9n7qrpu94';

const wallet: PayingWallet = {
  walletId: 'hot-btc',
  chain: CHAIN,
  network: 'regtest',
  ownScripts: new Set([OWN_SCRIPT]),
};

function judged(change: Partial<RequestStatement>) {
  const request: RequestStatement = {
    type: REQUEST_TYPE,
    deploymentId: '00'.repeat(32),
    requestId: 'r-1',
    keyId: 'backend',
    kind: 'withdrawal',
    chain: CHAIN,
    wallet: 'hot-btc',
    asset: { kind: 'native', symbol: 'BTC', decimals: 8 },
    amount: '100000',
    destination: p2wpkhAddress(
      '02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5',
      'regtest',
    ),
    feeCeiling: '5000',
    requester: 'backend',
    customer: 'customer-1',
    createdAtMs: 1,
    expiresAtMs: 2,
    ...change,
  };
  const feeCaps = { absoluteMax: 7n, relativeMaxBasisPoints: 8n };
  return paymentOf({ transferId: 'tr-1', request, feeCaps }, wallet);
}

describe('a payment of a request', () => {
  it('has its amounts, its script and its caps', () => {
    expect(judged({})).toMatchObject({
      kind: 'accepted',
      value: { amountSats: 100_000n, feeCeilingSats: 5_000n, feeCaps: { absoluteMax: 7n } },
    });
  });

  it.each<[string, Partial<RequestStatement>]>([
    ['other-wallet', { wallet: 'hot-other' }],
    ['other-chain', { chain: 'bip122:000000000019d6689c085ae165831e93' }],
    [
      'asset-not-native',
      { asset: { kind: 'erc20', symbol: 'USDT', decimals: 6, contract: `0x${'1'.repeat(40)}` } },
    ],
    ['destination-invalid', { destination: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4' }],
    ['destination-invalid', { destination: RECIPIENT.toUpperCase() }],
    ['destination-own', { destination: p2wpkhAddress(OWN_KEY, 'regtest') }],
    ['amount-dust', { amount: '293' }],
    ['amount-out-of-range', { amount: '2100000000000001' }],
  ])('is refused as %s', (code, change) => {
    expect(judged(change)).toMatchObject({ kind: 'refused', code });
  });

  it('may be exactly at the dust threshold', () => {
    expect(judged({ amount: '294' }).kind).toBe('accepted');
  });
});
