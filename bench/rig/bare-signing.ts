// Starts the bare token program and has it run, for the signing benchmarks' baseline.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SoftHsm } from '../../devnet/softhsm.js';
import type { BareRun, BareSettings } from './bare-token.js';

const ANSWER_WITHIN_MS = 60_000;

export class BareSigning {
  private constructor(private readonly child: ChildProcess) {}

  static async start(softHsm: SoftHsm, settings: Omit<BareSettings, 'modulePath'>): Promise<BareSigning> {
    const child = fork(fileURLToPath(new URL('./bare-token.js', import.meta.url)), [], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // As many threads as the signer gives its token process.
      env: { ...softHsm.environment, UV_THREADPOOL_SIZE: String(settings.sessions + 2) },
    });
    const bare = new BareSigning(child);
    await bare.ask({ modulePath: softHsm.modulePath, ...settings });
    return bare;
  }

  async run(forMs: number): Promise<BareRun> {
    return (await this.ask({ forMs })) as BareRun;
  }

  private ask(message: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('the bare program does not answer')), ANSWER_WITHIN_MS);
      this.child.once('message', (answer) => {
        clearTimeout(late);
        resolve(answer);
      });
      this.child.send(message);
    });
  }

  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.disconnect();
    await ended;
  }
}
