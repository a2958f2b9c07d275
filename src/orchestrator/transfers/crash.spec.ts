// A process that dies at any point: before or after every commit, before or after every word with the signer and the
// chain. For each such point one program dies there, another begins on the same database, and every transfer is paid once.

import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Cast } from './cast.fixture.js';
import { Crash, certain, Fuse, type Life, Stage } from './stage.fixture.js';

const ETH = '000000000000000000';
const MAX_POINTS = 400;
const LEASE_MS = 60_000;

const cast = new Cast();
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-crash-'));
  const empty = await new Stage({ url: `sqlite:${join(folder, 'empty.db')}`, cast }).life('nobody');
  await empty.end();
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Plays a scenario with one death at point `at`; true when the program got that far. */
type Scenario = (stage: Stage, life: () => Life) => Promise<void>;

async function played(scenario: Scenario, at: number): Promise<{ stage: Stage; died: boolean; life: Life }> {
  // A copy of a migrated database: migrating is tested elsewhere, and slow.
  const file = join(folder, `${at}.db`);
  copyFileSync(join(folder, 'empty.db'), file);
  const stage = new Stage({ url: `sqlite:${file}`, cast });
  const fuse = new Fuse(at);
  let life = await stage.life('first', fuse);
  try {
    await scenario(stage, () => life);
  } catch (error) {
    if (!(error instanceof Crash) && !fuse.blown) throw error;
    await life.end();
    life = await stage.life('second');
    // The dead one's leases have to run out.
    stage.pass(LEASE_MS + 1);
    await scenario(stage, () => life);
  }
  return { stage, died: fuse.blown, life };
}

/** Dies at every point there is, one after another. */
async function atEveryPoint(
  scenario: Scenario,
  check: (stage: Stage, life: Life, at: number) => Promise<void>,
): Promise<number> {
  for (let at = 1; at < MAX_POINTS; at += 1) {
    const { stage, died, life } = await played(scenario, at);
    await check(stage, life, at);
    await life.end();
    if (!died) return at - 1;
  }
  throw new Error('the scenario does not end');
}

describe('a process that is killed at any point', () => {
  it('pays an approved Ethereum transfer and a Bitcoin batch exactly once', async () => {
    let requests: ReturnType<Cast['request']>[] = [];
    const scenario: Scenario = async (_stage, life) => {
      if (requests.length === 0) {
        requests = [cast.request(`2${ETH}`), cast.bitcoinRequest('5000'), cast.bitcoinRequest('6000')];
      }
      for (const request of requests) await life().submitted(request);
      await life().live(1);
      const items = certain(await life().transfers.list({ state: 'awaiting-approvals' })).items;
      for (const { transferId } of items) {
        const { statement } = certain(await life().approvals.statementFor(transferId));
        for (const officer of ['alice', 'bob'] as const) {
          const outcome = await life().approvals.submit(transferId, cast.verdict(officer, statement));
          if (outcome.kind === 'refused') expect(outcome.code).toBe('approver-duplicate');
        }
      }
      await life().live(6);
    };
    const points = await atEveryPoint(scenario, async (stage, life, at) => {
      const { items } = certain(await life.transfers.list({}));
      expect([at, items.map((item) => item.state)]).toEqual([at, ['settled', 'settled', 'settled']]);
      const payments = stage.chain.payments();
      expect([at, [...payments.values()]]).toEqual([at, [1, 1, 1]]);
      for (const { transferId } of items) {
        const { transitions } = await life.view(transferId);
        expect(transitions.map((one) => one.sequence)).toEqual(transitions.map((_, index) => index + 1));
        expect(new Set(transitions.map((one) => one.to)).size).toBe(transitions.length);
      }
      // Limits count each transfer once, whatever was repeated.
      const counted = await life.database.read((db) =>
        db.query("SELECT counter FROM limit_counters WHERE limit_id = 'everything/all-per-hour'"),
      );
      const buckets: [number, string][] = JSON.parse(counted[0].counter);
      expect([at, buckets.reduce((sum, [, amount]) => sum + BigInt(amount), 0n)]).toEqual([at, 3n]);
    });
    expect(points).toBeGreaterThan(100);
  }, 300_000);

  it('pays once when the signer refuses a plan, and when a fee is raised', async () => {
    let request: ReturnType<Cast['request']> | undefined;
    const scenario: Scenario = async (stage, life) => {
      request ??= cast.request(`1${ETH}`);
      if (stage.signer.orders.length === 0) {
        stage.signer.script.push(() => ({ kind: 'refused', code: 'fee-above-absolute-cap', facts: {} }));
      }
      await life().submitted(request);
      await life().work();
      stage.pass(4 * 60_000);
      await life().work();
      stage.pass(5_000);
      await life().work();
      await life().live(6);
    };
    const points = await atEveryPoint(scenario, async (stage, life, at) => {
      const { items } = certain(await life.transfers.list({}));
      expect([at, items.map((item) => item.state)]).toEqual([at, ['settled']]);
      expect([at, [...stage.chain.payments().values()]]).toEqual([at, [1]]);
      const numbers = [...stage.signer.signed.values()].map((one) => one.number);
      expect([at, new Set(numbers)]).toEqual([at, new Set([0])]);
    });
    expect(points).toBeGreaterThan(40);
  }, 300_000);
});
