// A compromised orchestrator at the signer's socket changes one thing in the transaction's bytes; the requests and
// approvals beside them are honest.

import { describe, expect, it } from '@jest/globals';
import { USDX } from '../../devnet/deployment.js';
import { codeOf } from '../../devnet/socket-client.js';
import {
  coin,
  eip1559,
  erc20Approve,
  erc20Transfer,
  payTo,
  psbtSpendingTwice,
} from '../../devnet/transactions.js';
import {
  ALICE_BTC,
  type Attack,
  bitcoinOrder,
  bitcoinTransfer,
  deployment,
  ETHER,
  ethereumOrder,
  foreign,
  HONEST_ETH,
  nextNonce,
  OTHER_TOKEN,
  own,
  prepareAttacks,
  rawHex,
  signer,
  THIEF_BTC,
  THIEF_ETH,
  tokenOrder,
  withTransfer,
} from './honest-orders.js';

prepareAttacks();

describe('Bitcoin bytes: the signer refuses', () => {
  const change = { script: '', amountSats: 4_990_000n };
  const attacks: readonly Attack[] = [
    [
      'a destination swapped after approval',
      'destination-mismatch',
      () => bitcoinOrder({ outputs: [payTo(THIEF_BTC, 5_000_000n), { ...change, script: own }] }),
    ],
    [
      'a destination swapped in the request as well, under its old signature',
      'request-signature-invalid',
      () =>
        withTransfer((transfer) => ({
          ...transfer,
          request: {
            ...transfer.request,
            statement: { ...transfer.request.statement, destination: THIEF_BTC },
          },
        })),
    ],
    [
      'an amount raised by one satoshi',
      'amount-mismatch',
      () => bitcoinOrder({ outputs: [payTo(ALICE_BTC, 5_000_001n), { ...change, script: own }] }),
    ],
    [
      'an amount lowered by one satoshi',
      'amount-mismatch',
      () => bitcoinOrder({ outputs: [payTo(ALICE_BTC, 4_999_999n), { ...change, script: own }] }),
    ],
    [
      'an extra output',
      'output-unexpected',
      () =>
        bitcoinOrder({
          outputs: [
            payTo(ALICE_BTC, 5_000_000n),
            payTo(THIEF_BTC, 1_000n),
            { script: own, amountSats: 4_989_000n },
          ],
        }),
    ],
    [
      'the payment twice',
      'output-unexpected',
      () =>
        bitcoinOrder({
          coins: [coin(own, 20_000_000n)],
          outputs: [
            payTo(ALICE_BTC, 5_000_000n),
            payTo(ALICE_BTC, 5_000_000n),
            { script: own, amountSats: 9_990_000n },
          ],
        }),
    ],
    [
      'change to a foreign address',
      'output-unexpected',
      () => bitcoinOrder({ outputs: [payTo(ALICE_BTC, 5_000_000n), { ...change, script: foreign }] }),
    ],
    [
      'change in two outputs',
      'change-multiple',
      () =>
        bitcoinOrder({
          outputs: [
            payTo(ALICE_BTC, 5_000_000n),
            { script: own, amountSats: 4_000_000n },
            { script: own, amountSats: 990_000n },
          ],
        }),
    ],
    [
      'a fee one satoshi above the ceiling',
      'fee-above-ceiling',
      () =>
        bitcoinOrder({ outputs: [payTo(ALICE_BTC, 5_000_000n), { script: own, amountSats: 4_979_999n }] }),
    ],
    [
      'a batch whose fee is one satoshi above the sum of its ceilings',
      'fee-above-ceiling',
      () =>
        bitcoinOrder({
          transfers: [bitcoinTransfer(), bitcoinTransfer({ feeCeiling: '10000' })],
          coins: [coin(own, 20_000_000n)],
          outputs: [
            payTo(ALICE_BTC, 5_000_000n),
            payTo(ALICE_BTC, 5_000_000n),
            { script: own, amountSats: 9_969_999n },
          ],
        }),
    ],
    [
      "a fee above the policy's absolute cap, whatever the ceiling says",
      'fee-above-absolute-cap',
      () =>
        bitcoinOrder({
          transfers: [bitcoinTransfer({ feeCeiling: '5000000' })],
          outputs: [payTo(ALICE_BTC, 5_000_000n), { script: own, amountSats: 4_949_999n }],
        }),
    ],
    [
      "a fee above the policy's relative cap",
      'fee-above-relative-cap',
      () =>
        bitcoinOrder({
          transfers: [
            deployment.transfer(
              deployment.request({ amount: '100000', destination: ALICE_BTC, feeCeiling: '20000' }),
            ),
          ],
          outputs: [payTo(ALICE_BTC, 100_000n), { script: own, amountSats: 9_894_999n }],
        }),
    ],
    [
      'a fee hidden by a false input amount',
      'input-amount-mismatch',
      () => bitcoinOrder({ coins: [coin(own, 20_000_000n)], changes: { claimedSats: 10_000_000n } }),
    ],
    [
      'an input without its previous transaction',
      'previous-transaction-missing',
      () => bitcoinOrder({ changes: { withoutPrevious: true } }),
    ],
    ['SIGHASH_NONE', 'sighash-not-all', () => bitcoinOrder({ changes: { sighashType: 2 } })],
    [
      'SIGHASH_SINGLE | ANYONECANPAY',
      'sighash-not-all',
      () => bitcoinOrder({ changes: { sighashType: 0x83 } }),
    ],
    [
      'an input of a foreign wallet',
      'input-foreign',
      () => bitcoinOrder({ coins: [coin(foreign, 10_000_000n)] }),
    ],
    [
      'a foreign input beside its own',
      'input-foreign',
      () => bitcoinOrder({ coins: [coin(own, 5_000_000n), coin(foreign, 5_000_000n)] }),
    ],
    [
      'a transaction that cannot be replaced',
      'sequence-not-allowed',
      () => bitcoinOrder({ changes: { sequence: 0xffffffff } }),
    ],
    [
      'a lock time that is a date',
      'locktime-not-allowed',
      () => bitcoinOrder({ changes: { lockTime: 1_900_000_000 } }),
    ],
    [
      'a wallet of the other family',
      'transaction-of-other-family',
      () => ({ ...bitcoinOrder(), transaction: eip1559({ to: HONEST_ETH, value: ETHER }) }),
    ],
    [
      'a wallet that governance does not know',
      'wallet-unknown',
      () => ({ ...bitcoinOrder(), wallet: 'cold-btc' }),
    ],
    [
      'a cancel of nothing',
      'nothing-to-cancel',
      () => bitcoinOrder({ transfers: [], outputs: [{ script: own, amountSats: 9_990_000n }] }),
    ],
  ];
  it.each(attacks)('%s (%s)', async (_title, code, order) => {
    expect(codeOf(await signer.sign(order()))).toBe(code);
  });

  it('an input twice (input-duplicate)', async () => {
    const outputs = [payTo(ALICE_BTC, 5_000_000n), { script: own, amountSats: 14_990_000n }];
    const transaction = psbtSpendingTwice(coin(own, 10_000_000n), outputs);
    expect(codeOf(await signer.sign({ ...bitcoinOrder(), transaction }))).toBe('input-duplicate');
  });
});

describe('Ethereum bytes: the signer refuses', () => {
  const attacks: readonly Attack[] = [
    ['a destination swapped after approval', 'destination-mismatch', () => ethereumOrder({ to: THIEF_ETH })],
    ['an amount raised by one wei', 'amount-mismatch', () => ethereumOrder({ value: ETHER + 1n })],
    ['another chain id', 'chain-id-mismatch', () => ethereumOrder({ chainId: 1 })],
    ['a nonce gap', 'nonce-gap', () => ethereumOrder({ nonce: nextNonce + 1 })],
    [
      'a nonce that another transfer has',
      'nonce-used',
      () => ethereumOrder({ nonce: 0, value: 2n * ETHER }, { amount: (2n * ETHER).toString() }),
    ],
    [
      'the transaction of another transfer that asked for the same',
      'transaction-of-other-order',
      () => ethereumOrder({ nonce: 0 }),
    ],
    ['contract creation', 'contract-creation', () => ethereumOrder({ to: null, data: '0x6001' })],
    [
      'calldata on a native transfer',
      'selector-not-allowed',
      () => ethereumOrder({ data: '0x01', gasLimit: 50_000n }),
    ],
    [
      'an ERC-20 call where ether was asked for',
      'calldata-not-allowed',
      () => ethereumOrder({ data: erc20Transfer(THIEF_ETH, ETHER), value: 0n, gasLimit: 100_000n }),
    ],
    ['a fee above the ceiling', 'fee-above-ceiling', () => ethereumOrder({ maxFeePerGas: 10n ** 11n })],
    [
      'an approve instead of a transfer',
      'selector-not-allowed',
      () => tokenOrder({ data: erc20Approve(HONEST_ETH, 1_000n * ETHER) }),
    ],
    ['a token that is not registered', 'token-not-registered', () => tokenOrder({ to: OTHER_TOKEN })],
    [
      'a token that is not registered, asked for by the backend too',
      'asset-not-registered',
      () => tokenOrder({ to: OTHER_TOKEN }, { asset: { ...USDX, contract: OTHER_TOKEN } }),
    ],
    [
      'a token transfer to somebody else',
      'destination-mismatch',
      () => tokenOrder({ data: erc20Transfer(THIEF_ETH, 1_000n * ETHER) }),
    ],
    [
      'a token amount raised by one unit',
      'amount-mismatch',
      () => tokenOrder({ data: erc20Transfer(HONEST_ETH, 1_000n * ETHER + 1n) }),
    ],
    ['ether sent along with a token transfer', 'value-with-calldata', () => tokenOrder({ value: 1n })],
    [
      'an access list',
      'access-list-not-empty',
      () => ethereumOrder({ accessList: [[HONEST_ETH, []]], gasLimit: 50_000n }),
    ],
    ['a legacy transaction', 'transaction-type', () => ethereumOrder({ type: 0, gasLimit: 21_000n })],
    ['an EIP-2930 transaction', 'transaction-type', () => ethereumOrder({ type: 1 })],
    ['an EIP-7702 authorization list', 'authorization-list', () => rawHex('04f8'.padEnd(200, '0'))],
    [
      'trailing bytes',
      'transaction-malformed',
      () => {
        const order = ethereumOrder();
        if (order.transaction.kind !== 'eip1559') throw new Error('no type-2 transaction');
        return rawHex(`${order.transaction.hex}00`);
      },
    ],
  ];
  it.each(attacks)('%s (%s)', async (_title, code, order) => {
    expect(codeOf(await signer.sign(order()))).toBe(code);
  });
});
