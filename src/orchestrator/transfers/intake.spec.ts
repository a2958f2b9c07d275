// What comes in over the API: requests, officers' verdicts, and lists of what there is.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Fault } from '../../core/fault.js';
import { START_MS } from './cast.fixture.js';
import { certain, type Life, Stage } from './stage.fixture.js';
import { TransferService } from './transfer.service.js';
import type { TransferPage } from './transfer.view.js';

const ETH = '000000000000000000';
const HOUR_MS = 3_600_000;

let folder: string;
let stage: Stage;
let life: Life;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-pipeline-'));
  stage = new Stage({ url: `sqlite:${join(folder, 'test.db')}` });
  life = await stage.life('one');
});

afterEach(async () => {
  await life.end();
  rmSync(folder, { recursive: true });
});

/** What middle amounts of the shipped policy need from now on. */
async function inForce(approve: string): Promise<void> {
  stage.cast.amend(stage.cast.policiesWith('[ { group: treasury, quorum: 2 } ]', approve));
  await life.governance.refresh();
}

describe('requests', () => {
  it('gives the same transfer for the same request, also after it has expired', async () => {
    const request = stage.cast.request(`1${ETH}`);
    const first = await life.submitted(request);
    stage.pass(48 * HOUR_MS);
    const second = await life.submitted(request);
    expect(second.transferId).toBe(first.transferId);
    expect(second.transitions).toHaveLength(1);
  });

  it('refuses another request under a used request id', async () => {
    const request = stage.cast.request(`1${ETH}`);
    await life.submitted(request);
    const other = stage.cast.signed({ ...request.statement, amount: '7' });
    expect(await life.transfers.submit(other)).toMatchObject({ kind: 'refused', code: 'request-id-used' });
  });

  it.each([
    ['request-signature-invalid', () => stage.cast.foreign(stage.cast.request('1'))],
    ['request-expired', () => stage.cast.request('1', { expiresAtMs: START_MS + 1 })],
    ['request-other-deployment', () => stage.cast.request('1', { deploymentId: 'ab'.repeat(32) })],
    ['request-key-unknown', () => stage.cast.request('1', { keyId: 'nobody' })],
    ['requester-not-owner', () => stage.cast.request('1', { requester: 'mallory' })],
    ['wallet-unknown', () => stage.cast.request('1', { wallet: 'cold-eth' })],
    ['chain-mismatch', () => stage.cast.request('1', { wallet: 'hot-btc' })],
    [
      'destination-invalid',
      () => stage.cast.request('1', { destination: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8' }),
    ],
    [
      'destination-invalid',
      () => stage.cast.bitcoinRequest('1', { destination: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4' }),
    ],
  ])('refuses with %s and keeps nothing', async (code, request) => {
    expect(await life.transfers.submit(request())).toMatchObject({ kind: 'refused', code });
    expect(certain(await life.transfers.list({})).items).toEqual([]);
  });

  it('refuses requester-removed, ends what that person asked for before, and lets a service of the same key ask', async () => {
    const before = await life.submitted(stage.cast.request('1', { requester: 'carol' }));
    stage.cast.amend({ kind: 'person-removed', personId: 'carol' });
    await life.governance.refresh();
    expect(await life.transfers.submit(stage.cast.request('1', { requester: 'carol' }))).toMatchObject({
      kind: 'refused',
      code: 'requester-removed',
      facts: { requester: 'carol' },
    });
    const service = await life.submitted(stage.cast.request('1'));
    await life.work();
    expect(await life.view(before.transferId)).toMatchObject({
      state: 'refused',
      reason: { code: 'requester-removed' },
    });
    expect((await life.view(service.transferId)).state).not.toBe('refused');
  });

  it('refuses chain-not-served when no driver of this program serves the chain, and keeps nothing', async () => {
    const others = new TransferService(Object.create(life.pipeline, { drivers: { value: [] } }));
    expect(await others.submit(stage.cast.request('1'))).toMatchObject({ code: 'chain-not-served' });
    expect(certain(await life.transfers.list({})).items).toEqual([]);
  });

  it('keeps nothing of a request when what was to happen alongside fails', async () => {
    const request = stage.cast.request('1');
    const submitted = life.transfers.submit(request, async () => {
      throw new Fault('alongside', 'no');
    });
    await expect(submitted).rejects.toMatchObject({ code: 'alongside' });
    expect(await life.transfers.submit(request)).toMatchObject({ kind: 'accepted' });
  });

  it('ends a transfer whose request was changed in the database', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.database.transaction((db) =>
      db.query(`UPDATE transfers SET request = replace(request, '"amount":"1"', '"amount":"2"')`),
    );
    await life.work();
    expect(await life.view(transferId)).toMatchObject({
      state: 'refused',
      reason: { code: 'request-signature-invalid' },
    });
  });
});

describe('a request in the database', () => {
  it('ends its transfer when it was exchanged for another one, signed as it may be (request-altered)', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    const other = JSON.stringify(stage.cast.request('2'));
    await life.database.transaction((db) => db.query('UPDATE transfers SET request = ?', [other]));
    await life.live(6);
    expect(await life.view(transferId)).toMatchObject({
      state: 'refused',
      reason: { code: 'request-altered' },
    });
    expect(stage.signer.orders).toEqual([]);
  });
});

describe('approvals', () => {
  async function waiting(): Promise<{ transferId: string; sign: (typeof stage.cast)['verdict'] }> {
    const { transferId } = await life.submitted(stage.cast.request(`2${ETH}`));
    await life.work();
    return { transferId, sign: (of, statement, verdict) => stage.cast.verdict(of, statement, verdict) };
  }
  const statementOf = async (transferId: string) =>
    certain(await life.approvals.statementFor(transferId)).statement;

  it('refuses approver-duplicate when one officer signs twice', async () => {
    const { transferId, sign } = await waiting();
    const statement = await statementOf(transferId);
    await life.approved(transferId, sign('alice', statement));
    expect(await life.approvals.submit(transferId, sign('alice', statement))).toMatchObject({
      code: 'approver-duplicate',
    });
    expect((await life.view(transferId)).approvals.given).toHaveLength(1);
  });

  it('refuses approver-is-requester when an owner of the request key signs', async () => {
    const { transferId, sign } = await waiting();
    const approval = sign('carol', await statementOf(transferId));
    expect(await life.approvals.submit(transferId, approval)).toMatchObject({
      code: 'approver-is-requester',
    });
  });

  it('refuses a signature over another statement', async () => {
    const { transferId, sign } = await waiting();
    const statement = await statementOf(transferId);
    const approval = sign('alice', { ...statement, amount: '1' });
    expect(await life.approvals.submit(transferId, approval)).toMatchObject({
      code: 'approval-signature-invalid',
    });
  });

  it('refuses approver-not-in-roster for a credential that nobody has', async () => {
    const { transferId, sign } = await waiting();
    const approval = { ...sign('alice', await statementOf(transferId)), credentialId: 'mallory-piv' };
    expect(await life.approvals.submit(transferId, approval)).toMatchObject({
      code: 'approver-not-in-roster',
    });
  });

  it('refuses an approval that comes too late', async () => {
    const { transferId, sign } = await waiting();
    const approval = sign('alice', await statementOf(transferId));
    stage.pass(24 * HOUR_MS);
    expect(await life.approvals.submit(transferId, approval)).toMatchObject({ code: 'request-expired' });
  });

  it('refuses an approval for a transfer that waits for none', async () => {
    const { transferId, sign } = await waiting();
    const statement = await statementOf(transferId);
    await life.approved(transferId, sign('alice', statement, 'reject'));
    expect(await life.approvals.submit(transferId, sign('bob', statement))).toMatchObject({
      code: 'transfer-not-awaiting-approvals',
    });
  });

  it('shows no statement of a transfer that waits for nobody (transfer-not-awaiting-approvals)', async () => {
    const { transferId, sign } = await waiting();
    await life.approved(transferId, sign('alice', await statementOf(transferId), 'reject'));
    expect(await life.approvals.statementFor(transferId)).toMatchObject({
      code: 'transfer-not-awaiting-approvals',
    });
  });

  it('tells an officer who comes after the end to read or to sign that it is too late (approval-expired)', async () => {
    const { transferId, sign } = await waiting();
    const approval = sign('alice', await statementOf(transferId));
    stage.pass(24 * HOUR_MS);
    await life.work();
    expect(await life.view(transferId)).toMatchObject({ state: 'expired' });
    expect(await life.approvals.statementFor(transferId)).toMatchObject({ code: 'approval-expired' });
    expect(await life.approvals.submit(transferId, approval)).toMatchObject({ code: 'approval-expired' });
  });

  it('refuses approver-not-in-group when the policy asks for others', async () => {
    const group = { groupId: 'treasury', members: ['bob', 'carol'] };
    stage.cast.amend({ kind: 'group-set', group });
    await life.governance.refresh();
    const { transferId, sign } = await waiting();
    const approval = sign('alice', await statementOf(transferId));
    expect(await life.approvals.submit(transferId, approval)).toMatchObject({
      code: 'approver-not-in-group',
    });
    expect((await life.view(transferId)).approvals.given).toEqual([]);
  });

  it('refuses approver-not-in-group when the policy excepts whoever signs', async () => {
    await inForce('[ { group: treasury, quorum: 1, except: [alice] } ]');
    const { transferId, sign } = await waiting();
    const statement = await statementOf(transferId);
    expect(await life.approvals.submit(transferId, sign('alice', statement))).toMatchObject({
      code: 'approver-not-in-group',
    });
    await life.approved(transferId, sign('bob', statement));
    expect((await life.view(transferId)).approvals.missing).toEqual([]);
  });

  it('keeps a policy in force that excepts somebody who is then removed', async () => {
    await inForce('[ { group: treasury, quorum: 1, except: [carol] } ]');
    const { policyHash } = life.governance.now().state;
    stage.cast.amend({ kind: 'person-removed', personId: 'carol' });
    await life.governance.refresh();
    const { state } = life.governance.now();
    expect([...state.persons.keys()]).toEqual(['alice', 'bob']);
    expect(state.policyHash).toBe(policyHash);
    const { transferId, sign } = await waiting();
    await life.approved(transferId, sign('alice', await statementOf(transferId)));
    expect((await life.view(transferId)).approvals.missing).toEqual([]);
  });

  it('shows every alternative, and goes on when one is met', async () => {
    await inForce(
      '{ any-of: [[{ group: treasury, quorum: 2 }], [{ group: governors, quorum: 1, except: [alice] }]] }',
    );
    const { transferId, sign } = await waiting();
    const statement = await statementOf(transferId);
    await life.approved(transferId, sign('alice', statement));
    const bobOfGovernors = { group: 'governors', quorum: 1, except: ['alice'], alternative: 1 };
    const { approvals, state } = await life.view(transferId);
    expect(state).toBe('awaiting-approvals');
    expect(approvals.required).toEqual([{ group: 'treasury', quorum: 2, alternative: 0 }, bobOfGovernors]);
    expect(approvals.missing).toEqual([{ group: 'treasury', quorum: 1, alternative: 0 }, bobOfGovernors]);
    await life.approved(transferId, sign('bob', statement));
    expect((await life.view(transferId)).state).not.toBe('awaiting-approvals');
  });

  it('ends a transfer that an officer rejects, and never lets a rejection count as an approval', async () => {
    const { transferId, sign } = await waiting();
    const statement = await statementOf(transferId);
    const rejection = sign('alice', statement, 'reject');
    expect(await life.approvals.submit(transferId, { ...rejection, verdict: 'approve' })).toMatchObject({
      code: 'approval-signature-invalid',
    });
    const view = await life.approved(transferId, rejection);
    expect(view).toMatchObject({
      state: 'refused',
      reason: { code: 'rejected-by-officer', facts: { personId: 'alice' } },
    });
  });
});

describe('a transfer that is not there', () => {
  const nobodys = `tr-${'0'.repeat(40)}`;
  const approval = { credentialId: 'alice-piv', verdict: 'approve', signature: '00'.repeat(64) } as const;
  it.each<[string, () => Promise<unknown>]>([
    ['read', () => life.transfers.get(nobodys)],
    ['shown with its request', () => life.transfers.request(nobodys)],
    ['cancelled', () => life.transfers.cancel(nobodys, 'person:alice')],
    ['resolved', () => life.transfers.resolve(nobodys, { how: 'ask-signer' }, 'person:alice')],
    ['asked for its certificate', () => life.transfers.certificate(nobodys, 'plan-1')],
    ['shown to an officer', () => life.approvals.statementFor(nobodys)],
    ['approved', () => life.approvals.submit(nobodys, approval)],
  ])('is refused when it is to be %s (transfer-unknown)', async (_title, ask) => {
    expect(await ask()).toMatchObject({ kind: 'refused', code: 'transfer-unknown' });
  });

  it('is not the one whose transaction somebody names (transaction-unknown)', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    const other = await life.submitted(stage.cast.request('1'));
    await life.live(6);
    const [transaction] = (await life.view(other.transferId)).transactions;
    expect(
      await life.transfers.certificate(other.transferId, transaction?.transactionKey ?? ''),
    ).toMatchObject({
      kind: 'accepted',
    });
    expect(await life.transfers.certificate(transferId, transaction?.transactionKey ?? '')).toMatchObject({
      code: 'transaction-unknown',
    });
  });

  it('has no certificate before it is signed (certificate-missing)', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    while ((await life.view(transferId)).state !== 'built') await life.step();
    const [transaction] = (await life.view(transferId)).transactions;
    expect(await life.transfers.certificate(transferId, transaction?.transactionKey ?? '')).toMatchObject({
      code: 'certificate-missing',
    });
  });
});

describe('lists', () => {
  it('gives every transfer once over pages, newest first, and filters', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 7; count += 1) {
      ids.unshift((await life.submitted(stage.cast.request('1', { customer: `c-${count % 2}` }))).transferId);
      if (count % 3 === 0) stage.pass(1);
    }
    const found: string[] = [];
    let cursor: string | null = null;
    do {
      const page: TransferPage = certain(
        await life.transfers.list({ limit: 3, ...(cursor === null ? {} : { cursor }) }),
      );
      found.push(...page.items.map((item) => item.transferId));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(found.toSorted()).toEqual(ids.toSorted());
    expect(new Set(found).size).toBe(7);
    expect(certain(await life.transfers.list({ customer: 'c-1' })).items).toHaveLength(3);
    expect(certain(await life.transfers.list({ state: 'settled' })).items).toHaveLength(0);
    expect(certain(await life.transfers.list({ requesters: [] })).items).toHaveLength(0);
  });

  it('refuses a cursor that is none of its own', async () => {
    for (const cursor of ['', 'abc', Buffer.from('[1,"x"]').toString('base64url')]) {
      expect(await life.transfers.list({ cursor })).toMatchObject({ code: 'cursor-invalid' });
    }
  });
});
