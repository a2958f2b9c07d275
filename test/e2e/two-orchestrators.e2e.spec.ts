// Two orchestrators, programs of their own, on one PostgreSQL and with one signer: what comes to either of them is paid
// once, and their work never overlaps.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { ETHER, Rig } from './rig.js';

const WITHDRAWALS = 60;

let rig: Rig;

beforeAll(async () => {
  rig = await Rig.start({ programs: true, orchestrators: 2, database: 'postgres' });
  rig.chains.startMining();
});
afterAll(() => rig?.stop());

describe('two orchestrators on one PostgreSQL with one signer', () => {
  it(`settle ${WITHDRAWALS} withdrawals on both chains exactly once, whichever of them was asked`, async () => {
    const wanted = await Promise.all(
      Array.from({ length: WITHDRAWALS }, async (_, index) => {
        const asset = index % 2 === 0 ? 'BTC' : 'ETH';
        const amount = asset === 'BTC' ? 100_000n + BigInt(index) : ETHER / 200n + BigInt(index);
        const request = rig.request({ asset, amount, feeCeiling: asset === 'BTC' ? 5_000n : ETHER / 1000n });
        const orchestrator = rig.orchestrators[Math.random() < 0.5 ? 0 : 1];
        const id = await rig.taken(request, orchestrator);
        return { asset, amount, id, destination: request.statement.destination };
      }),
    );
    await rig.settled(
      wanted.map(({ id }) => id),
      60_000,
    );
    for (const { asset, amount, destination } of wanted) {
      if (asset === 'ETH') expect(await rig.chains.ethereum.balance(destination)).toBe(amount);
      else {
        const outputs = await rig.chains.bitcoinOutputs(destination);
        expect(outputs.map(({ sats }) => sats)).toEqual([amount]);
      }
    }
    const payments = await rig.chains.ethereumPayments(rig.ethereumAddress);
    expect(payments.map(({ nonce }) => nonce)).toEqual(Array.from({ length: WITHDRAWALS / 2 }, (_, i) => i));
    for (const [wallet, symbol] of [
      ['hot-btc', 'BTC'],
      ['hot-eth', 'ETH'],
    ] as const) {
      expect((await rig.balances(wallet)).get(symbol)).toMatchObject({ pending: 0n, reserved: 0n });
    }
  });

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

interface Transition {
  readonly transfer_id: string;
  readonly version: string;
  readonly from_state: string | null;
  readonly to_state: string;
  readonly moved_by: string;
}
