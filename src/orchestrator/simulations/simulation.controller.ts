// Simulations over HTTP.

import { Controller } from '@nestjs/common';
import type { Outcome } from '../../core/fault.js';
import { Input, type InputOf, Serves } from '../http/endpoint.js';
import type { SimulationView } from './simulation.dto.js';
import { simulateTransfer } from './simulation.endpoints.js';
import { type SimulationRefusalCode, Simulations } from './simulation.service.js';

@Controller()
export class SimulationController {
  constructor(private readonly simulations: Simulations) {}

  @Serves(simulateTransfer)
  simulate(
    @Input() { body }: InputOf<typeof simulateTransfer>,
  ): Promise<Outcome<SimulationView, SimulationRefusalCode>> {
    return this.simulations.run(body);
  }
}
