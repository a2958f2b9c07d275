// memory: what both programs hold after ten thousand withdrawals, against what they held after two thousand. What grows
// with the number of withdrawals is a leak, or a cache that nobody has bounded.
//
// The heap is read from Node.js's own diagnostic report, which a signal asks for; garbage that was not collected yet is in
// it, so it goes up and down. Resident memory is what the machine has to have.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
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

const report = z.object({
  header: z.object({ processId: z.int() }),
  javascriptHeap: z.object({ usedMemory: z.number() }),
});

type Measured = Readonly<Record<'signer' | 'orchestrator', { readonly rss: number; readonly heap: number }>>;

class Watch {
  private readonly folder = mkdtempSync(join(tmpdir(), 'portcullis-reports-'));
  private looks = 0;

  get nodeFlags(): string[] {
    const flags = [
      '--report-on-signal',
      '--report-signal=SIGUSR2',
      '--report-compact',
      '--report-exclude-network',
    ];
    return [...flags, `--report-dir=${this.folder}`];
  }

  async look(stack: Stack): Promise<Measured> {
    this.looks += 1;
    const { signer, orchestrator } = stack.pids;
    stack.signalPrograms('SIGUSR2');
    const heaps = await this.heaps(2 * this.looks);
    const of = (pid: number) => ({ rss: residentMiB(pid), heap: heaps.get(pid) ?? Number.NaN });
    return { signer: of(signer), orchestrator: of(orchestrator) };
  }

  /** The newest report of each process, once there are so many in all. */
  private async heaps(wanted: number): Promise<Map<number, number>> {
    const deadline = performance.now() + REPORT_WITHIN_MS;
    while (performance.now() < deadline) {
      const found = readdirSync(this.folder)
        .sort()
        .flatMap((name) => readReport(join(this.folder, name)));
      if (found.length >= wanted) {
        return new Map(found.map((one) => [one.header.processId, one.javascriptHeap.usedMemory / MIB]));
      }
      await sleep(100);
    }
    throw new Error('the programs made no report');
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function readReport(file: string): z.infer<typeof report>[] {
  try {
    return [report.parse(JSON.parse(readFileSync(file, 'utf8')))];
  } catch {
    // Not written to its end yet.
    return [];
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
