// Which coins of a wallet may be spent now, and why the others may not. Pure.

import type { StoredCoin } from './coins.store.js';
import { buildableUpon, type OwnTransactions } from './family.js';
import type { PlanCoin } from './plan.js';

export interface SpendingRules {
  /** Height of the newest scanned block. */
  readonly height: number;
  /** Confirmations that a coin from others needs. */
  readonly foreignConfirmations: number;
  readonly maxUnconfirmedChain: number;
}

/** Sums in satoshi. What is spent in the scanned chain is in none of them. */
export interface SpendableCoins {
  readonly coins: readonly PlanCoin[];
  /** Confirmed deeply enough to be spent. */
  readonly availableSats: bigint;
  /** Confirmed but not deeply enough, or change that waits, spendable or not. */
  readonly pendingSats: bigint;
  /** Inputs of transactions that are planned, signed or waiting. */
  readonly reservedSats: bigint;
  /** True when change was left out only because too many unconfirmed transactions would hang on each other. */
  readonly chainTooLong: boolean;
}

/** BIP-consensus: a block's reward can be spent in the 100th block after it. */
const COINBASE_MATURITY = 100;
/** Nodes relay 25 unconfirmed transactions that hang together; other wallets' spends of the same count too. */
const MAX_CARRIED = 20;

/** Judges the unspent coins of one wallet. `own` covers the transactions that made its unconfirmed ones. */
export function spendableCoins(
  unspent: readonly StoredCoin[],
  own: OwnTransactions,
  rules: SpendingRules,
): SpendableCoins {
  const coins: PlanCoin[] = [];
  let availableSats = 0n;
  let pendingSats = 0n;
  let reservedSats = 0n;
  let chainTooLong = false;
  const carried = new Set<string>();
  for (const coin of unspent) {
    const maker = own.signed.get(coin.txid);
    if (coin.reservedBy !== undefined) {
      // A reservation on a coin that vanished, or never came to be, holds no money.
      if (coin.height !== undefined) reservedSats += coin.amountSats;
      continue;
    }
    if (coin.height !== undefined) {
      if (isDeepEnough(coin, coin.height, rules)) {
        coins.push(planCoin(coin, true));
        availableSats += coin.amountSats;
      } else {
        pendingSats += coin.amountSats;
      }
      continue;
    }
    const chain = maker && buildableUpon(maker, own);
    if (chain === undefined) continue;
    pendingSats += coin.amountSats;
    const together = new Set([...carried, ...chain]);
    if (chain.size <= rules.maxUnconfirmedChain && together.size <= MAX_CARRIED) {
      for (const txid of chain) carried.add(txid);
      coins.push(planCoin(coin, false));
    } else {
      chainTooLong = true;
    }
  }
  return { coins, availableSats, pendingSats, reservedSats, chainTooLong };
}

function isDeepEnough(coin: StoredCoin, height: number, rules: SpendingRules): boolean {
  const confirmations = rules.height - height + 1;
  const needed = coin.ours ? 1 : rules.foreignConfirmations;
  return confirmations >= needed && (!coin.coinbase || confirmations >= COINBASE_MATURITY);
}

function planCoin(coin: StoredCoin, confirmed: boolean): PlanCoin {
  const { outpoint, txid, vout, amountSats, script, previousBytes } = coin;
  return { outpoint, txid, vout, amountSats, script, previousBytes, confirmed };
}
