// What a compromised orchestrator begins from: orders that the signer would sign, built so that every part can be
// changed. The attacks themselves stand in attacks-*.integration.spec.ts.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment, ETH, ETHEREUM, TOKEN_CONTRACT, USDX } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import {
  type BitcoinOutput,
  type Coin,
  coin,
  type EthereumFields,
  eip1559,
  erc20Transfer,
  type PsbtChanges,
  payTo,
  psbt,
} from '../../devnet/transactions.js';
import type { OrderedTransfer, SigningOrder } from '../../src/core/authorization/signing-order.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import type { TransferStatement } from '../../src/core/statements/approval.js';
import type { RequestStatement, SignedRequest } from '../../src/core/statements/request.js';

export const THIEF_BTC = 'bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202';
export const ALICE_BTC = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
export const HONEST_ETH = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
export const THIEF_ETH = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
export const OTHER_TOKEN = '0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512';
export const ETHER = 10n ** 18n;

export let deployment: Deployment;
export let signer: SocketClient;
/** The wallet's own script, a foreign one, and the next unused nonce. */
export let own: string;
export let foreign: string;
export let nextNonce = 0;

/** To be called once by a file of attacks: its own signer, which has signed the honest orders that are then changed. */
export function prepareAttacks(): void {
  beforeAll(async () => {
    deployment = await Deployment.create();
    signer = await deployment.start();
    own = p2wpkhScript(deployment.publicKeys.bitcoin);
    foreign = payTo(THIEF_BTC, 0n).script;
  });
  afterAll(() => deployment.destroy());

  describe('the orders that these attacks change', () => {
    it('would be signed as they are', async () => {
      expect(codeOf(await signer.sign(bitcoinOrder()))).toBe('done');
      expect(codeOf(await signer.sign(ethereumOrder()))).toBe('done');
      nextNonce++;
      expect(codeOf(await signer.sign(tokenOrder()))).toBe('done');
      nextNonce++;
    });
  });
}

/** Counts a nonce as used, once the signer has signed it. */
export function nonceUsed(): void {
  nextNonce++;
}

/** A Bitcoin withdrawal of 0.05 BTC that two officers approved: the middle rule of the shipped policy. */
export function bitcoinTransfer(altered: Partial<RequestStatement> = {}): OrderedTransfer {
  const request = deployment.request({
    amount: '5000000',
    destination: ALICE_BTC,
    feeCeiling: '20000',
    ...altered,
  });
  return deployment.transfer(request, [deployment.alice, deployment.bob]);
}

export interface BitcoinOrder {
  readonly transfers?: readonly OrderedTransfer[];
  readonly coins?: readonly Coin[];
  readonly outputs?: readonly BitcoinOutput[];
  readonly changes?: PsbtChanges;
}

export function bitcoinOrder(order: BitcoinOrder = {}): SigningOrder {
  const coins = order.coins ?? [coin(own, 10_000_000n)];
  const outputs = order.outputs ?? [payTo(ALICE_BTC, 5_000_000n), { script: own, amountSats: 4_990_000n }];
  return {
    wallet: 'hot-btc',
    transaction: psbt(coins, outputs, order.changes),
    transfers: [...(order.transfers ?? [bitcoinTransfer()])],
  };
}

export function ethereumRequest(altered: Partial<RequestStatement> = {}): SignedRequest {
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

export function ethereumOrder(
  fields: EthereumFields = {},
  altered: Partial<RequestStatement> = {},
): SigningOrder {
  const transfer = deployment.transfer(ethereumRequest(altered), [deployment.alice, deployment.bob]);
  return {
    wallet: 'hot-eth',
    transaction: eip1559({ to: HONEST_ETH, value: ETHER, nonce: nextNonce, ...fields }),
    transfers: [transfer],
  };
}

export const TOKEN_REQUEST = { asset: USDX, amount: (1_000n * ETHER).toString() };
export function tokenOrder(
  fields: EthereumFields = {},
  altered: Partial<RequestStatement> = {},
): SigningOrder {
  const data = erc20Transfer(HONEST_ETH, 1_000n * ETHER);
  return ethereumOrder(
    { to: TOKEN_CONTRACT, value: 0n, data, gasLimit: 100_000n, ...fields },
    { ...TOKEN_REQUEST, ...altered },
  );
}

/** The honest order with its only transfer changed. */
export function withTransfer(change: (transfer: OrderedTransfer) => OrderedTransfer): SigningOrder {
  const order = bitcoinOrder();
  return { ...order, transfers: order.transfers.map(change) };
}

export function withStatement(altered: Partial<TransferStatement>): SigningOrder {
  const request = deployment.request({ amount: '5000000', destination: ALICE_BTC });
  const statement = deployment.statement(request, altered);
  const approvals = [deployment.alice, deployment.bob].map((officer) =>
    deployment.approve(statement, officer),
  );
  return bitcoinOrder({ transfers: [{ request, statement, approvals }] });
}

export function rawHex(hex: string): SigningOrder {
  return { ...ethereumOrder(), transaction: { kind: 'eip1559', hex } };
}

export type Attack = readonly [title: string, code: string, order: () => SigningOrder];
