// The mirrored governance log as a Nest module: read before anything is served, followed until the program ends. So are
// proposals, which are handed in when they have their signatures.

import { Global, Inject, Module, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Clock } from '../../core/clock.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { CONFIGURATION } from '../config/config.module.js';
import type { Configuration } from '../config/settings.js';
import { Database } from '../database/database.js';
import { Log } from '../logging/log.js';
import { Repeated } from '../repeated.js';
import { SignerClient } from '../signer-client/signer-client.js';
import { SignerClientModule } from '../signer-client/signer-client.module.js';
import { CLOCK } from '../tokens.js';
import { GovernanceFollower } from './governance.follower.js';
import { GovernanceService } from './governance.service.js';
import { Heads } from './heads.js';
import { Proposals } from './proposal.service.js';
import { Waiting } from './waiting.js';

const FOLLOW_MS = 5_000;
const HAND_IN_MS = 2_000;

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
    {
      provide: Proposals,
      inject: [Database, GovernanceService, CLOCK],
      useFactory: (database: Database, governance: GovernanceService, clock: Clock) =>
        new Proposals({ database, governance, verifier: nativeVerifier, clock }),
    },
    {
      provide: Waiting,
      inject: [GovernanceService, SignerClient, CLOCK],
      useFactory: (governance: GovernanceService, signer: SignerClient, clock: Clock) =>
        new Waiting(governance, signer, clock),
    },
  ],
  exports: [GovernanceService, Heads, Proposals, Waiting],
})
export class GovernanceModule implements OnModuleInit, OnModuleDestroy {
  private readonly handingIn: Repeated;

  constructor(
    @Inject(GovernanceFollower) private readonly follower: GovernanceFollower,
    @Inject(Proposals) proposals: Proposals,
    @Inject(Log) log: Log,
  ) {
    this.handingIn = new Repeated(
      () =>
        proposals.handInAll(({ code, facts }) =>
          log.warning('proposal not handed in', { ...facts, cause: code }),
        ),
      HAND_IN_MS,
      (error) => log.warning('proposals not looked through', {}, error),
    );
  }

  async onModuleInit(): Promise<void> {
    await this.follower.start();
    this.handingIn.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.handingIn.stop();
    await this.follower.stop();
  }
}
