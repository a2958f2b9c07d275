// Limits under a crowd: two orchestrators, both compromised or merely busy, ask for two hundred signatures at once.
// What the signer signs never exceeds a limit by one unit, and nobody's word gives a limit back.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment, ETH, ETHEREUM } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, eip1559, payTo, psbt } from '../../devnet/transactions.js';
import { decisionsOf } from '../../src/core/certificates/certificate.js';
import type { SigningOrder } from '../../src/core/authorization/signing-order.js';
import type { PolicyDocument } from '../../src/core/governance/entry.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { type Reply, signResult } from '../../src/signer-protocol/messages.js';

const DESTINATION_BTC = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const DESTINATION_ETH = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const HOUR_MS = 3_600_000;
const MAX_COUNT = 60;
const MAX_SATS = 4_000_000n;

function policy(name: string, text: string): PolicyDocument {
  return { name, lines: text.trim().split('\n') };
}

const POLICIES = [
  policy(
    'hot-bitcoin',
    `
policy: hot-bitcoin
applies-to: { wallets: [hot-btc] }
fee-caps: { absolute: "0.0005 BTC", relative: "100%" }
limits:
  - { id: hour, per: wallet, asset: BTC, window: 1h, max: "0.04 BTC" }
rules:
  - { id: any, when: { asset: BTC, amount-at-most: "1 BTC" }, then: allow }`,
  ),
  policy(
    'hot-ethereum',
    `
policy: hot-ethereum
applies-to: { wallets: [hot-eth] }
fee-caps: { absolute: "0.01 ETH", relative: "100%" }
rules:
  - { id: any, when: { asset: ETH, amount-at-most: "1 ETH" }, then: allow }`,
  ),
  policy(
    'everything',
    `
policy: everything
applies-to: everything
limits:
  - { id: hour, per: global, window: 1h, max-count: ${MAX_COUNT} }`,
  ),
];

let deployment: Deployment;
let orchestrators: SocketClient[];
let own: string;

beforeAll(async () => {
  deployment = await Deployment.create({ policies: POLICIES });
  orchestrators = [await deployment.start(), await deployment.connect()];
  own = p2wpkhScript(deployment.publicKeys.bitcoin);
});
afterAll(() => deployment.destroy());

/** A withdrawal from a coin of its own that costs 1,000 satoshi, which its limit counts as well. */
function bitcoinOrder(amountSats: bigint): SigningOrder {
  const request = deployment.request({
    amount: amountSats.toString(),
    destination: DESTINATION_BTC,
    feeCeiling: '1000',
  });
  const outputs = [
    payTo(DESTINATION_BTC, amountSats),
    { script: own, amountSats: 1_000_000n - amountSats - 1_000n },
  ];
  return {
    wallet: 'hot-btc',
    transaction: psbt([coin(own, 1_000_000n)], outputs),
    transfers: [deployment.transfer(request)],
  };
}

function ethereumOrder(nonce: number): SigningOrder {
  const request = deployment.request({
    chain: ETHEREUM,
    wallet: 'hot-eth',
    asset: ETH,
    amount: (10n ** 16n).toString(),
    destination: DESTINATION_ETH,
    feeCeiling: (10n ** 15n).toString(),
  });
  const transaction = eip1559({ to: DESTINATION_ETH, value: 10n ** 16n, nonce });
  return { wallet: 'hot-eth', transaction, transfers: [deployment.transfer(request)] };
}

/** As an orchestrator does: what came too early for its nonce is sent again, a bounded number of times. */
async function insist(client: SocketClient | undefined, order: SigningOrder): Promise<Reply> {
  if (!client) throw new Error('no client');
  let answer = await client.sign(order);
  for (let tries = 0; tries < 20 && codeOf(answer) === 'nonce-gap'; tries++)
    answer = await client.sign(order);
  return answer;
}

function signedAmounts(replies: readonly Reply[]): bigint[] {
  return replies.flatMap((answer) =>
    answer.kind === 'done'
      ? signResult
          .parse(answer.result)
          .certificate.reservation.order.transfers.map(({ request }) => BigInt(request.statement.amount))
      : [],
  );
}

describe('limits', () => {
  let replies: Reply[];
  let orders: SigningOrder[];

  it('hold to the unit when 200 orders of mixed assets arrive at once from two orchestrators', async () => {
    // Bitcoin's own limit holds 39 of these; the global one holds 60 of whatever comes first.
    orders = Array.from({ length: 200 }, (_, index) =>
      index % 2 === 0 ? bitcoinOrder(100_001n + BigInt(index)) : ethereumOrder((index - 1) / 2),
    );
    replies = await Promise.all(orders.map((order, index) => insist(orchestrators[(index >> 1) % 2], order)));
    const signed = orders.filter((_, index) => replies[index]?.kind === 'done');
    const sats = signedAmounts(replies.filter((_, index) => orders[index]?.wallet === 'hot-btc'));
    expect(signed.length).toBe(MAX_COUNT);
    expect(sats.reduce((sum, amount) => sum + amount, 0n)).toBeLessThanOrEqual(MAX_SATS);
    expect(new Set(replies.map(codeOf))).toEqual(new Set(['done', 'limit-exceeded']));
  });

  it('let the last unit through and not one more', async () => {
    deployment.time.advance(2 * HOUR_MS);
    const [client] = orchestrators;
    if (!client) throw new Error('no client');
    for (const amount of [899_000n, 899_000n, 899_000n, 899_000n]) {
      expect(codeOf(await client.sign(bitcoinOrder(amount)))).toBe('done');
    }
    expect(codeOf(await client.sign(bitcoinOrder(399_001n)))).toBe('limit-exceeded');
    expect(codeOf(await client.sign(bitcoinOrder(399_000n)))).toBe('done');
    expect(codeOf(await client.sign(bitcoinOrder(600n)))).toBe('limit-exceeded');
  });

  it('are not regained by cancelling, by reporting failure, by asking for a void, by a restart, or by turning the clock forward while it is off', async () => {
    const [client] = orchestrators;
    if (!client) throw new Error('no client');
    const amount = 300_000n;
    deployment.time.advance(2 * HOUR_MS);
    const spent = coin(own, 5_000_000n);
    const request = deployment.request({ amount: '3900000', destination: DESTINATION_BTC });
    const outputs = [payTo(DESTINATION_BTC, 3_900_000n), { script: own, amountSats: 1_090_000n }];
    const order = {
      wallet: 'hot-btc',
      transaction: psbt([spent], outputs),
      transfers: [deployment.transfer(request)],
    };
    expect(codeOf(await client.sign(order))).toBe('done');
    const cancel = {
      wallet: 'hot-btc',
      transaction: psbt([spent], [{ script: own, amountSats: 4_985_000n }]),
      transfers: [],
    };
    expect(codeOf(await client.sign(cancel))).toBe('done');
    expect(codeOf(await client.sign(bitcoinOrder(amount)))).toBe('limit-exceeded');

    for (const verb of ['report', 'release', 'failed', 'cancel']) {
      const transferId = signResultTransfer(replies[0]);
      expect(codeOf(await client.ask({ verb, transferIds: [transferId], state: 'failed' }))).toBe(
        'verb-unknown',
      );
    }
    expect(codeOf(await client.ask({ verb: 'void', request }))).toBe('transfer-signed');
    expect(codeOf(await client.sign(bitcoinOrder(amount)))).toBe('limit-exceeded');

    await deployment.stop();
    // The host's clock says that two hours have passed; the signer did not run in them.
    deployment.time.wall += 2 * HOUR_MS;
    const again = await deployment.start();
    expect(codeOf(await again.sign(bitcoinOrder(amount)))).toBe('limit-exceeded');
    // Two hours with the signer running do free the limit.
    deployment.time.advance(2 * HOUR_MS);
    expect(codeOf(await again.sign(bitcoinOrder(amount)))).toBe('done');
  });

  it('go on from what was counted when a policy changes their window and its buckets', async () => {
    const client = await deployment.connect();
    deployment.time.advance(2 * HOUR_MS);
    expect(codeOf(await client.sign(bitcoinOrder(899_000n)))).toBe('done');
    expect(codeOf(await client.sign(bitcoinOrder(899_000n)))).toBe('done');
    const policies = POLICIES.map(({ name, lines }) => ({
      name,
      lines: lines.map((line) =>
        line.replace('asset: BTC, window: 1h', 'asset: BTC, window: 3h, buckets: 12'),
      ),
    }));
    const entry = deployment.entry({ kind: 'policies-set', policies }, [deployment.alice, deployment.bob]);
    expect(codeOf(await client.ask({ verb: 'governance-append', entry }))).toBe('done');
    deployment.log.push(entry);
    deployment.time.advance(2 * HOUR_MS);
    // 1,800,000 of the 4,000,000 are used still, since three hours have not passed.
    expect(codeOf(await client.sign(bitcoinOrder(899_000n)))).toBe('done');
    expect(codeOf(await client.sign(bitcoinOrder(899_000n)))).toBe('done');
    expect(codeOf(await client.sign(bitcoinOrder(399_001n)))).toBe('limit-exceeded');
    expect(codeOf(await client.sign(bitcoinOrder(399_000n)))).toBe('done');
  });
});

function signResultTransfer(answer: Reply | undefined): string | undefined {
  return answer?.kind === 'done'
    ? decisionsOf(signResult.parse(answer.result).certificate)[0]?.transferId
    : undefined;
}
