// Transfers on both databases, with many workers at once: nothing is done twice, no limit is exceeded, and the same request
// posted by many at the same moment is one transfer. Signer and chain are scripted; the databases are real.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type PostgresDevnet, startPostgres } from '../../devnet/postgres.js';
import type { Database } from '../../src/orchestrator/database/database.js';
import { Cast } from '../../src/orchestrator/transfers/cast.fixture.js';
import { certain, Fuse, Life, Stage } from '../../src/orchestrator/transfers/stage.fixture.js';

const ETH = '000000000000000000';
const HOURLY_LIMIT = 60;

const folder = mkdtempSync(join(tmpdir(), 'portcullis-transfers-'));
let server: PostgresDevnet;

beforeAll(async () => {
  server = await startPostgres({ logFile: join(folder, 'postgres.log') });
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

describe.each(['sqlite', 'postgres'] as const)('transfers on %s', (dialect) => {
  let stage: Stage;
  let databases: Database[];
  let lives: [Life, Life];
  let files = 0;

  beforeEach(async () => {
    files += 1;
    const url =
      dialect === 'postgres' ? await server.createDatabase() : `sqlite:${join(folder, `${files}.db`)}`;
    stage = new Stage({ url, cast: new Cast() });
    // Two programs at once on PostgreSQL, migrating at once too; two sets of workers in one program on SQLite.
    databases = await Promise.all(dialect === 'postgres' ? [stage.open(), stage.open()] : [stage.open()]);
    const [first, second = first] = databases;
    if (!first || !second) throw new Error('no database');
    lives = [
      await Life.begin(stage, first, 'one', new Fuse(0)),
      await Life.begin(stage, second, 'two', new Fuse(0)),
    ];
  });

  afterEach(async () => {
    for (const database of databases) await database.close();
  });

  /** Both programs, four workers each, until nothing is due. */
  async function workTogether(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(lives.flatMap((life) => Array.from({ length: 4 }, () => life.work())));
      stage.chain.mine();
      stage.pass(5_000);
    }
  }

  function failureCodes(): string[] {
    return lives.flatMap((life) => life.failures.map((failure) => failure.code));
  }

  it('keeps what was written from being changed: transitions, approvals, links and the governance mirror', async () => {
    const [life] = lives;
    const { transferId } = await life.submitted(stage.cast.request(`2${ETH}`));
    await life.work();
    const { statement } = certain(await life.approvals.statementFor(transferId));
    await life.approved(transferId, stage.cast.verdict('alice', statement));
    for (const table of ['transitions', 'approvals', 'governance_entries']) {
      for (const statement of [
        `DELETE FROM ${table}`,
        `UPDATE ${table} SET ${table === 'governance_entries' ? 'hash' : 'transfer_id'} = 'x'`,
      ]) {
        const tampering = life.database.transaction((db) => db.query(statement));
        await expect(tampering).rejects.toThrow(/append-only/);
      }
    }
  });

  it('takes a transfer from request over approvals to settled, read back as it was written', async () => {
    const [one, two] = lives;
    const { transferId } = await one.submitted(stage.cast.request(`2${ETH}`));
    await workTogether(1);
    const { statement } = certain(await two.approvals.statementFor(transferId));
    await Promise.all([
      one.approved(transferId, stage.cast.verdict('alice', statement)),
      two.approved(transferId, stage.cast.verdict('bob', statement)),
    ]);
    await workTogether(5);
    const view = await two.view(transferId);
    expect(view.state).toBe('settled');
    expect(view).toEqual(await one.view(transferId));
    expect(view.approvals.given).toHaveLength(2);
    expect(view.transactions[0]).toMatchObject({ maxFee: '10', feePaid: '10', certified: true });
    expect(failureCodes()).toEqual([]);
  });

  it('makes one transfer of 50 identical requests posted at once', async () => {
    const request = stage.cast.request('1');
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, index) => lives[index % 2 === 0 ? 0 : 1].submitted(request)),
    );
    expect(new Set(outcomes.map((view) => view.transferId)).size).toBe(1);
    expect(outcomes.every((view) => view.transitions.length === 1)).toBe(true);
    await workTogether(5);
    expect([...stage.chain.payments().values()]).toEqual([1]);
  });

  it('takes one of 20 different requests under one id, and refuses the others with request-id-used', async () => {
    const { statement } = stage.cast.request('1');
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        lives[index % 2 === 0 ? 0 : 1].transfers.submit(
          stage.cast.signed({ ...statement, amount: `${index + 1}` }),
        ),
      ),
    );
    const codes = outcomes.map((outcome) => (outcome.kind === 'refused' ? outcome.code : 'accepted'));
    expect(codes.filter((code) => code === 'accepted')).toHaveLength(1);
    expect(codes.filter((code) => code === 'request-id-used')).toHaveLength(19);
  });

  it('takes one verdict of an officer who sends it 10 times at once', async () => {
    const [life] = lives;
    const { transferId } = await life.submitted(stage.cast.request(`2${ETH}`));
    await life.work();
    const { statement } = certain(await life.approvals.statementFor(transferId));
    const approval = stage.cast.verdict('alice', statement);
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        lives[index % 2 === 0 ? 0 : 1].approvals.submit(transferId, approval),
      ),
    );
    expect(outcomes.filter((outcome) => outcome.kind === 'accepted')).toHaveLength(1);
    expect(
      outcomes.filter((one) => one.kind === 'refused' && one.code === 'approver-duplicate'),
    ).toHaveLength(9);
    expect((await life.view(transferId)).approvals.missing).toEqual([{ group: 'treasury', quorum: 1 }]);
  });

  it('runs no step twice with two sets of workers on 30 transfers of two wallets', async () => {
    for (let count = 0; count < 15; count += 1) {
      await lives[0].submitted(stage.cast.request('1'));
      await lives[1].submitted(stage.cast.bitcoinRequest('1000'));
    }
    await workTogether(12);
    const items = certain(await lives[0].transfers.list({ limit: 200 })).items;
    expect(items.map((item) => item.state)).toEqual(items.map(() => 'settled'));
    const asked = stage.signer.orders.map((order) => JSON.stringify(order.transaction));
    expect(new Set(asked).size).toBe(asked.length);
    expect([...stage.chain.payments().values()].every((count) => count === 1)).toBe(true);
    expect(stage.chain.payments().size).toBe(30);
    for (const { transferId } of items) {
      const { transitions } = await lives[1].view(transferId);
      expect(new Set(transitions.map((one) => one.to)).size).toBe(transitions.length);
    }
    expect(failureCodes()).toEqual([]);
  });

  it.each([
    ['of the last hour', 'window: 1h'],
    ['of a calendar day', 'calendar: day, zone: UTC'],
  ])('never exceeds a limit %s that two wallets share, and reaches it exactly', async (_what, window) => {
    stage.cast.amend(stage.cast.policiesWith('window: 1h', window));
    await Promise.all(lives.map((life) => life.governance.refresh()));
    const submissions: Promise<unknown>[] = [];
    for (let count = 0; count < HOURLY_LIMIT - 10; count += 1) {
      submissions.push(lives[0].submitted(stage.cast.bitcoinRequest('1000', { customer: `c-${count}` })));
    }
    for (let count = 0; count < 20; count += 1) submissions.push(lives[1].submitted(stage.cast.request('1')));
    await Promise.all(submissions);
    await workTogether(10);
    const items = certain(await lives[0].transfers.list({ limit: 200 })).items;
    const counts = Object.groupBy(items, (item) => `${item.state}: ${item.reason.code}`);
    expect(Object.entries(counts).map(([what, of]) => [what, of?.length])).toEqual(
      expect.arrayContaining([
        ['settled: final', HOURLY_LIMIT],
        ['refused: limit-exceeded', 10],
      ]),
    );
    expect(stage.chain.payments().size).toBe(HOURLY_LIMIT);
    expect(failureCodes()).toEqual([]);
  });

  it('lets no step of a worker that lost its lease take effect', async () => {
    const { transferId } = await lives[0].submitted(stage.cast.request('1'));
    while ((await lives[0].view(transferId)).state !== 'built') await lives[0].step();
    await lives[0].step();
    const { promise: asked, resolve: nowAsked } = Promise.withResolvers<void>();
    const { promise: goOn, resolve: answer } = Promise.withResolvers<void>();
    const { signer } = lives[0].pipeline;
    const slow = new Promise<void>((resolve) => {
      const original = signer.sign.bind(signer);
      signer.sign = async (order) => {
        nowAsked();
        await goOn;
        resolve();
        return original(order);
      };
    });
    const late = lives[0].step();
    await asked;
    stage.pass(61_000);
    // Another worker takes the step over, has it signed and goes on to the end.
    await lives[1].live(6);
    answer();
    await Promise.all([late, slow]);
    const view = await lives[1].view(transferId);
    expect(view.state).toBe('settled');
    expect(view.transitions.filter((one) => one.to === 'signed')).toHaveLength(1);
    expect([...stage.chain.payments().values()]).toEqual([1]);
  });
});
