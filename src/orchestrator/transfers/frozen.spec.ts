// Transfers of a wallet that is frozen: each waits where it is, says so, and goes on after the thaw. Nothing of it is given
// up, since the signer may have signed it already.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FreezeScope } from '../../core/governance/entry.js';
import { type Life, reasonsOf, Stage } from './stage.fixture.js';

const HOT: FreezeScope = { kind: 'wallet', walletId: 'hot-eth' };

let folder: string;
let stage: Stage;
let life: Life;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-frozen-'));
  stage = new Stage({ url: `sqlite:${join(folder, 'test.db')}` });
  life = await stage.life('one');
});

afterEach(async () => {
  await life.end();
  rmSync(folder, { recursive: true });
});

/** The signer has the entry; the orchestrator hears of it by `heard`. */
const freeze = (scope: FreezeScope = HOT) => stage.cast.amend({ kind: 'frozen', scope, why: 'drill' });
const thaw = (scope: FreezeScope = HOT) => stage.cast.amend({ kind: 'thawed', scope });
const heard = () => life.governance.refresh();

async function submitted(): Promise<string> {
  return (await life.submitted(stage.cast.request('1'))).transferId;
}

/** Steps until the transfer is in that state. */
async function workUntil(transferId: string, state: string): Promise<void> {
  for (let steps = 0; (await life.view(transferId)).state !== state && steps < 20; steps += 1)
    await life.step();
  expect((await life.view(transferId)).state).toBe(state);
}

describe('a transfer of a frozen wallet', () => {
  it('that is asked for meanwhile is taken and waits, and is paid after the thaw', async () => {
    freeze();
    await heard();
    const transferId = await submitted();
    await life.live(10);
    expect(await life.view(transferId)).toMatchObject({ state: 'approved', waitingFor: 'wallet-frozen' });
    expect(stage.signer.orders).toEqual([]);
    thaw();
    await heard();
    await life.live(5);
    expect(await life.view(transferId)).toMatchObject({ state: 'settled', waitingFor: null });
    expect(life.failures).toEqual([]);
  });

  it.each(['reserved', 'built'])('that is %s already is not handed to the signer', async (state) => {
    const transferId = await submitted();
    await workUntil(transferId, state);
    freeze({ kind: 'everything' });
    await heard();
    await life.live(10);
    expect(await life.view(transferId)).toMatchObject({ state, waitingFor: 'wallet-frozen' });
    expect(stage.signer.orders).toEqual([]);
    thaw({ kind: 'everything' });
    await heard();
    await life.live(5);
    expect((await life.view(transferId)).state).toBe('settled');
    expect(reasonsOf(await life.view(transferId))).not.toContain('signer-refused');
  });

  it('that the signer refuses for it is asked for again until the thaw, however often', async () => {
    freeze();
    const transferId = await submitted();
    await life.live(30);
    expect(await life.view(transferId)).toMatchObject({ state: 'built', waitingFor: 'wallet-frozen' });
    expect(stage.signer.orders.length).toBeGreaterThan(10);
    thaw();
    await life.live(5);
    expect((await life.view(transferId)).state).toBe('settled');
    expect(life.failures).toEqual([]);
  });

  it('that the signer has signed, and keeps back, is paid by that signature', async () => {
    const transferId = await submitted();
    await workUntil(transferId, 'built');
    stage.signer.script.push((order) => {
      stage.signer.sign(order);
      freeze();
      return undefined;
    });
    await life.live(10);
    expect(stage.signer.signed.size).toBe(1);
    expect(await life.view(transferId)).toMatchObject({ state: 'built', waitingFor: 'wallet-frozen' });
    thaw();
    await life.live(5);
    expect((await life.view(transferId)).state).toBe('settled');
    expect(stage.signer.signed.size).toBe(1);
  });

  it('that was never signed expires in its time, also while it waits', async () => {
    const before = await submitted();
    await workUntil(before, 'built');
    freeze();
    await heard();
    const after = await submitted();
    await life.live(3);
    stage.pass(8 * 24 * 3_600_000);
    await life.live(3);
    expect((await life.view(before)).state).toBe('expired');
    expect((await life.view(after)).state).toBe('expired');
  });

  it('leaves transfers of other wallets alone', async () => {
    freeze();
    await heard();
    const { transferId } = await life.submitted(stage.cast.bitcoinRequest('1000'));
    await life.live(5);
    expect((await life.view(transferId)).state).toBe('settled');
  });
});
