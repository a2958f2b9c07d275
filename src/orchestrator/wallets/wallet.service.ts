// Wallets as governance has them, with what the chains say they hold. For people to look at; nothing is decided by it.

import { Fault, type Outcome } from '../../core/fault.js';
import type { Tier } from '../../core/governance/entry.js';

export interface WalletView {
  readonly walletId: string;
  readonly chain: string;
  readonly family: 'bitcoin' | 'ethereum';
  readonly tier: Tier;
  /** The signer's name of the token that holds the keys. */
  readonly token: string;
  readonly keys: readonly {
    readonly label: string;
    readonly publicKey: string;
    readonly address: string;
  }[];
}

/** Amounts are decimal strings of base units. */
export interface BalanceView {
  readonly contract: string;
  readonly symbol: string;
  readonly decimals: number;
  readonly available: string;
  readonly pending: string;
  readonly reserved: string;
}

export interface WalletBalancesView {
  readonly walletId: string;
  readonly chain: string;
  readonly asOfMs: number;
  readonly balances: readonly BalanceView[];
}

export class WalletService {
  list(): readonly WalletView[] {
    throw new Fault('not-built', 'not built yet');
  }

  /** Refuses `wallet-unknown`, and `balance-unavailable` when the chain's nodes do not answer or the chain is not served. */
  async balances(
    _walletId: string,
  ): Promise<Outcome<WalletBalancesView, 'wallet-unknown' | 'balance-unavailable'>> {
    throw new Fault('not-built', 'not built yet');
  }
}
