// The drivers of the configured chains, for every feature that asks for them.

import { Global, Module } from '@nestjs/common';
import { CONFIGURATION } from '../config/config.module.js';
import type { Configuration } from '../config/settings.js';
import { CHAIN_DRIVERS } from '../tokens.js';
import { BitcoinDriver } from './bitcoin/bitcoin.driver.js';
import { BitcoinModule } from './bitcoin/bitcoin.module.js';
import type { ChainDriver } from './chain-driver.js';
import { EthereumDriver } from './ethereum/ethereum.driver.js';
import { EthereumModule } from './ethereum/ethereum.module.js';

@Global()
@Module({
  imports: [BitcoinModule, EthereumModule],
  providers: [
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
export class ChainsModule {}
