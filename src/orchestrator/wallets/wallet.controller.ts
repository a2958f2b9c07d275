// Wallets over HTTP.

import { Controller } from '@nestjs/common';
import { accepted, type Outcome } from '../../core/fault.js';
import { Input, type InputOf, Serves } from '../http/endpoint.js';
import { getBalances, listWallets } from './wallet.endpoints.js';
import { type WalletBalancesView, WalletService, type WalletView } from './wallet.service.js';

@Controller()
export class WalletController {
  constructor(private readonly wallets: WalletService) {}

  @Serves(listWallets)
  list(): Outcome<{ readonly items: readonly WalletView[] }> {
    return accepted({ items: this.wallets.list() });
  }

  @Serves(getBalances)
  balances(@Input() { params }: InputOf<typeof getBalances>): Promise<Outcome<WalletBalancesView>> {
    return this.wallets.balances(params.walletId);
  }
}
