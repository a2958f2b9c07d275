// The orchestrator's API over real HTTP, with its real services on SQLite, in front of a real signer with a SoftHSM
// token. Chains are configured and their nodes are away: nothing here gets as far as a transaction.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { Change } from '../../src/core/governance/entry.js';
import { requestDigest, transferIdOf } from '../../src/core/statements/request.js';
import { appModule } from '../../src/orchestrator/app.module.js';
import { statementToSign } from '../../src/orchestrator/approvals/approval.endpoints.js';
import { configuration as configurationSchema } from '../../src/orchestrator/config/settings.js';
import { getGovernance } from '../../src/orchestrator/governance/governance.endpoints.js';
import { DocumentsController } from '../../src/orchestrator/http/documents.controller.js';
import { problem } from '../../src/orchestrator/http/problem.js';
import { type Served, serve } from '../../src/orchestrator/http/serve.js';
import { Log } from '../../src/orchestrator/logging/log.js';
import { statusView } from '../../src/orchestrator/status/status.view.js';
import { transferPage, transferView } from '../../src/orchestrator/transfers/transfer.dto.js';
import { getBalances, listWallets } from '../../src/orchestrator/wallets/wallet.endpoints.js';
import { systemRandomness } from '../../src/platform/system-randomness.js';
import { type Backend, BITCOIN, Deployment, ETHEREUM, makeBackend } from '../signer/deployment.js';
import { type Answer, ApiClient, rawCall, send } from './api-client.js';

const AWAY = 'http://127.0.0.1:9';
const folder = mkdtempSync(join(tmpdir(), 'portcullis-http-'));
let logs = '';
let deployment: Deployment;
let served: Served;
let exchange: ApiClient;
let desk: ApiClient;
let alice: ApiClient;
let bob: ApiClient;

function expectProblem(answer: Answer, status: number, code: string): void {
  expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  problem.parse(answer.body);
}

beforeAll(async () => {
  deployment = await Deployment.create();
  await deployment.start();
  const { listen } = deployment.config();
  const configuration = configurationSchema.parse({
    deploymentId: deployment.deploymentId,
    http: { port: 0 },
    database: { url: `sqlite:${join(folder, 'orchestrator.db')}` },
    signer: { socket: listen.kind === 'unix' ? listen.path : '' },
    chains: {
      bitcoin: { [BITCOIN]: { nodes: [{ url: AWAY }], pollMs: 60_000 } },
      ethereum: { [ETHEREUM]: { providers: [{ name: 'away', url: AWAY }] } },
    },
    workers: { pollMs: 20 },
  });
  const log = Log.to(
    { level: 'info' },
    {
      write: (line: string) => {
        logs += line;
      },
    },
  );
  const clock = { nowMs: () => deployment.time.wall };
  served = await serve(
    appModule(configuration, { clock, randomness: systemRandomness, log }),
    configuration,
    log,
  );
  const client = (who: ConstructorParameters<typeof ApiClient>[1]) =>
    new ApiClient(served.url, who, clock.nowMs);
  exchange = client(deployment.exchange);
  desk = client(deployment.desk);
  alice = client(deployment.alice);
  bob = client(deployment.bob);
});

afterAll(async () => {
  await served?.stop();
  await deployment?.destroy();
  rmSync(folder, { recursive: true, force: true });
});

/** Waits until a transfer is in a state, and gives it back. */
async function transferIn(transferId: string, state: string): Promise<z.infer<typeof transferView>> {
  for (let tries = 0; tries < 200; tries += 1) {
    const answer = await alice.get(`/v1/transfers/${transferId}`);
    const transfer = transferView.parse(answer.body);
    if (transfer.state === state) return transfer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(
    `transfer never came to ${state}: ${(await alice.get(`/v1/transfers/${transferId}`)).text}`,
  );
}

/** A transfer that needs two officers, as far as its statement. */
async function awaitingApprovals(
  idempotencyKey: string,
  backend: Backend = deployment.exchange,
): Promise<{ transferId: string; request: ReturnType<Deployment['request']> }> {
  const request = deployment.request({ amount: '50000000', customer: `customer-${idempotencyKey}` }, backend);
  const client = backend === deployment.desk ? desk : exchange;
  const answer = await client.post('/v1/transfers', { body: request, idempotencyKey });
  const { transferId } = transferView.parse(answer.body);
  await transferIn(transferId, 'awaiting-approvals');
  return { transferId, request };
}

const officersOnly = [
  ['GET', '/v1/wallets'],
  ['GET', '/v1/wallets/hot-btc/balances'],
  ['GET', '/v1/governance'],
  ['POST', '/v1/governance/entries'],
  ['GET', '/v1/status'],
  ['GET', `/v1/transfers/tr-${'0'.repeat(40)}/statement`],
  ['POST', `/v1/transfers/tr-${'0'.repeat(40)}/approvals`],
] as const;
const backendsOnly = [['POST', '/v1/transfers']] as const;
const anyPrincipal = [
  ['GET', '/v1/transfers'],
  ['GET', `/v1/transfers/tr-${'0'.repeat(40)}`],
  ['POST', `/v1/transfers/tr-${'0'.repeat(40)}/cancel`],
  ['GET', `/v1/transfers/tr-${'0'.repeat(40)}/certificates`],
] as const;
const open = [
  '/healthz',
  '/readyz',
  '/openapi.json',
  '/docs',
  '/docs/start.js',
  '/docs/swagger-ui-bundle.js',
  '/docs/swagger-ui.css',
];

describe('the routes', () => {
  it('are these and no others, each documented and each with its access', () => {
    const endpoints = served.application.get(DocumentsController).endpoints();
    const template = (path: string) =>
      path.replace(/tr-0{40}/, ':transferId').replace('/wallets/hot-btc/', '/wallets/:walletId/');
    const expected = [
      ...officersOnly.map(([method, path]) => `${method} ${template(path)} officer`),
      ...backendsOnly.map(([method, path]) => `${method} ${template(path)} backend`),
      ...anyPrincipal.map(([method, path]) => `${method} ${template(path)} authenticated`),
      ...open.map((path) => `GET ${path} open`),
    ];
    expect(endpoints.map(({ method, path, access }) => `${method} ${path} ${access}`).toSorted()).toEqual(
      expected.toSorted(),
    );
  });

  it.each([...officersOnly, ...backendsOnly, ...anyPrincipal])(
    'refuses %s %s without a signature',
    async (method, path) => {
      const answer = await send(served.url + path, method);
      expectProblem(answer, 401, 'signature-missing');
      expect(answer.headers.get('www-authenticate')).toContain('portcullis');
    },
  );

  it.each(officersOnly)('refuses %s %s to a request key', async (method, path) => {
    expectProblem(await exchange.call(method, path, {}), 403, 'officers-only');
  });

  it.each(backendsOnly)('refuses %s %s to an officer', async (method, path) => {
    expectProblem(await alice.call(method, path, {}), 403, 'backends-only');
  });

  it('are open where nothing is told', async () => {
    for (const path of open) expect((await send(served.url + path)).status).toBe(200);
    expect((await send(`${served.url}/healthz`)).body).toEqual({ status: 'alive' });
    expect((await send(`${served.url}/readyz`)).body).toEqual({ status: 'ready' });
  });

  it('refuses what is not served', async () => {
    expectProblem(await send(`${served.url}/v1/keys`), 404, 'route-unknown');
    expectProblem(await send(`${served.url}/v1/transfers`, 'DELETE'), 404, 'route-unknown');
    expectProblem(await send(`${served.url}/v1/%E0%A4%A`), 404, 'route-unknown');
  });
});

describe('a signature over a request', () => {
  const list = '/v1/transfers?limit=1';

  it('refuses a nonce that was used', async () => {
    const nonce = 'AAAAAAAAAAAAAAAAAAAAAA';
    expect((await exchange.get(list, { nonce })).status).toBe(200);
    expectProblem(await exchange.get(list, { nonce }), 401, 'signature-replayed');
    expect((await desk.get(list, { nonce })).status).toBe(200);
  });

  it('leaves a nonce unused by a signature that was not valid', async () => {
    const nonce = 'BBBBBBBBBBBBBBBBBBBBBB';
    const tamper = (headers: Record<string, string>) => {
      headers.signature = `portcullis=:${Buffer.alloc(64).toString('base64')}:`;
    };
    expectProblem(await exchange.get(list, { nonce, tamper }), 401, 'signature-invalid');
    expect((await exchange.get(list, { nonce })).status).toBe(200);
  });

  it('refuses another body, another target, another time', async () => {
    const body = deployment.request();
    const post = { body, idempotencyKey: 'signature-0001' };
    expectProblem(
      await exchange.post('/v1/transfers', { ...post, sentBody: JSON.stringify({ ...body, signature: '' }) }),
      401,
      'content-digest-mismatch',
    );
    const toward = new ApiClient(served.url, deployment.exchange, () => deployment.time.wall - 600_000);
    expectProblem(await toward.get(list), 401, 'signature-expired');
    const ahead = new ApiClient(served.url, deployment.exchange, () => deployment.time.wall + 600_000);
    expectProblem(await ahead.get(list), 401, 'signature-not-yet-valid');
    const dropDigest = (headers: Record<string, string>) => delete headers['content-digest'];
    expectProblem(
      await exchange.post('/v1/transfers', { ...post, tamper: dropDigest }),
      401,
      'signature-components-missing',
    );
  });

  it('refuses a key that governance does not know', async () => {
    const stranger = makeBackend('stranger', ['exchange']);
    const thief = { ...makeBackend('exchange-1', ['exchange']) };
    const as = (who: typeof stranger) => new ApiClient(served.url, who, () => deployment.time.wall).get(list);
    expectProblem(await as(stranger), 401, 'signature-key-unknown');
    expectProblem(await as(thief), 401, 'signature-invalid');
  });

  it('refuses a signature for the name of another host', async () => {
    const elsewhere = served.url.replace('127.0.0.1', 'treasury.example');
    const headers = await new ApiClient(elsewhere, deployment.exchange, () => deployment.time.wall).signed(
      'GET',
      list,
    );
    expectProblem(
      await rawCall(served.url, list, { ...headers, host: new URL(elsewhere).host }),
      421,
      'authority-unknown',
    );
    expectProblem(await rawCall(served.url, list, { ...headers }), 401, 'signature-invalid');
  });
});

describe('input', () => {
  it.each([
    ['a query parameter is unknown', '/v1/transfers?admin=1'],
    ['a query parameter comes twice', '/v1/transfers?limit=1&limit=2'],
    ['a page is too large', '/v1/transfers?limit=201'],
    ['a state is none', '/v1/transfers?state=paid'],
    ['an id is not of its form', '/v1/transfers/tr-1'],
  ])('refuses input-invalid when %s', async (_why, path) => {
    expectProblem(await exchange.get(path), 400, 'input-invalid');
  });

  it('refuses a cursor that no page gave', async () => {
    expectProblem(await exchange.get('/v1/transfers?cursor=abc'), 400, 'cursor-invalid');
  });

  it('refuses a body that is too large before it looks at its signature', async () => {
    const answer = await exchange.post('/v1/transfers', {
      body: 'x'.repeat(600_000),
      idempotencyKey: 'large-0001',
    });
    expectProblem(answer, 413, 'body-too-large');
  });

  it('refuses a compressed body', async () => {
    const headers = { 'content-encoding': 'gzip' };
    const answer = await exchange.post('/v1/transfers', { body: {}, idempotencyKey: 'gzip-0001', headers });
    expectProblem(answer, 415, 'content-encoding-unsupported');
  });

  it('refuses another content type, no JSON, no body, and a body where none is taken', async () => {
    const key = { idempotencyKey: 'input-0001' };
    const asText = { 'content-type': 'text/plain' };
    expectProblem(
      await exchange.post('/v1/transfers', { ...key, body: {}, headers: asText }),
      415,
      'content-type-unsupported',
    );
    expectProblem(await exchange.post('/v1/transfers', key), 400, 'body-missing');
    expectProblem(
      await exchange.post(`/v1/transfers/tr-${'0'.repeat(40)}/cancel`, { body: {} }),
      400,
      'body-unexpected',
    );
    expectProblem(
      await exchange.post('/v1/transfers', { body: { statement: {} }, ...key }),
      400,
      'input-invalid',
    );
  });

  it('refuses a transfer without an Idempotency-Key', async () => {
    expectProblem(
      await exchange.post('/v1/transfers', { body: deployment.request() }),
      400,
      'idempotency-key-missing',
    );
    expectProblem(
      await exchange.post('/v1/transfers', { body: deployment.request(), idempotencyKey: 'short' }),
      400,
      'idempotency-key-malformed',
    );
  });
});

describe('a transfer', () => {
  it('is taken from the request key that signed it', async () => {
    const body = deployment.request();
    const answer = await exchange.post('/v1/transfers', { body, idempotencyKey: 'take-0001' });
    expect(answer.status).toBe(201);
    const transfer = transferView.parse(answer.body);
    expect(transfer.transferId).toBe(transferIdOf(requestDigest(body.statement)));
    expect(transfer.transitions[0]).toMatchObject({ to: 'requested', by: 'request-key:exchange-1' });
  });

  it('refuses the request of another key', async () => {
    const body = deployment.request({}, deployment.desk);
    expectProblem(
      await exchange.post('/v1/transfers', { body, idempotencyKey: 'other-0001' }),
      403,
      'request-of-another-key',
    );
  });

  it.each([
    ['request-signature-invalid', 422, () => ({ ...deployment.request(), signature: '0'.repeat(128) })],
    ['request-other-deployment', 422, () => deployment.request({ deploymentId: '0'.repeat(64) })],
    ['wallet-unknown', 422, () => deployment.request({ wallet: 'cold-btc' })],
    [
      'destination-invalid',
      422,
      () => deployment.request({ destination: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt081' }),
    ],
    ['requester-not-owner', 422, () => deployment.request({ requester: 'alice' })],
    ['request-expired', 422, () => deployment.request({ createdAtMs: 1, expiresAtMs: 2 })],
  ])('refuses %s, and leaves the Idempotency-Key unused', async (code, status, make) => {
    const idempotencyKey = `refused-${code}`;
    expectProblem(await exchange.post('/v1/transfers', { body: make(), idempotencyKey }), status, code);
    const answer = await exchange.post('/v1/transfers', { body: deployment.request(), idempotencyKey });
    expect(answer.status).toBe(201);
  });

  it('refuses another request under a request id that was used', async () => {
    const first = deployment.request();
    const second = deployment.request({ requestId: first.statement.requestId, amount: '500001' });
    expect((await exchange.post('/v1/transfers', { body: first, idempotencyKey: 'reqid-0001' })).status).toBe(
      201,
    );
    expectProblem(
      await exchange.post('/v1/transfers', { body: second, idempotencyKey: 'reqid-0002' }),
      409,
      'request-id-used',
    );
  });

  it('is not shown to the key of somebody else', async () => {
    const body = deployment.request();
    const made = await exchange.post('/v1/transfers', { body, idempotencyKey: 'hidden-0001' });
    const path = `/v1/transfers/${String(made.body.transferId)}`;
    expect((await exchange.get(path)).status).toBe(200);
    expect((await alice.get(path)).status).toBe(200);
    expectProblem(await desk.get(path), 404, 'transfer-unknown');
    expectProblem(await desk.post(`${path}/cancel`), 404, 'transfer-unknown');
    expectProblem(await desk.get(`${path}/certificates`), 404, 'transfer-unknown');
    expectProblem(await exchange.get(`${path}/certificates`), 404, 'certificate-missing');
  });

  it('is cancelled once, before anything was signed', async () => {
    const { transferId } = await awaitingApprovals('cancel-0001');
    const path = `/v1/transfers/${transferId}/cancel`;
    const answer = await exchange.post(path, { idempotencyKey: 'cancel-it-0001' });
    expect(answer.status).toBe(200);
    expect(transferView.parse(answer.body).state).toBe('cancelled');
    expect((await exchange.post(path, { idempotencyKey: 'cancel-it-0001' })).text).toBe(answer.text);
    expectProblem(await exchange.post(path), 409, 'transfer-not-cancellable');
  });
});

describe('a list', () => {
  it('comes in pages, newest first, to a key only of its own owners', async () => {
    for (let count = 0; count < 5; count += 1) {
      const body = deployment.request({ customer: 'customer-of-desk' }, deployment.desk);
      await desk.post('/v1/transfers', { body, idempotencyKey: `page-000${count}` });
      deployment.time.advance(10);
    }
    const seen: string[] = [];
    let cursor: string | null = '';
    for (let pages = 0; pages < 10 && cursor !== null; pages += 1) {
      const more: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page = transferPage.parse((await desk.get(`/v1/transfers?limit=2${more}`)).body);
      expect(page.items.length).toBeLessThanOrEqual(2);
      expect(page.items.every((item) => item.requester === 'carol')).toBe(true);
      seen.push(...page.items.map((item) => item.transferId));
      cursor = page.nextCursor;
    }
    expect(seen).toHaveLength(5);
    expect(new Set(seen).size).toBe(5);
    const all = transferPage.parse((await alice.get('/v1/transfers?limit=200')).body);
    expect(all.items.filter((item) => item.requester === 'carol').map((item) => item.transferId)).toEqual(
      seen,
    );
    expect(all.items.some((item) => item.requester === 'exchange')).toBe(true);
  });

  it('is filtered', async () => {
    const filtered = transferPage.parse(
      (await alice.get('/v1/transfers?customer=customer-of-desk&wallet=hot-btc')).body,
    );
    expect(filtered.items).toHaveLength(5);
    expect(transferPage.parse((await exchange.get('/v1/transfers?requester=carol')).body).items).toEqual([]);
  });
});

describe('an Idempotency-Key', () => {
  it('gives the same answer for the same call', async () => {
    const call = { body: deployment.request(), idempotencyKey: 'same-0001' };
    const first = await exchange.post('/v1/transfers', call);
    const transferId = String(first.body.transferId);
    await exchange.post(`/v1/transfers/${transferId}/cancel`);
    const again = await exchange.post('/v1/transfers', call);
    expect({ status: again.status, text: again.text }).toEqual({ status: 201, text: first.text });
  });

  it('refuses another body', async () => {
    const idempotencyKey = 'reused-0001';
    expect(
      (await exchange.post('/v1/transfers', { body: deployment.request(), idempotencyKey })).status,
    ).toBe(201);
    expectProblem(
      await exchange.post('/v1/transfers', { body: deployment.request(), idempotencyKey }),
      422,
      'idempotency-key-reused',
    );
  });

  it('is one for each principal', async () => {
    const idempotencyKey = 'each-0001';
    const own = deployment.request({}, deployment.desk);
    expect(
      (await exchange.post('/v1/transfers', { body: deployment.request(), idempotencyKey })).status,
    ).toBe(201);
    expect((await desk.post('/v1/transfers', { body: own, idempotencyKey })).status).toBe(201);
  });

  it('gives twenty calls at once one transfer and one answer', async () => {
    const call = { body: deployment.request(), idempotencyKey: 'twenty-0001' };
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange.post('/v1/transfers', call)));
    expect(new Set(answers.map((answer) => `${answer.status} ${answer.text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(201);
  });

  it('of twenty different calls at once lets one through', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        exchange.post('/v1/transfers', {
          body: deployment.request({ customer: 'racing' }),
          idempotencyKey: 'race-0001',
        }),
      ),
    );
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1);
    expect(answers.filter((answer) => answer.body.code === 'idempotency-key-reused')).toHaveLength(19);
    const made = transferPage.parse((await alice.get('/v1/transfers?customer=racing')).body);
    expect(made.items).toHaveLength(1);
  });

  it('is not needed for the same request to be the same transfer', async () => {
    const body = deployment.request();
    const first = await exchange.post('/v1/transfers', { body, idempotencyKey: 'digest-0001' });
    const again = await exchange.post('/v1/transfers', { body, idempotencyKey: 'digest-0002' });
    expect(again.status).toBe(201);
    expect(again.body.transferId).toBe(first.body.transferId);
  });
});

describe('approvals', () => {
  it('are given over one statement, by each officer for themselves', async () => {
    const { transferId, request } = await awaitingApprovals('approve-0001');
    const path = `/v1/transfers/${transferId}`;
    const { statement } = statementToSign.parse((await alice.get(`${path}/statement`)).body);
    expect(statement).toMatchObject({
      transferId,
      destination: request.statement.destination,
      amount: '50000000',
    });

    const byBob = deployment.approve(statement, deployment.bob);
    expectProblem(await alice.post(`${path}/approvals`, { body: byBob }), 403, 'approval-of-another-person');
    const forged = { ...deployment.approve(statement, deployment.alice), signature: byBob.signature };
    expectProblem(await alice.post(`${path}/approvals`, { body: forged }), 422, 'approval-signature-invalid');
    const unknown = { ...byBob, credentialId: 'nobody-token' };
    expectProblem(await alice.post(`${path}/approvals`, { body: unknown }), 422, 'approver-not-in-roster');

    const call = { body: deployment.approve(statement, deployment.alice), idempotencyKey: 'alice-0001' };
    const given = await alice.post(`${path}/approvals`, call);
    expect(given.status).toBe(201);
    expect(transferView.parse(given.body).approvals.missing).toEqual([{ group: 'treasury', quorum: 1 }]);
    expect((await alice.post(`${path}/approvals`, call)).text).toBe(given.text);
    const second = deployment.approve(statement, deployment.alice);
    expectProblem(await alice.post(`${path}/approvals`, { body: second }), 409, 'approver-duplicate');

    expect((await bob.post(`${path}/approvals`, { body: byBob })).status).toBe(201);
    await transferIn(transferId, 'approved');
    expectProblem(await alice.get(`${path}/statement`), 409, 'transfer-not-awaiting-approvals');
  });

  it('refuses an officer their own request', async () => {
    const { transferId } = await awaitingApprovals('own-0001', deployment.desk);
    const carol = new ApiClient(served.url, deployment.carol, () => deployment.time.wall);
    const { statement } = statementToSign.parse(
      (await carol.get(`/v1/transfers/${transferId}/statement`)).body,
    );
    expectProblem(
      await carol.post(`/v1/transfers/${transferId}/approvals`, {
        body: deployment.approve(statement, deployment.carol),
      }),
      422,
      'approver-is-requester',
    );
  });

  it('end a transfer with one rejection', async () => {
    const { transferId } = await awaitingApprovals('reject-0001');
    const { statement } = statementToSign.parse(
      (await bob.get(`/v1/transfers/${transferId}/statement`)).body,
    );
    const answer = await bob.post(`/v1/transfers/${transferId}/approvals`, {
      body: deployment.approve(statement, deployment.bob, 'reject'),
    });
    expect(answer.status).toBe(201);
    expect(transferView.parse(answer.body)).toMatchObject({
      state: 'refused',
      reason: { code: 'rejected-by-officer' },
    });
  });
});

describe('governance', () => {
  it('is shown as state and entries', async () => {
    const page = getGovernance.answer.schema.parse((await alice.get('/v1/governance')).body);
    expect(page.summary).toMatchObject({
      deploymentId: deployment.deploymentId,
      sequence: 0,
      head: deployment.head,
    });
    expect(page.entries).toEqual(deployment.log);
    expect(page.nextFrom).toBeNull();
  });

  it('takes an entry that a quorum signed, once or twice', async () => {
    const change = { kind: 'group-set', group: { groupId: 'auditors', members: ['carol'] } } satisfies Change;
    const entry = deployment.entry(change, [deployment.alice, deployment.bob]);
    const first = await alice.post('/v1/governance/entries', { body: entry });
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({ sequence: 1 });
    deployment.log.push(entry);
    expect((await bob.post('/v1/governance/entries', { body: entry })).text).toBe(first.text);
    const page = getGovernance.answer.schema.parse((await bob.get('/v1/governance?from=1')).body);
    expect(page.entries).toEqual([entry]);
  });

  it('refuses an entry without its quorum, or out of its place', async () => {
    const change = { kind: 'group-set', group: { groupId: 'auditors', members: ['alice'] } } satisfies Change;
    const alone = deployment.entry(change, [deployment.alice]);
    expectProblem(
      await alice.post('/v1/governance/entries', { body: alone }),
      422,
      'governance-quorum-missing',
    );
    const early = deployment.entry(change, [deployment.alice, deployment.bob], { sequence: 7 });
    expectProblem(await alice.post('/v1/governance/entries', { body: early }), 409, 'governance-sequence');
  });
});

describe('what people look at', () => {
  it('shows wallets with their addresses, and no balance while the nodes are away', async () => {
    const wallets = listWallets.answer.schema.parse((await alice.get('/v1/wallets')).body);
    expect(wallets.items.map((wallet) => wallet.walletId)).toEqual(['hot-btc', 'hot-eth']);
    const balances = await alice.get('/v1/wallets/hot-btc/balances');
    expect(getBalances.answer.schema.parse(balances.body).balances[0]?.available).toBe('0');
    expectProblem(await alice.get('/v1/wallets/hot-eth/balances'), 503, 'balance-unavailable');
    expectProblem(await alice.get('/v1/wallets/cold/balances'), 422, 'wallet-unknown');
  });

  it('shows signer, tokens, nodes and database', async () => {
    const status = statusView.parse((await alice.get('/v1/status')).body);
    expect(status.database).toEqual({ dialect: 'sqlite', reachable: true });
    expect(status.signer).toMatchObject({ reachable: true, agrees: true });
    expect(status.tokens).toMatchObject([{ name: 'treasury', ready: true }]);
    expect(status.nodes.length).toBeGreaterThan(0);
    expect(status.nodes.every((node) => !node.healthy)).toBe(true);
    expect(JSON.stringify(status)).not.toContain('http://');
  });
});

describe('what goes out', () => {
  it('has strict headers', async () => {
    const answer = await send(`${served.url}/healthz`);
    expect(answer.headers.get('content-security-policy')).toBe(
      "default-src 'none';frame-ancestors 'none';base-uri 'none';form-action 'none'",
    );
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
    expect(answer.headers.get('strict-transport-security')).toContain('max-age=');
    expect(answer.headers.get('x-powered-by')).toBeNull();
    expect(answer.headers.get('etag')).toBeNull();
    const page = await send(`${served.url}/docs`);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(page.headers.get('content-security-policy')).not.toContain('unsafe');
    expect(page.text).not.toMatch(/https?:\/\//);
    expect((await exchange.get('/v1/transfers')).headers.get('cache-control')).toBe('no-store');
  });

  it('is the OpenAPI 3.1 document of these routes', async () => {
    const document = (await send(`${served.url}/openapi.json`)).body;
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(z.record(z.string(), z.unknown()).parse(document.paths))).toContain(
      '/v1/transfers/{transferId}/approvals',
    );
  });

  it('is a log line for each call, with facts and nothing that was sent', async () => {
    const body = deployment.request({ customer: 'customer-in-the-log' });
    const answer = await exchange.post('/v1/transfers', { body, idempotencyKey: 'logged-0001' });
    const callId = answer.headers.get('x-call-id') ?? '';
    await new Promise((resolve) => setTimeout(resolve, 50));
    const line: unknown = JSON.parse(logs.split('\n').find((text) => text.includes(callId)) ?? '{}');
    expect(line).toMatchObject({
      msg: 'call answered',
      operation: 'submitTransfer',
      status: 201,
      principal: 'request-key:exchange-1',
    });
    for (const secret of [body.signature, 'customer-in-the-log', 'logged-0001', 'portcullis=:', '987654']) {
      expect(logs).not.toContain(secret);
    }
  });
});
