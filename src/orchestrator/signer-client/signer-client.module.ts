// The connection to the signer as a Nest module, open as long as the program runs.

import { readFileSync } from 'node:fs';
import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Clock } from '../../core/clock.js';
import type { Randomness } from '../../core/randomness.js';
import { CONFIGURATION } from '../config/config.module.js';
import type { Configuration, SignerSettings } from '../config/settings.js';
import { CLOCK, RANDOMNESS } from '../tokens.js';
import { SignerClient, type SignerEndpoint, tlsEndpoint, unixSocketEndpoint } from './signer-client.js';

/** Reads the certificates' files. */
export function endpointOf(settings: SignerSettings): SignerEndpoint {
  if ('socket' in settings) return unixSocketEndpoint(settings.socket);
  const { host, port, tls } = settings;
  return tlsEndpoint({
    host,
    port,
    authority: readFileSync(tls.caFile, 'utf8'),
    certificate: readFileSync(tls.certificateFile, 'utf8'),
    key: readFileSync(tls.keyFile, 'utf8'),
    ...(tls.serverName === undefined ? {} : { serverName: tls.serverName }),
  });
}

@Global()
@Module({
  providers: [
    {
      provide: SignerClient,
      inject: [CONFIGURATION, CLOCK, RANDOMNESS],
      useFactory: ({ signer }: Configuration, clock: Clock, randomness: Randomness) =>
        new SignerClient({ endpoint: endpointOf(signer), clock, randomness, timeoutMs: signer.timeoutMs }),
    },
  ],
  exports: [SignerClient],
})
export class SignerClientModule implements OnApplicationShutdown {
  constructor(@Inject(SignerClient) private readonly client: SignerClient) {}

  onApplicationShutdown(): void {
    this.client.close();
  }
}
