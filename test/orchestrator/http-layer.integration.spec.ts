// The HTTP layer by itself, on SQLite and on PostgreSQL, under endpoints that were made to go wrong: crashes between
// effect and answer, faults, slow handlers, slow clients, floods, and stops. Governance is a fixed state here.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Module } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR } from '@nestjs/core';
import { z } from 'zod';
import { makeBackend } from '../../devnet/deployment.js';
import { type PostgresDevnet, startPostgres } from '../../devnet/postgres.js';
import { accepted, Fault, type Outcome, refused } from '../../src/core/fault.js';
import { AuditCallRow } from '../../src/orchestrator/audit/audit.entity.js';
import { CallRecorder } from '../../src/orchestrator/audit/call-recorder.js';
import { configurationModule } from '../../src/orchestrator/config/config.module.js';
import { configuration as configurationSchema } from '../../src/orchestrator/config/settings.js';
import { Database } from '../../src/orchestrator/database/database.js';
import { DatabaseModule } from '../../src/orchestrator/database/database.module.js';
import { rows, run, sqlInteger } from '../../src/orchestrator/database/sql.js';
import { GovernanceService } from '../../src/orchestrator/governance/governance.service.js';
import { CallInterceptor } from '../../src/orchestrator/http/call.interceptor.js';
import type { KeyedEffect } from '../../src/orchestrator/http/call.js';
import { Effect, endpoint, Input, type InputOf, Serves } from '../../src/orchestrator/http/endpoint.js';
import { ProblemFilter } from '../../src/orchestrator/http/problem.filter.js';
import { problem } from '../../src/orchestrator/http/problem.js';
import { type Served, serve } from '../../src/orchestrator/http/serve.js';
import { Shutdown } from '../../src/orchestrator/http/shutdown.js';
import { BoundKey } from '../../src/orchestrator/idempotency/idempotency.entity.js';
import { IdempotencyStore } from '../../src/orchestrator/idempotency/idempotency.store.js';
import { Authenticator } from '../../src/orchestrator/identity/authenticator.js';
import { Authorities } from '../../src/orchestrator/identity/authorities.js';
import { HttpNonce } from '../../src/orchestrator/identity/nonce.entity.js';
import { NonceStore } from '../../src/orchestrator/identity/nonce.store.js';
import { Log } from '../../src/orchestrator/logging/log.js';
import { platformModule } from '../../src/orchestrator/platform.module.js';
import { systemRandomness } from '../../src/platform/system-randomness.js';
import { type Answer, ApiClient, rawCall, send } from './api-client.js';

const SECRET = 'hunter2-in-an-error';
const backend = makeBackend('desk', ['exchange']);
const key = { keyId: 'desk', algorithm: 'ed25519', publicKey: backend.publicKey, owners: ['exchange'] };
const governance = { state: () => ({ requestKeys: new Map([['desk', key]]), persons: new Map() }) };

/** How the next effects of the endpoint under test go wrong, by the id in their body. */
const behaviour = new Map<string, 'crash-before' | 'crash-after' | 'refuse'>();

const common = {
  tag: 'Status',
  summary: '',
  description: '',
  refusals: [],
  answer: { is: 'ok', description: '', schema: z.object({ done: z.int() }), example: { done: 1 } },
} as const;
const act = endpoint({
  ...common,
  operation: 'act',
  method: 'POST',
  path: '/act',
  access: 'backend',
  idempotencyKey: 'optional',
  body: { schema: z.strictObject({ id: z.string() }), example: { id: 'x' } },
});
const go = (name: string) =>
  endpoint({ ...common, operation: name, method: 'GET', path: `/${name}`, access: 'open' });
const breaks = go('breaks');
const sleeps = go('sleeps');
const waits = go('waits');
const overloaded = go('overloaded');
const wrong = go('wrong');
let waiting: { resolve: () => void; promise: Promise<void> } | undefined;

@Controller()
class Trouble {
  constructor(private readonly database: Database) {}

  /** An effect that is not idempotent by itself: it counts. */
  @Serves(act)
  async act(
    @Input() { body }: InputOf<typeof act>,
    @Effect() effect: KeyedEffect,
  ): Promise<Outcome<{ done: number }, 'request-id-used'>> {
    const how = behaviour.get(body.id);
    behaviour.delete(body.id);
    if (how === 'refuse') return refused('request-id-used');
    if (!effect.alreadyDone) {
      await this.database.transaction(async (db) => {
        await run(db, 'INSERT INTO http_nonces (signer, nonce, expires_at_ms) VALUES (?, ?, 0)', [
          `effect/${body.id}`,
          randomBytes(8).toString('hex'),
        ]);
        if (how === 'crash-before') throw new Error('killed before the commit');
        await effect.alongside?.(db);
      });
    }
    if (how === 'crash-after') throw new Error('killed between effect and answer');
    return accepted({ done: await effects(this.database, body.id) });
  }

  @Serves(breaks)
  breaks(): Outcome<{ done: number }> {
    throw new Error(`cannot open postgres://u:${SECRET}@127.0.0.1/d`);
  }

  @Serves(overloaded)
  overloaded(): Outcome<{ done: number }> {
    throw new Fault('database-overloaded', 'too many', { facts: { waiting: 1 } });
  }

  @Serves(wrong)
  wrong(): { done: number } {
    return { done: 1 };
  }

  @Serves(sleeps)
  async sleeps(): Promise<Outcome<{ done: number }>> {
    await sleep(2_000);
    return accepted({ done: 1 });
  }

  @Serves(waits)
  async waits(): Promise<Outcome<{ done: number }>> {
    await waiting?.promise;
    return accepted({ done: 1 });
  }
}

async function effects(database: Database, id: string): Promise<number> {
  const [row] = await database.read((db) =>
    rows(db, z.object({ count: sqlInteger }), 'SELECT COUNT(*) AS count FROM http_nonces WHERE signer = ?', [
      `effect/${id}`,
    ]),
  );
  return row?.count ?? 0;
}

@Module({})
class Root {}

const folder = mkdtempSync(join(tmpdir(), 'portcullis-http-layer-'));
const running: Served[] = [];
let logs = '';
let nowMs = 1_800_000_000_000;
const clock = { nowMs: () => nowMs };
let postgres: PostgresDevnet;

beforeAll(async () => {
  postgres = await startPostgres({ logFile: join(folder, 'postgres.log') });
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((served) => served.stop()));
});
afterAll(async () => {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(url: string, http: object = {}): Promise<{ served: Served; client: ApiClient }> {
  const configuration = configurationSchema.parse({
    deploymentId: '0'.repeat(64),
    http: { port: 0, ...http },
    database: { url },
    signer: { socket: '/nonexistent' },
  });
  const log = Log.to(
    { level: 'info' },
    {
      write: (line: string) => {
        logs += line;
      },
    },
  );
  const root = {
    module: Root,
    imports: [
      platformModule({ clock, randomness: systemRandomness, log }),
      configurationModule(configuration),
      DatabaseModule.forRoot({ url, entities: [HttpNonce, BoundKey, AuditCallRow], clock }),
    ],
    controllers: [Trouble],
    providers: [
      { provide: GovernanceService, useValue: governance },
      { provide: Authorities, useValue: new Authorities(configuration.http) },
      { provide: APP_INTERCEPTOR, useClass: CallInterceptor },
      { provide: APP_FILTER, useClass: ProblemFilter },
      Authenticator,
      NonceStore,
      IdempotencyStore,
      CallRecorder,
      Shutdown,
    ],
  };
  const served = await serve(root, configuration, log);
  running.push(served);
  return { served, client: new ApiClient(served.url, backend, clock.nowMs) };
}

function sqlite(): string {
  return `sqlite:${join(folder, `${randomBytes(6).toString('hex')}.db`)}`;
}

function expectProblem(answer: Answer, status: number, code: string): void {
  expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
  problem.parse(answer.body);
}

describe.each([
  ['SQLite', async () => sqlite()],
  ['PostgreSQL', () => postgres.createDatabase()],
])('on %s', (_name, makeDatabase) => {
  it('refuses a nonce that another orchestrator on the same database has seen, and after a restart', async () => {
    const url = await makeDatabase();
    const http = { authorities: ['api.example'] };
    const first = await start(url, http);
    const second = await start(url, http);
    const path = '/act';
    // One signed request, sent to both: the two share their name.
    const signer = new ApiClient('http://api.example', backend, clock.nowMs);
    const body = { id: 'replayed' };
    const headers = await signer.signed('POST', path, { body });
    const sendTo = (served: Served) =>
      rawCall(
        served.url,
        path,
        { ...headers, host: 'api.example' },
        { method: 'POST', body: JSON.stringify(body) },
      );
    expect((await sendTo(first.served)).status).toBe(200);
    expectProblem(await sendTo(second.served), 401, 'signature-replayed');
    await Promise.all(running.splice(0).map((served) => served.stop()));
    expectProblem(await sendTo((await start(url, http)).served), 401, 'signature-replayed');
  });

  it('has one effect and one answer for a key, also after a crash between the two', async () => {
    const { served, client } = await start(await makeDatabase());
    const database = served.application.get(Database);
    behaviour.set('a', 'crash-after');
    const call = { body: { id: 'a' }, idempotencyKey: 'crashed-after' };
    expectProblem(await client.post('/act', call), 500, 'internal');
    expect(await effects(database, 'a')).toBe(1);
    expectProblem(await client.post('/act', { ...call, body: { id: 'b' } }), 422, 'idempotency-key-reused');
    expect(await effects(database, 'b')).toBe(0);
    const again = await client.post('/act', call);
    expect(again.body).toEqual({ done: 1 });
    expect((await client.post('/act', call)).text).toBe(again.text);
    expect(await effects(database, 'a')).toBe(1);
  });

  it.each(['crash-before', 'refuse'] as const)(
    'leaves the key unused when a call has no effect: %s',
    async (how) => {
      const { served, client } = await start(await makeDatabase());
      behaviour.set('a', how);
      const first = await client.post('/act', { body: { id: 'a' }, idempotencyKey: 'used-later' });
      expect(first.status).toBeGreaterThanOrEqual(400);
      const other = await client.post('/act', { body: { id: 'b' }, idempotencyKey: 'used-later' });
      expect(other.body).toEqual({ done: 1 });
      expect(await effects(served.application.get(Database), 'a')).toBe(0);
    },
  );

  it('has one effect for thirty same calls at once, at two orchestrators', async () => {
    const url = await makeDatabase();
    const [one, two] = [await start(url), await start(url)];
    const call = { body: { id: 'many' }, idempotencyKey: 'thirty-at-once' };
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_value, index) => (index % 2 ? one : two).client.post('/act', call)),
    );
    expect(new Set(answers.map((answer) => answer.text))).toEqual(new Set(['{"done":1}']));
    expect(await effects(one.served.application.get(Database), 'many')).toBe(1);
  });

  it('forgets nonces and keys only when their time is over', async () => {
    const { served, client } = await start(await makeDatabase());
    const nonces = served.application.get(NonceStore);
    const keys = served.application.get(IdempotencyStore);
    const nonce = 'CCCCCCCCCCCCCCCCCCCCCC';
    const call = { body: { id: 'kept' }, idempotencyKey: 'kept-for-long' };
    await client.post('/act', { ...call, nonce });
    await nonces.purge(nowMs + 599_999);
    await keys.purge(nowMs + 29 * 86_400_000);
    expectProblem(await client.post('/act', { ...call, nonce }), 401, 'signature-replayed');
    expect((await client.post('/act', call)).body).toEqual({ done: 1 });
    await keys.purge(nowMs + 31 * 86_400_000);
    expect((await client.post('/act', { ...call, body: { id: 'new' } })).body).toEqual({ done: 1 });
  });
});

describe('a fault', () => {
  it('that nobody expected is answered with an id alone, and logged without secrets', async () => {
    const { served } = await start(sqlite());
    const answer = await send(`${served.url}/breaks`);
    expectProblem(answer, 500, 'internal');
    expect(answer.body.facts).toEqual({});
    expect(answer.text).not.toMatch(/postgres|hunter2|\.ts|at /);
    const callId = answer.headers.get('x-call-id') ?? '';
    expect(answer.body.instance).toBe(`urn:portcullis:call:${callId}`);
    const line = logs.split('\n').find((text) => text.includes(callId) && text.includes('call failed')) ?? '';
    expect(line).toContain('cannot open postgres://127.0.0.1');
    expect(logs).not.toContain(SECRET);
  });

  it('that will pass says so, with 503', async () => {
    const { served } = await start(sqlite());
    const answer = await send(`${served.url}/overloaded`);
    expectProblem(answer, 503, 'unavailable');
    expect(answer.body.facts).toEqual({ reason: 'database-overloaded' });
  });

  it('is a handler that answers in no form that anybody knows', async () => {
    const { served } = await start(sqlite());
    expectProblem(await send(`${served.url}/wrong`), 500, 'internal');
  });
});

describe('limits', () => {
  it('refuse an address that comes too often, before its body is read', async () => {
    const { served } = await start(sqlite(), { rateLimits: { perAddress: { perMinute: 60, burst: 2 } } });
    const statuses = [];
    for (let count = 0; count < 3; count += 1) statuses.push((await send(`${served.url}/breaks`)).status);
    expect(statuses).toEqual([500, 500, 429]);
    const answer = await send(`${served.url}/breaks`, 'POST', {}, 'x'.repeat(100_000));
    expectProblem(answer, 429, 'rate-limited');
    expect(answer.headers.get('retry-after')).toBe('1');
  });

  it('refuse a key that comes too often, wherever it comes from', async () => {
    const { client } = await start(sqlite(), { rateLimits: { perPrincipal: { perMinute: 60, burst: 1 } } });
    expect((await client.post('/act', { body: { id: 'a' } })).status).toBe(200);
    expectProblem(await client.post('/act', { body: { id: 'a' } }), 429, 'rate-limited');
    nowMs += 1_000;
    expect((await client.post('/act', { body: { id: 'a' } })).status).toBe(200);
  });

  it('believe X-Forwarded-For only from a trusted proxy', async () => {
    const rateLimits = { perAddress: { perMinute: 1, burst: 1 } };
    const trusting = await start(sqlite(), { rateLimits, trustedProxies: ['127.0.0.1'] });
    const direct = await start(sqlite(), { rateLimits });
    const from = (served: Served, address: string) =>
      send(`${served.url}/breaks`, 'GET', { 'x-forwarded-for': address });
    expect((await from(trusting.served, '203.0.113.1')).status).toBe(500);
    expect((await from(trusting.served, '203.0.113.2')).status).toBe(500);
    expect((await from(trusting.served, '203.0.113.2')).status).toBe(429);
    expect((await from(direct.served, '203.0.113.1')).status).toBe(500);
    expect((await from(direct.served, '203.0.113.2')).status).toBe(429);
  });

  it('end a handler that takes too long, with 503', async () => {
    const { served } = await start(sqlite(), { answerTimeoutMs: 100 });
    expectProblem(await send(`${served.url}/sleeps`), 503, 'answer-timeout');
  });

  it('cut off a client that sends its headers, or its body, a byte at a time', async () => {
    const { served } = await start(sqlite(), { headersTimeoutMs: 300, requestTimeoutMs: 600 });
    const { port } = new URL(served.url);
    const headers = await slow(port, 'GET /breaks HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    expect(headers.answer).toContain('408');
    expect(headers.tookMs).toBeLessThan(2_000);
    const body = await slow(port, 'POST /breaks HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n');
    expect(body.tookMs).toBeLessThan(3_000);
  });

  it('refuse headers that are too large', async () => {
    const { served } = await start(sqlite());
    expect((await send(`${served.url}/breaks`, 'GET', { 'x-large': 'x'.repeat(20_000) })).status).toBe(431);
  });
});

describe('a stop', () => {
  it('lets a call under way finish, and takes no new one', async () => {
    const { served } = await start(sqlite());
    waiting = Promise.withResolvers<void>();
    const underWay = send(`${served.url}/waits`);
    await sleep(100);
    const stopped = served.stop();
    await sleep(100);
    await expect(send(`${served.url}/breaks`)).rejects.toThrow();
    waiting.resolve();
    expect((await underWay).body).toEqual({ done: 1 });
    await stopped;
    waiting = undefined;
  });

  it('cuts off a call that does not finish in time', async () => {
    const { served } = await start(sqlite(), { drainMs: 200 });
    waiting = Promise.withResolvers<void>();
    const underWay = send(`${served.url}/waits`).catch(() => 'cut off');
    await sleep(100);
    const fromMs = Date.now();
    await served.stop();
    expect(Date.now() - fromMs).toBeLessThan(2_000);
    expect(await underWay).toBe('cut off');
    waiting.resolve();
    waiting = undefined;
  });
});

describe('a start', () => {
  it('fails with listen-failed when the port is taken', async () => {
    const { served } = await start(sqlite());
    await expect(
      start(sqlite(), { port: Number.parseInt(new URL(served.url).port, 10) }),
    ).rejects.toMatchObject({
      code: 'listen-failed',
    });
  });
});

/** Sends a byte every 50 ms after a beginning, until the server ends it. */
async function slow(port: string, beginning: string): Promise<{ answer: string; tookMs: number }> {
  const fromMs = Date.now();
  const { promise, resolve } = Promise.withResolvers<string>();
  let answer = '';
  const socket = connect({ host: '127.0.0.1', port: Number.parseInt(port, 10) }, () =>
    socket.write(beginning),
  );
  const dripping = setInterval(() => socket.writable && socket.write('x'), 50);
  socket.on('data', (chunk) => {
    answer += chunk.toString();
  });
  // A reset after the answer is part of being cut off.
  socket.on('error', () => undefined);
  socket.on('close', () => resolve(answer));
  const giveUp = setTimeout(() => socket.destroy(), 10_000);
  try {
    return { answer: await promise, tookMs: Date.now() - fromMs };
  } finally {
    clearInterval(dripping);
    clearTimeout(giveUp);
  }
}
