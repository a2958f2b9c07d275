// Wallets as governance has them, with what the chains say they hold. For people to look at; nothing is decided by it.

import type { Clock } from '../../core/clock.js';
import { accepted, Fault, type Outcome, refused } from '../../core/fault.js';
import type { Chain, Tier, Wallet } from '../../core/governance/entry.js';
import { p2wpkhAddress } from '../../core/intents/bitcoin/address.js';
import { addressOfPublicKey } from '../../core/intents/ethereum/address.js';
import type { ChainDriver } from '../chains/chain-driver.js';
import type { GovernanceService } from '../governance/governance.service.js';

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

function viewOf(wallet: Wallet, chain: Chain): WalletView {
  return {
    walletId: wallet.walletId,
    chain: wallet.chain,
    family: chain.family,
    tier: wallet.tier,
    token: wallet.token,
    keys: wallet.keys.map(({ label, publicKey }) => ({
      label,
      publicKey,
      address:
        chain.family === 'bitcoin' ? p2wpkhAddress(publicKey, chain.network) : addressOfPublicKey(publicKey),
    })),
  };
}

export class WalletService {
  constructor(
    private readonly governance: GovernanceService,
    private readonly drivers: readonly ChainDriver[],
    private readonly clock: Clock,
  ) {}

  /** All wallets, by id. Throws `governance-unavailable`. */
  list(): readonly WalletView[] {
    const { wallets, chains } = this.governance.state();
    const views: WalletView[] = [];
    for (const wallet of wallets.values()) {
      const chain = chains.get(wallet.chain);
      if (chain) views.push(viewOf(wallet, chain));
    }
    return views.toSorted((a, b) => (a.walletId < b.walletId ? -1 : 1));
  }

  /** Refuses `wallet-unknown`, and `balance-unavailable` when the chain's nodes do not answer or the chain is not served. */
  async balances(
    walletId: string,
  ): Promise<Outcome<WalletBalancesView, 'wallet-unknown' | 'balance-unavailable'>> {
    const { wallets, chains } = this.governance.state();
    const wallet = wallets.get(walletId);
    if (!wallet) return refused('wallet-unknown', { walletId });
    const family = chains.get(wallet.chain)?.family;
    const driver = this.drivers.find((candidate) => candidate.family === family);
    if (!driver?.balance) return refused('balance-unavailable', { walletId, why: 'chain-not-served' });
    try {
      const balances = await driver.balance(wallet);
      return accepted({
        walletId,
        chain: wallet.chain,
        asOfMs: this.clock.nowMs(),
        balances: balances.map((balance) => ({
          contract: balance.contract,
          symbol: balance.symbol,
          decimals: balance.decimals,
          available: balance.available.toString(),
          pending: balance.pending.toString(),
          reserved: balance.reserved.toString(),
        })),
      });
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'chain-unavailable') throw error;
      return refused('balance-unavailable', { walletId, why: error.code });
    }
  }
}
