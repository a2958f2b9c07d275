// The drivers of the configured chains, for every feature that asks for them.

import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Clock } from '../../core/clock.js';
import { CONFIGURATION } from '../config/config.module.js';
import type { Configuration } from '../config/settings.js';
import { Database } from '../database/database.js';
import { GovernanceService } from '../governance/governance.service.js';
import { Log } from '../logging/log.js';
import { SignerClient } from '../signer-client/signer-client.js';
import { CHAIN_DRIVERS, CLOCK } from '../tokens.js';
import { BitcoinDriver } from './bitcoin/bitcoin.driver.js';
import { BitcoinModule } from './bitcoin/bitcoin.module.js';
import type { ChainDriver } from './chain-driver.js';
import { EthereumDriver } from './ethereum/ethereum.driver.js';

@Global()
@Module({
  imports: [BitcoinModule],
  providers: [
    {
      provide: EthereumDriver,
      inject: [CONFIGURATION, Database, GovernanceService, SignerClient, Log, CLOCK],
      useFactory: (
        { chains }: Configuration,
        database: Database,
        governance: GovernanceService,
        signer: SignerClient,
        log: Log,
        clock: Clock,
      ) =>
        new EthereumDriver({
          database,
          clock,
          chains: chains.ethereum,
          governance: () => governance.state(),
          signerNextNonce: async (walletId) =>
            (await signer.status()).nonces.find((one) => one.walletId === walletId)?.next,
          alarm: (fault) => log.failure('alarm', { family: 'ethereum', code: fault.code }, fault),
        }),
    },
    {
      provide: CHAIN_DRIVERS,
      inject: [CONFIGURATION, BitcoinDriver, EthereumDriver],
      // A family without a configured chain is not served: its driver would only refuse later.
      useFactory: (
        { chains }: Configuration,
        bitcoin: BitcoinDriver,
        ethereum: EthereumDriver,
      ): ChainDriver[] => [
        ...(Object.keys(chains.bitcoin).length > 0 ? [bitcoin] : []),
        ...(Object.keys(chains.ethereum).length > 0 ? [ethereum] : []),
      ],
    },
  ],
  exports: [CHAIN_DRIVERS],
})
export class ChainsModule implements OnApplicationShutdown {
  constructor(@Inject(EthereumDriver) private readonly ethereum: EthereumDriver) {}

  onApplicationShutdown(): void {
    this.ethereum.close();
  }
}
