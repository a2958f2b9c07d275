// Looks at the signer's governance log again and again, as long as the program runs. A signer that is away is no
// trouble: what is known stays known, and the look is tried again.

import { setTimeout as sleep } from 'node:timers/promises';
import type { GovernanceService } from './governance.service.js';

export class GovernanceFollower {
  private readonly stopping = new AbortController();
  private looking: Promise<void> = Promise.resolve();

  constructor(
    private readonly governance: GovernanceService,
    private readonly everyMs: number,
    /** Told of every look that came to nothing. */
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /** Reads the mirror, looks once at the signer, and keeps looking. Throws what `GovernanceService.load` throws. */
  async start(): Promise<void> {
    await this.governance.load();
    await this.look();
    this.looking = this.loop();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.looking;
  }

  private async loop(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      // Ends early only because it is to stop.
      await sleep(this.everyMs, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.look();
    }
  }

  private async look(): Promise<void> {
    try {
      await this.governance.refresh();
    } catch (error) {
      this.onFailure(error);
    }
  }
}
