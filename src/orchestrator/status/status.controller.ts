// Status, liveness and readiness over HTTP.

import { Controller } from '@nestjs/common';
import { accepted, type Outcome, refused } from '../../core/fault.js';
import { Serves } from '../http/endpoint.js';
import { getLiveness, getReadiness, getStatus } from './status.endpoints.js';
import { StatusService } from './status.service.js';
import type { StatusView } from './status.view.js';

@Controller()
export class StatusController {
  constructor(private readonly service: StatusService) {}

  @Serves(getStatus)
  async status(): Promise<Outcome<StatusView>> {
    return accepted(await this.service.status());
  }

  @Serves(getLiveness)
  alive(): Outcome<{ readonly status: 'alive' }> {
    return accepted({ status: 'alive' });
  }

  @Serves(getReadiness)
  async ready(): Promise<Outcome<{ readonly status: 'ready' }, 'not-ready'>> {
    const answer = await this.service.ready();
    return answer.ready ? accepted({ status: 'ready' }) : refused('not-ready', { reason: answer.reason });
  }
}
