// Who is asking: needs governance and the database, gives the Authenticator.

import { Module } from '@nestjs/common';
import { CONFIGURATION } from '../config/config.module.js';
import type { Configuration } from '../config/settings.js';
import { GovernanceModule } from '../governance/governance.module.js';
import { Authenticator } from './authenticator.js';
import { Authorities } from './authorities.js';
import { NonceStore } from './nonce.store.js';

@Module({
  imports: [GovernanceModule],
  providers: [
    Authenticator,
    NonceStore,
    {
      provide: Authorities,
      inject: [CONFIGURATION],
      useFactory: (configuration: Configuration) => new Authorities(configuration.http),
    },
  ],
  exports: [Authenticator, Authorities, NonceStore],
})
export class IdentityModule {}
