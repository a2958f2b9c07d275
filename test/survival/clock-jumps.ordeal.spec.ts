// Clocks that are set by hours, forwards and back, of the signer's host, the orchestrator's, or both, with withdrawals
// under way. Requests live long enough to outlast it: what a wrong clock refuses meanwhile is refused, what it takes is
// paid once, and nothing stands still afterwards. (What expires by a jump, expires for good: that is the signer's own tests.)

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AS_SHIPPED, type ProgramMaking } from '../e2e/orchestrators.js';
import { ETHER, Rig } from '../e2e/rig.js';
import { expectAllInOrder } from './audit.js';
import { Workload } from './workload.js';

const HOUR_MS = 3_600_000;
const EACH_MS = 2_500;
const DAYS_MS = 3 * 24 * HOUR_MS;

const JUMPS = [
  { signer: 0, orchestrator: 2 },
  { signer: 0, orchestrator: -3 },
  { signer: 4, orchestrator: 0 },
  { signer: -2, orchestrator: 0 },
  { signer: 5, orchestrator: 5 },
  { signer: -5, orchestrator: -5 },
  { signer: 3, orchestrator: -3 },
  { signer: 0, orchestrator: 0 },
] as const;

const folder = mkdtempSync(join(tmpdir(), 'portcullis-clocks-'));
const making: ProgramMaking = {
  compile: AS_SHIPPED.compile,
  environment: (program) => ({ CLOCK_FILE: join(folder, program) }),
  nodeOptions: ['--import', join(import.meta.dirname, 'clock-jumps.mjs')],
};
let rig: Rig;

/** Sets the clock of a program's host wrong by so many hours. */
function set(program: 'signer' | 'orchestrator', hours: number): void {
  const half = join(folder, `${program}.half`);
  writeFileSync(half, `${hours * HOUR_MS}`);
  renameSync(half, join(folder, program));
}

beforeAll(async () => {
  for (const program of ['signer', 'orchestrator'] as const) set(program, 0);
  rig = await Rig.start({ programs: true, making });
  rig.chains.startMining();
}, 60_000);
afterAll(async () => {
  await rig?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('clocks that are set by hours', () => {
  it('hold nothing up for good, and have nothing paid twice', async () => {
    const work = new Workload(rig);
    const kinds = [
      { asset: 'BTC', amount: 150_000n, expiresInMs: DAYS_MS },
      { asset: 'ETH', amount: ETHER / 100n, expiresInMs: DAYS_MS },
    ] as const;
    work.every(250, async (count) => {
      // Whoever calls has the time of the orchestrator's host, or would not be let in; requests say the true time.
      await work.take(kinds[count % kinds.length] ?? kinds[0]);
    });
    for (const { signer, orchestrator } of JUMPS) {
      set('signer', signer);
      set('orchestrator', orchestrator);
      rig.callersAheadMs = orchestrator * HOUR_MS;
      await sleep(EACH_MS);
    }
    await work.finish();
    const { byState, indeterminate } = await expectAllInOrder(rig, work.asked);
    process.stdout.write(`clock jumps: ${JUMPS.length}, withdrawals ended ${JSON.stringify(byState)}\n`);
    expect(indeterminate).toEqual([]);
    expect(byState.settled ?? 0).toBeGreaterThan(10);
    expect((byState.settled ?? 0) + (byState.refused ?? 0)).toBe(work.asked.length);
    // And then all is as before.
    const [bitcoin, ether] = await Promise.all([
      rig.insist(rig.request({ asset: 'BTC', amount: 150_000n, expiresInMs: DAYS_MS })),
      rig.insist(rig.request({ asset: 'ETH', amount: ETHER / 100n, expiresInMs: DAYS_MS })),
    ]);
    await rig.settled([bitcoin, ether]);
  }, 180_000);
});
