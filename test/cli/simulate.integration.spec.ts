// `policy simulate` with an officer's real token against the real orchestrator, and what its endpoint does with hostile bodies.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { auditPage } from '../../src/orchestrator/audit/audit.endpoints.js';
import { simulationView } from '../../src/orchestrator/simulations/simulation.dto.js';
import { type ApiRig, expectProblem } from '../orchestrator/api-rig.js';
import type { Desk } from './desk.js';
import { joinedDesk } from './joined-desk.js';

const TO = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const PATH = '/v1/policy/simulations';

let desk: Desk;
let rig: ApiRig;
let config: string;

beforeAll(async () => {
  ({ desk, rig, config } = await joinedDesk());
});
afterAll(async () => {
  await rig?.stop();
  await desk?.destroy();
});

function simulated(amount: string, ...more: string[]) {
  return desk.run(
    ...['policy', 'simulate', '--wallet', 'hot-btc', '--amount', amount, '--to', TO, '--fee', '0.0002 BTC'],
    ...['--requester', 'exchange', '--customer', 'customer-7', '--config', config, ...more],
  );
}

function body(altered: Readonly<Record<string, unknown>> = {}) {
  const {
    type: _t,
    deploymentId: _d,
    requestId: _r,
    createdAtMs: _c,
    expiresAtMs: _e,
    ...content
  } = rig.deployment.request().statement;
  return { ...content, ...altered };
}

describe('portcullis policy simulate', () => {
  it('says what would be decided now, by whose counters, and that the signer has its own', async () => {
    const { exit, output } = await simulated('0.5 BTC');
    expect(exit).toBe(0);
    expect(output).toContain('to be approved by hot-bitcoin/middle: 2 of treasury');
    expect(output).toMatch(/hot-bitcoin\/day +hot-btc +0.5002 BTC +0 BTC +0.5002 BTC +2 BTC +24h/);
    expect(output).toMatch(/hot-bitcoin\/small +amount-at-most: 0.01 BTC/);
    expect(output).toContain('Approvals of these never count: exchange');
    expect(output).toMatch(/The signer\s+decides by its own counters/);
    expect(output).not.toContain('DRAFT');
  });

  it('ends with 1 and the code for what is refused', async () => {
    const ended = await simulated('1.5 BTC', '--json');
    expect(ended).toMatchObject({ exit: 1, answer: { decision: 'refuse', code: 'policy-refused' } });
    expect((await simulated('1.5 BTC')).output).toContain('policy-refused by hot-bitcoin/large');
  });

  it('says loudly that a draft is one, and where a draft is wrong', async () => {
    const text = [
      'policy: hot-bitcoin',
      'applies-to: { wallets: [hot-btc] }',
      'fee-caps: { absolute: "0.0005 BTC", relative: "5%" }',
      'rules:',
      '  - { id: any, when: { asset: BTC }, then: allow }',
      '',
    ].join('\n');
    const draft = await desk.write('hot-bitcoin.policy.yaml', text);
    const { output } = await simulated('1.5 BTC', '--policy', draft);
    expect(output).toMatch(/^DRAFT: /);
    expect(output).toContain('allowed by hot-bitcoin/any');
    const wrong = await desk.write('wrong.policy.yaml', text.replace('hot-btc', 'hot-bct'));
    expect(await simulated('1.5 BTC', '--policy', wrong, '--json')).toMatchObject({
      exit: 1,
      code: 'policy-malformed',
    });
  });

  it('shows a freeze first', async () => {
    const { deployment } = rig;
    const scope = { kind: 'wallet', walletId: 'hot-eth' } as const;
    const entry = deployment.entry({ kind: 'frozen', scope, why: 'a laptop is missing' }, [deployment.alice]);
    expect((await rig.alice.post('/v1/governance/entries', { body: entry })).status).toBe(201);
    deployment.log.push(entry);
    const { output } = await simulated(
      '0.01 ETH',
      ...['--wallet', 'hot-eth', '--fee', '0.001 ETH', '--to', '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'],
    );
    expect(output).toMatch(/^The wallet hot-eth is frozen since entry \d+: a laptop is missing/);
    expect(output).toContain('allowed by');
  });

  it.each([
    ['an amount without its unit', ['--amount', '0.5'], 'arguments-invalid'],
    ['an amount that is finer than the asset', ['--amount', '0.000000001 BTC'], 'amount-over-precise'],
    ['nothing at all', ['--amount', '0 BTC'], 'arguments-invalid'],
    ['an asset of another chain', ['--amount', '1 ETH'], 'arguments-invalid'],
    ['a fee in another coin', ['--fee', '0.1 ETH'], 'arguments-invalid'],
    ['a wallet that nobody knows', ['--wallet', 'cold-btc'], 'arguments-invalid'],
    ['a requester for whom no key speaks', ['--requester', 'nobody'], 'arguments-invalid'],
  ])('refuses %s where it is typed', async (_title, args, code) => {
    const ended = await simulated('0.5 BTC', ...args, '--json');
    expect({ exit: ended.exit, code: ended.code }).toEqual({ exit: 2, code });
  });

  it('shows the refusals of the door as they are', async () => {
    expect(await simulated('0.5 BTC', '--to', `${TO}0`, '--json')).toMatchObject({
      exit: 1,
      code: 'destination-invalid',
    });
    expect(await simulated('0.5 BTC', '--request-key', 'carol-desk', '--json')).toMatchObject({
      exit: 1,
      code: 'requester-not-owner',
    });
  });
});

describe('the endpoint', () => {
  it('is recorded in the audit log as a look by that officer, and for nobody else to use', async () => {
    const { deployment } = rig;
    await deployment.setAuditLog(await deployment.connect());
    expect((await rig.bob.post(PATH, { body: body() })).status).toBe(200);
    expectProblem(await rig.exchange.post(PATH, { body: body() }), 403, 'officers-only');
    for (let tries = 0; ; tries += 1) {
      const found = auditPage.parse((await rig.bob.get('/v1/audit?person=bob&kind=admin-read')).body);
      if (JSON.stringify(found).includes('simulateTransfer')) break;
      if (tries === 100) throw new Error('the look never came into the audit log');
      await sleep(100);
    }
  });

  it('creates nothing under whatever Idempotency-Key, and answers anew each time', async () => {
    const idempotencyKey = 'simulate-0001';
    const first = await rig.alice.post(PATH, { body: body(), idempotencyKey });
    const other = await rig.alice.post(PATH, { body: body({ amount: '50000000' }), idempotencyKey });
    expect([first.status, other.status]).toEqual([200, 200]);
    expect(simulationView.parse(first.body).decision).toBe('allow');
    expect(simulationView.parse(other.body).decision).toBe('approve');
    const list = await rig.alice.get('/v1/transfers');
    expect(list.body).toEqual({ items: [], nextCursor: null });
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['an amount below zero', { amount: '-1' }],
    ['no amount', { amount: '0' }],
    ['an amount that is a number', { amount: 1 }],
    ['a fraction', { amount: '1.5' }],
    ['an amount that no token has', { amount: `${2n ** 256n}` }],
    ['a fee below zero', { feeCeiling: '-1' }],
    ['a kind that is none', { kind: 'theft' }],
    ['a chain that is none', { chain: 'bitcoin' }],
    ['a wallet named like a path', { wallet: '../hot-btc' }],
    ['an asset without its decimals', { asset: { kind: 'native', symbol: 'BTC' } }],
    ['a signature', { signature: '00' }],
    ['a time', { createdAtMs: 1 }],
    ['a draft without documents', { policies: [] }],
    ['a draft with a line that is no ASCII', { policies: [{ name: 'x', lines: ['p\u043elicy: x'] }] }],
    [
      'a draft that is larger than anybody writes',
      {
        policies: Array.from({ length: 4 }, (_, at) => ({
          name: `x${at}`,
          lines: Array(200).fill('#'.repeat(200)),
        })),
      },
    ],
  ])('refuses %s (input-invalid)', async (_title, altered) => {
    expectProblem(await rig.alice.post(PATH, { body: body(altered) }), 400, 'input-invalid');
  });

  it('judges the largest amount, and no customer by the counters of another', async () => {
    const most = simulationView.parse(
      (await rig.alice.post(PATH, { body: body({ amount: `${2n ** 256n - 1n}` }) })).body,
    );
    expect(most.code).toBe('policy-refused');
    const keyOf = async (customer: string) => {
      const { limits } = simulationView.parse(
        (await rig.alice.post(PATH, { body: body({ customer }) })).body,
      );
      return limits.find(({ limitId }) => limitId === 'hot-bitcoin/customer-day')?.key;
    };
    expect([await keyOf('customer-1'), await keyOf('customer-2')]).toEqual(['customer-1', 'customer-2']);
  });
});
