// Simulations as a Nest module.

import { Module } from '@nestjs/common';
import { Pipeline } from '../transfers/pipeline.js';
import { TransfersModule } from '../transfers/transfers.module.js';
import { Simulations } from './simulation.service.js';

@Module({
  imports: [TransfersModule],
  providers: [
    {
      provide: Simulations,
      inject: [Pipeline],
      useFactory: (pipeline: Pipeline) => new Simulations(pipeline),
    },
  ],
  exports: [Simulations],
})
export class SimulationsModule {}
