// What a simulation answers is what a real transfer then gets: asked for the same, of the same code, on both databases. And it
// leaves every row of every table as it was.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { type PostgresDevnet, startPostgres } from '../../devnet/postgres.js';
import type { Change } from '../../src/core/governance/entry.js';
import type { RequestStatement } from '../../src/core/statements/request.js';
import { rows } from '../../src/orchestrator/database/sql.js';
import { simulationBody, simulationView } from '../../src/orchestrator/simulations/simulation.dto.js';
import { Simulations } from '../../src/orchestrator/simulations/simulation.service.js';
import { Cast, START_MS } from '../../src/orchestrator/transfers/cast.fixture.js';
import { certain, type Life, Stage } from '../../src/orchestrator/transfers/stage.fixture.js';

const ETH = '000000000000000000';
const HOUR_MS = 3_600_000;

const folder = mkdtempSync(join(tmpdir(), 'portcullis-simulations-'));
let server: PostgresDevnet;

beforeAll(async () => {
  server = await startPostgres({ logFile: join(folder, 'postgres.log') });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

/** What a statement says, without what makes it a request. */
function contentOf({
  type: _t,
  deploymentId: _d,
  requestId: _r,
  createdAtMs: _c,
  expiresAtMs: _e,
  ...content
}: RequestStatement) {
  return simulationBody.parse(content);
}

describe.each(['sqlite', 'postgres'] as const)('a simulation on %s', (dialect) => {
  let stage: Stage;
  let life: Life;
  let simulations: Simulations;
  let files = 0;

  beforeEach(async () => {
    files += 1;
    const url =
      dialect === 'sqlite' ? `sqlite:${join(folder, `${files}.db`)}` : await server.createDatabase();
    stage = new Stage({ url, cast: new Cast() });
    life = await stage.life('one');
    simulations = new Simulations(life.pipeline);
  });
  afterEach(() => life.end());

  async function governed(...changes: readonly Change[]): Promise<void> {
    for (const change of changes) stage.cast.amend(change);
    await life.governance.refresh();
  }

  async function simulated(request: { readonly statement: RequestStatement }) {
    return simulationView.parse(certain(await simulations.run(contentOf(request.statement))));
  }

  /** Simulates, then asks for the same, and compares all that both say. */
  async function compared(request: ReturnType<Cast['request']>) {
    const said = await simulated(request);
    const { transferId } = await life.submitted(request);
    await life.work();
    const real = await life.view(transferId);
    const decided = real.transitions.find(({ to }) => to === 'decided');
    if (said.decision === 'refuse') {
      const waits = said.code === 'fact-missing' || said.code === 'facts-disagree';
      if (waits) expect(real.waitingFor).toBe(said.code);
      else expect(real).toMatchObject({ state: 'refused', reason: { code: said.code, facts: said.facts } });
      expect(decided).toBeUndefined();
    } else {
      expect(decided?.reason.facts).toEqual({ rule: said.rule, policyHash: said.policyHash });
      expect(real.rule).toBe(said.rule);
      expect(real.policyHash).toBe(said.policyHash);
      expect(real.approvals.required).toEqual(said.requirements);
      expect(real.limits).toEqual(
        said.limits.map(({ limitId, key, windowMs, amount, usedBefore, usedAfter, max }) => ({
          limitId,
          key,
          windowMs,
          amount,
          usedBefore,
          usedAfter,
          max,
        })),
      );
    }
    return { said, real };
  }

  /** Every row of every table, as text. */
  function everything(): Promise<Record<string, string>> {
    return life.database.read(async (db) => {
      const names = await rows(
        db,
        z.object({ name: z.string() }),
        dialect === 'sqlite'
          ? "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
          : 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY table_name',
        [],
      );
      const all: Record<string, string> = {};
      for (const { name } of names) {
        const found = await rows(db, z.looseObject({}), `SELECT * FROM ${name}`, []);
        all[name] = JSON.stringify(found.map((row) => JSON.stringify(row)).toSorted());
      }
      return all;
    });
  }

  it('of what is allowed says rule, limits and what was passed over, as the transfer gets it', async () => {
    const { said, real } = await compared(stage.cast.request(`1${ETH}`));
    expect(said).toMatchObject({
      decision: 'allow',
      rule: 'hot-ethereum/small',
      draft: false,
      frozen: null,
      wanted: [],
      holdMs: 0,
      excluded: ['exchange', 'carol'],
      limits: [
        {
          limitId: 'hot-ethereum/day',
          takes: '1.001 ETH',
          used: '0 ETH',
          wouldBe: '1.001 ETH',
          atMost: '10 ETH',
        },
        { limitId: 'everything/all-per-hour', takes: '1 transfer', used: '0 transfers' },
      ],
      passedOver: [],
    });
    expect(real.state).not.toBe('refused');
  });

  it('of what officers approve says whose approvals it needs', async () => {
    const { said, real } = await compared(stage.cast.request(`3${ETH}`));
    expect(said).toMatchObject({
      decision: 'approve',
      rule: 'hot-ethereum/middle',
      requirements: [{ group: 'treasury', quorum: 2 }],
      passedOver: [{ rule: 'hot-ethereum/small', unmet: 'amount-at-most: 1 ETH' }],
    });
    expect(real.state).toBe('awaiting-approvals');
  });

  it('counts what was paid, and says which limit is full and by what', async () => {
    await compared(stage.cast.bitcoinRequest('90000000'));
    await compared(stage.cast.bitcoinRequest('90000000'));
    await life.live(3);
    const { said } = await compared(stage.cast.bitcoinRequest('19850001'));
    expect(said).toMatchObject({
      decision: 'refuse',
      code: 'limit-exceeded',
      rule: 'hot-bitcoin/any',
      facts: { limit: 'hot-bitcoin/day', used: '180100000', asked: '19900001', max: '200000000' },
    });
    expect(said.limits[0]).toMatchObject({
      used: '1.801 BTC',
      wouldBe: '2.00000001 BTC',
      atMost: '2 BTC',
    });
    // To the last satoshi.
    expect((await compared(stage.cast.bitcoinRequest('19850000'))).said.decision).toBe('allow');
    stage.pass(26 * HOUR_MS);
    expect((await simulated(stage.cast.bitcoinRequest('90000000'))).limits[0]?.used).toBe('0 BTC');
  });

  it.each([
    ['policy-refused', 'hot-ethereum/large', (cast: Cast) => cast.request(`6${ETH}`)],
    ['policy-no-match', null, (cast: Cast) => cast.bitcoinRequest('100000001')],
  ])('of what is refused says why (%s)', async (code, rule, make) => {
    const { said } = await compared(make(stage.cast));
    expect(said).toMatchObject({ decision: 'refuse', code, rule, limits: [] });
  });

  it('says what is frozen, beside what would be decided', async () => {
    await governed({
      kind: 'frozen',
      scope: { kind: 'wallet', walletId: 'hot-eth' },
      why: 'a laptop is missing',
    });
    const { said, real } = await compared(stage.cast.request(`1${ETH}`));
    expect(said).toMatchObject({
      decision: 'allow',
      frozen: { scope: { kind: 'wallet', walletId: 'hot-eth' }, why: 'a laptop is missing', sequence: 1 },
    });
    expect(real).toMatchObject({ state: 'approved', waitingFor: 'wallet-frozen' });
    expect((await simulated(stage.cast.bitcoinRequest('1000'))).frozen).toBeNull();
    await governed({ kind: 'frozen', scope: { kind: 'everything' }, why: 'all of it' });
    expect((await simulated(stage.cast.bitcoinRequest('1000'))).frozen?.scope).toEqual({
      kind: 'everything',
    });
  });

  it('says which fact is missing', async () => {
    await governed(stage.cast.policiesWith('amount-at-most: "1 ETH"', 'amount-at-most: "1000 USD"'));
    const { said } = await compared(stage.cast.request(`6${ETH}`));
    expect(said.decision).toBe('refuse');
    const small = await simulated(stage.cast.request(`1${ETH}`));
    expect(small.passedOver[0]?.unmet).toContain('not known: price/eip155:31337/native/USD');
    expect(small.wanted).toEqual([{ subject: 'price/eip155:31337/native/USD', said: [] }]);
    await governed(
      stage.cast.policiesWith(
        'asset: ETH, window: 24h, max: "10 ETH"',
        'currency: USD, window: 24h, max: "1000 USD"',
      ),
    );
    const { said: limited } = await compared(stage.cast.request(`1${ETH}`));
    expect(limited).toMatchObject({
      code: 'fact-missing',
      facts: { limit: 'hot-ethereum/day', fact: 'price/eip155:31337/native/USD' },
    });
  });

  it('knows whom a wallet has paid, and how long the rule holds a payment to somebody new', async () => {
    await governed(
      stage.cast.policiesWith(
        '  - id: any',
        '  - id: new\n    when: { asset: BTC, amount-at-most: "1 BTC", first-use: yes }\n    then: { hold: 2h, then: allow }\n  - id: any',
      ),
    );
    const first = await compared(stage.cast.bitcoinRequest('1000'));
    expect(first.said).toMatchObject({ rule: 'hot-bitcoin/new', holdMs: 2 * HOUR_MS });
    const second = await compared(
      stage.cast.bitcoinRequest('1000', { destination: 'bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202' }),
    );
    expect(second.said.rule).toBe('hot-bitcoin/new');
  });

  it.each<[string, (cast: Cast) => Partial<RequestStatement>]>([
    ['wallet-unknown', () => ({ wallet: 'cold-eth' })],
    ['chain-mismatch', () => ({ chain: 'eip155:1' })],
    ['asset-not-registered', () => ({ asset: { kind: 'native', symbol: 'BTC', decimals: 8 } })],
    ['asset-not-registered', () => ({ asset: { kind: 'native', symbol: 'ETH', decimals: 17 } })],
    ['request-key-unknown', () => ({ keyId: 'nobody' })],
    ['kind-contradicted', () => ({ kind: 'sweep' })],
    ['kind-contradicted', () => ({ kind: 'safu-payout' })],
    ['requester-not-owner', () => ({ requester: 'spare-desk' })],
    ['destination-invalid', () => ({ destination: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080' })],
    ['destination-invalid', () => ({ destination: '0x70997970C51812dc3A010C7d01b50e0d17dc79c8' })],
  ])('refuses what the door would refuse, as the door does (%s)', async (code, changes) => {
    const request = stage.cast.request(`1${ETH}`, changes(stage.cast));
    const said = await simulations.run(contentOf(request.statement));
    const real = await life.transfers.submit(request);
    if (said.kind !== 'refused' || real.kind !== 'refused') throw new Error('one of them was not refused');
    expect([said.code, real.code]).toEqual([code, code]);
    const { transferId: _one, ...facts } = real.facts;
    expect(said.facts).toEqual(code === 'destination-invalid' ? said.facts : facts);
  });

  it('by a draft counts with the counters as they are, and says that it is one', async () => {
    await compared(stage.cast.bitcoinRequest('90000000'));
    await life.live(2);
    const change = stage.cast.policiesWith('max: "2 BTC"', 'max: "1 BTC"');
    if (change.kind !== 'policies-set') throw new Error('not policies');
    const content = contentOf(stage.cast.bitcoinRequest('20000000').statement);
    const said = certain(await simulations.run({ ...content, policies: change.policies }));
    expect(said).toMatchObject({
      draft: true,
      code: 'limit-exceeded',
      facts: { used: '90050000', max: '100000000' },
    });
    expect(said.policyHash).not.toBe(life.governance.state().policyHash);
    expect(certain(await simulations.run(content))).toMatchObject({ draft: false, decision: 'allow' });
    const genesis = stage.cast.entries[0]?.body.change;
    if (genesis?.kind !== 'genesis') throw new Error('no genesis');
    expect(certain(await simulations.run({ ...content, policies: genesis.policies })).draft).toBe(false);
    const bad = { name: 'hot-bitcoin', lines: ['policy: hot-bitcoin', 'applies-to: { wallets: [nowhere] }'] };
    expect(await simulations.run({ ...content, policies: [bad] })).toMatchObject({
      kind: 'refused',
      code: 'policy-malformed',
      facts: { document: 'hot-bitcoin' },
    });
  });

  it('asked a hundred times changes no row of any table', async () => {
    await compared(stage.cast.request(`1${ETH}`));
    await compared(stage.cast.request(`3${ETH}`));
    await compared(stage.cast.bitcoinRequest('90000000'));
    await life.live(2);
    const before = await everything();
    expect(Object.keys(before)).toEqual(
      expect.arrayContaining(['limit_counters', 'limit_charges', 'transfers']),
    );
    expect(before.limit_counters).not.toBe('[]');
    const asked = [`1${ETH}`, `3${ETH}`, `6${ETH}`, '1'].map((amount) => stage.cast.request(amount));
    const answers = await Promise.all(
      Array.from({ length: 25 }, () => asked)
        .flat()
        .map((request) => simulated(request)),
    );
    expect(answers).toHaveLength(100);
    expect(new Set(answers.map(({ limits }) => JSON.stringify(limits))).size).toBeLessThanOrEqual(4);
    expect(await everything()).toEqual(before);
  });

  it('never says another thing than what then happens, in whatever order things are asked for', async () => {
    let seed = START_MS % 65_521;
    const next = (below: number) => {
      seed = (seed * 75 + 74) % 65_537;
      return seed % below;
    };
    const seen = new Set<string>();
    for (let round = 0; round < 30; round += 1) {
      const request =
        next(2) === 0
          ? stage.cast.request(`${next(7) + 1}${ETH}`, { customer: `customer-${next(2)}` })
          : stage.cast.bitcoinRequest(`${(next(12) + 1) * 10_000_000}`);
      const { said } = await compared(request);
      seen.add(said.code ?? said.decision);
      if (next(4) === 0) await life.live(1, HOUR_MS);
    }
    expect([...seen].toSorted()).toEqual([
      'allow',
      'approve',
      'limit-exceeded',
      'policy-no-match',
      'policy-refused',
    ]);
  });
});
