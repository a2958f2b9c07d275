import { describe, expect, it } from '@jest/globals';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { Transaction } from 'ethers';
import type { Erc20Token } from '../../governance/entry.js';
import type { EthereumIntent } from '../intent.js';
import { decodeEip1559 } from './decode.js';
import {
  type EthereumMatchCode,
  type EthereumOwn,
  type EthereumPayment,
  matchEthereum,
  matchEthereumCancel,
} from './match.js';
import {
  ALICE,
  CHAIN_ID,
  calldata,
  ERC20,
  MALLORY,
  NATIVE,
  OTHER_CONTRACT,
  OWN_ADDRESS,
  TOKEN,
  TOKEN_CONTRACT,
  type TransactionFields,
  unsignedHex,
} from './transaction.fixture.js';

const OTHER_TOKEN: Erc20Token = { ...TOKEN, contract: OTHER_CONTRACT, symbol: 'OTH' };
const registry = (...tokens: Erc20Token[]) =>
  new Map(tokens.map((token) => [token.contract.toLowerCase(), token]));
const own: EthereumOwn = {
  chainIdNumber: CHAIN_ID,
  ownAddress: OWN_ADDRESS,
  tokens: registry(TOKEN, OTHER_TOKEN),
};

const nativePayment: EthereumPayment = {
  transferId: 'tr-1',
  asset: { kind: 'native', symbol: 'ETH', decimals: 18 },
  destination: ALICE,
  amount: 10n ** 18n,
  feeCeiling: 630_000_000_000_000n,
};
const tokenPayment: EthereumPayment = {
  transferId: 'tr-2',
  asset: { kind: 'erc20', symbol: 'TST', decimals: 6, contract: TOKEN_CONTRACT },
  destination: ALICE,
  amount: 2_500_000n,
  feeCeiling: 1_800_000_000_000_000n,
};
const tokenAsset = (change: Partial<Erc20Token>): EthereumPayment['asset'] => ({
  kind: 'erc20',
  symbol: change.symbol ?? TOKEN.symbol,
  decimals: change.decimals ?? TOKEN.decimals,
  contract: change.contract ?? TOKEN.contract,
});

function decoded(fields: TransactionFields): EthereumIntent {
  const outcome = decodeEip1559(unsignedHex(fields));
  if (outcome.kind === 'refused') throw new Error(outcome.code);
  return outcome.value;
}

describe('a transaction that does what was asked', () => {
  it('matches a native payment at exactly its fee ceiling', () => {
    expect(matchEthereum(decoded(NATIVE), own, nativePayment)).toEqual({
      kind: 'accepted',
      value: { transferId: 'tr-1', maxFeeWei: 630_000_000_000_000n },
    });
  });

  it('matches a payment in a registered token', () => {
    expect(matchEthereum(decoded(ERC20), own, tokenPayment)).toEqual({
      kind: 'accepted',
      value: { transferId: 'tr-2', maxFeeWei: 1_800_000_000_000_000n },
    });
  });
});

describe('a transaction that does anything else is refused', () => {
  type Case = [EthereumMatchCode, string, TransactionFields, EthereumPayment, EthereumOwn?];
  const cases: Case[] = [
    ['chain-id-mismatch', 'it is for another chain', { ...NATIVE, chainId: 1n }, nativePayment],
    [
      'destination-invalid',
      'the payment writes its destination in lower case',
      NATIVE,
      { ...nativePayment, destination: ALICE.toLowerCase() },
    ],
    [
      'destination-invalid',
      'the payment has a Bitcoin destination',
      NATIVE,
      { ...nativePayment, destination: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4' },
    ],
    [
      'destination-own',
      'the payment goes to the wallet itself',
      { ...NATIVE, to: OWN_ADDRESS },
      { ...nativePayment, destination: OWN_ADDRESS },
    ],
    [
      'destination-own',
      'tokens go to the wallet itself',
      { ...ERC20, data: calldata('transfer', OWN_ADDRESS, 2_500_000n) },
      { ...tokenPayment, destination: OWN_ADDRESS },
    ],
    [
      'destination-token-contract',
      'tokens go to their own contract',
      { ...ERC20, data: calldata('transfer', TOKEN_CONTRACT, 2_500_000n) },
      { ...tokenPayment, destination: TOKEN_CONTRACT },
    ],
    [
      'destination-token-contract',
      'coins go to a token contract',
      { ...NATIVE, to: OTHER_CONTRACT },
      { ...nativePayment, destination: OTHER_CONTRACT },
    ],
    ['calldata-not-allowed', 'a native payment calls a contract', ERC20, nativePayment],
    [
      'calldata-not-allowed',
      'a native payment calls a contract that is not registered',
      { ...ERC20, to: MALLORY },
      nativePayment,
    ],
    [
      'token-not-registered',
      'the token is not registered',
      ERC20,
      tokenPayment,
      { ...own, tokens: registry() },
    ],
    [
      'token-not-registered',
      'the token is registered for another chain',
      ERC20,
      tokenPayment,
      { ...own, tokens: registry({ ...TOKEN, chain: 'eip155:1' }) },
    ],
    [
      'token-not-registered',
      'another contract is called that is not registered',
      { ...ERC20, to: MALLORY },
      tokenPayment,
    ],
    [
      'asset-mismatch',
      'another registered contract is called',
      { ...ERC20, to: OTHER_CONTRACT },
      tokenPayment,
    ],
    ['asset-mismatch', 'coins move instead of tokens', { ...NATIVE, value: 2_500_000n }, tokenPayment],
    [
      'asset-mismatch',
      'the request writes other decimals',
      ERC20,
      { ...tokenPayment, asset: tokenAsset({ decimals: 18 }) },
    ],
    [
      'asset-mismatch',
      'the request writes another symbol',
      ERC20,
      { ...tokenPayment, asset: tokenAsset({ symbol: 'USDT' }) },
    ],
    [
      'asset-mismatch',
      'the request writes its contract without a checksum',
      ERC20,
      { ...tokenPayment, asset: tokenAsset({ contract: TOKEN_CONTRACT.toLowerCase() }) },
    ],
    ['destination-mismatch', 'the destination was swapped', { ...NATIVE, to: MALLORY }, nativePayment],
    [
      'destination-mismatch',
      'the recipient of tokens was swapped',
      { ...ERC20, data: calldata('transfer', MALLORY, 2_500_000n) },
      tokenPayment,
    ],
    ['amount-mismatch', 'the amount is one wei more', { ...NATIVE, value: 10n ** 18n + 1n }, nativePayment],
    ['amount-mismatch', 'the amount is one wei less', { ...NATIVE, value: 10n ** 18n - 1n }, nativePayment],
    [
      'amount-mismatch',
      'one token unit more is sent',
      { ...ERC20, data: calldata('transfer', ALICE, 2_500_001n) },
      tokenPayment,
    ],
    [
      'fee-above-ceiling',
      'it can cost one wei above the ceiling',
      NATIVE,
      { ...nativePayment, feeCeiling: 629_999_999_999_999n },
    ],
    ['fee-above-ceiling', 'it has one gas more', { ...ERC20, gasLimit: 60_001n }, tokenPayment],
  ];

  it.each(cases)('%s when %s', (code, _, fields, payment, wallet = own) => {
    expect(matchEthereum(decoded(fields), wallet, payment)).toMatchObject({ kind: 'refused', code });
  });
});

describe('a cancel', () => {
  const cancel: TransactionFields = { ...NATIVE, to: OWN_ADDRESS, value: 0n };

  it('sends nothing to the wallet itself', () => {
    expect(matchEthereumCancel(decoded(cancel), own, 630_000_000_000_000n)).toEqual({
      kind: 'accepted',
      value: { transferId: undefined, maxFeeWei: 630_000_000_000_000n },
    });
  });

  it.each<[EthereumMatchCode, string, TransactionFields, bigint]>([
    ['chain-id-mismatch', 'it is for another chain', { ...cancel, chainId: 1n }, 10n ** 18n],
    ['cancel-not-to-self', 'it goes elsewhere', { ...cancel, to: MALLORY }, 10n ** 18n],
    ['cancel-not-to-self', 'it moves a wei', { ...cancel, value: 1n }, 10n ** 18n],
    ['cancel-not-to-self', 'it has more gas than it takes', { ...cancel, gasLimit: 21_001n }, 10n ** 18n],
    [
      'cancel-not-to-self',
      'it calls a token',
      { ...ERC20, data: calldata('transfer', OWN_ADDRESS, 0n), gasLimit: 21_000n },
      10n ** 18n,
    ],
    ['fee-above-ceiling', 'it can cost one wei too much', cancel, 629_999_999_999_999n],
  ])('is refused with %s when %s', (code, _, fields, ceiling) => {
    expect(matchEthereumCancel(decoded(fields), own, ceiling)).toMatchObject({ kind: 'refused', code });
  });
});

describe('whatever is done to the bytes', () => {
  it('no single changed bit makes another effect match, as ethers reads it', () => {
    for (const [fields, payment] of [
      [NATIVE, nativePayment],
      [ERC20, tokenPayment],
    ] as const) {
      const bytes = hexToBytes(unsignedHex(fields));
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const flipped = bytes.slice();
        flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
        const intent = decodeEip1559(bytesToHex(flipped));
        if (intent.kind === 'refused' || matchEthereum(intent.value, own, payment).kind === 'refused')
          continue;
        const read = Transaction.from(`0x${bytesToHex(flipped)}`);
        expect([read.chainId, read.to, read.value, read.data]).toEqual([
          fields.chainId,
          fields.to,
          fields.value,
          fields.data,
        ]);
        expect(read.gasLimit * (read.maxFeePerGas ?? 0n) <= payment.feeCeiling).toBe(true);
      }
    }
  });
});
