// Cancels under attack. A cancel needs nobody's approval, since it pays the wallet itself; what it can cost is fees, and
// a compromised orchestrator that shares them with a miner would burn as many as it may.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment, ETHEREUM, TOKEN_CONTRACT, USDX } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { type Coin, coin, eip1559, erc20Transfer, payTo, psbt } from '../../devnet/transactions.js';
import type { OrderedTransfer } from '../../src/core/authorization/signing-order.js';
import { verifyCertificate } from '../../src/core/certificates/verify.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { addressOfPublicKey } from '../../src/core/intents/ethereum/address.js';
import { portableVerifier } from '../../src/core/statements/signature.js';
import { type Reply, signResult } from '../../src/signer-protocol/messages.js';

const DESTINATION_BTC = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const DESTINATION_ETH = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';

let deployment: Deployment;
let signer: SocketClient;
let own: string;

beforeAll(async () => {
  deployment = await Deployment.create();
  signer = await deployment.start();
  own = p2wpkhScript(deployment.publicKeys.bitcoin);
});
afterAll(() => deployment.destroy());

const COIN_SATS = 1_000_000n;

/** A small withdrawal that the policy lets through unattended, with a ceiling that the backend made far too wide. */
function small(amountSats: bigint): OrderedTransfer {
  const request = deployment.request({
    amount: amountSats.toString(),
    destination: DESTINATION_BTC,
    feeCeiling: '5000000',
  });
  return deployment.transfer(request);
}

function coins(count: number): Coin[] {
  return Array.from({ length: count }, () => coin(own, COIN_SATS));
}

function pay(transfer: OrderedTransfer, spent: readonly Coin[], feeSats: bigint): Promise<Reply> {
  const amountSats = BigInt(transfer.request.statement.amount);
  const change = { script: own, amountSats: COIN_SATS * BigInt(spent.length) - amountSats - feeSats };
  const transaction = psbt(spent, [payTo(DESTINATION_BTC, amountSats), change]);
  return signer.sign({ wallet: 'hot-btc', transaction, transfers: [transfer] });
}

function cancel(spent: readonly Coin[], feeSats: bigint): Promise<Reply> {
  const back = { script: own, amountSats: COIN_SATS * BigInt(spent.length) - feeSats };
  return signer.sign({ wallet: 'hot-btc', transaction: psbt(spent, [back]), transfers: [] });
}

describe('replacements', () => {
  it('have an end (transactions-too-many): each takes room for good, charges no limit and needs nobody', async () => {
    const transfer = small(1_000_000n);
    const spent = coins(2);
    const codes: string[] = [];
    for (let bump = 0; bump < 101; bump++)
      codes.push(codeOf(await pay(transfer, spent, 1_000n + BigInt(bump))));
    expect(codes.slice(0, 100).every((code) => code === 'done')).toBe(true);
    expect(codes[100]).toBe('transactions-too-many');
    expect(codeOf(await pay(transfer, spent, 1_000n))).toBe('done');
    expect(codeOf(await cancel(spent, 2_000n))).toBe('done');
  });
});

describe('a cancel: the signer refuses', () => {
  it('coins that no transaction spends (nothing-to-cancel)', async () => {
    expect(codeOf(await cancel(coins(2), 1_000n))).toBe('nothing-to-cancel');
  });

  it("a fee above the policy's absolute cap, however wide the ceiling was (fee-above-absolute-cap)", async () => {
    const spent = coins(2);
    expect(codeOf(await pay(small(1_000_000n), spent, 1_000n))).toBe('done');
    expect(codeOf(await cancel(spent, 50_001n))).toBe('fee-above-absolute-cap');
    expect(codeOf(await cancel(spent, 50_000n))).toBe('done');
  });

  it('a fee above the share of what was to be moved (fee-above-relative-cap)', async () => {
    const spent = coins(1);
    expect(codeOf(await pay(small(100_000n), spent, 1_000n))).toBe('done');
    expect(codeOf(await cancel(spent, 5_001n))).toBe('fee-above-relative-cap');
    const done = await cancel(spent, 5_000n);
    expect(codeOf(done)).toBe('done');
    if (done.kind !== 'done') throw new Error('not cancelled');
    const { certificate } = signResult.parse(done.result);
    const audited = verifyCertificate(certificate, deployment.log, deployment.deploymentId, portableVerifier);
    expect(audited.kind).toBe('accepted');
  });

  it('a fee above the absolute cap for a token, which has no share', async () => {
    const request = deployment.request({
      chain: ETHEREUM,
      wallet: 'hot-eth',
      asset: USDX,
      amount: '1',
      destination: DESTINATION_ETH,
      feeCeiling: (10n ** 18n).toString(),
    });
    const data = erc20Transfer(DESTINATION_ETH, 1n);
    const paying = eip1559({ to: TOKEN_CONTRACT, data, nonce: 0, gasLimit: 100_000n });
    const transfers = [deployment.transfer(request)];
    expect(codeOf(await signer.sign({ wallet: 'hot-eth', transaction: paying, transfers }))).toBe('done');
    const to = addressOfPublicKey(deployment.publicKeys.ethereum);
    const cancelling = (maxFeePerGas: bigint) =>
      signer.sign({
        wallet: 'hot-eth',
        transaction: eip1559({ to, nonce: 0, maxFeePerGas }),
        transfers: [],
      });
    expect(codeOf(await cancelling(10n ** 12n))).toBe('fee-above-absolute-cap');
    expect(codeOf(await cancelling(10n ** 16n / 21_000n))).toBe('done');
  });

  it('one that leaves another transaction of the same transfer alive (cancel-incomplete), so that the ceiling is burnt once', async () => {
    const transfer = small(500_000n);
    const [a, b, c, d] = coins(4);
    if (!a || !b || !c || !d) throw new Error('no coins');
    expect(codeOf(await pay(transfer, [a, b], 1_000n))).toBe('done');
    expect(codeOf(await pay(transfer, [a, b, c], 1_000n))).toBe('done');
    expect(codeOf(await pay(transfer, [a, d], 1_000n))).toBe('done');
    // Each of these could be mined beside one of the payments, and each would cost the ceiling again.
    expect(codeOf(await cancel([b], 20_000n))).toBe('cancel-incomplete');
    expect(codeOf(await cancel([c], 20_000n))).toBe('cancel-incomplete');
    expect(codeOf(await cancel([d, c], 20_000n))).toBe('cancel-incomplete');
    expect(codeOf(await cancel([b, d], 20_000n))).toBe('done');
    // Conflicts with all payments, but could be mined beside the cancel before it.
    expect(codeOf(await cancel([a], 20_000n))).toBe('cancel-incomplete');
    expect(codeOf(await cancel([a, b], 20_000n))).toBe('done');
    // And no payment may be added that a cancel does not conflict with.
    expect(codeOf(await pay(transfer, [a, c], 1_000n))).toBe('transfer-already-signed');
    expect(codeOf(await pay(transfer, [a, b, d], 1_000n))).toBe('done');
  });
});
