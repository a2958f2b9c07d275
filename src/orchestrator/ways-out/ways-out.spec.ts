// The ways out as the pipeline goes through them: what a void gives back, what a burial lets be paid anew, what people have
// closed, and a program that dies in between. Signer and chain are scripted; test/e2e has the real ones.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { accepted, refused } from '../../core/fault.js';
import type { Burial } from '../../core/recovery/burial.js';
import type { SignedRequest } from '../../core/statements/request.js';
import type { TransferRecord } from '../../signer-protocol/messages.js';
import { rows } from '../database/sql.js';
import { Crash, certain, Fuse, type Life, reasonsOf, Stage, statesOf } from '../transfers/stage.fixture.js';
import { Burials } from './burials.js';
import { Cancels } from './cancels.js';
import { Voids } from './voids.js';
import { WaysOut } from './ways-out.service.js';

const HOUR_MS = 3_600_000;
const ALICE = 'person:alice';
/** 5 wei, and the thousandth of an ether that the payment of them may cost. */
const WITH_FEE = 10n ** 15n + 5n;
const DEEP = 64;

let folder: string;
let stage: Stage;
let life: Life;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-ways-out-'));
  stage = new Stage({ url: `sqlite:${join(folder, 'orchestrator.db')}` });
  life = await stage.life('worker');
});
afterEach(async () => {
  await life.end();
  rmSync(folder, { recursive: true });
});

const voided = (transferId: string, request: SignedRequest, of = life) =>
  new Voids(of.pipeline).void(transferId, request, ALICE);
const shown = async (transferId: string) => certain(await new WaysOut(life.pipeline).show(transferId));
const open = async (transferId: string) =>
  (await shown(transferId)).ways.filter((way) => way.open).map(({ way }) => way);

/** The signer refuses the next plan and says that it had begun it for these transfers. */
function begun(...transferIds: string[]): void {
  stage.signer.script.push(() => refused('policy-no-match'));
  stage.signer.recordsScript = (transferId): TransferRecord | undefined =>
    !transferIds.includes(transferId) || stage.signer.voids.has(transferId)
      ? undefined
      : {
          transferId,
          state: 'reserved',
          transactionIds: [],
          transactions: [
            {
              transactionKey: `bitcoin:${'1'.repeat(64)}`,
              purpose: 'pays',
              state: 'reserved',
              transactionId: null,
            },
          ],
        };
}

async function usedOf(limitId: string): Promise<bigint> {
  const [row] = await life.database.read((db) =>
    rows(db, z.object({ counter: z.string() }), 'SELECT counter FROM limit_counters WHERE limit_id = ?', [
      limitId,
    ]),
  );
  const buckets = z.array(z.tuple([z.int(), z.string()])).parse(JSON.parse(row?.counter ?? '[]'));
  return buckets.reduce((sum, [, amount]) => sum + BigInt(amount), 0n);
}

/** Sent, cancelled on the chain, and the cancel final. */
async function replaced(request = stage.cast.request('5')): Promise<string> {
  const { transferId } = await life.submitted(request);
  await life.work();
  expect((await life.view(transferId)).state).toBe('broadcast');
  certain(await new Cancels(life.pipeline).cancel(transferId, ALICE));
  await life.live(6);
  expect((await life.view(transferId)).state).toBe('replaced');
  return transferId;
}

async function burialOf(transferId: string): Promise<Burial> {
  stage.chain.mine(DEEP);
  const { burial: statement } = await shown(transferId);
  if (!statement) throw new Error('no draft');
  return { statement, signatures: [{ credentialId: 'alice-piv', signature: '0'.repeat(128) }] };
}

describe('a void', () => {
  it('of one transfer of a batch gives its plan back, and the others are paid by another plan', async () => {
    const requests = ['1', '2', '3'].map(() => stage.cast.bitcoinRequest('1000'));
    life.drivers[1].wait = 'node-behind';
    const ids: string[] = [];
    for (const request of requests) ids.push((await life.submitted(request)).transferId);
    await life.work();
    life.drivers[1].wait = undefined;
    stage.pass(60_000);
    begun(...ids);
    await life.work();
    for (const id of ids) {
      expect(await life.view(id)).toMatchObject({
        state: 'indeterminate',
        reason: { code: 'refused-though-begun' },
      });
    }
    // Each with the 50,000 that it may cost.
    expect(await usedOf('hot-bitcoin/day')).toBe(153_000n);
    const [first = '', ...others] = ids;
    expect(await open(first)).toEqual(['ask-signer', 'void', 'record-paid', 'record-not-paid']);
    const given = certain(await voided(first, requests[0] as SignedRequest));
    stage.signer.recordsScript = undefined;
    expect(await life.view(first)).toMatchObject({
      state: 'void',
      reason: { code: 'voided', facts: { basis: 'never-signed' } },
      void: given.void,
      spendable: { is: 'no' },
      transactions: [{ state: 'released' }],
    });
    expect(await usedOf('hot-bitcoin/day')).toBe(0n);
    await life.live(6);
    for (const id of others) {
      const view = await life.view(id);
      expect(statesOf(view).slice(-8)).toEqual([
        'indeterminate',
        'approved',
        'reserved',
        'built',
        'signed',
        'broadcast',
        'confirming',
        'settled',
      ]);
    }
    expect(stage.chain.payments()).toEqual(new Map(others.map((id) => [id, 1])));
    expect(await usedOf('hot-bitcoin/day')).toBe(102_000n);
    expect(await open(first)).toEqual([]);
  });

  it('frees the nonce of an Ethereum wallet, which had planned nothing more', async () => {
    const request = stage.cast.request('1');
    const { transferId } = await life.submitted(request);
    begun(transferId);
    await life.work();
    const next = await life.submitted(stage.cast.request('2'));
    await life.work();
    expect((await life.view(next.transferId)).state).toBe('built');
    certain(await voided(transferId, request));
    stage.signer.recordsScript = undefined;
    await life.live(6);
    expect((await life.view(next.transferId)).state).toBe('settled');
    expect((await life.view(transferId)).state).toBe('void');
  });

  it.each(['after void', 'before commit', 'after commit'])(
    'is had again when the program dies (%s)',
    async (where) => {
      const request = stage.cast.request('1', { expiresAtMs: stage.nowMs() + HOUR_MS });
      const { transferId } = await life.submitted(request);
      life.drivers[0].wait = 'node-behind';
      await life.work();
      stage.pass(2 * HOUR_MS);
      await life.work();
      expect((await life.view(transferId)).state).toBe('expired');
      await life.end();
      // Dies at the first such place: points are counted, so a life is run to find the number.
      let died = false;
      for (let at = 1; at < 10 && !died; at += 1) {
        const doomed = await stage.life('doomed', new Fuse(at));
        const outcome = await voided(transferId, request, doomed).catch((error: unknown) => error);
        died = outcome instanceof Crash && outcome.message === where;
        await doomed.end();
        if (!(outcome instanceof Crash)) break;
      }
      expect(died).toBe(true);
      life = await stage.life('heir');
      expect(stage.signer.voids.has(transferId)).toBe(true);
      const given = certain(await voided(transferId, request));
      expect(await life.view(transferId)).toMatchObject({
        state: 'void',
        void: { statement: given.void.statement },
      });
      expect(statesOf(await life.view(transferId)).filter((state) => state === 'void')).toHaveLength(1);
    },
  );

  it('is refused for what is under way, was paid, or was signed, and changes nothing then', async () => {
    const request = stage.cast.request('1');
    const { transferId } = await life.submitted(request);
    expect(await voided(transferId, request)).toMatchObject({ code: 'transfer-not-voidable' });
    await life.live(6);
    expect(await voided(transferId, request)).toMatchObject({ code: 'transfer-not-voidable' });
    const stuck = stage.cast.request('5');
    const id = await replaced(stuck);
    expect(await voided(id, stuck)).toMatchObject({ code: 'transfer-signed' });
    expect(await voided(id, request)).toMatchObject({ code: 'request-of-another-transfer' });
    expect(await life.view(id)).toMatchObject({ state: 'replaced', void: null });
    expect(stage.signer.voids.size).toBe(0);
  });

  it('that the attestation key of governance did not sign is thrown away (signer-answer-inconsistent)', async () => {
    const request = stage.cast.request('1', { expiresAtMs: stage.nowMs() + HOUR_MS });
    const { transferId } = await life.submitted(request);
    certain(await life.transfers.cancel(transferId, ALICE));
    const honest = stage.signer.void.bind(stage.signer);
    stage.signer.void = (asked) => {
      const given = certain(honest(asked));
      return accepted({ ...given, statement: { ...given.statement, basis: 'buried' } });
    };
    await expect(voided(transferId, request)).rejects.toMatchObject({ code: 'signer-answer-inconsistent' });
    expect(await life.view(transferId)).toMatchObject({ state: 'cancelled', void: null });
  });

  it('had elsewhere meets a plan that is being signed: the transfer is refused, the others go on', async () => {
    const requests = [stage.cast.bitcoinRequest('1000'), stage.cast.bitcoinRequest('1000')];
    life.drivers[1].wait = 'node-behind';
    const ids: string[] = [];
    for (const request of requests) ids.push((await life.submitted(request)).transferId);
    await life.work();
    certain(stage.signer.void(requests[0] as SignedRequest));
    life.drivers[1].wait = undefined;
    stage.pass(60_000);
    await life.live(6);
    const [first = '', second = ''] = ids;
    expect(await life.view(first)).toMatchObject({ state: 'refused', reason: { code: 'transfer-void' } });
    expect((await life.view(second)).state).toBe('settled');
    certain(await voided(first, requests[0] as SignedRequest));
    expect((await life.view(first)).state).toBe('void');
  });
});

describe('a burial', () => {
  it('has a cancelled payment paid anew, once, and its limits charged once', async () => {
    const transferId = await replaced();
    expect(await usedOf('hot-ethereum/day')).toBe(WITH_FEE);
    const burial = await burialOf(transferId);
    const answer = certain(await new Burials(life.pipeline).bury(burial, ALICE));
    expect(answer.transfers).toEqual([{ transferId, state: 'approved' }]);
    expect((await life.view(transferId)).spendable).toEqual({ is: 'no', transactionIds: [] });
    await life.work();
    // On its way anew; the same burial once more moves nothing.
    certain(await new Burials(life.pipeline).bury(burial, ALICE));
    expect((await life.view(transferId)).state).toBe('broadcast');
    expect((await life.view(transferId)).spendable.is).toBe('yes');
    await life.live(6);
    const view = await life.view(transferId);
    expect(view.state).toBe('settled');
    expect(view.transactions.map(({ state }) => state)).toEqual(['dead', 'final']);
    expect(reasonsOf(view)).toContain('buried');
    expect(stage.chain.payments()).toEqual(new Map([[transferId, 1]]));
    expect(await usedOf('hot-ethereum/day')).toBe(WITH_FEE);
  });

  it('keeps limits charged when the new plan is given up', async () => {
    const transferId = await replaced();
    const burial = await burialOf(transferId);
    certain(await new Burials(life.pipeline).bury(burial, ALICE));
    stage.signer.script.push(() => refused('destination-mismatch', { transferId }));
    await life.work();
    expect(await life.view(transferId)).toMatchObject({
      state: 'refused',
      reason: { code: 'destination-mismatch' },
    });
    expect(await usedOf('hot-ethereum/day')).toBe(WITH_FEE);
  });

  it.each(['after bury', 'before commit', 'after commit'])(
    'is followed once when the program dies (%s) and the statement is handed in again',
    async (where) => {
      const transferId = await replaced();
      const burial = await burialOf(transferId);
      await life.end();
      let died = false;
      for (let at = 1; at < 10 && !died; at += 1) {
        const doomed = await stage.life('doomed', new Fuse(at));
        const outcome = await new Burials(doomed.pipeline)
          .bury(burial, ALICE)
          .catch((error: unknown) => error);
        died = outcome instanceof Crash && outcome.message === where;
        await doomed.end();
        if (!(outcome instanceof Crash)) break;
      }
      expect(died).toBe(true);
      life = await stage.life('heir');
      certain(await new Burials(life.pipeline).bury(burial, ALICE));
      await life.live(6);
      expect((await life.view(transferId)).state).toBe('settled');
      expect(reasonsOf(await life.view(transferId)).filter((reason) => reason === 'buried')).toHaveLength(1);
      expect(stage.chain.payments()).toEqual(new Map([[transferId, 1]]));
    },
  );

  it('leaves a request that has expired expired, and then void', async () => {
    const request = stage.cast.request('5', { expiresAtMs: stage.nowMs() + HOUR_MS });
    const transferId = await replaced(request);
    const burial = await burialOf(transferId);
    stage.pass(2 * HOUR_MS);
    const answer = certain(await new Burials(life.pipeline).bury(burial, ALICE));
    expect(answer.transfers).toEqual([{ transferId, state: 'expired' }]);
    expect(await open(transferId)).toEqual(['void']);
    certain(await voided(transferId, request));
    await life.live(6);
    expect((await life.view(transferId)).state).toBe('void');
    expect(stage.chain.payments().size).toBe(0);
  });

  it('does not pay again what people have recorded', async () => {
    const request = stage.cast.request('5');
    const { transferId } = await life.submitted(request);
    begun(transferId);
    await life.work();
    const note = { how: 'not-paid', note: 'paid by hand' } as const;
    certain(await life.transfers.resolve(transferId, note, ALICE));
    const statement = {
      type: 'portcullis/burial/v1',
      deploymentId: stage.cast.deploymentId,
      governanceHead: stage.cast.deploymentId,
      transferIds: [transferId],
      dead: [`bitcoin:${'1'.repeat(64)}`],
      conflicting: {
        transactionKey: `bitcoin:${'2'.repeat(64)}`,
        transactionId: '2'.repeat(64),
        blockHash: '3'.repeat(64),
        blockHeight: 1,
        confirmations: DEEP,
      },
      createdAtMs: stage.nowMs(),
      expiresAtMs: stage.nowMs() + HOUR_MS,
    } as const;
    const answer = certain(
      await new Burials(life.pipeline).bury(
        { statement: { ...statement, transferIds: [transferId], dead: [...statement.dead] }, signatures: [] },
        ALICE,
      ),
    );
    expect(answer.transfers).toEqual([{ transferId, state: 'failed' }]);
    await life.live(6);
    expect((await life.view(transferId)).state).toBe('failed');
    expect(stage.chain.payments().size).toBe(0);
  });
});

describe('a cancel on the chain', () => {
  it('is planned once, ends all of a batch, and is neither outbid nor resent against', async () => {
    const ids = await life.batchOf(3);
    await life.work();
    const [first = '', second = ''] = ids;
    const cancel = certain(await new Cancels(life.pipeline).cancel(first, ALICE));
    expect(cancel).toMatchObject({ transferId: first, again: false });
    expect(cancel.transferIds.toSorted()).toEqual(ids.toSorted());
    const again = certain(await new Cancels(life.pipeline).cancel(second, ALICE));
    expect(again).toMatchObject({ planKey: cancel.planKey, again: true });
    await life.work();
    stage.pass(HOUR_MS);
    await life.work();
    const { transactions, ways } = await shown(first);
    expect(transactions.filter(({ purpose }) => purpose === 'pays')).toHaveLength(1);
    expect(ways.find(({ way }) => way === 'cancel-on-chain')).toMatchObject({ open: false });
    await life.live(6);
    for (const id of ids) expect((await life.view(id)).state).toBe('replaced');
    expect(stage.chain.payments().size).toBe(0);
  });

  it('loses against the payment when that is mined first: it settles', async () => {
    const { transferId } = await life.submitted(stage.cast.request('5'));
    await life.work();
    stage.chain.mine();
    certain(await new Cancels(life.pipeline).cancel(transferId, ALICE));
    await life.live(8);
    expect((await life.view(transferId)).state).toBe('settled');
    expect(stage.chain.payments()).toEqual(new Map([[transferId, 1]]));
    const { transactions, burial } = await shown(transferId);
    expect(transactions.find(({ purpose }) => purpose === 'cancels')?.state).toBe('conflicted');
    expect(burial).toBeNull();
    expect(await new Cancels(life.pipeline).cancel(transferId, ALICE)).toMatchObject({
      code: 'transfer-not-stuck',
    });
  });

  it('is refused where nothing was signed, and of what is unknown', async () => {
    const cancels = new Cancels(life.pipeline);
    expect(await cancels.cancel(`tr-${'0'.repeat(40)}`, ALICE)).toMatchObject({ code: 'transfer-unknown' });
    const { transferId } = await life.submitted(stage.cast.request('5'));
    expect(await cancels.cancel(transferId, ALICE)).toMatchObject({ code: 'transfer-not-stuck' });
    begun(transferId);
    await life.work();
    expect(await cancels.cancel(transferId, ALICE)).toMatchObject({ code: 'transfer-nothing-to-cancel' });
  });
});

describe('a signer that began again after a lost store', () => {
  const beforeRestore = (transferId: string, restoredAtMs: number) => () =>
    refused('request-before-restore', { transferId, deadUpToMs: restoredAtMs + 300_000 });

  it('ends what it was asked for first after the restore as refused', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    stage.signer.script.push(beforeRestore(transferId, stage.nowMs() - 1));
    await life.work();
    expect(await life.view(transferId)).toMatchObject({
      state: 'refused',
      reason: { code: 'request-before-restore' },
      transactions: [{ state: 'released' }],
    });
  });

  it('leaves what the lost store may have signed to a person, and the wallet goes on', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    stage.signer.script.push(beforeRestore(transferId, stage.nowMs() + 1));
    await life.work();
    expect(await life.view(transferId)).toMatchObject({
      state: 'indeterminate',
      reason: { code: 'request-before-restore' },
      spendable: { is: 'maybe' },
    });
    const next = await life.submitted(stage.cast.request('2'));
    await life.work();
    expect((await life.view(next.transferId)).transactions[0]?.state).not.toBe('built');
  });
});
