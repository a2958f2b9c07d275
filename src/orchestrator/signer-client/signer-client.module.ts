// The connection to the signer as a Nest module, open as long as the program runs.

import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Clock } from '../../core/clock.js';
import type { Randomness } from '../../core/randomness.js';
import { CONFIGURATION } from '../config/config.module.js';
import type { Configuration, SignerSettings } from '../config/settings.js';
import { Log } from '../logging/log.js';
import { CLOCK, RANDOMNESS } from '../tokens.js';
import { ClientCertificates } from './client-certificates.js';
import { SignerClient, type SignerEndpoint, tlsEndpoint, unixSocketEndpoint } from './signer-client.js';

/** Throws a CertificateFaultCode when the certificates' files do not fit together. */
export function endpointOf(settings: SignerSettings, log: Log): SignerEndpoint {
  if ('socket' in settings) return unixSocketEndpoint(settings.socket);
  const { host, port, tls } = settings;
  const { certificateFile, keyFile, caFile, serverName } = tls;
  const certificates = new ClientCertificates(
    { certificateFile, keyFile, authorityFile: caFile },
    {
      taken: (facts) => log.info('certificates taken', facts),
      refused: (facts, error) => log.failure('certificates refused, the old ones stay', facts, error),
    },
  );
  return tlsEndpoint({
    host,
    port,
    certificates: () => certificates.current(),
    ...(serverName === undefined ? {} : { serverName }),
  });
}

@Global()
@Module({
  providers: [
    {
      provide: SignerClient,
      inject: [CONFIGURATION, CLOCK, RANDOMNESS, Log],
      useFactory: ({ signer }: Configuration, clock: Clock, randomness: Randomness, log: Log) =>
        new SignerClient({
          endpoint: endpointOf(signer, log),
          clock,
          randomness,
          timeoutMs: signer.timeoutMs,
        }),
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
