// The orchestrator from its configuration to its end: starts, and stops when it is told to.

import 'reflect-metadata';
import { Fault } from '../core/fault.js';
import { systemRandomness } from '../platform/system-randomness.js';
import { appModule } from './app.module.js';
import { loadConfiguration } from './config/load.js';
import { DatabaseClock } from './database/database-clock.js';
import { serve } from './http/serve.js';
import { Log } from './logging/log.js';

/** A stop that hangs is worse than a hard one: whatever is cut off goes on at the next start. */
const STOP_WITHIN_MS = 60_000;

/** Returns when it is ready; the process then ends at a signal. Throws whatever keeps it from starting. */
export async function run(configurationFile: string): Promise<void> {
  const configuration = loadConfiguration(configurationFile);
  const log = Log.to(configuration.log);
  const clock = new DatabaseClock({
    onApart: (hostAheadMs) => log.warning('clocks apart', { hostAheadMs: Math.round(hostAheadMs) }),
  });
  const platform = { clock, randomness: systemRandomness, log };
  const served = await serve(appModule(configuration, platform), configuration, log);

  const stop = (signal: string) => {
    log.info('told to stop', { signal });
    setTimeout(() => {
      log.failure('stop took too long', {}, new Fault('stop-timeout', 'the program did not stop in time'));
      process.exit(1);
    }, STOP_WITHIN_MS + configuration.http.drainMs).unref();
    served.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.failure('stop failed', {}, error);
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', () => stop('SIGTERM'));
  process.once('SIGINT', () => stop('SIGINT'));
  // What the signer takes for new certificates would end this program, which needs no telling.
  process.on('SIGHUP', () => log.info('nothing to reload'));
  // Nobody knows what state these leave behind. Everything that matters is in the database: end, and be started anew.
  for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
    process.on(event, (error: unknown) => {
      log.failure('unhandled', { event }, error);
      process.exit(1);
    });
  }
}
