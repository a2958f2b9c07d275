// The Bitcoin side as a Nest module: the driver, and the service that keeps its scanners at work.

import { Module } from '@nestjs/common';
import type { Clock } from '../../../core/clock.js';
import type { Randomness } from '../../../core/randomness.js';
import { CONFIGURATION } from '../../config/config.module.js';
import type { Configuration } from '../../config/settings.js';
import { Database } from '../../database/database.js';
import { GovernanceService } from '../../governance/governance.service.js';
import { Log } from '../../logging/log.js';
import { CLOCK, RANDOMNESS } from '../../tokens.js';
import { BitcoinDriver } from './bitcoin.driver.js';
import { bitcoinChain } from './bitcoin-chain.js';
import { Scanner, type WalletSource } from './scanner.js';
import { BitcoinScannerService } from './scanner.service.js';

/** `readonly BitcoinChain[]`, as configured. */
const BITCOIN_CHAINS = Symbol('bitcoin-chains');

@Module({
  providers: [
    {
      provide: BITCOIN_CHAINS,
      inject: [CONFIGURATION],
      useFactory: ({ chains }: Configuration) =>
        Object.entries(chains.bitcoin).map(([chain, settings]) => bitcoinChain(chain, settings)),
    },
    {
      provide: BitcoinDriver,
      inject: [BITCOIN_CHAINS, Database, CLOCK, RANDOMNESS],
      useFactory: (
        chains: ReturnType<typeof bitcoinChain>[],
        database: Database,
        clock: Clock,
        randomness: Randomness,
      ) => new BitcoinDriver(chains, database, clock, randomness),
    },
    {
      provide: BitcoinScannerService,
      inject: [BITCOIN_CHAINS, Database, GovernanceService, RANDOMNESS, Log],
      useFactory: (
        chains: ReturnType<typeof bitcoinChain>[],
        database: Database,
        governance: GovernanceService,
        randomness: Randomness,
        log: Log,
      ) => {
        const wallets: WalletSource = (chain) =>
          [...governance.state().wallets.values()].filter((wallet) => wallet.chain === chain);
        return new BitcoinScannerService(
          chains.map(({ chain, settings, node }) => ({
            scanner: new Scanner(chain, settings, database, node, wallets),
            pollMs: settings.pollMs,
          })),
          randomness,
          log,
        );
      },
    },
  ],
  exports: [BitcoinDriver, BitcoinScannerService],
})
export class BitcoinModule {}
