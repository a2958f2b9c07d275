// Transfers as a Nest module: the service for the API, and the workers, which run while the program does.

import { hostname } from 'node:os';
import { Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Clock } from '../../core/clock.js';
import type { Randomness } from '../../core/randomness.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import type { ChainDriver } from '../chains/chain-driver.js';
import { CONFIGURATION } from '../config/config.module.js';
import type { Configuration } from '../config/settings.js';
import { Database } from '../database/database.js';
import { FactSources } from '../facts/fact-sources.js';
import { GovernanceService } from '../governance/governance.service.js';
import { Log } from '../logging/log.js';
import { SignerClient } from '../signer-client/signer-client.js';
import { CHAIN_DRIVERS, CLOCK, RANDOMNESS } from '../tokens.js';
import { defaultPipelineSettings, Pipeline, type PipelineSettings } from './pipeline.js';
import { TransferService } from './transfer.service.js';
import { Workers } from './workers.js';

export function pipelineSettings({ workers, approvals }: Configuration): PipelineSettings {
  const { name, ...bounds } = workers;
  return {
    ...defaultPipelineSettings,
    ...bounds,
    worker: name ?? `${hostname()}-${process.pid}`.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(-64),
    approvalTtlMs: approvals.ttlMs,
  };
}

@Module({
  providers: [
    {
      provide: Pipeline,
      inject: [
        Database,
        GovernanceService,
        SignerClient,
        CHAIN_DRIVERS,
        CLOCK,
        RANDOMNESS,
        CONFIGURATION,
        Log,
      ],
      useFactory: (
        database: Database,
        governance: GovernanceService,
        signer: SignerClient,
        drivers: readonly ChainDriver[],
        clock: Clock,
        randomness: Randomness,
        configuration: Configuration,
        log: Log,
      ) =>
        new Pipeline({
          database,
          governance,
          facts: new FactSources(configuration.watchers, nativeVerifier, clock, (watcher, error) =>
            log.warning('watcher not heard', { watcher }, error),
          ),
          signer,
          drivers,
          verifier: nativeVerifier,
          clock,
          randomness,
          settings: pipelineSettings(configuration),
        }),
    },
    {
      provide: TransferService,
      inject: [Pipeline],
      useFactory: (pipeline: Pipeline) => new TransferService(pipeline),
    },
    {
      provide: Workers,
      inject: [Pipeline, Log],
      useFactory: (pipeline: Pipeline, log: Log) =>
        new Workers(
          pipeline,
          ({ error, ...facts }) => log.warning('step failed', facts, error),
          (fault) => log.failure('the chain took back what was settled', fault.facts, fault),
        ),
    },
  ],
  exports: [Pipeline, TransferService],
})
export class TransfersModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(@Inject(Workers) private readonly workers: Workers) {}

  onApplicationBootstrap(): void {
    this.workers.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.workers.stop();
  }
}
