// The audit log as a Nest module: it grows, and has its checkpoints signed, as long as the program runs.

import { Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Clock } from '../../core/clock.js';
import type { Randomness } from '../../core/randomness.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { CONFIGURATION } from '../config/config.module.js';
import type { Configuration } from '../config/settings.js';
import { Database } from '../database/database.js';
import { GovernanceService } from '../governance/governance.service.js';
import { OwnFreezes } from '../governance/own-freezes.js';
import { Log } from '../logging/log.js';
import { Repeated } from '../repeated.js';
import { SignerClient } from '../signer-client/signer-client.js';
import { SignerClientModule } from '../signer-client/signer-client.module.js';
import { CLOCK, RANDOMNESS } from '../tokens.js';
import { AuditLog } from './audit.log.js';
import { Checkpoints } from './checkpoints.js';
import { logKeysOf } from './log-key.js';

const WARN_EVERY_MS = 60_000;
/** What is left then waits for the next time: a long line must not take the whole program up. */
const MOST_TURNS = 8;

@Module({
  imports: [SignerClientModule],
  providers: [
    {
      provide: AuditLog,
      inject: [Database, RANDOMNESS, CONFIGURATION],
      useFactory: (database: Database, randomness: Randomness, { deploymentId }: Configuration) =>
        new AuditLog(database, randomness, deploymentId),
    },
    {
      provide: Checkpoints,
      inject: [Database, SignerClient, GovernanceService, CLOCK, CONFIGURATION],
      useFactory: (
        database: Database,
        signer: SignerClient,
        governance: GovernanceService,
        clock: Clock,
        { audit }: Configuration,
      ) =>
        new Checkpoints(
          { database, signer, clock, verifier: nativeVerifier, keys: () => logKeysOf(governance.state()) },
          { entries: audit.checkpointEntries, ms: audit.checkpointMs },
        ),
    },
  ],
  exports: [Checkpoints],
})
export class AuditModule implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly growth: Repeated;

  constructor(
    @Inject(AuditLog) log: AuditLog,
    @Inject(Checkpoints) checkpoints: Checkpoints,
    @Inject(CONFIGURATION) { audit }: Configuration,
    @Inject(Log) programLog: Log,
    @Inject(CLOCK) clock: Clock,
    @Inject(OwnFreezes) freezes: OwnFreezes,
  ) {
    let quietUntilMs = 0;
    this.growth = new Repeated(
      async (signal) => {
        for (let turn = 0; turn < MOST_TURNS && !signal.aborted; turn += 1) {
          if ((await log.add()) === 0) break;
        }
        await checkpoints.signIfDue();
      },
      audit.addMs,
      (error) => {
        freezes.see(error);
        // A signer that is away is asked every second, and is in the log for other reasons.
        if (clock.nowMs() < quietUntilMs) return;
        quietUntilMs = clock.nowMs() + WARN_EVERY_MS;
        programLog.warning('audit log not gone on with', {}, error);
      },
    );
  }

  onApplicationBootstrap(): void {
    this.growth.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.growth.stop();
  }
}
