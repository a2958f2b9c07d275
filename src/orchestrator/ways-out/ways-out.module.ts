// The ways out as a Nest module.

import { Module, type Provider } from '@nestjs/common';
import { Pipeline } from '../transfers/pipeline.js';
import { TransfersModule } from '../transfers/transfers.module.js';
import { Burials } from './burials.js';
import { Cancels } from './cancels.js';
import { Restores } from './restores.js';
import { Voids } from './voids.js';
import { WaysOut } from './ways-out.service.js';

const services = [Voids, WaysOut, Cancels, Burials, Restores] as const;

@Module({
  imports: [TransfersModule],
  providers: services.map(
    (Service): Provider => ({
      provide: Service,
      inject: [Pipeline],
      useFactory: (pipeline: Pipeline) => new Service(pipeline),
    }),
  ),
  exports: [...services],
})
export class WaysOutModule {}
