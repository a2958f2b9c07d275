// Looks at the signer's governance log again and again, as long as the program runs. A signer that is away is no
// trouble: what is known stays known, and the look is tried again.

import { Repeated } from '../repeated.js';
import type { GovernanceService } from './governance.service.js';

export class GovernanceFollower {
  private readonly looks: Repeated;

  constructor(
    private readonly governance: GovernanceService,
    everyMs: number,
    /** Told of every look that came to nothing. */
    onFailure: (error: unknown) => void,
  ) {
    this.looks = new Repeated(() => governance.refresh(), everyMs, onFailure);
  }

  /** Reads the mirror, looks once at the signer, and keeps looking. Throws what `GovernanceService.load` throws. */
  async start(): Promise<void> {
    await this.governance.load();
    await this.looks.once();
    this.looks.start();
  }

  stop(): Promise<void> {
    return this.looks.stop();
  }
}
