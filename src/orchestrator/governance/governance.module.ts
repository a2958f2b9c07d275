// The mirrored governance log as a Nest module: read before anything is served, followed until the program ends.

import { Global, Inject, Module, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Clock } from '../../core/clock.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { CONFIGURATION } from '../config/config.module.js';
import type { Configuration } from '../config/settings.js';
import { Database } from '../database/database.js';
import { Log } from '../logging/log.js';
import { SignerClient } from '../signer-client/signer-client.js';
import { SignerClientModule } from '../signer-client/signer-client.module.js';
import { CLOCK } from '../tokens.js';
import { GovernanceFollower } from './governance.follower.js';
import { GovernanceService } from './governance.service.js';
import { Heads } from './heads.js';

const FOLLOW_MS = 5_000;

@Global()
@Module({
  imports: [SignerClientModule],
  providers: [
    {
      provide: GovernanceService,
      inject: [Database, SignerClient, CLOCK, CONFIGURATION],
      useFactory: (database: Database, signer: SignerClient, clock: Clock, { deploymentId }: Configuration) =>
        new GovernanceService(database, signer, nativeVerifier, clock, deploymentId),
    },
    {
      provide: Heads,
      inject: [Database, GovernanceService, CLOCK],
      useFactory: (database: Database, governance: GovernanceService, clock: Clock) =>
        new Heads(database, governance, nativeVerifier, clock),
    },
    {
      provide: GovernanceFollower,
      inject: [GovernanceService, Log],
      useFactory: (governance: GovernanceService, log: Log) =>
        new GovernanceFollower(governance, FOLLOW_MS, (error) =>
          log.warning('governance log not read', {}, error),
        ),
    },
  ],
  exports: [GovernanceService, Heads],
})
export class GovernanceModule implements OnModuleInit, OnModuleDestroy {
  constructor(@Inject(GovernanceFollower) private readonly follower: GovernanceFollower) {}

  async onModuleInit(): Promise<void> {
    await this.follower.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.follower.stop();
  }
}
