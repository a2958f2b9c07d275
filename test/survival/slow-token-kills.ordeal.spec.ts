// kill -9 at random moments, with a token as slow as they come and a signer that may stay away for seconds: here it does happen
// that nobody can know whether something was signed, because its request has expired when the signer is back. Each of these
// has to be of a signature that a kill cut off, and the signer's word ends it.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ETHER, Rig, type Wish } from '../e2e/rig.js';
import { expectAllInOrder } from './audit.js';
import { Chance, SEED_VARIABLE } from './chance.js';
import { Killer } from './killer.js';
import { killedWhileSigning, signingWindows } from './signing-windows.js';
import { Workload } from './workload.js';

const WITHDRAWALS = 100;
/** How many more there are at most until it has happened. */
const MOST = 400;
const CUSTOMERS = 8;
const SIGNATURE = 'hardware/pkcs11/key-objects.ts:signWith:api.C_SignAsync';
const SIGNATURE_MS = 800;

const killer = new Killer();
let rig: Rig;

beforeAll(async () => {
  killer.arm('token', [], { [SIGNATURE]: SIGNATURE_MS });
  // Enough for all, also when some are tied up by what nobody knows about.
  rig = await Rig.start({ programs: true, coins: 50n, making: killer, settings: { signerTimeoutMs: 3_000 } });
  expect(killer.boundaries.token).toContain(`${SIGNATURE}:before`);
  rig.chains.startMining();
}, 60_000);
afterAll(async () => {
  await rig?.stop();
  killer.remove();
});

function wish(index: number, chance: Chance): Wish {
  const amount = 100_000n + BigInt(index);
  // On Ethereum a nonce that nobody knows about holds up all later ones until a person has looked.
  if (index % 4 === 3) return { asset: 'ETH', amount: ETHER / 500n + BigInt(index) };
  return index % 2 === 0
    ? { asset: 'BTC', amount, expiresInMs: Math.round(chance.between(3_000, 8_000)) }
    : { asset: 'BTC', amount };
}

describe('one orchestrator and a signer with a slow token', () => {
  it(`make ${WITHDRAWALS} withdrawals at most once, and know which may have been signed`, async () => {
    const chance = Chance.fromEnvironment();
    const work = new Workload(rig);
    const begun = performance.now();
    let next = 0;
    let hasHappened = false;
    const customers = Array.from({ length: CUSTOMERS }, async () => {
      while (next < WITHDRAWALS || (!hasHappened && next < MOST)) {
        await work.take(wish(next++, chance));
        await sleep(chance.between(200, 3_000));
      }
    });
    let taken = false;
    const all = Promise.all(customers).finally(() => {
      taken = true;
    });
    const killedAtMs: number[] = [];
    for (let after = 0; after < 3; after += taken ? 1 : 0) {
      await sleep(chance.between(300, 1_500));
      killedAtMs.push(Date.now());
      await rig.killSigner();
      const isLong = chance.fraction() < 0.4;
      await sleep(isLong ? chance.between(2_000, 7_000) : chance.between(0, 300));
      await rig.startSigner();
      hasHappened ||= (await work.nowUnknown()).length > 0;
    }
    await all;
    await work.finish();
    const audit = await expectAllInOrder(rig, work.asked);
    const unknown = audit.indeterminate.map(({ transferId }) => transferId);
    await rig.signerProcess().stop();
    const windows = signingWindows(rig.deployment.config().storePath);
    const seconds = Math.round((performance.now() - begun) / 1_000);
    process.stdout.write(
      `slow token: ${SEED_VARIABLE}=${chance.seed}, ${work.asked.length} withdrawals, signer killed ${killedAtMs.length} times, ended ${JSON.stringify(audit.byState)}, indeterminate ${unknown.length}, ${seconds} s\n`,
    );
    expect(unknown.filter((id) => !killedWhileSigning(windows, id, killedAtMs))).toEqual([]);
    expect(unknown.length).toBeGreaterThan(0);
    // The proof is one: without a kill nobody would be believed, and of what is paid nobody says so.
    expect(unknown.filter((id) => killedWhileSigning(windows, id, []))).toEqual([]);
    const settled: string[] = [];
    for (const { id } of work.asked) if ((await rig.transfer(id)).state === 'settled') settled.push(id);
    expect(settled.filter((id) => killedWhileSigning(windows, id, killedAtMs))).toEqual([]);

    await rig.startSigner();
    work.resolvers();
    await work.finish();
    // To the unit now, with what was reserved for them given back.
    const after = await expectAllInOrder(rig, work.asked);
    expect(after.indeterminate).toEqual([]);
    expect(after.byState.void).toBeGreaterThan(0);
    expect(after.byState.settled).toBeGreaterThanOrEqual(settled.length);
  }, 480_000);
});
