// Two orchestrators, programs of their own, on one PostgreSQL and with one signer: what comes to either of them is paid
// once, and their work never overlaps.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { expectBooksAgree, expectPaidOnce, type Wanted } from './books.js';
import { ETHER, eventually, Rig } from './rig.js';

const WITHDRAWALS = 60;
/** A deadlock is retried and does no harm, but is never the way things go. */
const MANY_DEADLOCKS = 3;

let rig: Rig;

beforeAll(async () => {
  rig = await Rig.start({ programs: true, orchestrators: 2, database: 'postgres' });
  rig.chains.startMining();
});
afterAll(() => rig?.stop());

describe('two orchestrators on one PostgreSQL with one signer', () => {
  it(`settle ${WITHDRAWALS} withdrawals on both chains exactly once, whichever of them was asked`, async () => {
    const wanted = await Promise.all(
      Array.from({ length: WITHDRAWALS }, async (_, index): Promise<Wanted> => {
        const asset = index % 2 === 0 ? 'BTC' : 'ETH';
        const amount = asset === 'BTC' ? 100_000n + BigInt(index) : ETHER / 200n + BigInt(index);
        const request = rig.request({ asset, amount, feeCeiling: asset === 'BTC' ? 5_000n : ETHER / 1000n });
        const orchestrator = rig.orchestrators[Math.random() < 0.5 ? 0 : 1];
        const id = await rig.taken(request, orchestrator);
        return { asset, amount, id, destination: request.statement.destination };
      }),
    );
    await expectPaidOnce(rig, wanted, 90_000);
    await expectBooksAgree(rig);
  }, 120_000);

  it('have done each step once: every transfer went from state to state without a break, by either of them', async () => {
    const client = new pg.Client({ connectionString: rig.databaseUrl });
    await client.connect();
    try {
      const { rows } = await client.query<Transition>(
        'SELECT transfer_id, version, from_state, to_state, moved_by FROM transitions ORDER BY transfer_id, version',
      );
      const workers = new Set<string>();
      for (const [index, row] of rows.entries()) {
        const before = rows[index - 1];
        const isFirst = before?.transfer_id !== row.transfer_id;
        expect(row.version).toBe(isFirst ? '1' : (BigInt(before.version) + 1n).toString());
        expect(row.from_state).toBe(isFirst ? null : before.to_state);
        if (row.from_state !== null) workers.add(row.moved_by);
      }
      expect(workers.size).toBe(2);
      const signed = rows.filter(({ to_state }) => to_state === 'signed');
      expect(new Set(signed.map(({ transfer_id }) => transfer_id)).size).toBe(signed.length);
      const paid = await client.query<{ count: string }>(
        `SELECT count(*) FROM transaction_transfers JOIN transactions USING (transaction_key) WHERE state = 'final'`,
      );
      expect(paid.rows).toEqual([{ count: `${WITHDRAWALS}` }]);
    } finally {
      await client.end();
    }
  });
});

describe('the two in one database', () => {
  it('keep one audit log, to which both add, with every record of either in it once', async () => {
    await eventually('all is in the log', async () => (await rig.auditCheck()).waiting === 0);
    const { entries, records, findings } = await rig.auditCheck();
    expect(findings).toEqual([]);
    expect(entries).toBeGreaterThan(10 * WITHDRAWALS);
    expect(records).toBe(entries);
  });

  it('take their locks in one order: waits that only the database can end, a second each, are rare', () => {
    const log = readFileSync(join(rig.folder, 'postgres.log'), 'utf8');
    expect(log.split('deadlock detected').length - 1).toBeLessThan(MANY_DEADLOCKS);
  });
});

describe('one of them is killed and never comes back', () => {
  it('the other goes on with what it had begun', async () => {
    const [first, second] = [rig.program(0), rig.program(1)];
    const submitting = Promise.all(
      Array.from({ length: 16 }, async (_, index): Promise<Wanted> => {
        const asset = index % 2 === 0 ? 'BTC' : 'ETH';
        const amount = asset === 'BTC' ? 150_000n : ETHER / 100n;
        const request = rig.request({ asset, amount });
        return {
          asset,
          amount,
          id: await rig.taken(request, first),
          destination: request.statement.destination,
        };
      }),
    );
    await sleep(400);
    await second.kill();
    await expectPaidOnce(rig, await submitting, 60_000);
    await expectBooksAgree(rig);
  }, 90_000);
});

interface Transition {
  readonly transfer_id: string;
  readonly version: string;
  readonly from_state: string | null;
  readonly to_state: string;
  readonly moved_by: string;
}
