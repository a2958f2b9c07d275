// Forgets nonces and idempotency keys whose time is over, every few minutes.

import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Clock } from '../../core/clock.js';
import { IdempotencyStore } from '../idempotency/idempotency.store.js';
import { NonceStore } from '../identity/nonce.store.js';
import { Log } from '../logging/log.js';
import { CLOCK } from '../tokens.js';

const EVERY_MS = 5 * 60_000;

@Injectable()
export class Sweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> = Promise.resolve();

  constructor(
    private readonly nonces: NonceStore,
    private readonly idempotency: IdempotencyStore,
    private readonly log: Log,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.sweeping = this.sweep();
    }, EVERY_MS);
    this.timer.unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.sweeping;
  }

  private async sweep(): Promise<void> {
    const nowMs = this.clock.nowMs();
    try {
      await this.nonces.purge(nowMs);
      await this.idempotency.purge(nowMs);
    } catch (error) {
      // Nothing depends on it: what was not swept now is swept next time.
      this.log.warning('sweep failed', {}, error);
    }
  }
}
