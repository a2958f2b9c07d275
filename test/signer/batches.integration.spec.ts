// Limits inside one transaction: a batch is many transfers, whatever the bytes are one of.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Psbt, Transaction } from 'bitcoinjs-lib';
import { Deployment } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import type { SigningOrder } from '../../src/core/authorization/signing-order.js';
import type { PolicyDocument } from '../../src/core/governance/entry.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';

const DESTINATION_BTC = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const HOUR_MS = 3_600_000;
const MAX_COUNT = 60;
const MAX_SATS = 4_000_000n;
/** What the first transfer of a batch lets it cost; the others let it cost nothing more. */
const CEILING = 5_000n;

const POLICY: PolicyDocument = {
  name: 'hot-bitcoin',
  lines: `
policy: hot-bitcoin
applies-to: { wallets: [hot-btc] }
fee-caps: { absolute: "0.0005 BTC", relative: "100%" }
limits:
  - { id: hour, per: wallet, asset: BTC, window: 1h, max: "0.04 BTC" }
  - { id: count, per: global, window: 1h, max-count: ${MAX_COUNT} }
  - { id: each, per: customer, window: 1h, max-count: 2 }
rules:
  - { id: any, when: { asset: BTC, amount-at-most: "1 BTC" }, then: allow }`
    .trim()
    .split('\n'),
};

let deployment: Deployment;
let signer: SocketClient;
let own: string;

beforeAll(async () => {
  deployment = await Deployment.create({ policies: [POLICY] });
  signer = await deployment.start();
  own = p2wpkhScript(deployment.publicKeys.bitcoin);
});
afterAll(() => deployment.destroy());

describe('limits inside one batch', () => {
  /** One transaction that pays all of these amounts, each for a request and customer of its own unless said otherwise. */
  function batch(amounts: readonly bigint[], customer?: string): SigningOrder {
    const transfers = amounts.map((amount, index) =>
      deployment.transfer(
        deployment.request({
          amount: amount.toString(),
          destination: DESTINATION_BTC,
          customer: customer ?? `batch-${index}`,
          feeCeiling: index === 0 ? CEILING.toString() : '0',
        }),
      ),
    );
    const moved = amounts.reduce((sum, amount) => sum + amount, 0n);
    const spent = coin(own, moved + 100_000n);
    const payments = amounts.map((amount) => payTo(DESTINATION_BTC, amount));
    const transaction = psbt([spent], [...payments, { script: own, amountSats: 98_000n }]);
    return { wallet: 'hot-btc', transaction, transfers };
  }

  it('are counted for each transfer, not for each transaction, to the unit', async () => {
    const ones = (count: number) => Array.from({ length: count }, () => 1_000n);
    expect(codeOf(await signer.sign(batch(ones(MAX_COUNT + 1))))).toBe('limit-exceeded');
    expect(codeOf(await signer.sign(batch([MAX_SATS - CEILING - 1_000n, 1_001n])))).toBe('limit-exceeded');
    expect(codeOf(await signer.sign(batch([MAX_SATS - CEILING - 1_000n, 500n, 501n])))).toBe(
      'limit-exceeded',
    );
    expect(codeOf(await signer.sign(batch(ones(3), 'one-customer')))).toBe('limit-exceeded');
    const full = batch([...ones(MAX_COUNT - 2), 2_000n, MAX_SATS - CEILING - 1_000n * BigInt(MAX_COUNT)]);
    expect(codeOf(await signer.sign(full))).toBe('done');
    expect(codeOf(await signer.sign(batch([600n])))).toBe('limit-exceeded');
    // The same batch with a little less change: a replacement, which takes nothing more from any limit.
    const again = { ...full, transaction: replaced(full) };
    expect(codeOf(await signer.sign(again))).toBe('done');
    // An hour later, to the last of the ninety-sixths that a window is counted in, all of it is free, and once only.
    deployment.time.advance(HOUR_MS + Math.ceil(HOUR_MS / 96));
    expect(codeOf(await signer.sign(batch([MAX_SATS - CEILING])))).toBe('done');
    expect(codeOf(await signer.sign(batch([600n])))).toBe('limit-exceeded');
  });

  function replaced(order: SigningOrder): SigningOrder['transaction'] {
    if (order.transaction.kind !== 'psbt') throw new Error('no PSBT');
    const built = Psbt.fromBase64(order.transaction.base64);
    const change = built.txOutputs.at(-1);
    if (!change) throw new Error('no change');
    const spent = built.data.inputs[0]?.nonWitnessUtxo;
    if (!spent) throw new Error('no coin');
    const previous = Transaction.fromBuffer(spent);
    const outputs = built.txOutputs.map(({ script, value }, index) => ({
      script: Buffer.from(script).toString('hex'),
      amountSats: index === built.txOutputs.length - 1 ? value - 500n : value,
    }));
    const amountSats = previous.outs[0]?.value ?? 0n;
    return psbt([{ previous, vout: 0, amountSats, script: own }], outputs);
  }
});
