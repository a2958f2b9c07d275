// Wallets as a Nest module.

import { Module } from '@nestjs/common';
import type { Clock } from '../../core/clock.js';
import type { ChainDriver } from '../chains/chain-driver.js';
import { GovernanceService } from '../governance/governance.service.js';
import { CHAIN_DRIVERS, CLOCK } from '../tokens.js';
import { WalletService } from './wallet.service.js';

@Module({
  providers: [
    {
      provide: WalletService,
      inject: [GovernanceService, CHAIN_DRIVERS, CLOCK],
      useFactory: (governance: GovernanceService, drivers: readonly ChainDriver[], clock: Clock) =>
        new WalletService(governance, drivers, clock),
    },
  ],
  exports: [WalletService],
})
export class WalletsModule {}
