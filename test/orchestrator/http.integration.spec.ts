// The API over real HTTP: which routes there are and who may call them, signatures, input, and what goes out.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { makeBackend } from '../../devnet/deployment.js';
import { DocumentsController } from '../../src/orchestrator/http/documents.controller.js';
import { Shutdown } from '../../src/orchestrator/http/shutdown.js';
import { rawCall, send } from './api-client.js';
import { ApiRig, expectProblem } from './api-rig.js';

let rig: ApiRig;

beforeAll(async () => {
  rig = await ApiRig.start('SQLite');
});
afterAll(async () => {
  await rig?.stop();
});

const officersOnly = [
  ['GET', '/v1/wallets'],
  ['GET', '/v1/wallets/hot-btc/balances'],
  ['GET', '/v1/audit'],
  ['GET', '/v1/certificates'],
  ['GET', '/v1/governance'],
  ['POST', '/v1/governance/entries'],
  ['GET', '/v1/governance/head'],
  ['POST', '/v1/governance/head'],
  ['GET', '/v1/governance/proposals'],
  ['GET', '/v1/governance/waiting'],
  ['POST', '/v1/governance/proposals'],
  ['GET', `/v1/governance/proposals/${'0'.repeat(64)}`],
  ['POST', `/v1/governance/proposals/${'0'.repeat(64)}/signatures`],
  ['POST', `/v1/governance/proposals/${'0'.repeat(64)}/cancel`],
  ['POST', `/v1/governance/proposals/${'0'.repeat(64)}/redraft`],
  ['GET', '/v1/status'],
  ['GET', `/v1/transfers/tr-${'0'.repeat(40)}/statement`],
  ['POST', `/v1/transfers/tr-${'0'.repeat(40)}/approvals`],
  ['POST', `/v1/transfers/tr-${'0'.repeat(40)}/resolve`],
  ['GET', `/v1/transfers/tr-${'0'.repeat(40)}/ways-out`],
  ['POST', `/v1/transfers/tr-${'0'.repeat(40)}/cancel-on-chain`],
  ['POST', '/v1/burials'],
  ['GET', '/v1/restore-facts'],
  ['POST', '/v1/wallets/hot-btc/refresh'],
  ['POST', '/v1/policy/simulations'],
] as const;
const backendsOnly = [['POST', '/v1/transfers']] as const;
const anyPrincipal = [
  ['GET', '/v1/transfers'],
  ['GET', `/v1/transfers/tr-${'0'.repeat(40)}`],
  ['GET', `/v1/transfers/tr-${'0'.repeat(40)}/request`],
  ['POST', `/v1/transfers/tr-${'0'.repeat(40)}/cancel`],
  ['GET', `/v1/transfers/tr-${'0'.repeat(40)}/certificates`],
  ['POST', `/v1/transfers/tr-${'0'.repeat(40)}/void`],
  ['GET', '/v1/audit/file'],
] as const;
/** For everybody, where the configuration says so. */
const whereSaid = ['/v1/audit/log/checkpoint', '/v1/audit/log/tile/*file'];
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
    const endpoints = rig.served.application.get(DocumentsController).endpoints();
    const template = (path: string) =>
      path
        .replace(/tr-0{40}/, ':transferId')
        .replace(/0{64}/, ':proposalId')
        .replace('/wallets/hot-btc/', '/wallets/:walletId/');
    const expected = [
      ...officersOnly.map(([method, path]) => `${method} ${template(path)} officer`),
      ...backendsOnly.map(([method, path]) => `${method} ${template(path)} backend`),
      ...anyPrincipal.map(([method, path]) => `${method} ${template(path)} authenticated`),
      ...[...open, ...whereSaid].map((path) => `GET ${path} open`),
    ];
    expect(endpoints.map(({ method, path, access }) => `${method} ${path} ${access}`).toSorted()).toEqual(
      expected.toSorted(),
    );
  });

  it.each([...officersOnly, ...backendsOnly, ...anyPrincipal])(
    'refuses %s %s without a signature',
    async (method, path) => {
      const answer = await send(rig.url + path, method);
      expectProblem(answer, 401, 'signature-missing');
      expect(answer.headers.get('www-authenticate')).toContain('portcullis');
    },
  );

  it.each(officersOnly)('refuses %s %s to a request key', async (method, path) => {
    expectProblem(await rig.exchange.call(method, path, {}), 403, 'officers-only');
  });

  it.each(backendsOnly)('refuses %s %s to an officer', async (method, path) => {
    expectProblem(await rig.alice.call(method, path, {}), 403, 'backends-only');
  });

  it('are open where nothing is told', async () => {
    for (const path of open) expect((await send(rig.url + path)).status).toBe(200);
    expect((await send(`${rig.url}/healthz`)).body).toEqual({ status: 'alive' });
    expect((await send(`${rig.url}/readyz`)).body).toEqual({ status: 'ready' });
  });

  it('refuses what is not served', async () => {
    for (const path of whereSaid)
      expectProblem(await send(rig.url + path.replace('*file', '0/000')), 404, 'route-unknown');
    expectProblem(await send(`${rig.url}/v1/keys`), 404, 'route-unknown');
    expectProblem(await send(`${rig.url}/v1/transfers`, 'DELETE'), 404, 'route-unknown');
    expectProblem(await send(`${rig.url}/v1/%E0%A4%A`), 404, 'route-unknown');
  });
});

describe('a signature over a request', () => {
  const list = '/v1/transfers?limit=1';

  it('refuses a nonce that was used', async () => {
    const nonce = 'AAAAAAAAAAAAAAAAAAAAAA';
    expect((await rig.exchange.get(list, { nonce })).status).toBe(200);
    expectProblem(await rig.exchange.get(list, { nonce }), 401, 'signature-replayed');
    expect((await rig.desk.get(list, { nonce })).status).toBe(200);
  });

  it('leaves a nonce unused by a signature that was not valid', async () => {
    const nonce = 'BBBBBBBBBBBBBBBBBBBBBB';
    const tamper = (headers: Record<string, string>) => {
      headers.signature = `portcullis=:${Buffer.alloc(64).toString('base64')}:`;
    };
    expectProblem(await rig.exchange.get(list, { nonce, tamper }), 401, 'signature-invalid');
    expect((await rig.exchange.get(list, { nonce })).status).toBe(200);
  });

  it('refuses another body, another target, another time', async () => {
    const body = rig.deployment.request();
    const post = { body, idempotencyKey: 'signature-0001' };
    expectProblem(
      await rig.exchange.post('/v1/transfers', {
        ...post,
        sentBody: JSON.stringify({ ...body, signature: '' }),
      }),
      401,
      'content-digest-mismatch',
    );
    const toward = rig.client(rig.deployment.exchange, -600_000);
    expectProblem(await toward.get(list), 401, 'signature-expired');
    const ahead = rig.client(rig.deployment.exchange, 600_000);
    expectProblem(await ahead.get(list), 401, 'signature-not-yet-valid');
    const dropDigest = (headers: Record<string, string>) => delete headers['content-digest'];
    expectProblem(
      await rig.exchange.post('/v1/transfers', { ...post, tamper: dropDigest }),
      401,
      'signature-components-missing',
    );
  });

  it('refuses a key that governance does not know', async () => {
    const stranger = makeBackend('stranger', ['exchange']);
    const thief = { ...makeBackend('exchange-1', ['exchange']) };
    const as = (who: typeof stranger) => rig.client(who).get(list);
    expectProblem(await as(stranger), 401, 'signature-key-unknown');
    expectProblem(await as(thief), 401, 'signature-invalid');
  });

  it('refuses a signature for the name of another host', async () => {
    const elsewhere = rig.url.replace('127.0.0.1', 'treasury.example');
    const headers = await rig.client(rig.deployment.exchange, 0, elsewhere).signed('GET', list);
    expectProblem(
      await rawCall(rig.url, list, { ...headers, host: new URL(elsewhere).host }),
      421,
      'authority-unknown',
    );
    expectProblem(await rawCall(rig.url, list, { ...headers }), 401, 'signature-invalid');
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
    expectProblem(await rig.exchange.get(path), 400, 'input-invalid');
  });

  it('refuses a cursor that no page gave', async () => {
    expectProblem(await rig.exchange.get('/v1/transfers?cursor=abc'), 400, 'cursor-invalid');
  });

  it('refuses a body that is too large before it looks at its signature', async () => {
    const answer = await rig.exchange.post('/v1/transfers', {
      body: 'x'.repeat(600_000),
      idempotencyKey: 'large-0001',
    });
    expectProblem(answer, 413, 'body-too-large');
  });

  it('refuses a compressed body', async () => {
    const headers = { 'content-encoding': 'gzip' };
    const answer = await rig.exchange.post('/v1/transfers', {
      body: {},
      idempotencyKey: 'gzip-0001',
      headers,
    });
    expectProblem(answer, 415, 'content-encoding-unsupported');
  });

  it('refuses another content type, no JSON, no body, and a body where none is taken', async () => {
    const key = { idempotencyKey: 'input-0001' };
    const asText = { 'content-type': 'text/plain' };
    expectProblem(
      await rig.exchange.post('/v1/transfers', { ...key, body: {}, headers: asText }),
      415,
      'content-type-unsupported',
    );
    expectProblem(await rig.exchange.post('/v1/transfers', key), 400, 'body-missing');
    expectProblem(
      await rig.exchange.post(`/v1/transfers/tr-${'0'.repeat(40)}/cancel`, { body: {} }),
      400,
      'body-unexpected',
    );
    expectProblem(
      await rig.exchange.post('/v1/transfers', { body: { statement: {} }, ...key }),
      400,
      'input-invalid',
    );
  });

  it('refuses a transfer without an Idempotency-Key', async () => {
    expectProblem(
      await rig.exchange.post('/v1/transfers', { body: rig.deployment.request() }),
      400,
      'idempotency-key-missing',
    );
    expectProblem(
      await rig.exchange.post('/v1/transfers', { body: rig.deployment.request(), idempotencyKey: 'short' }),
      400,
      'idempotency-key-malformed',
    );
  });
});

describe('what goes out', () => {
  it('has strict headers', async () => {
    const answer = await send(`${rig.url}/healthz`);
    expect(answer.headers.get('content-security-policy')).toBe(
      "default-src 'none';frame-ancestors 'none';base-uri 'none';form-action 'none'",
    );
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
    expect(answer.headers.get('strict-transport-security')).toContain('max-age=');
    expect(answer.headers.get('x-powered-by')).toBeNull();
    expect(answer.headers.get('etag')).toBeNull();
    const page = await send(`${rig.url}/docs`);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(page.headers.get('content-security-policy')).not.toContain('unsafe');
    expect(page.text).not.toMatch(/https?:\/\//);
    expect((await rig.exchange.get('/v1/transfers')).headers.get('cache-control')).toBe('no-store');
  });

  it('is the OpenAPI 3.1 document of these routes', async () => {
    const document = (await send(`${rig.url}/openapi.json`)).body;
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(z.record(z.string(), z.unknown()).parse(document.paths))).toContain(
      '/v1/transfers/{transferId}/approvals',
    );
  });

  it('is a log line for each call, with facts and nothing that was sent', async () => {
    const body = rig.deployment.request({ customer: 'customer-in-the-log' });
    const answer = await rig.exchange.post('/v1/transfers', { body, idempotencyKey: 'logged-0001' });
    const callId = answer.headers.get('x-call-id') ?? '';
    await new Promise((resolve) => setTimeout(resolve, 50));
    const line: unknown = JSON.parse(
      rig
        .logs()
        .split('\n')
        .find((text) => text.includes(callId)) ?? '{}',
    );
    expect(line).toMatchObject({
      msg: 'call answered',
      operation: 'submitTransfer',
      status: 201,
      principal: 'request-key:exchange-1',
    });
    for (const secret of [body.signature, 'customer-in-the-log', 'logged-0001', 'portcullis=:', '987654']) {
      expect(rig.logs()).not.toContain(secret);
    }
  });
});

// The last one: this program is on its way out afterwards.
describe('readiness', () => {
  it('ends when the program is told to stop, before anything stops (not-ready)', async () => {
    expect((await send(`${rig.url}/readyz`)).status).toBe(200);
    rig.served.application.get(Shutdown).begin();
    const answer = await send(`${rig.url}/readyz`);
    expectProblem(answer, 503, 'not-ready');
    expect(answer.body.facts).toEqual({ reason: 'shutting-down' });
    expect((await send(`${rig.url}/healthz`)).status).toBe(200);
  });
});
