// memory: what both programs hold after ten thousand withdrawals, against what they held after two thousand. What grows
// with the number of withdrawals is a leak, or a cache that nobody has bounded.
//
// The heap is what is left after its garbage was collected: that is what a leak shows in. Resident memory is what the machine
// has to have, garbage and all: Node.js lets a heap grow to several times what it holds before it collects.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type Benchmark, type Report, resultOf, type Settings } from './benchmark.js';
import { residentMiB } from './rig/processes.js';
import { Stack } from './rig/stack.js';
import { takeWithdrawals } from './withdrawals.js';

const MIB = 1024 * 1024;
const REPORT_WITHIN_MS = 30_000;

const report = z.object({ heapUsed: z.number() });

type Measured = Readonly<Record<'signer' | 'orchestrator', { readonly rss: number; readonly heap: number }>>;

class Watch {
  private readonly folder = mkdtempSync(join(tmpdir(), 'portcullis-heaps-'));
  private looks = 0;

  get nodeFlags(): string[] {
    const module = new URL(`./rig/heap-report.js?into=${encodeURIComponent(this.folder)}`, import.meta.url);
    return ['--expose-gc', '--import', module.href];
  }

  async look(stack: Stack): Promise<Measured> {
    this.looks += 1;
    const { signer, orchestrator } = stack.pids;
    const rss = { signer: residentMiB(signer), orchestrator: residentMiB(orchestrator) };
    stack.signalPrograms('SIGUSR2');
    return {
      signer: { rss: rss.signer, heap: await this.heapOf(signer) },
      orchestrator: { rss: rss.orchestrator, heap: await this.heapOf(orchestrator) },
    };
  }

  private async heapOf(pid: number): Promise<number> {
    const file = join(this.folder, `${pid}-${this.looks}.json`);
    const deadline = performance.now() + REPORT_WITHIN_MS;
    while (!existsSync(file)) {
      if (performance.now() > deadline) throw new Error('a program has not said what its heap holds');
      await sleep(100);
    }
    return report.parse(JSON.parse(readFileSync(file, 'utf8'))).heapUsed / MIB;
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function runMemory({ quick }: Settings): Promise<Report> {
  const counts = quick ? [40, 80, 120, 160, 200] : [2_000, 4_000, 6_000, 8_000, 10_000];
  const watch = new Watch();
  const stack = await Stack.start({ database: 'sqlite', stored: 0, nodeFlags: watch.nodeFlags });
  try {
    const measured: Measured[] = [];
    let done = 0;
    for (const count of counts) {
      await takeWithdrawals(stack, count - done);
      done = count;
      measured.push(await watch.look(stack));
    }
    const row = (program: 'signer' | 'orchestrator', what: 'rss' | 'heap') => {
      const values = measured.map((one) => one[program][what]);
      return {
        ...resultOf(`memory/${program}-${what}`, 'MiB', values.slice(-1), values.slice(0, 1)),
        samples: values,
      };
    };
    return {
      results: [
        row('orchestrator', 'rss'),
        row('orchestrator', 'heap'),
        row('signer', 'rss'),
        row('signer', 'heap'),
      ],
      notes: [
        `after ${counts.at(-1)} withdrawals, against after ${counts[0]}; samples after ${counts.join(', ')}`,
      ],
    };
  } finally {
    await stack.stop();
    watch.close();
  }
}

export const memoryBenchmark: Benchmark = {
  name: 'memory',
  says: 'memory of both programs after 10,000 withdrawals, against after 2,000',
  run: runMemory,
};
