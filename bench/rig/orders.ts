// The orders that the signing benchmarks send: each valid, each with a request of its own and two officers' approvals.

import { randomBytes } from 'node:crypto';
import { Transaction } from 'bitcoinjs-lib';
import { type Deployment, ETH, ETHEREUM } from '../../devnet/deployment.js';
import { type Coin, eip1559, payTo, psbt } from '../../devnet/transactions.js';
import type { SigningOrder } from '../../src/core/authorization/signing-order.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';

const BTC_DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const ETH_DESTINATION = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const ETHER = 10n ** 18n;
const COIN_SATS = 1_000_000n;
const PAID_SATS = 50_000_000n;
const FEE_SATS = 20_000n;

/** One ether to somebody, under the wallet's next nonce. */
export function ethereumOrder(deployment: Deployment, nonce: number): SigningOrder {
  const request = deployment.request({
    chain: ETHEREUM,
    wallet: 'hot-eth',
    asset: ETH,
    amount: ETHER.toString(),
    destination: ETH_DESTINATION,
    feeCeiling: (10n ** 15n).toString(),
    customer: `customer-${nonce % 100}`,
  });
  return {
    wallet: 'hot-eth',
    transaction: eip1559({ to: ETH_DESTINATION, value: ETHER, nonce }),
    transfers: [deployment.transfer(request, [deployment.alice, deployment.bob])],
  };
}

/** A coin as a withdrawal or a deposit leaves it: one signed segwit input, two outputs. */
function ordinaryCoin(script: string): Coin {
  const previous = new Transaction();
  previous.version = 2;
  previous.addInput(randomBytes(32), 1, 0xfffffffd);
  previous.setWitness(0, [randomBytes(71), randomBytes(33)]);
  previous.addOutput(Buffer.from(script, 'hex'), COIN_SATS);
  previous.addOutput(Buffer.concat([Buffer.from('0014', 'hex'), randomBytes(20)]), COIN_SATS);
  return { previous, vout: 0, amountSats: COIN_SATS, script };
}

/** Half a bitcoin to somebody from coins of a hundredth, the rest back to the wallet. */
export function bitcoinOrder(deployment: Deployment, inputs: number): SigningOrder {
  const own = p2wpkhScript(deployment.publicKeys.bitcoin);
  const request = deployment.request({
    amount: PAID_SATS.toString(),
    destination: BTC_DESTINATION,
    feeCeiling: FEE_SATS.toString(),
  });
  const coins = Array.from({ length: inputs }, () => ordinaryCoin(own));
  const change = COIN_SATS * BigInt(inputs) - PAID_SATS - FEE_SATS;
  return {
    wallet: 'hot-btc',
    transaction: psbt(coins, [payTo(BTC_DESTINATION, PAID_SATS), { script: own, amountSats: change }]),
    transfers: [deployment.transfer(request, [deployment.alice, deployment.bob])],
  };
}
