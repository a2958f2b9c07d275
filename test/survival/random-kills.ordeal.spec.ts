// kill -9 at random moments: the signer, an orchestrator, or all at once, again and again while 200 withdrawals are made on
// both chains. The programs are those that are shipped; nothing looks into them.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ETHER, Rig, type Wish } from '../e2e/rig.js';
import { expectAllInOrder } from './audit.js';
import { Chance, SEED_VARIABLE } from './chance.js';
import { killedWhileSigning, signingWindows } from './signing-windows.js';
import { Workload } from './workload.js';

const WITHDRAWALS = 200;
const CUSTOMERS = 10;

type Victim = 'orchestrator' | 'signer' | 'both';

const DATABASES = [
  { database: 'sqlite', orchestrators: 1 },
  { database: 'postgres', orchestrators: 2 },
] as const;

describe.each(DATABASES)(
  '$orchestrators orchestrator(s) on $database and one signer',
  ({ database, orchestrators }) => {
    let rig: Rig;

    beforeAll(async () => {
      rig = await Rig.start({
        programs: true,
        database,
        orchestrators,
        auditLog: true,
        settings: { signerTimeoutMs: 3_000 },
      });
      rig.chains.startMining();
    }, 60_000);
    afterAll(() => rig?.stop());

    function wish(index: number): Wish {
      const kinds: readonly Wish[] = [
        { asset: 'BTC', amount: 100_000n + BigInt(index), feeCeiling: 5_000n },
        { asset: 'ETH', amount: ETHER / 500n + BigInt(index) },
        { asset: 'BTC', amount: 120_000n + BigInt(index), feeCeiling: 6_000n },
        { asset: 'USDX', amount: ETHER + BigInt(index) },
      ];
      return kinds[index % kinds.length] ?? { asset: 'BTC', amount: 100_000n };
    }

    it(`make ${WITHDRAWALS} withdrawals exactly once however often they are killed`, async () => {
      const chance = Chance.fromEnvironment();
      const work = new Workload(rig);
      const begun = performance.now();
      let next = 0;
      const customers = Array.from({ length: CUSTOMERS }, async () => {
        while (next < WITHDRAWALS) {
          const index = next++;
          await work.take(wish(index));
          await sleep(chance.between(300, 6_000));
        }
      });
      let taken = false;
      const all = Promise.all(customers).finally(() => {
        taken = true;
      });
      const counts = { orchestrator: 0, signer: 0, both: 0 };
      const signerKilledAtMs: number[] = [];
      const killSigner = async () => {
        signerKilledAtMs.push(Date.now());
        await rig.killSigner();
        await sleep(chance.between(0, 300));
        await rig.startSigner();
      };
      const killOrchestrator = async (index: number) => {
        await rig.program(index).kill();
        await sleep(chance.between(0, 300));
        await rig.program(index).start();
      };
      // Some kills more when all is taken: what was taken last is under way then.
      for (let after = 0; after < 5; after += taken ? 1 : 0) {
        await sleep(chance.between(50, 900));
        const victim = chance.of<Victim>(['orchestrator', 'signer', 'both']);
        const index = Math.floor(chance.fraction() * orchestrators);
        counts[victim] += 1;
        if (victim === 'signer') await killSigner();
        else if (victim === 'orchestrator') await killOrchestrator(index);
        else await Promise.all([killSigner(), ...rig.orchestrators.map((_, each) => killOrchestrator(each))]);
      }
      await all;
      await work.finish();
      const audit = await expectAllInOrder(rig, work.asked);
      const seconds = Math.round((performance.now() - begun) / 1_000);
      await rig.signerProcess().stop();
      const windows = signingWindows(rig.deployment.config().storePath);
      const wrongly = audit.indeterminate.filter(
        ({ transferId }) => !killedWhileSigning(windows, transferId, signerKilledAtMs),
      );
      process.stdout.write(
        `random kills on ${database}: ${SEED_VARIABLE}=${chance.seed}, ${work.asked.length} withdrawals, kills ${JSON.stringify(counts)}, ended ${JSON.stringify(audit.byState)}, indeterminate ${audit.indeterminate.length}, signatures that a kill cut off and that were asked for again or are open ${windows.filter(({ signed }) => !signed).length}, ${seconds} s\n`,
      );
      expect(wrongly).toEqual([]);
      expect(work.asked).toHaveLength(WITHDRAWALS);
      expect(audit.byState.settled).toBe(WITHDRAWALS - audit.indeterminate.length);
      expect(Math.min(...Object.values(counts))).toBeGreaterThan(0);
    }, 900_000);
  },
);
