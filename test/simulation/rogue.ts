// Orders of a thief who owns an orchestrator: transactions of his own making, for requests that the backend really signed and
// with approvals that officers really gave (they see the true statement, and say yes). Payments in any combination, with any
// coins and nonces, bumps, batches and cancels; most of them must be refused.

import type { Transaction } from 'bitcoinjs-lib';
import { type Coin, eip1559, erc20Transfer, payTo, psbt } from '../../devnet/transactions.js';
import type { OrderedTransfer, SigningOrder } from '../../src/core/authorization/signing-order.js';
import { entryHash, policyHashOf } from '../../src/core/governance/entry.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { statementOf } from '../../src/core/statements/approval.js';
import type { SignedRequest } from '../../src/core/statements/request.js';
import { GWEI } from './ethereum.model.js';
import { BTC_KEY, HOUR_MS, TOKEN_CONTRACT, verdictOf, walletAddress, wordAbout } from './people.js';
import type { World } from './world.js';

export class Rogue {
  private readonly own = p2wpkhScript(BTC_KEY.publicKey);

  constructor(
    private readonly world: World,
    private readonly requests: () => readonly SignedRequest[],
  ) {}

  /** With the word that a governor gives every day. */
  order(): SigningOrder | undefined {
    const { signer, trueMs } = this.world;
    const [order, newest] = [this.made(), signer.log.at(-1)];
    return order && newest && { ...order, head: wordAbout(newest, 'alice', trueMs) };
  }

  private made(): SigningOrder | undefined {
    const { chance } = this.world;
    const all = this.requests();
    const ethereum = all.filter(({ statement }) => statement.wallet === 'hot-eth');
    const bitcoin = all.filter(({ statement }) => statement.wallet === 'hot-btc');
    if (chance.hit(250)) return this.again(ethereum);
    if (chance.hit(450)) return this.ethereum(chance.hit(150) ? [] : picked(ethereum, 1, chance));
    return this.bitcoin(chance.hit(150) ? [] : picked(bitcoin, chance.hit(250) ? 2 : 1, chance));
  }

  /** Something beside what was signed already at a nonce: the same with another fee, or a cancel of it. */
  private again(requests: readonly SignedRequest[]): SigningOrder | undefined {
    const { chance, judge } = this.world;
    const signed = judge.alive.filter(({ spends }) => spends[0]?.startsWith('hot-eth/'));
    if (signed.length === 0) return undefined;
    const { spends, requestIds } = chance.pick(signed);
    const nonce = Number.parseInt(spends[0]?.split('/')[1] ?? '0', 10);
    const same = requests.filter(({ statement }) => requestIds.includes(statement.requestId));
    return this.ethereum(chance.hit(400) ? [] : same, nonce);
  }

  private ordered(request: SignedRequest): OrderedTransfer {
    const { signer, trueMs, chance } = this.world;
    if (chance.hit(300)) return { request, statement: null, approvals: [] };
    const newest = signer.log.at(-1);
    const policies = signer.log.flatMap(({ body: { change } }) =>
      change.kind === 'genesis' || change.kind === 'policies-set' ? [change.policies] : [],
    );
    const statement = statementOf(request.statement, {
      policyHash: policyHashOf(policies.at(-1) ?? []),
      governanceHead: newest ? entryHash(newest.body) : '',
      expiresAtMs: trueMs + HOUR_MS,
    });
    const approvals = (['alice', 'bob'] as const).map((id) => verdictOf(id, statement, 'approve'));
    return { request, statement, approvals };
  }

  private ethereum(requests: readonly SignedRequest[], at?: number): SigningOrder | undefined {
    const { chance, ethereum } = this.world;
    const mined = ethereum.chain.head.state.nonces.get(walletAddress().toLowerCase()) ?? 0;
    const nonce = at ?? mined + chance.below(4);
    const tip = BigInt(chance.between(1, 5)) * GWEI;
    const fees = {
      nonce,
      maxPriorityFeePerGas: tip,
      maxFeePerGas: tip + BigInt(chance.between(5, 60)) * GWEI,
    };
    const [request] = requests;
    if (!request) {
      const transaction = eip1559({ ...fees, to: walletAddress(), value: 0n });
      return { wallet: 'hot-eth', transaction, transfers: [] };
    }
    const { destination, amount, asset } = request.statement;
    const call =
      asset.kind === 'erc20'
        ? {
            to: TOKEN_CONTRACT,
            value: 0n,
            data: erc20Transfer(destination, BigInt(amount)),
            gasLimit: 80_000n,
          }
        : { to: destination, value: BigInt(amount) };
    return {
      wallet: 'hot-eth',
      transaction: eip1559({ ...fees, ...call }),
      transfers: [this.ordered(request)],
    };
  }

  private bitcoin(requests: readonly SignedRequest[]): SigningOrder | undefined {
    const { chance } = this.world;
    const coins = picked(this.coins(), chance.between(1, 3), chance);
    const payments = requests.map(({ statement }) => payTo(statement.destination, BigInt(statement.amount)));
    const feeSats = BigInt(chance.pick([300, 1_000, 5_000, 15_000]));
    const left =
      coins.reduce((sum, { amountSats }) => sum + amountSats, 0n) -
      payments.reduce((sum, { amountSats }) => sum + amountSats, 0n) -
      feeSats;
    if (left < 1_000n) return undefined;
    const change = { script: this.own, amountSats: left };
    return {
      wallet: 'hot-btc',
      transaction: psbt(coins, [...payments, change]),
      transfers: requests.map((request) => this.ordered(request)),
    };
  }

  /** Coins of the wallet, spent by somebody's waiting transaction or not. */
  private coins(): Coin[] {
    const { chain } = this.world.bitcoin;
    const mined = new Map<string, Transaction>();
    for (const { transactions } of chain.blocks) for (const one of transactions) mined.set(one.getId(), one);
    const coins: Coin[] = [];
    for (const [outpoint, { script, amountSats }] of chain.unspent) {
      const previous = mined.get(outpoint.slice(0, 64));
      if (script !== this.own || !previous) continue;
      coins.push({ previous, vout: Number.parseInt(outpoint.slice(65), 10), amountSats, script });
    }
    return coins;
  }
}

function picked<T>(items: readonly T[], count: number, chance: World['chance']): T[] {
  const left = [...items];
  const some: T[] = [];
  while (some.length < count && left.length > 0) some.push(...left.splice(chance.below(left.length), 1));
  return some;
}
