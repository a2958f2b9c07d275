// The one configuration object, for whoever needs a part of it.

import { type DynamicModule, Module } from '@nestjs/common';
import type { Configuration } from './settings.js';

/** A `Configuration`. */
export const CONFIGURATION = Symbol('configuration');

@Module({})
export class ConfigurationModule {}

export function configurationModule(configuration: Configuration): DynamicModule {
  return {
    module: ConfigurationModule,
    global: true,
    providers: [{ provide: CONFIGURATION, useValue: configuration }],
    exports: [CONFIGURATION],
  };
}
