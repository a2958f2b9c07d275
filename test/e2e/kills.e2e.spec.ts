// Programs that are killed in the middle of whatever they do, and started again on the same files: every withdrawal is
// paid exactly once all the same. A first look; the campaigns that try every line are elsewhere.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { expectBooksAgree, expectPaidOnce, type Wanted } from './books.js';
import type { OrchestratorProgram } from './orchestrators.js';
import { ETHER, Rig } from './rig.js';

const WITHDRAWALS = 20;
const KILLS = 4;

let rig: Rig;
let program: OrchestratorProgram;

beforeAll(async () => {
  rig = await Rig.start({ programs: true });
  rig.chains.startMining();
  program = rig.program(0);
});
afterAll(() => rig?.stop());

/** Half on each chain. What a dead program did not take is submitted again, until it is taken. */
async function submitAll(): Promise<readonly Wanted[]> {
  return Promise.all(
    Array.from({ length: WITHDRAWALS }, async (_, index) => {
      await sleep(index * 60);
      const asset = index % 2 === 0 ? 'BTC' : 'ETH';
      const amount = asset === 'BTC' ? 200_000n : ETHER / 100n;
      const request = rig.request({ asset, amount });
      return { asset, amount, destination: request.statement.destination, id: await rig.insist(request) };
    }),
  );
}

describe(`${WITHDRAWALS} withdrawals settle exactly once`, () => {
  it(`though the orchestrator is killed ${KILLS} times among them`, async () => {
    const submitting = submitAll();
    for (let kill = 0; kill < KILLS; kill += 1) {
      await sleep(200 + Math.random() * 700);
      await program.kill();
      await program.start();
    }
    await expectPaidOnce(rig, await submitting, 40_000);
    await expectBooksAgree(rig);
  }, 120_000);

  it(`though the signer is killed ${KILLS} times among them`, async () => {
    const submitting = submitAll();
    for (let kill = 0; kill < KILLS; kill += 1) {
      await sleep(200 + Math.random() * 700);
      await rig.killSigner();
      await rig.startSigner();
    }
    await expectPaidOnce(rig, await submitting, 40_000);
    await expectBooksAgree(rig);
  }, 120_000);
});
