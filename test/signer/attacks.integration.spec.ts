// A compromised orchestrator at the signer's socket: it has every approval and request that was ever made, and sends
// whatever it likes. Each attack begins from an order that the signer would sign, and changes one thing.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { OrderedTransfer, SigningOrder } from '../../src/core/authorization/signing-order.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import type { TransferStatement } from '../../src/core/statements/approval.js';
import type { RequestStatement, SignedRequest } from '../../src/core/statements/request.js';
import {
  BTC,
  Deployment,
  ETH,
  ETHEREUM,
  makeBackend,
  makeOfficer,
  TOKEN_CONTRACT,
  USDX,
} from './deployment.js';
import { codeOf, type SocketClient } from './socket-client.js';
import {
  type BitcoinOutput,
  type Coin,
  coin,
  type EthereumFields,
  eip1559,
  erc20Approve,
  erc20Transfer,
  type PsbtChanges,
  payTo,
  psbt,
  psbtSpendingTwice,
} from './transactions.js';

const THIEF_BTC = 'bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202';
const ALICE_BTC = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const HONEST_ETH = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const THIEF_ETH = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const OTHER_TOKEN = '0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512';
const ETHER = 10n ** 18n;

let deployment: Deployment;
let signer: SocketClient;
/** The wallet's own script, a foreign one, and the next unused nonce. */
let own: string;
let foreign: string;
let nextNonce = 0;

beforeAll(async () => {
  deployment = await Deployment.create();
  signer = await deployment.start();
  own = p2wpkhScript(deployment.publicKeys.bitcoin);
  foreign = payTo(THIEF_BTC, 0n).script;
});
afterAll(() => deployment.destroy());

/** A Bitcoin withdrawal of 0.05 BTC that two officers approved: the middle rule of the shipped policy. */
function bitcoinTransfer(altered: Partial<RequestStatement> = {}): OrderedTransfer {
  const request = deployment.request({
    amount: '5000000',
    destination: ALICE_BTC,
    feeCeiling: '20000',
    ...altered,
  });
  return deployment.transfer(request, [deployment.alice, deployment.bob]);
}

interface BitcoinOrder {
  readonly transfers?: readonly OrderedTransfer[];
  readonly coins?: readonly Coin[];
  readonly outputs?: readonly BitcoinOutput[];
  readonly changes?: PsbtChanges;
}

function bitcoinOrder(order: BitcoinOrder = {}): SigningOrder {
  const coins = order.coins ?? [coin(own, 10_000_000n)];
  const outputs = order.outputs ?? [payTo(ALICE_BTC, 5_000_000n), { script: own, amountSats: 4_990_000n }];
  return {
    wallet: 'hot-btc',
    transaction: psbt(coins, outputs, order.changes),
    transfers: [...(order.transfers ?? [bitcoinTransfer()])],
  };
}

function ethereumRequest(altered: Partial<RequestStatement> = {}): SignedRequest {
  return deployment.request({
    chain: ETHEREUM,
    wallet: 'hot-eth',
    asset: ETH,
    amount: ETHER.toString(),
    destination: HONEST_ETH,
    feeCeiling: (10n ** 15n).toString(),
    ...altered,
  });
}

function ethereumOrder(fields: EthereumFields = {}, altered: Partial<RequestStatement> = {}): SigningOrder {
  const transfer = deployment.transfer(ethereumRequest(altered), [deployment.alice, deployment.bob]);
  return {
    wallet: 'hot-eth',
    transaction: eip1559({ to: HONEST_ETH, value: ETHER, nonce: nextNonce, ...fields }),
    transfers: [transfer],
  };
}

const TOKEN_REQUEST = { asset: USDX, amount: (1_000n * ETHER).toString() };
function tokenOrder(fields: EthereumFields = {}, altered: Partial<RequestStatement> = {}): SigningOrder {
  const data = erc20Transfer(HONEST_ETH, 1_000n * ETHER);
  return ethereumOrder(
    { to: TOKEN_CONTRACT, value: 0n, data, gasLimit: 100_000n, ...fields },
    { ...TOKEN_REQUEST, ...altered },
  );
}

/** The honest order with its only transfer changed. */
function withTransfer(change: (transfer: OrderedTransfer) => OrderedTransfer): SigningOrder {
  const order = bitcoinOrder();
  return { ...order, transfers: order.transfers.map(change) };
}

function withStatement(altered: Partial<TransferStatement>): SigningOrder {
  const request = deployment.request({ amount: '5000000', destination: ALICE_BTC });
  const statement = deployment.statement(request, altered);
  const approvals = [deployment.alice, deployment.bob].map((officer) =>
    deployment.approve(statement, officer),
  );
  return bitcoinOrder({ transfers: [{ request, statement, approvals }] });
}

function rawHex(hex: string): SigningOrder {
  return { ...ethereumOrder(), transaction: { kind: 'eip1559', hex } };
}

type Attack = readonly [title: string, code: string, order: () => SigningOrder];

describe('the orders that these attacks change', () => {
  it('would be signed as they are', async () => {
    expect(codeOf(await signer.sign(bitcoinOrder()))).toBe('done');
    expect(codeOf(await signer.sign(ethereumOrder()))).toBe('done');
    nextNonce++;
    expect(codeOf(await signer.sign(tokenOrder()))).toBe('done');
    nextNonce++;
  });
});

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

describe('requests: the signer refuses', () => {
  const stranger = makeBackend('exchange-1', ['exchange']);
  const attacks: readonly Attack[] = [
    [
      "a foreign key's signature under a registered key id",
      'request-signature-invalid',
      () => bitcoinOrder({ transfers: [deployment.transfer(deployment.request({}, stranger))] }),
    ],
    [
      'a key that is not registered',
      'request-key-unknown',
      () => bitcoinOrder({ transfers: [deployment.transfer(deployment.request({ keyId: 'exchange-2' }))] }),
    ],
    [
      'a request for another deployment',
      'request-other-deployment',
      () =>
        bitcoinOrder({
          transfers: [deployment.transfer(deployment.request({ deploymentId: 'ab'.repeat(32) }))],
        }),
    ],
    [
      'an expired request',
      'request-expired',
      () =>
        bitcoinOrder({
          transfers: [
            bitcoinTransfer({
              createdAtMs: deployment.time.wall - 10_000,
              expiresAtMs: deployment.time.wall,
            }),
          ],
        }),
    ],
    [
      'a request that would live for a month',
      'request-lifetime',
      () =>
        bitcoinOrder({
          transfers: [bitcoinTransfer({ expiresAtMs: deployment.time.wall + 30 * 86_400_000 })],
        }),
    ],
    [
      'a requester whom the key does not speak for',
      'requester-not-owner',
      () => bitcoinOrder({ transfers: [bitcoinTransfer({ requester: 'mallory' })] }),
    ],
    [
      'a request for another wallet',
      'wallet-mismatch',
      () => bitcoinOrder({ transfers: [deployment.transfer(ethereumRequest())] }),
    ],
    [
      'one request twice in an order',
      'transfer-duplicate',
      () => {
        const transfer = bitcoinTransfer();
        return bitcoinOrder({ transfers: [transfer, transfer] });
      },
    ],
    [
      'an amount that no rule matches',
      'policy-refused',
      () =>
        bitcoinOrder({
          transfers: [bitcoinTransfer({ amount: '100000001' })],
          coins: [coin(own, 200_000_000n)],
          outputs: [payTo(ALICE_BTC, 100_000_001n), { script: own, amountSats: 99_990_000n }],
        }),
    ],
  ];
  it.each(attacks)('%s (%s)', async (_title, code, order) => {
    expect(codeOf(await signer.sign(order()))).toBe(code);
  });

  it('a request id that served another request (request-id-used)', async () => {
    expect(
      codeOf(await signer.sign(bitcoinOrder({ transfers: [bitcoinTransfer({ requestId: 'only-once' })] }))),
    ).toBe('done');
    const again = bitcoinOrder({
      transfers: [bitcoinTransfer({ requestId: 'only-once', customer: 'customer-8' })],
    });
    expect(codeOf(await signer.sign(again))).toBe('request-id-used');
  });
});

describe('approvals: the signer refuses', () => {
  const approvedBy = (
    officers: Parameters<Deployment['transfer']>[1],
    request?: SignedRequest,
  ): SigningOrder =>
    bitcoinOrder({
      transfers: [
        deployment.transfer(
          request ?? deployment.request({ amount: '5000000', destination: ALICE_BTC }),
          officers,
        ),
      ],
    });
  const attacks: readonly Attack[] = [
    ['no approval', 'approvals-insufficient', () => approvedBy([])],
    ['one approval where two are needed', 'approvals-insufficient', () => approvedBy([deployment.alice])],
    ['one officer twice', 'approver-duplicate', () => approvedBy([deployment.alice, deployment.alice])],
    [
      'somebody who was never in the roster',
      'approver-not-in-roster',
      () => approvedBy([deployment.alice, makeOfficer('mallory')]),
    ],
    [
      "a stranger's signature under an officer's name",
      'approval-signature-invalid',
      () => approvedBy([deployment.alice, makeOfficer('bob', 'bob-token')]),
    ],
    [
      "the requester's own approval",
      'approver-is-requester',
      () =>
        approvedBy(
          [deployment.alice, deployment.carol],
          deployment.request({ amount: '5000000', destination: ALICE_BTC }, deployment.desk),
        ),
    ],
    [
      'approvals of another transfer',
      'approval-other-transfer',
      () => {
        const other = bitcoinTransfer({ customer: 'customer-9' });
        return withTransfer((transfer) => ({ ...other, request: transfer.request }));
      },
    ],
    [
      'approvals of another deployment',
      'approval-other-deployment',
      () => withStatement({ deploymentId: 'cd'.repeat(32) }),
    ],
    ['approvals of another amount', 'approval-altered', () => withStatement({ amount: '4999999' })],
    ['approvals of another destination', 'approval-altered', () => withStatement({ destination: THIEF_BTC })],
    [
      'approvals of another asset',
      'approval-altered',
      () => withStatement({ asset: { ...BTC, decimals: 7 } }),
    ],
    ['expired approvals', 'approval-expired', () => withStatement({ expiresAtMs: deployment.time.wall })],
    [
      'a policy hash that is not in force',
      'policy-not-in-force',
      () => withStatement({ policyHash: 'ef'.repeat(32) }),
    ],
    [
      'a governance head that is not in its log',
      'governance-head-unknown',
      () => withStatement({ governanceHead: 'ef'.repeat(32) }),
    ],
    [
      'a statement changed after it was approved',
      'approval-signature-invalid',
      () =>
        withTransfer((transfer) => ({
          ...transfer,
          statement: transfer.statement && {
            ...transfer.statement,
            expiresAtMs: transfer.statement.expiresAtMs + 1,
          },
        })),
    ],
    [
      'a rejection in the place of an approval',
      'approval-is-rejection',
      () =>
        withTransfer((transfer) => ({
          ...transfer,
          approvals: [
            ...transfer.approvals.slice(0, 1),
            ...(transfer.statement
              ? [deployment.approve(transfer.statement, deployment.carol, 'reject')]
              : []),
          ],
        })),
    ],
    [
      'a rejection relabelled as an approval',
      'approval-signature-invalid',
      () =>
        withTransfer((transfer) => ({
          ...transfer,
          approvals: [
            ...transfer.approvals.slice(0, 1),
            ...(transfer.statement
              ? [
                  {
                    ...deployment.approve(transfer.statement, deployment.carol, 'reject'),
                    verdict: 'approve' as const,
                  },
                ]
              : []),
          ],
        })),
    ],
    [
      'approvals without the statement that they are about',
      'approval-without-statement',
      () => withTransfer((transfer) => ({ ...transfer, statement: null })),
    ],
  ];
  it.each(attacks)('%s (%s)', async (_title, code, order) => {
    expect(codeOf(await signer.sign(order()))).toBe(code);
  });
});

describe('what was signed once: the signer refuses', () => {
  it('an outpoint for another transfer (outpoint-used)', async () => {
    const coins = [coin(own, 10_000_000n)];
    const otherChange = [payTo(ALICE_BTC, 5_000_000n), { script: own, amountSats: 4_989_999n }];
    expect(codeOf(await signer.sign(bitcoinOrder({ coins })))).toBe('done');
    expect(codeOf(await signer.sign(bitcoinOrder({ coins })))).toBe('transaction-of-other-order');
    expect(codeOf(await signer.sign(bitcoinOrder({ coins, outputs: otherChange })))).toBe('outpoint-used');
    expect(codeOf(await signer.sign(bitcoinOrder({ coins: [...coins, coin(own, 10_000n)] })))).toBe(
      'outpoint-used',
    );
  });

  it('a second transaction for a transfer from other inputs (transfer-already-signed)', async () => {
    const transfers = [bitcoinTransfer()];
    expect(codeOf(await signer.sign(bitcoinOrder({ transfers })))).toBe('done');
    expect(codeOf(await signer.sign(bitcoinOrder({ transfers })))).toBe('transfer-already-signed');
  });

  it('a second transaction for a transfer under another nonce (transfer-already-signed)', async () => {
    const order = ethereumOrder();
    expect(codeOf(await signer.sign(order))).toBe('done');
    nextNonce++;
    const transaction = eip1559({ to: HONEST_ETH, value: ETHER, nonce: nextNonce });
    expect(codeOf(await signer.sign({ ...order, transaction }))).toBe('transfer-already-signed');
  });

  it('a transfer taken out of its batch and paid alone', async () => {
    const transfers = [bitcoinTransfer(), bitcoinTransfer()];
    const coins = [coin(own, 20_000_000n)];
    const both = [
      payTo(ALICE_BTC, 5_000_000n),
      payTo(ALICE_BTC, 5_000_000n),
      { script: own, amountSats: 9_990_000n },
    ];
    expect(codeOf(await signer.sign(bitcoinOrder({ transfers, coins, outputs: both })))).toBe('done');
    const alone = transfers.slice(0, 1);
    const one = [payTo(ALICE_BTC, 5_000_000n), { script: own, amountSats: 14_990_000n }];
    expect(codeOf(await signer.sign(bitcoinOrder({ transfers: alone, coins, outputs: one })))).toBe(
      'outpoint-used',
    );
    expect(codeOf(await signer.sign(bitcoinOrder({ transfers: alone })))).toBe('transfer-already-signed');
  });

  it('a cancel that costs more than the cancelled transfer was allowed to, or brings in fresh coins', async () => {
    const coins = [coin(own, 10_000_000n)];
    expect(codeOf(await signer.sign(bitcoinOrder({ coins })))).toBe('done');
    const cancel = (amountSats: bigint, more: readonly Coin[] = []) =>
      signer.sign(
        bitcoinOrder({ transfers: [], coins: [...coins, ...more], outputs: [{ script: own, amountSats }] }),
      );
    expect(codeOf(await cancel(9_979_999n))).toBe('fee-above-ceiling');
    expect(codeOf(await cancel(10_000_000n, [coin(own, 10_000n)]))).toBe('cancel-spends-unused');
    const elsewhere = { transfers: [], coins, outputs: [payTo(THIEF_BTC, 9_990_000n)] };
    expect(codeOf(await signer.sign(bitcoinOrder(elsewhere)))).toBe('cancel-not-to-self');
    expect(codeOf(await cancel(9_985_000n))).toBe('done');
    const otherChange = [payTo(ALICE_BTC, 5_000_000n), { script: own, amountSats: 4_989_999n }];
    expect(codeOf(await signer.sign(bitcoinOrder({ coins, outputs: otherChange })))).toBe('outpoint-used');
  });

  it('a replacement that pays more in fees than the ceiling, but not one within it, expired or not', async () => {
    const transfers = [bitcoinTransfer()];
    const coins = [coin(own, 10_000_000n)];
    const paying = (changeSats: bigint) =>
      signer.sign(
        bitcoinOrder({
          transfers,
          coins,
          outputs: [payTo(ALICE_BTC, 5_000_000n), { script: own, amountSats: changeSats }],
        }),
      );
    expect(codeOf(await paying(4_990_000n))).toBe('done');
    deployment.time.advance(2 * 3_600_000);
    expect(codeOf(await paying(4_979_999n))).toBe('fee-above-ceiling');
    expect(codeOf(await paying(4_985_000n))).toBe('done');
  });
});

describe('governance: the signer refuses', () => {
  const removal = { kind: 'person-removed', personId: 'carol' } as const;
  const append = (entry: unknown) => signer.ask({ verb: 'governance-append', entry });

  it('entries without the quorum, out of order, for another deployment, or edited', async () => {
    const { alice, bob } = deployment;
    expect(codeOf(await append(deployment.entry(removal, [alice])))).toBe('governance-quorum-missing');
    expect(codeOf(await append(deployment.entry(removal, [alice, alice])))).toBe(
      'governance-signer-duplicate',
    );
    expect(codeOf(await append(deployment.entry(removal, [alice, makeOfficer('bob', 'bob-token')])))).toBe(
      'governance-signature-invalid',
    );
    expect(codeOf(await append(deployment.entry(removal, [alice, bob], { sequence: 2 })))).toBe(
      'governance-sequence',
    );
    expect(codeOf(await append(deployment.entry(removal, [alice, bob], { previous: 'aa'.repeat(32) })))).toBe(
      'governance-previous-mismatch',
    );
    expect(
      codeOf(await append(deployment.entry(removal, [alice, bob], { deploymentId: 'aa'.repeat(32) }))),
    ).toBe('governance-other-deployment');
    const edited = structuredClone(deployment.entry(removal, [alice, bob]));
    Object.assign(edited.body.change, { personId: 'bob' });
    expect(codeOf(await append(edited))).toBe('governance-signature-invalid');
    expect(codeOf(await append(deployment.log[0]))).toBe('governance-other-deployment');
  });

  it('an approval by an officer who has been removed since (approver-not-in-roster), and governs no more', async () => {
    const { alice, bob, carol } = deployment;
    const request = deployment.request({ amount: '5000000', destination: ALICE_BTC });
    const before = deployment.transfer(request, [alice, carol]);
    const entry = deployment.entry(removal, [alice, bob]);
    expect(codeOf(await append(entry))).toBe('done');
    deployment.log.push(entry);
    expect(codeOf(await signer.sign(bitcoinOrder({ transfers: [before] })))).toBe('approver-not-in-roster');
    const back = { kind: 'request-key-removed', keyId: 'carol-desk' } as const;
    expect(codeOf(await append(deployment.entry(back, [alice, carol])))).toBe('governance-signer-unknown');
    // What the others approved under the older head still stands: the policy is the same, and they are in the roster.
    const others = deployment.statement(request, { governanceHead: deployment.deploymentId });
    const approvals = [alice, bob].map((officer) => deployment.approve(others, officer));
    expect(
      codeOf(await signer.sign(bitcoinOrder({ transfers: [{ request, statement: others, approvals }] }))),
    ).toBe('done');
  });
});
