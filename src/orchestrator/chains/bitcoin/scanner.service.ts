// Keeps the scanners at work as long as the program runs: one loop a chain, with pauses, back-off and an end. It decides
// nothing about what they find.

import { setTimeout as sleep } from 'node:timers/promises';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Fault } from '../../../core/fault.js';
import type { Randomness } from '../../../core/randomness.js';
import type { Log } from '../../logging/log.js';
import type { ScannerStop } from './bitcoin.errors.js';
import type { Scanner, ScanReport } from './scanner.js';

export interface ScannedChain {
  readonly scanner: Scanner;
  /** Pause between two looks at the node. */
  readonly pollMs: number;
}

const MAX_PAUSE_MS = 60_000;
/** Of repeated failures, one in so many is logged. */
const LOG_EVERY = 20;

export class BitcoinScannerService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private stopping = new AbortController();
  private loops: Promise<void>[] = [];
  private readonly lastReports = new Map<string, ScanReport>();

  constructor(
    private readonly chains: readonly ScannedChain[],
    private readonly randomness: Pick<Randomness, 'fraction'>,
    private readonly log: Pick<Log, 'info' | 'warning' | 'failure'>,
  ) {}

  onApplicationBootstrap(): void {
    this.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  /** Begins to scan; nothing happens when it has begun already. */
  start(): void {
    if (this.loops.length > 0) return;
    this.stopping = new AbortController();
    this.loops = this.chains.map((chain) => this.loop(chain, this.stopping.signal));
  }

  /** Ends after the block under way. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.loops);
    this.loops = [];
  }

  /** What the last look at each chain found, by chain id; none before the first one that succeeded. */
  reports(): ReadonlyMap<string, ScanReport> {
    return this.lastReports;
  }

  private async loop({ scanner, pollMs }: ScannedChain, signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      let pauseMs = pollMs;
      try {
        const report = await scanner.scan();
        this.tell(scanner.chain, report);
        failures = 0;
        // Only what moves on goes on at once; otherwise a node's odd answer would make this a busy loop.
        if (report.kind === 'more' && report.blocksAdded > 0) pauseMs = 0;
      } catch (error) {
        if (failures % LOG_EVERY === 0) {
          this.log.warning('bitcoin scan failed', { chain: scanner.chain, failures: failures + 1 }, error);
        }
        failures += 1;
        pauseMs = Math.min(pollMs * 2 ** Math.min(failures, 10), MAX_PAUSE_MS);
        pauseMs *= 0.5 + this.randomness.fraction() / 2;
      }
      await pause(pauseMs, signal);
    }
  }

  private tell(chain: string, report: ScanReport): void {
    const before = this.lastReports.get(chain);
    this.lastReports.set(chain, report);
    const { kind, height, nodeHeight, blocksRemoved } = report;
    const facts = { chain, height, nodeHeight, blocksRemoved };
    if (kind === 'stopped' && before?.kind !== 'stopped') {
      this.log.failure(
        'bitcoin scan stopped',
        facts,
        new Fault<ScannerStop>(
          'reorg-too-deep',
          'a reorganisation is deeper than is followed; nothing is planned',
        ),
      );
    } else if (blocksRemoved > 0) {
      this.log.warning('bitcoin reorganisation', facts);
    } else if (kind === 'scanned' && before?.kind !== 'scanned') {
      this.log.info('bitcoin scan is in step with the node', facts);
    }
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  // Ends early, and without an error, when the program stops.
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}
