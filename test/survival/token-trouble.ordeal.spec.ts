// The token's sessions are closed, its login is dropped, and it is taken out and put back, while withdrawals go on. What
// was asked of it meanwhile waits or is asked again, and is signed once.

import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findSoftHsmModule } from '../../devnet/softhsm.js';
import { ETHER, Rig } from '../e2e/rig.js';
import { type Asked, expectAllInOrder } from './audit.js';
import { Workload } from './workload.js';

const BLOWS = 8;
const AWAY_MS = 4_000;

let rig: Rig;
let folder: string;
const everything: Asked[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-token-trouble-'));
  const environment = {
    SABOTAGE_LOG: join(folder, 'done'),
    SABOTAGE_MODULE: await findSoftHsmModule(),
    SABOTAGE_TOKEN: 'treasury',
  };
  rig = await Rig.start({
    tokenProgram: { entry: 'test/hardware/sabotaged-token-process.ts', environment },
  });
  rig.chains.startMining();
});
afterAll(async () => {
  await rig?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Our child that runs the token's program; undefined while there is none. */
function tokenProcess(): number | undefined {
  const { tokenProgram } = rig.deployment;
  for (const name of readdirSync('/proc').filter((one) => /^[0-9]+$/.test(one))) {
    try {
      const status = readFileSync(`/proc/${name}/stat`, 'utf8').replace(/^.*\) /, '');
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8');
      const isOurs = status.split(' ')[1] === String(process.pid) && command.includes(tokenProgram);
      if (isOurs) return Number.parseInt(name, 10);
    } catch {
      // It ended while it was looked at.
    }
  }
  return undefined;
}

function signal(what: 'SIGUSR2' | 'SIGHUP' | 'SIGKILL'): void {
  const pid = tokenProcess();
  if (pid !== undefined) process.kill(pid, what);
}

function done(what: string): number {
  const log = join(folder, 'done');
  return existsSync(log) ? readFileSync(log, 'utf8').split(what).length - 1 : 0;
}

function busy(): Workload {
  const work = new Workload(rig);
  const kinds = [
    { asset: 'BTC', amount: 150_000n },
    { asset: 'ETH', amount: ETHER / 100n },
  ] as const;
  work.every(120, async (count) => {
    await work.take(kinds[count % kinds.length] ?? kinds[0]);
  });
  return work;
}

async function allPaid(work: Workload): Promise<void> {
  await work.finish();
  everything.push(...work.asked);
  const { byState } = await expectAllInOrder(rig, everything);
  expect(byState).toEqual({ settled: everything.length });
}

describe('the token, with withdrawals under way', () => {
  it.each([
    ['SIGUSR2', 'closeAllSessions', 'has all its sessions closed'],
    ['SIGHUP', 'logOut', 'has its login dropped'],
  ] as const)(
    `%s: %s ${BLOWS} times: it %s, and all is paid once`,
    async (blow, what, _title) => {
      const work = busy();
      for (let count = 0; count < BLOWS; count += 1) {
        await sleep(300);
        signal(blow);
      }
      await sleep(300);
      expect(done(what)).toBe(BLOWS);
      await allPaid(work);
    },
    60_000,
  );

  it(`is taken out for ${AWAY_MS / 1_000} s and put back: what is asked meanwhile waits, and is paid once`, async () => {
    const work = busy();
    await sleep(600);
    const { tokenDirectory } = rig.deployment.softHsm;
    const elsewhere = join(folder, 'taken-out');
    renameSync(tokenDirectory, elsewhere);
    // Whoever had it open sees it gone only when opening it again, as after a reader was pulled.
    signal('SIGKILL');
    const waiting = await work.take({ asset: 'BTC', amount: 140_000n });
    await sleep(AWAY_MS);
    const meanwhile = await rig.transfer(waiting);
    expect(['approved', 'reserved', 'built']).toContain(meanwhile.state);
    renameSync(elsewhere, tokenDirectory);
    await allPaid(work);
  }, 60_000);

  it('has its process killed again and again, which the signer outlives', async () => {
    const work = busy();
    for (let count = 0; count < 3; count += 1) {
      await sleep(1_500);
      signal('SIGKILL');
    }
    await allPaid(work);
  }, 60_000);
});
