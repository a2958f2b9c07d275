// What comes in over the API: requests, officers' verdicts, and lists of what there is.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Fault } from '../../core/fault.js';
import { START_MS } from './cast.fixture.js';
import { certain, type Life, Stage } from './stage.fixture.js';
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
