// Transfers that the signer holds, as their rule says: each goes back, holds up no input, nonce or limit meanwhile, says until
// when about it waits, and is asked for again then, however often the signer says that it still waits.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { refused } from '../../core/fault.js';
import { requestDigest, transferIdOf } from '../../core/statements/request.js';
import { type Life, reasonsOf, Stage } from './stage.fixture.js';

const HOUR_MS = 3_600_000;

let folder: string;
let stage: Stage;
let life: Life;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-held-'));
  stage = new Stage({ url: `sqlite:${join(folder, 'test.db')}` });
  life = await stage.life('one');
});

afterEach(async () => {
  await life.end();
  rmSync(folder, { recursive: true });
});

/** As the signer says it of one transfer, whatever else is in its order. */
function holds(transferId: () => string, leftMs: number): void {
  stage.signer.script.push((order) => {
    const ids = order.transfers.map(({ request }) => transferIdOf(requestDigest(request.statement)));
    return ids.includes(transferId())
      ? refused('transfer-held', { transferId: transferId(), rule: 'hot/held', leftMs, begins: false })
      : undefined;
  });
}

describe('a transfer that the signer holds', () => {
  it('waits until about the time that it says, is asked for again then, and leaves', async () => {
    let held = '';
    holds(() => held, 12 * HOUR_MS);
    holds(() => held, HOUR_MS);
    const askedAtMs = stage.nowMs();
    held = (await life.submitted(stage.cast.request('1'))).transferId;
    await life.work();
    expect(await life.view(held)).toMatchObject({
      state: 'approved',
      waitingFor: 'transfer-held',
      reason: { code: 'transfer-held', facts: { heldUntilMs: askedAtMs + 12 * HOUR_MS } },
    });
    await life.live(12 * 4 - 1, HOUR_MS / 4);
    expect(stage.signer.orders).toHaveLength(1);
    // The signer did not run for an hour of it.
    stage.pass(HOUR_MS);
    await life.work();
    expect(stage.signer.orders).toHaveLength(2);
    expect(await life.view(held)).toMatchObject({ state: 'approved', waitingFor: 'transfer-held' });
    await life.live(6, HOUR_MS / 4);
    expect(stage.signer.orders).toHaveLength(3);
    await life.live(5);
    expect(await life.view(held)).toMatchObject({ state: 'settled', waitingFor: null });
    expect(reasonsOf(await life.view(held))).not.toContain('signer-refused');
    expect(life.failures).toEqual([]);
  });

  it('holds up nobody: what comes after it and what was planned with it leaves meanwhile', async () => {
    let held = '';
    holds(() => held, 24 * HOUR_MS);
    const first = await life.batchOf(3);
    held = first[1] ?? '';
    await life.live(5);
    const states = await Promise.all(first.map(async (id) => (await life.view(id)).state));
    expect(states).toEqual(['settled', 'approved', 'settled']);
    const { transferId } = await life.submitted(stage.cast.bitcoinRequest('1000'));
    await life.live(5);
    expect((await life.view(transferId)).state).toBe('settled');
    expect(stage.signer.signed.size).toBe(2);
  });

  it('expires in its time, also while it waits', async () => {
    let held = '';
    holds(() => held, 24 * 24 * HOUR_MS);
    held = (await life.submitted(stage.cast.request('1'))).transferId;
    await life.work();
    stage.pass(8 * 24 * HOUR_MS);
    await life.work();
    expect(await life.view(held)).toMatchObject({ state: 'expired', reason: { code: 'request-expired' } });
  });

  it('can be cancelled while it waits', async () => {
    let held = '';
    holds(() => held, 24 * HOUR_MS);
    held = (await life.submitted(stage.cast.request('1'))).transferId;
    await life.work();
    await life.transfers.cancel(held, 'person:alice');
    stage.pass(25 * HOUR_MS);
    await life.work();
    expect((await life.view(held)).state).toBe('cancelled');
    expect(stage.signer.signed.size).toBe(0);
  });
});
