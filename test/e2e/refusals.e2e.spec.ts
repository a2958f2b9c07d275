// What must not be paid is not paid, and whoever asked sees why: by code, over the API, on the whole spine. The signer's
// own answers to a compromised orchestrator are in test/signer/attacks; here is what becomes of the transfer.

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { makeBackend } from '../../devnet/deployment.js';
import { scriptOfAddress } from '../../src/core/intents/bitcoin/address.js';
import { send } from '../orchestrator/api-client.js';
import { expectBooksAgree, expectNonceOrder } from './books.js';
import { freshBitcoinAddress, freshEthereumAddress } from './chains.js';
import { DatabaseThief } from './database-thief.js';
import { withChange } from './policies.js';
import { ETHER, eventually, Rig } from './rig.js';

const MINUTE_MS = 60_000;

let rig: Rig;
let thief: DatabaseThief;

beforeAll(async () => {
  rig = await Rig.start({ settings: { approvals: { ttlMs: 10 * MINUTE_MS } } });
  rig.chains.startMining();
  thief = new DatabaseThief(rig.databaseUrl);
});
afterAll(async () => {
  thief?.close();
  await rig?.stop();
});
afterEach(() => thief.leave());

function scriptOf(address: string): string {
  const script = scriptOfAddress(address, 'regtest');
  if (script.kind === 'refused') throw new RangeError(`no address: ${address}`);
  return script.value;
}

/** Nothing is held for anything, and the next withdrawals go through. */
async function expectNothingHeld(): Promise<void> {
  const ids = await Promise.all([
    rig.taken(rig.request({ asset: 'BTC', amount: 300_000n })),
    rig.taken(rig.request({ asset: 'ETH', amount: ETHER / 50n })),
  ]);
  await rig.settled(ids);
  await expectBooksAgree(rig);
  await expectNonceOrder(rig);
}

describe('over a limit: a withdrawal is refused', () => {
  it('when the policy lets none so large leave (policy-refused)', async () => {
    const id = await rig.taken(rig.request({ asset: 'BTC', amount: 100_000_001n }));
    const refused = await rig.until(id, ['refused']);
    expect(refused.reason).toMatchObject({ code: 'policy-refused', facts: { rule: 'hot-bitcoin/large' } });
    expect(refused.transactions).toEqual([]);
  });

  it("when the customer's day is full (limit-exceeded), with the limit and what was used", async () => {
    const customer = 'customer-with-a-day';
    const wish = { asset: 'BTC', amount: 60_000_000n, customer } as const;
    const first = await rig.taken(rig.request(wish));
    await rig.approve(first, [rig.deployment.alice, rig.deployment.bob]);
    await rig.settled([first]);
    const refused = await rig.until(await rig.taken(rig.request(wish)), ['refused']);
    expect(refused.reason).toMatchObject({
      code: 'limit-exceeded',
      facts: { limit: 'hot-bitcoin/customer-day', used: '60020000', asked: '60020000', max: '100000000' },
    });
  });
});

describe('approvals', () => {
  it('refuses one officer twice (approver-duplicate), and goes on waiting for another', async () => {
    const { alice, bob } = rig.deployment;
    const id = await rig.taken(rig.request({ asset: 'BTC', amount: 2_000_000n }));
    await rig.approve(id, [alice]);
    const again = await rig.verdict(id, alice);
    expect(again.body.code).toBe('approver-duplicate');
    const waiting = await rig.transfer(id);
    expect(waiting.state).toBe('awaiting-approvals');
    expect(waiting.approvals.missing).toEqual([{ group: 'treasury', quorum: 1 }]);
    await rig.approve(id, [bob]);
    await rig.settled([id]);
  });

  it("refuses an officer's own request (approver-is-requester)", async () => {
    const { alice, bob, carol, desk } = rig.deployment;
    const id = await rig.taken(rig.request({ asset: 'ETH', amount: ETHER, backend: desk }));
    await rig.approve(id, [alice]);
    const own = await rig.verdict(id, carol);
    expect(own.body.code).toBe('approver-is-requester');
    expect((await rig.transfer(id)).state).toBe('awaiting-approvals');
    await rig.approve(id, [bob]);
    await rig.settled([id]);
  });

  it('end a transfer when one officer rejects it (rejected-by-officer)', async () => {
    const { alice, bob } = rig.deployment;
    const id = await rig.taken(rig.request({ asset: 'BTC', amount: 2_000_000n }));
    await rig.approve(id, [alice]);
    expect((await rig.verdict(id, bob, 'reject')).status).toBe(201);
    const refused = await rig.until(id, ['refused']);
    expect(refused.reason).toMatchObject({ code: 'rejected-by-officer', facts: { personId: 'bob' } });
  });

  it('refuses them once their time is over (approval-expired): the transfer has expired', async () => {
    const { alice, bob } = rig.deployment;
    const id = await rig.taken(rig.request({ asset: 'ETH', amount: ETHER }));
    await rig.approve(id, [alice]);
    rig.deployment.time.advance(11 * MINUTE_MS);
    const expired = await rig.until(id, ['expired']);
    expect(expired.reason.code).toBe('approval-expired');
    const late = await rig.verdict(id, bob);
    expect(late.body.code).toBe('approval-expired');
  });

  it('refuses a request that nobody approved in its time (request-expired)', async () => {
    const wish = { asset: 'ETH', amount: ETHER, expiresInMs: 2 * MINUTE_MS } as const;
    const id = await rig.taken(rig.request(wish));
    await rig.until(id, ['awaiting-approvals']);
    rig.deployment.time.advance(3 * MINUTE_MS);
    expect((await rig.until(id, ['expired'])).reason.code).toBe('request-expired');
    const request = rig.request(wish);
    rig.deployment.time.advance(3 * MINUTE_MS);
    expect((await rig.submit(request)).body.code).toBe('request-expired');
  });
});

describe('what officers approved', () => {
  it('does not count under another policy: they are asked anew, with another statement', async () => {
    const { alice, bob, carol, policies } = rig.deployment;
    const id = await rig.taken(rig.request({ asset: 'BTC', amount: 2_000_000n }));
    await rig.approve(id, [alice]);
    const before = (await rig.transfer(id)).approvals.statementDigest;
    await rig.govern({
      kind: 'policies-set',
      policies: withChange(policies, 'hot-bitcoin', 'max: "2 BTC"', 'max: "3 BTC"'),
    });
    await eventually('another statement', async () => {
      const { approvals } = await rig.transfer(id);
      return approvals.statementDigest !== null && approvals.statementDigest !== before;
    });
    expect((await rig.transfer(id)).approvals.given).toEqual([]);
    await rig.approve(id, [bob]);
    expect((await rig.transfer(id)).state).toBe('awaiting-approvals');
    await rig.approve(id, [carol]);
    const [settled] = await rig.settled([id]);
    expect(settled?.transitions.map(({ reason }) => reason.code)).toContain('policy-changed');
  });

  it('ends with a cancel by the backend: nobody can approve it any more', async () => {
    const { alice, bob, exchange } = rig.deployment;
    const id = await rig.taken(rig.request({ asset: 'ETH', amount: ETHER }));
    await rig.approve(id, [alice]);
    const cancelled = await rig.client(exchange).post(`/v1/transfers/${id}/cancel`);
    expect([cancelled.status, cancelled.body.state]).toEqual([200, 'cancelled']);
    expect((await rig.verdict(id, bob)).body.code).toBe('transfer-not-awaiting-approvals');
  });
});

describe('requests', () => {
  it('refuses one that a foreign key signed (request-signature-invalid, signature-key-unknown)', async () => {
    const { exchange } = rig.deployment;
    const foreign = makeBackend('exchange-1', ['exchange']);
    const request = rig.request({ asset: 'BTC', amount: 300_000n, backend: foreign });
    const carried = await rig.client(exchange).post('/v1/transfers', {
      body: request,
      idempotencyKey: 'foreign-key-0001',
    });
    expect(carried.body.code).toBe('request-signature-invalid');
    const stranger = makeBackend('stranger-1', ['exchange']);
    const own = rig.request({ asset: 'BTC', amount: 300_000n, backend: stranger });
    const sent = await rig.client(stranger).post('/v1/transfers', {
      body: own,
      idempotencyKey: 'foreign-key-0002',
    });
    expect(sent.body.code).toBe('signature-key-unknown');
  });

  it('refuses the same HTTP message again (signature-replayed): one transfer', async () => {
    const { exchange } = rig.deployment;
    const body = rig.request({ asset: 'BTC', amount: 300_000n });
    const client = rig.client(exchange);
    const options = { body, idempotencyKey: 'replayed-0001' };
    const headers = await client.signed('POST', '/v1/transfers', options);
    const url = `${client.url}/v1/transfers`;
    expect((await send(url, 'POST', headers, JSON.stringify(body))).status).toBe(201);
    const replayed = await send(url, 'POST', headers, JSON.stringify(body));
    expect(replayed.body.code).toBe('signature-replayed');
    const listed = await client.get(`/v1/transfers?requestId=${body.statement.requestId}`);
    expect(listed.body.items).toHaveLength(1);
  });

  it('refuses another body under an idempotency key (idempotency-key-reused), and another request under a request id', async () => {
    const first = rig.request({ asset: 'BTC', amount: 300_000n, requestId: 'payout-1' });
    const other = rig.request({ asset: 'BTC', amount: 300_001n, requestId: 'payout-1' });
    const key = { idempotencyKey: 'payout-key-0001' };
    const taken = await rig.submit(first, key);
    expect((await rig.submit(first, key)).body.transferId).toBe(taken.body.transferId);
    const reused = await rig.submit(other, key);
    expect(reused.body.code).toBe('idempotency-key-reused');
    const again = await rig.submit(other);
    expect(again.body.code).toBe('request-id-used');
    await rig.settled([String(taken.body.transferId)]);
    expect(await rig.chains.bitcoinOutputs(first.statement.destination)).toHaveLength(1);
  });
});

describe('a destination changed in the database after approval', () => {
  it('is refused by the signer (destination-mismatch): Bitcoin, coins and all else given back', async () => {
    const stolen = freshBitcoinAddress();
    const request = rig.request({ asset: 'BTC', amount: 5_000_000n });
    const { destination } = request.statement;
    thief.swapInPlans(scriptOf(destination), scriptOf(stolen));
    const id = await rig.taken(request);
    await rig.approve(id, [rig.deployment.alice, rig.deployment.bob]);
    const refused = await rig.until(id, ['refused']);
    expect(refused.reason).toMatchObject({ code: 'destination-mismatch', facts: { outputAddress: stolen } });
    expect(refused.transactions.map(({ state, transactionId }) => [state, transactionId])).toEqual([
      ['released', null],
    ]);
    await expectNothingHeld();
    expect(await rig.chains.bitcoinOutputs(stolen)).toEqual([]);
    expect(await rig.chains.bitcoinOutputs(destination)).toEqual([]);
  });

  it('is refused by the signer (destination-mismatch): Ethereum, the nonce given back', async () => {
    const stolen = freshEthereumAddress();
    const request = rig.request({ asset: 'ETH', amount: ETHER });
    thief.swapInPlans(request.statement.destination, stolen);
    const id = await rig.taken(request);
    await rig.approve(id, [rig.deployment.alice, rig.deployment.bob]);
    const refused = await rig.until(id, ['refused']);
    expect(refused.reason.code).toBe('destination-mismatch');
    await expectNothingHeld();
    expect(await rig.chains.ethereum.balance(stolen)).toBe(0n);
  });

  it('is refused by the signer (request-signature-invalid) when request and statement were changed with it', async () => {
    const stolen = freshBitcoinAddress();
    const request = rig.request({ asset: 'BTC', amount: 5_000_000n });
    const { destination } = request.statement;
    thief.swapEverywhere(
      { planned: scriptOf(destination), address: destination },
      { planned: scriptOf(stolen), address: stolen },
    );
    const id = await rig.taken(request);
    await rig.approve(id, [rig.deployment.alice, rig.deployment.bob]);
    const refused = await rig.until(id, ['refused']);
    expect(refused.reason.code).toBe('request-signature-invalid');
    await expectNothingHeld();
    expect(await rig.chains.bitcoinOutputs(stolen)).toEqual([]);
  });

  it('is noticed before: nobody can approve what was changed (request-signature-invalid)', async () => {
    const request = rig.request({ asset: 'BTC', amount: 5_000_000n });
    const id = await rig.taken(request);
    await rig.until(id, ['awaiting-approvals']);
    thief.editRequest(id, request.statement.destination, freshBitcoinAddress());
    const answer = await rig.verdict(id, rig.deployment.alice);
    expect(answer.body.code).toBe('request-signature-invalid');
  });
});

describe('a refused one among others', () => {
  it('in a Bitcoin batch does not stop them', async () => {
    const requests = Array.from({ length: 5 }, () => rig.request({ asset: 'BTC', amount: 250_000n }));
    const victim = requests[2]?.statement.destination ?? '';
    const stolen = freshBitcoinAddress();
    thief.swapInPlans(scriptOf(victim), scriptOf(stolen));
    const ids = await Promise.all(requests.map((request) => rig.taken(request)));
    const ends = await Promise.all(ids.map((id) => rig.until(id, ['settled', 'refused'])));
    expect(ends.map(({ state }) => state)).toEqual(['settled', 'settled', 'refused', 'settled', 'settled']);
    expect(ends[2]?.reason.code).toBe('destination-mismatch');
    for (const { statement } of requests) {
      const outputs = await rig.chains.bitcoinOutputs(statement.destination);
      expect(outputs).toHaveLength(statement.destination === victim ? 0 : 1);
    }
    expect(await rig.chains.bitcoinOutputs(stolen)).toEqual([]);
  });

  it('on Ethereum leaves no gap: those after it settle', async () => {
    const requests = Array.from({ length: 5 }, () => rig.request({ asset: 'ETH', amount: ETHER / 50n }));
    const victim = requests[1]?.statement.destination ?? '';
    const stolen = freshEthereumAddress();
    thief.swapInPlans(victim, stolen);
    const ids: string[] = [];
    for (const request of requests) ids.push(await rig.taken(request));
    const ends = await Promise.all(ids.map((id) => rig.until(id, ['settled', 'refused'])));
    expect(ends.map(({ state }) => state)).toEqual(['settled', 'refused', 'settled', 'settled', 'settled']);
    expect(ends[1]?.reason.code).toBe('destination-mismatch');
    for (const { statement } of requests) {
      const expected = statement.destination === victim ? 0n : ETHER / 50n;
      expect(await rig.chains.ethereum.balance(statement.destination)).toBe(expected);
    }
    await expectNothingHeld();
  });
});
