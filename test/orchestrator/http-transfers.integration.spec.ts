// What people and programs do over the API, on both databases: transfers, lists, idempotency, approvals, governance.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Change, credential } from '../../src/core/governance/entry.js';
import { approvalBytes } from '../../src/core/statements/approval.js';
import { type Altered, aPasskey } from '../../src/core/statements/passkey.fixture.js';
import { requestDigest, transferIdOf } from '../../src/core/statements/request.js';
import { statementToSign } from '../../src/orchestrator/approvals/approval.endpoints.js';
import { getGovernance } from '../../src/orchestrator/governance/governance.endpoints.js';
import { statusView } from '../../src/orchestrator/status/status.view.js';
import { transferPage, transferView } from '../../src/orchestrator/transfers/transfer.dto.js';
import { getBalances, listWallets } from '../../src/orchestrator/wallets/wallet.endpoints.js';
import { passkeySignature } from '../../src/sdk/passkeys.js';
import { ApiRig, dialects, expectProblem } from './api-rig.js';

describe.each(dialects)('on %s', (dialect) => {
  let rig: ApiRig;

  beforeAll(async () => {
    rig = await ApiRig.start(dialect);
  });
  afterAll(async () => {
    await rig?.stop();
  });

  describe('a transfer', () => {
    it('is taken from the request key that signed it', async () => {
      const body = rig.deployment.request();
      const answer = await rig.exchange.post('/v1/transfers', { body, idempotencyKey: 'take-0001' });
      expect(answer.status).toBe(201);
      const transfer = transferView.parse(answer.body);
      expect(transfer.transferId).toBe(transferIdOf(requestDigest(body.statement)));
      expect(transfer.transitions[0]).toMatchObject({ to: 'requested', by: 'request-key:exchange-1' });
    });

    it('refuses the request of another key', async () => {
      const body = rig.deployment.request({}, rig.deployment.desk);
      expectProblem(
        await rig.exchange.post('/v1/transfers', { body, idempotencyKey: 'other-0001' }),
        403,
        'request-of-another-key',
      );
    });

    it.each([
      ['request-signature-invalid', 422, () => ({ ...rig.deployment.request(), signature: '0'.repeat(128) })],
      ['request-other-deployment', 422, () => rig.deployment.request({ deploymentId: '0'.repeat(64) })],
      ['wallet-unknown', 422, () => rig.deployment.request({ wallet: 'cold-btc' })],
      [
        'destination-invalid',
        422,
        () => rig.deployment.request({ destination: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt081' }),
      ],
      ['requester-not-owner', 422, () => rig.deployment.request({ requester: 'alice' })],
      ['request-expired', 422, () => rig.deployment.request({ createdAtMs: 1, expiresAtMs: 2 })],
    ])('refuses %s, and leaves the Idempotency-Key unused', async (code, status, make) => {
      const idempotencyKey = `refused-${code}`;
      expectProblem(await rig.exchange.post('/v1/transfers', { body: make(), idempotencyKey }), status, code);
      const answer = await rig.exchange.post('/v1/transfers', {
        body: rig.deployment.request(),
        idempotencyKey,
      });
      expect(answer.status).toBe(201);
    });

    it('refuses another request under a request id that was used', async () => {
      const first = rig.deployment.request();
      const second = rig.deployment.request({ requestId: first.statement.requestId, amount: '500001' });
      expect(
        (await rig.exchange.post('/v1/transfers', { body: first, idempotencyKey: 'reqid-0001' })).status,
      ).toBe(201);
      expectProblem(
        await rig.exchange.post('/v1/transfers', { body: second, idempotencyKey: 'reqid-0002' }),
        409,
        'request-id-used',
      );
    });

    it('is not shown to the key of somebody else', async () => {
      const body = rig.deployment.request();
      const made = await rig.exchange.post('/v1/transfers', { body, idempotencyKey: 'hidden-0001' });
      const path = `/v1/transfers/${String(made.body.transferId)}`;
      expect((await rig.exchange.get(path)).status).toBe(200);
      expect((await rig.alice.get(path)).status).toBe(200);
      expect((await rig.alice.get(`${path}/request`)).body).toEqual(body);
      expectProblem(await rig.desk.get(path), 404, 'transfer-unknown');
      expectProblem(await rig.desk.get(`${path}/request`), 404, 'transfer-unknown');
      expectProblem(await rig.desk.post(`${path}/cancel`), 404, 'transfer-unknown');
      expectProblem(await rig.desk.get(`${path}/certificates`), 404, 'transfer-unknown');
      expectProblem(await rig.exchange.get(`${path}/certificates`), 404, 'certificate-missing');
    });

    it('is cancelled once, before anything was signed', async () => {
      const { transferId } = await rig.awaitingApprovals('cancel-0001');
      const path = `/v1/transfers/${transferId}/cancel`;
      const answer = await rig.exchange.post(path, { idempotencyKey: 'cancel-it-0001' });
      expect(answer.status).toBe(200);
      expect(transferView.parse(answer.body).state).toBe('cancelled');
      expect((await rig.exchange.post(path, { idempotencyKey: 'cancel-it-0001' })).text).toBe(answer.text);
      expectProblem(await rig.exchange.post(path), 409, 'transfer-not-cancellable');
    });

    it('that goes on by itself is resolved by nobody, and by no backend', async () => {
      const { transferId } = await rig.awaitingApprovals('resolve-0001');
      const path = `/v1/transfers/${transferId}/resolve`;
      const body = { how: 'ask-signer' };
      expectProblem(await rig.alice.post(path, { body }), 409, 'transfer-not-indeterminate');
      expectProblem(await rig.exchange.post(path, { body }), 403, 'officers-only');
      for (const wrong of [
        { how: 'paid' },
        { how: 'paid', note: 'a\nb' },
        { how: 'ask-signer', note: 'x' },
      ]) {
        expectProblem(await rig.alice.post(path, { body: wrong }), 400, 'input-invalid');
      }
    });
  });

  describe('a list', () => {
    it('comes in pages, newest first, to a key only of its own owners', async () => {
      for (let count = 0; count < 5; count += 1) {
        const body = rig.deployment.request({ customer: 'customer-of-desk' }, rig.deployment.desk);
        await rig.desk.post('/v1/transfers', { body, idempotencyKey: `page-000${count}` });
        rig.deployment.time.advance(10);
      }
      const seen: string[] = [];
      let cursor: string | null = '';
      for (let pages = 0; pages < 10 && cursor !== null; pages += 1) {
        const more: string = cursor === '' ? '' : `&cursor=${cursor}`;
        const page = transferPage.parse((await rig.desk.get(`/v1/transfers?limit=2${more}`)).body);
        expect(page.items.length).toBeLessThanOrEqual(2);
        expect(page.items.every((item) => item.requester === 'carol')).toBe(true);
        seen.push(...page.items.map((item) => item.transferId));
        cursor = page.nextCursor;
      }
      expect(seen).toHaveLength(5);
      expect(new Set(seen).size).toBe(5);
      const all = transferPage.parse((await rig.alice.get('/v1/transfers?limit=200')).body);
      expect(all.items.filter((item) => item.requester === 'carol').map((item) => item.transferId)).toEqual(
        seen,
      );
      expect(all.items.some((item) => item.requester === 'exchange')).toBe(true);
    });

    it('is filtered', async () => {
      const filtered = transferPage.parse(
        (await rig.alice.get('/v1/transfers?customer=customer-of-desk&wallet=hot-btc')).body,
      );
      expect(filtered.items).toHaveLength(5);
      expect(
        transferPage.parse((await rig.exchange.get('/v1/transfers?requester=carol')).body).items,
      ).toEqual([]);
    });
  });

  describe('an Idempotency-Key', () => {
    it('gives the same answer for the same call', async () => {
      const call = { body: rig.deployment.request(), idempotencyKey: 'same-0001' };
      const first = await rig.exchange.post('/v1/transfers', call);
      const transferId = String(first.body.transferId);
      await rig.exchange.post(`/v1/transfers/${transferId}/cancel`);
      const again = await rig.exchange.post('/v1/transfers', call);
      expect({ status: again.status, text: again.text }).toEqual({ status: 201, text: first.text });
    });

    it('refuses another body', async () => {
      const idempotencyKey = 'reused-0001';
      expect(
        (await rig.exchange.post('/v1/transfers', { body: rig.deployment.request(), idempotencyKey })).status,
      ).toBe(201);
      expectProblem(
        await rig.exchange.post('/v1/transfers', { body: rig.deployment.request(), idempotencyKey }),
        422,
        'idempotency-key-reused',
      );
    });

    it('is one for each principal', async () => {
      const idempotencyKey = 'each-0001';
      const own = rig.deployment.request({}, rig.deployment.desk);
      expect(
        (await rig.exchange.post('/v1/transfers', { body: rig.deployment.request(), idempotencyKey })).status,
      ).toBe(201);
      expect((await rig.desk.post('/v1/transfers', { body: own, idempotencyKey })).status).toBe(201);
    });

    it('gives twenty calls at once one transfer and one answer', async () => {
      const call = { body: rig.deployment.request(), idempotencyKey: 'twenty-0001' };
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => rig.exchange.post('/v1/transfers', call)),
      );
      expect(new Set(answers.map((answer) => `${answer.status} ${answer.text}`)).size).toBe(1);
      expect(answers[0]?.status).toBe(201);
    });

    it('of twenty different calls at once lets one through', async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () =>
          rig.exchange.post('/v1/transfers', {
            body: rig.deployment.request({ customer: 'racing' }),
            idempotencyKey: 'race-0001',
          }),
        ),
      );
      expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1);
      expect(answers.filter((answer) => answer.body.code === 'idempotency-key-reused')).toHaveLength(19);
      const made = transferPage.parse((await rig.alice.get('/v1/transfers?customer=racing')).body);
      expect(made.items).toHaveLength(1);
    });

    it('is not needed for the same request to be the same transfer', async () => {
      const body = rig.deployment.request();
      const first = await rig.exchange.post('/v1/transfers', { body, idempotencyKey: 'digest-0001' });
      const again = await rig.exchange.post('/v1/transfers', { body, idempotencyKey: 'digest-0002' });
      expect(again.status).toBe(201);
      expect(again.body.transferId).toBe(first.body.transferId);
    });
  });

  describe('approvals', () => {
    it('are given over one statement, by each officer for themselves', async () => {
      const { transferId, request } = await rig.awaitingApprovals('approve-0001');
      const path = `/v1/transfers/${transferId}`;
      const { statement } = statementToSign.parse((await rig.alice.get(`${path}/statement`)).body);
      expect(statement).toMatchObject({
        transferId,
        destination: request.statement.destination,
        amount: '50000000',
      });

      const byBob = rig.deployment.approve(statement, rig.deployment.bob);
      expectProblem(
        await rig.alice.post(`${path}/approvals`, { body: byBob }),
        403,
        'approval-of-another-person',
      );
      const forged = {
        ...rig.deployment.approve(statement, rig.deployment.alice),
        signature: byBob.signature,
      };
      expectProblem(
        await rig.alice.post(`${path}/approvals`, { body: forged }),
        422,
        'approval-signature-invalid',
      );
      const unknown = { ...byBob, credentialId: 'nobody-token' };
      expectProblem(
        await rig.alice.post(`${path}/approvals`, { body: unknown }),
        422,
        'approver-not-in-roster',
      );

      const call = {
        body: rig.deployment.approve(statement, rig.deployment.alice),
        idempotencyKey: 'alice-0001',
      };
      const given = await rig.alice.post(`${path}/approvals`, call);
      expect(given.status).toBe(201);
      expect(transferView.parse(given.body).approvals.missing).toEqual([{ group: 'treasury', quorum: 1 }]);
      expect((await rig.alice.post(`${path}/approvals`, call)).text).toBe(given.text);
      const second = rig.deployment.approve(statement, rig.deployment.alice);
      expectProblem(await rig.alice.post(`${path}/approvals`, { body: second }), 409, 'approver-duplicate');

      expect((await rig.bob.post(`${path}/approvals`, { body: byBob })).status).toBe(201);
      await rig.transferIn(transferId, 'approved');
      expectProblem(await rig.alice.get(`${path}/statement`), 409, 'transfer-not-awaiting-approvals');
    });

    it('refuses an officer their own request', async () => {
      const { transferId } = await rig.awaitingApprovals('own-0001', rig.deployment.desk);
      const { statement } = statementToSign.parse(
        (await rig.carol.get(`/v1/transfers/${transferId}/statement`)).body,
      );
      expectProblem(
        await rig.carol.post(`/v1/transfers/${transferId}/approvals`, {
          body: rig.deployment.approve(statement, rig.deployment.carol),
        }),
        422,
        'approver-is-requester',
      );
    });

    it('end a transfer with one rejection', async () => {
      const { transferId } = await rig.awaitingApprovals('reject-0001');
      const { statement } = statementToSign.parse(
        (await rig.bob.get(`/v1/transfers/${transferId}/statement`)).body,
      );
      const answer = await rig.bob.post(`/v1/transfers/${transferId}/approvals`, {
        body: rig.deployment.approve(statement, rig.deployment.bob, 'reject'),
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
      const page = getGovernance.answer.schema.parse((await rig.alice.get('/v1/governance')).body);
      expect(page.summary).toMatchObject({
        deploymentId: rig.deployment.deploymentId,
        sequence: 0,
        head: rig.deployment.head,
      });
      expect(page.entries).toEqual(rig.deployment.log);
      expect(page.nextFrom).toBeNull();
    });

    it('takes an entry that a quorum signed, once or twice', async () => {
      const change = {
        kind: 'group-set',
        group: { groupId: 'auditors', members: ['carol'] },
      } satisfies Change;
      const entry = rig.deployment.entry(change, [rig.deployment.alice, rig.deployment.bob]);
      const first = await rig.alice.post('/v1/governance/entries', { body: entry });
      expect(first.status).toBe(201);
      expect(first.body).toMatchObject({ sequence: 1 });
      rig.deployment.log.push(entry);
      expect((await rig.bob.post('/v1/governance/entries', { body: entry })).text).toBe(first.text);
      const page = getGovernance.answer.schema.parse((await rig.bob.get('/v1/governance?from=1')).body);
      expect(page.entries).toEqual([entry]);
    });

    it('refuses an entry without its quorum, or out of its place', async () => {
      const change = {
        kind: 'group-set',
        group: { groupId: 'auditors', members: ['alice'] },
      } satisfies Change;
      const alone = rig.deployment.entry(change, [rig.deployment.alice]);
      expectProblem(
        await rig.alice.post('/v1/governance/entries', { body: alone }),
        422,
        'governance-quorum-missing',
      );
      const early = rig.deployment.entry(change, [rig.deployment.alice, rig.deployment.bob], { sequence: 7 });
      expectProblem(
        await rig.alice.post('/v1/governance/entries', { body: early }),
        409,
        'governance-sequence',
      );
    });
  });

  describe('what people look at', () => {
    it('shows wallets with their addresses, and no balance while the nodes are away', async () => {
      const wallets = listWallets.answer.schema.parse((await rig.alice.get('/v1/wallets')).body);
      expect(wallets.items.map((wallet) => wallet.walletId)).toEqual(['hot-btc', 'hot-eth']);
      const balances = await rig.alice.get('/v1/wallets/hot-btc/balances');
      expect(getBalances.answer.schema.parse(balances.body).balances[0]?.available).toBe('0');
      expectProblem(await rig.alice.get('/v1/wallets/hot-eth/balances'), 503, 'balance-unavailable');
      expectProblem(await rig.alice.get('/v1/wallets/cold/balances'), 422, 'wallet-unknown');
    });

    it('shows signer, tokens, nodes and database', async () => {
      const status = statusView.parse((await rig.alice.get('/v1/status')).body);
      expect(status.database).toEqual({
        dialect: dialect === 'SQLite' ? 'sqlite' : 'postgres',
        reachable: true,
      });
      expect(status.signer).toMatchObject({ reachable: true, agrees: true });
      expect(status.tokens).toMatchObject([{ name: 'treasury', ready: true }]);
      expect(status.nodes.length).toBeGreaterThan(0);
      expect(status.nodes.every((node) => !node.healthy)).toBe(true);
      expect(JSON.stringify(status)).not.toContain('http://');
    });

    it("shows whose word what nobody approves is signed with, and until when; and that it is by nobody's", async () => {
      const word = async () => statusView.parse((await rig.alice.get('/v1/status')).body).governance.word;
      expect(await word()).toEqual({ needed: true, credentialId: null, untilMs: null });
      const said = rig.deployment.word(rig.deployment.bob);
      expect((await rig.bob.post('/v1/governance/head', { body: said })).status).toBe(201);
      const untilMs = said.statement.createdAtMs + 24 * 3_600_000;
      expect(await word()).toEqual({ needed: true, credentialId: 'bob-token', untilMs });
    });
  });

  describe('approvals by passkey', () => {
    it('are taken from a passkey of the officer who calls, whose calls are signed by their token', async () => {
      const passkey = aPasskey();
      const entry = rig.deployment.entry(
        {
          kind: 'credential-added',
          personId: 'bob',
          credential: credential.parse({
            credentialId: 'bob-passkey',
            credentialClass: 'passkey',
            algorithm: 'webauthn-es256',
            ...passkey.key,
          }),
        },
        [rig.deployment.alice, rig.deployment.bob],
      );
      expect((await rig.alice.post('/v1/governance/entries', { body: entry })).status).toBe(201);
      rig.deployment.log.push(entry);

      const { transferId } = await rig.awaitingApprovals('passkey-0001');
      const path = `/v1/transfers/${transferId}`;
      const { statement } = statementToSign.parse((await rig.bob.get(`${path}/statement`)).body);
      const by = (altered: Altered) => ({
        credentialId: 'bob-passkey',
        verdict: 'approve' as const,
        signature: passkeySignature(passkey.assertion(approvalBytes('approve', statement), altered)),
      });
      const elsewhere = by({ origin: 'https://evil.example' });
      expectProblem(
        await rig.bob.post(`${path}/approvals`, { body: elsewhere }),
        422,
        'approval-signature-invalid',
      );
      expectProblem(
        await rig.alice.post(`${path}/approvals`, { body: by({}) }),
        403,
        'approval-of-another-person',
      );
      const given = await rig.bob.post(`${path}/approvals`, { body: by({}) });
      expect(given.status).toBe(201);
      expect(transferView.parse(given.body).approvals.missing).toEqual([{ group: 'treasury', quorum: 1 }]);
      const byAlice = rig.deployment.approve(statement, rig.deployment.alice);
      expect((await rig.alice.post(`${path}/approvals`, { body: byAlice })).status).toBe(201);
      await rig.transferIn(transferId, 'approved');
    });
  });
});
