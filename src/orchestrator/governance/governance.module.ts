// The mirrored governance log as a Nest module: read before anything is served, followed until the program ends. So are
// proposals, which are handed in when they have their signatures.

import { Global, Inject, Module, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Clock } from '../../core/clock.js';
import { readEd25519 } from '../../platform/ed25519-key.js';
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
import { OwnFreezes } from './own-freezes.js';
import { Proposals } from './proposal.service.js';
import { Waiting } from './waiting.js';

const FOLLOW_MS = 5_000;
const HAND_IN_MS = 2_000;
const FREEZE_MS = 1_000;

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
      provide: OwnFreezes,
      inject: [GovernanceService, CLOCK, CONFIGURATION],
      useFactory: (governance: GovernanceService, clock: Clock, { freeze }: Configuration) =>
        new OwnFreezes(
          governance,
          clock,
          freeze && { keyId: freeze.keyId, key: readEd25519(freeze.keyFile) },
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
  exports: [GovernanceService, Heads, OwnFreezes, Proposals, Waiting],
})
export class GovernanceModule implements OnModuleInit, OnModuleDestroy {
  private readonly handingIn: Repeated;
  private readonly freezing: Repeated;

  constructor(
    @Inject(GovernanceFollower) private readonly follower: GovernanceFollower,
    @Inject(Proposals) proposals: Proposals,
    @Inject(OwnFreezes) freezes: OwnFreezes,
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
    this.freezing = new Repeated(
      () => freezes.handIn(),
      FREEZE_MS,
      (error) => log.failure('not frozen', {}, error),
    );
  }

  async onModuleInit(): Promise<void> {
    await this.follower.start();
    this.handingIn.start();
    this.freezing.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.freezing.stop();
    await this.handingIn.stop();
    await this.follower.stop();
  }
}
