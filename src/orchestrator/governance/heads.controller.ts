// Governors' words about the log's head over HTTP.

import { Controller } from '@nestjs/common';
import { accepted, type Outcome } from '../../core/fault.js';
import { freshForMs, type HeadRefusalCode } from '../../core/governance/fresh-head.js';
import { Input, type InputOf, Serves } from '../http/endpoint.js';
import { GovernanceService } from './governance.service.js';
import { getHead, type HeadAnswer, submitHead } from './heads.endpoints.js';
import { Heads } from './heads.js';

@Controller()
export class HeadsController {
  constructor(
    private readonly heads: Heads,
    private readonly governance: GovernanceService,
  ) {}

  @Serves(getHead)
  async read(): Promise<Outcome<HeadAnswer>> {
    return accepted(await this.answer());
  }

  @Serves(submitHead)
  async submit(@Input() { body }: InputOf<typeof submitHead>): Promise<Outcome<HeadAnswer, HeadRefusalCode>> {
    const taken = await this.heads.take(body);
    return taken.kind === 'refused' ? taken : accepted(await this.answer());
  }

  private async answer(): Promise<HeadAnswer> {
    const newest = await this.heads.newest();
    return { newest: newest ?? null, freshForMs: freshForMs(this.governance.state().timelock) };
  }
}
