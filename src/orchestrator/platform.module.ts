// What every part of the orchestrator is given from outside: time, randomness, the log.

import { type DynamicModule, Module } from '@nestjs/common';
import type { Clock } from '../core/clock.js';
import type { Randomness } from '../core/randomness.js';
import { Log } from './logging/log.js';
import { CLOCK, RANDOMNESS } from './tokens.js';

export interface Platform {
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Log;
}

@Module({})
export class PlatformModule {}

export function platformModule({ clock, randomness, log }: Platform): DynamicModule {
  return {
    module: PlatformModule,
    global: true,
    providers: [
      { provide: CLOCK, useValue: clock },
      { provide: RANDOMNESS, useValue: randomness },
      { provide: Log, useValue: log },
    ],
    exports: [CLOCK, RANDOMNESS, Log],
  };
}
