// The archive of certificates as a Nest module: it fetches what is new as long as the program runs.

import { Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Clock } from '../../core/clock.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { Database } from '../database/database.js';
import { GovernanceService } from '../governance/governance.service.js';
import { Log } from '../logging/log.js';
import { Repeated } from '../repeated.js';
import { SignerClient } from '../signer-client/signer-client.js';
import { SignerClientModule } from '../signer-client/signer-client.module.js';
import { CLOCK } from '../tokens.js';
import { CertificateArchive } from './certificate.archive.js';

/** One signature of the attestation key for each page, and none where nothing is new. */
const COLLECT_MS = 2_000;
/** What is left then waits for the next time. */
const MOST_TURNS = 8;
const WARN_EVERY_MS = 60_000;

@Module({
  imports: [SignerClientModule],
  providers: [
    {
      provide: CertificateArchive,
      inject: [Database, SignerClient, GovernanceService, CLOCK],
      useFactory: (database: Database, signer: SignerClient, governance: GovernanceService, clock: Clock) =>
        new CertificateArchive({
          database,
          signer,
          clock,
          verifier: nativeVerifier,
          state: () => governance.state(),
        }),
    },
  ],
  exports: [CertificateArchive],
})
export class CertificatesModule implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly collecting: Repeated;

  constructor(
    @Inject(CertificateArchive) archive: CertificateArchive,
    @Inject(Log) log: Log,
    @Inject(CLOCK) clock: Clock,
  ) {
    let quietUntilMs = 0;
    this.collecting = new Repeated(
      async (signal) => {
        for (let turn = 0; turn < MOST_TURNS && !signal.aborted; turn += 1) {
          if (!(await archive.collect())) break;
        }
      },
      COLLECT_MS,
      (error) => {
        // A signer that is away is asked again and again, and is in the log for other reasons.
        if (clock.nowMs() < quietUntilMs) return;
        quietUntilMs = clock.nowMs() + WARN_EVERY_MS;
        log.warning('certificates not collected', {}, error);
      },
    );
  }

  onApplicationBootstrap(): void {
    this.collecting.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.collecting.stop();
  }
}
