// What writes down calls, as a Nest module: every route passes it, whether the log grows in this program or not.

import { Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Log } from '../logging/log.js';
import { Repeated } from '../repeated.js';
import { CallRecorder } from './call-recorder.js';

const TELL_EVERY_MS = 10_000;

@Module({ providers: [CallRecorder], exports: [CallRecorder] })
export class CallRecorderModule implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly telling: Repeated;
  private readonly last: Repeated;

  constructor(@Inject(CallRecorder) recorder: CallRecorder, @Inject(Log) log: Log) {
    const onFailure = (error: unknown) => log.warning('calls left out not told', {}, error);
    this.telling = new Repeated(() => recorder.tellOfPastMinute(), TELL_EVERY_MS, onFailure);
    this.last = new Repeated(() => recorder.tellLeftOut(), TELL_EVERY_MS, onFailure);
  }

  onApplicationBootstrap(): void {
    this.telling.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.telling.stop();
    await this.last.once();
  }
}
