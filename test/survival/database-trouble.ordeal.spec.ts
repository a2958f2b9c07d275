// The database is locked, silent or gone for ten seconds with withdrawals under way: callers are told so in time and with a
// code, nobody has to do anything, and in the end everything is paid once.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { problem } from '../../src/orchestrator/http/problem.js';
import { ETHER, Rig, type Wish } from '../e2e/rig.js';
import { type Answer, send } from '../orchestrator/api-client.js';
import { expectAllInOrder } from './audit.js';
import { TcpDoor } from './tcp-door.js';
import { Workload } from './workload.js';

const TROUBLE_MS = 10_000;
const ANSWER_MS = 2_000;
/** Nobody waits longer than this for an answer, whatever it is. */
const LONGEST_ANSWER_MS = 6_000;
const WITHDRAWALS = 16;

let rig: Rig | undefined;
let door: TcpDoor | undefined;

afterEach(async () => {
  await rig?.stop();
  await door?.stop();
  rig = undefined;
  door = undefined;
});

function wish(index: number): Wish {
  const kinds: readonly Wish[] = [
    { asset: 'BTC', amount: 150_000n + BigInt(index) },
    { asset: 'ETH', amount: ETHER / 100n + BigInt(index) },
  ];
  return kinds[index % kinds.length] ?? { asset: 'BTC', amount: 1_000n };
}

interface Heard {
  readonly status: number;
  readonly code: string;
  readonly reason: string;
  readonly tookMs: number;
}

interface AllHeard {
  readonly api: readonly Heard[];
  readonly ready: readonly number[];
}

/** What people hear who ask while it lasts: whether there is a transfer, for one to be made, and whether all is ready. */
async function askMeanwhile(current: Rig, work: Workload, id: string): Promise<AllHeard> {
  const api: Heard[] = [];
  const ready: number[] = [];
  const { exchange } = current.deployment;
  const until = performance.now() + TROUBLE_MS - 2_500;
  const heard = async (ask: () => Promise<Answer>) => {
    const begun = performance.now();
    const { status, body } = await ask();
    const tookMs = performance.now() - begun;
    const { facts } = problem.partial().parse(status < 400 ? {} : body);
    api.push({ status, code: String(body.code ?? ''), reason: String(facts?.reason ?? ''), tookMs });
  };
  while (performance.now() < until) {
    await Promise.all([
      heard(() => current.client(exchange).get(`/v1/transfers/${id}`)),
      heard(() => current.submit(work.tried({ asset: 'ETH', amount: ETHER / 1_000n }))),
      send(`${current.first().url}/readyz`).then(({ status }) => ready.push(status)),
    ]);
    await sleep(200);
  }
  return { api, ready };
}

/** Withdrawals under way, trouble for a while, and what comes of both. */
async function through(
  current: Rig,
  begin: () => Promise<void>,
  end: () => Promise<void>,
): Promise<AllHeard> {
  current.chains.startMining();
  const work = new Workload(current);
  const first = await work.take({ asset: 'BTC', amount: 140_000n });
  const taking = Promise.all(
    Array.from({ length: WITHDRAWALS }, async (_, index) => {
      await sleep(index * 40);
      await work.take(wish(index));
    }),
  );
  await sleep(350);
  await begin();
  const begun = performance.now();
  const heard = await askMeanwhile(current, work, first);
  await sleep(Math.max(0, TROUBLE_MS - (performance.now() - begun)));
  await end();
  await taking;
  await work.finish();
  const { byState } = await expectAllInOrder(current, work.asked);
  expect(byState).toEqual({ settled: work.asked.length });
  return heard;
}

function expectTold({ api }: AllHeard, codes: readonly string[], reasons: readonly string[]): void {
  const failed = api.filter(({ status }) => status >= 400);
  expect(failed.length).toBeGreaterThan(3);
  for (const { status, code, reason, tookMs } of failed) {
    expect({ status, code: codes.includes(code) ? 'known' : code }).toEqual({ status: 503, code: 'known' });
    if (code === 'unavailable') expect(reasons).toContain(reason);
    expect(tookMs).toBeLessThan(LONGEST_ANSWER_MS);
  }
}

describe('a SQLite database', () => {
  it(`that another program has locked for ${TROUBLE_MS / 1_000} s`, async () => {
    rig = await Rig.start({ programs: true, settings: { http: { answerTimeoutMs: ANSWER_MS } } });
    const other = new Database(rig.databaseUrl.slice('sqlite:'.length));
    const lock = async () => {
      other.exec('BEGIN IMMEDIATE');
    };
    const unlock = async () => {
      other.exec('ROLLBACK');
      other.close();
    };
    const heard = await through(rig, lock, unlock);
    expectTold(heard, ['unavailable', 'answer-timeout'], ['database-contended']);
    // It can still be read.
    expect(heard.ready).toContain(200);
  }, 120_000);
});

describe('a PostgreSQL database', () => {
  async function behindADoor(): Promise<readonly [Rig, TcpDoor]> {
    rig = await Rig.start({
      programs: true,
      database: 'postgres',
      settings: { http: { answerTimeoutMs: ANSWER_MS } },
      databaseThrough: async (url) => {
        const through = new URL(url);
        door = await TcpDoor.before(through.hostname, Number.parseInt(through.port, 10));
        through.port = `${door.port}`;
        return through.href;
      },
    });
    if (!door) throw new Error('there is no door');
    return [rig, door];
  }

  it(`that says nothing for ${TROUBLE_MS / 1_000} s`, async () => {
    const [current, between] = await behindADoor();
    const heard = await through(
      current,
      async () => between.hold(),
      async () => between.letGo(),
    );
    expectTold(heard, ['unavailable', 'answer-timeout'], ['database-unreachable', 'database-contended']);
    expect(heard.ready).toContain(503);
  }, 120_000);

  it(`that is gone for ${TROUBLE_MS / 1_000} s, with all connections cut`, async () => {
    const [current, between] = await behindADoor();
    const heard = await through(
      current,
      async () => between.slam(),
      async () => between.reopen(),
    );
    expectTold(heard, ['unavailable'], ['database-unreachable']);
    expect(heard.ready).toContain(503);
  }, 120_000);
});
