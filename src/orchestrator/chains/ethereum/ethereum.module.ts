// The Ethereum side as a Nest module: one driver for all configured Ethereum chains. It has no loop of its own: nodes are
// asked when the pipeline asks.

import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Clock } from '../../../core/clock.js';
import { CONFIGURATION } from '../../config/config.module.js';
import type { Configuration } from '../../config/settings.js';
import { Database } from '../../database/database.js';
import { GovernanceService } from '../../governance/governance.service.js';
import { OwnFreezes } from '../../governance/own-freezes.js';
import { Log } from '../../logging/log.js';
import { SignerClient } from '../../signer-client/signer-client.js';
import { CLOCK } from '../../tokens.js';
import { EthereumDriver } from './ethereum.driver.js';

@Module({
  providers: [
    {
      provide: EthereumDriver,
      inject: [CONFIGURATION, Database, GovernanceService, SignerClient, Log, CLOCK, OwnFreezes],
      useFactory: (
        { chains }: Configuration,
        database: Database,
        governance: GovernanceService,
        signer: SignerClient,
        log: Log,
        clock: Clock,
        freezes: OwnFreezes,
      ) =>
        new EthereumDriver({
          database,
          clock,
          chains: chains.ethereum,
          governance: () => governance.state(),
          signerNextNonce: async (walletId) => {
            const { nonces } = await signer.status();
            return nonces.find((one) => one.walletId === walletId)?.next;
          },
          alarm: (fault) => {
            log.failure('alarm', { family: 'ethereum', code: fault.code }, fault);
            freezes.see(fault);
          },
        }),
    },
  ],
  exports: [EthereumDriver],
})
export class EthereumModule implements OnApplicationShutdown {
  constructor(@Inject(EthereumDriver) private readonly driver: EthereumDriver) {}

  onApplicationShutdown(): void {
    this.driver.close();
  }
}
