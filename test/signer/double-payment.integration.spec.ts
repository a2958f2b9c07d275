// A compromised orchestrator that tries everything at once: payments, batches, replacements and cancels over a handful of
// coins and transfers, at random, in crowds. An independent judge then looks at all that was signed, as the chain would:
// whatever set of these transactions is mined, each transfer is paid once at most, and fees stay within the ceilings.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Transaction } from 'bitcoinjs-lib';
import fc from 'fast-check';
import { Deployment } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { type Coin, coin, payTo, psbt } from '../../devnet/transactions.js';
import type { OrderedTransfer, SigningOrder } from '../../src/core/authorization/signing-order.js';
import type { PolicyDocument } from '../../src/core/governance/entry.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { type Reply, signResult } from '../../src/signer-protocol/messages.js';

const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const COINS = 6;
const TRANSFERS = 3;
const COIN_SATS = 1_000_000n;
const CEILING_SATS = 20_000n;

const POLICY: PolicyDocument = {
  name: 'hot-bitcoin',
  lines: `
policy: hot-bitcoin
applies-to: { wallets: [hot-btc] }
fee-caps: { absolute: "0.01 BTC", relative: "100%" }
limits:
  - { id: hour, per: wallet, asset: BTC, window: 1h, max: "100 BTC" }
rules:
  - { id: any, when: { asset: BTC, amount-at-most: "1 BTC" }, then: allow }`
    .trim()
    .split('\n'),
};

interface Attempt {
  /** Bit i: coin i is spent. */
  readonly spent: number;
  /** Bit i: transfer i is paid; none for a cancel. */
  readonly paid: number;
  readonly feeSats: number;
}

interface Mined extends Attempt {
  readonly transactionId: string;
}

let deployment: Deployment;
let clients: SocketClient[];
let own: string;

beforeAll(async () => {
  deployment = await Deployment.create({ policies: [POLICY] });
  clients = [await deployment.start(), await deployment.connect()];
  own = p2wpkhScript(deployment.publicKeys.bitcoin);
});
afterAll(() => deployment.destroy());

function chosen<T>(items: readonly T[], bits: number): T[] {
  return items.filter((_, index) => (bits & (1 << index)) !== 0);
}

function orderOf(
  attempt: Attempt,
  coins: readonly Coin[],
  transfers: readonly OrderedTransfer[],
): SigningOrder {
  const spent = chosen(coins, attempt.spent);
  const paid = chosen(transfers, attempt.paid);
  const payments = paid.map(({ request }) => payTo(DESTINATION, BigInt(request.statement.amount)));
  const left =
    COIN_SATS * BigInt(spent.length) -
    payments.reduce((sum, payment) => sum + payment.amountSats, 0n) -
    BigInt(attempt.feeSats);
  const change = { script: own, amountSats: left };
  return { wallet: 'hot-btc', transaction: psbt(spent, [...payments, change]), transfers: paid };
}

function minedOf(attempt: Attempt, answer: Reply): Mined[] {
  if (answer.kind !== 'done') return [];
  const { signedTransaction } = signResult.parse(answer.result);
  return [{ ...attempt, transactionId: Transaction.fromHex(signedTransaction).getId() }];
}

/** The most fees that any set of transactions that can all be mined together pays, by which coins are left to it. */
function mostFees(
  mined: readonly Mined[],
  left = (1 << COINS) - 1,
  known = new Map<number, number>(),
): number {
  const found = known.get(left);
  if (found !== undefined) return found;
  let most = 0;
  for (const { spent, feeSats } of mined) {
    if ((spent & left) === spent) most = Math.max(most, feeSats + mostFees(mined, left & ~spent, known));
  }
  known.set(left, most);
  return most;
}

const attempts = fc.array(
  fc.record({
    spent: fc.integer({ min: 1, max: (1 << COINS) - 1 }),
    paid: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: (1 << TRANSFERS) - 1 })),
    feeSats: fc.constantFrom(500, 5_000, 20_000, 40_000, 60_000),
  }),
  { minLength: 60, maxLength: 120 },
);

describe('whatever was signed', () => {
  it('pays no transfer twice and burns no ceiling twice, whichever of it is mined', async () => {
    const counts = { signed: 0, refused: 0, cancels: 0, batches: 0 };
    await fc.assert(
      fc.asyncProperty(attempts, async (tried) => {
        const coins = Array.from({ length: COINS }, () => coin(own, COIN_SATS));
        const transfers = Array.from({ length: TRANSFERS }, (_, index) =>
          deployment.transfer(
            deployment.request({ amount: `${100_000 + index}`, feeCeiling: CEILING_SATS.toString() }),
          ),
        );
        const mined: Mined[] = [];
        for (let at = 0; at < tried.length; at += 10) {
          const crowd = tried.slice(at, at + 10);
          const answers = await Promise.all(
            crowd.map(async (attempt, index) => clients[index % 2]?.sign(orderOf(attempt, coins, transfers))),
          );
          for (const [index, answer] of answers.entries()) {
            const attempt = crowd[index];
            if (!answer || !attempt) throw new Error('no answer');
            expect(answer.kind).not.toBe('fault');
            counts[codeOf(answer) === 'done' ? 'signed' : 'refused']++;
            mined.push(...minedOf(attempt, answer));
          }
        }
        counts.cancels += mined.filter(({ paid }) => paid === 0).length;
        counts.batches += mined.filter(({ paid }) => (paid & (paid - 1)) !== 0).length;
        for (const one of mined) {
          for (const other of mined) {
            const both = one.transactionId !== other.transactionId && (one.spent & other.spent) === 0;
            expect(both && (one.paid & other.paid) !== 0).toBe(false);
          }
        }
        expect(mostFees(mined)).toBeLessThanOrEqual(TRANSFERS * Number.parseInt(CEILING_SATS.toString(), 10));
      }),
      { numRuns: 12, endOnFailure: true },
    );
    // The judge has seen something of everything.
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(5);
  });
});
