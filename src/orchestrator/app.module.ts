// The orchestrator put together. What each part does is in its own folder; here is only who there is.

import { type DynamicModule, Module } from '@nestjs/common';
import { auditEntities } from './audit/audit.entity.js';
import { ChainsModule } from './chains/chains.module.js';
import { ETHEREUM_ENTITIES } from './chains/ethereum/ethereum.entity.js';
import { configurationModule } from './config/config.module.js';
import { databaseUrl } from './config/database-url.js';
import type { Configuration } from './config/settings.js';
import { DatabaseModule } from './database/database.module.js';
import { governanceEntities } from './governance/governance.entity.js';
import { GovernanceModule } from './governance/governance.module.js';
import { proposalEntities } from './governance/proposal.entity.js';
import { HttpModule } from './http/http.module.js';
import { BoundKey } from './idempotency/idempotency.entity.js';
import { HttpNonce } from './identity/nonce.entity.js';
import { type Platform, platformModule } from './platform.module.js';
import { SignerClientModule } from './signer-client/signer-client.module.js';
import { transferEntities } from './transfers/transfer.entity.js';

export const entities = [
  ...governanceEntities,
  ...proposalEntities,
  ...transferEntities,
  ...auditEntities,
  ...ETHEREUM_ENTITIES,
  HttpNonce,
  BoundKey,
];

@Module({})
export class AppModule {}

export function appModule(configuration: Configuration, platform: Platform): DynamicModule {
  return {
    module: AppModule,
    imports: [
      platformModule(platform),
      configurationModule(configuration),
      DatabaseModule.forRoot({
        url: databaseUrl(configuration.database),
        entities,
        clock: platform.clock,
      }),
      SignerClientModule,
      GovernanceModule,
      ChainsModule,
      HttpModule,
    ],
  };
}
