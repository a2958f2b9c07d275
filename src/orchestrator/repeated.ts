// Work that is done again and again, as long as the program runs. What fails is told of and done again next time.

import { setTimeout as sleep } from 'node:timers/promises';

export class Repeated {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly work: (signal: AbortSignal) => Promise<void>,
    private readonly everyMs: number,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /** Does it once; never rejects. */
  async once(): Promise<void> {
    try {
      await this.work(this.stopping.signal);
    } catch (error) {
      this.onFailure(error);
    }
  }

  /** Keeps doing it, after a pause each time. */
  start(): void {
    this.running = this.loop();
  }

  /** Returns when what is under way is done. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async loop(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      // Ends early only because it is to stop.
      await sleep(this.everyMs, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.once();
    }
  }
}
