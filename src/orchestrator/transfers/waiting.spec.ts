// What waits for funds must not keep others from being paid, however much of it there is and however old it is; and what
// waits for a time must not wait for one that the clock will not show for hours.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Life, Stage } from './stage.fixture.js';
import { claim } from './work.store.js';

const BATCH = 4;

let folder: string;
let stage: Stage;
let life: Life;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-waiting-'));
  stage = new Stage({ url: `sqlite:${join(folder, 'test.db')}`, settings: { batchSize: BATCH } });
  life = await stage.life('one');
});

afterEach(async () => {
  await life.end();
  rmSync(folder, { recursive: true });
});

/** More transfers without funds than one look takes. */
async function unfunded(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let each = 0; each < count; each += 1) {
    const request = stage.cast.request('1');
    life.drivers[0].short.add(request.statement.requestId);
    ids.push((await life.submitted(request)).transferId);
    stage.pass(1);
  }
  await life.live(5);
  for (const id of ids) expect((await life.view(id)).state).toBe('approved');
  return ids;
}

describe('transfers that wait', () => {
  it('keep no later one of their wallet from being paid, though they fill every look', async () => {
    await unfunded(3 * BATCH);
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.live(5);
    expect((await life.view(transferId)).state).toBe('settled');
  });

  it('are each looked at again, so that one whose funds have come is paid before those that still wait', async () => {
    const ids = await unfunded(3 * BATCH);
    const last = ids.at(-1) ?? '';
    const { requestId } = await life.view(last);
    life.drivers[0].short.delete(requestId);
    // Not so long that they expire.
    await life.live(10, 60_000);
    expect((await life.view(last)).state).toBe('settled');
    for (const id of ids.slice(0, -1)) expect((await life.view(id)).state).toBe('approved');
    expect(life.failures).toEqual([]);
  });
});

describe('a clock that is set back', () => {
  const BACK_MS = 20 * 60_000;

  it('holds nobody up: what was to be looked at in a moment is looked at in a moment', async () => {
    stage.pass(BACK_MS + 60_000);
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.work();
    expect((await life.view(transferId)).state).toBe('broadcast');
    stage.pass(-BACK_MS);
    await life.live(5);
    expect((await life.view(transferId)).state).toBe('settled');
  });

  it('holds no transfer up whose first step was due', async () => {
    stage.pass(BACK_MS + 60_000);
    const { transferId } = await life.submitted(stage.cast.request('1'));
    expect((await life.view(transferId)).state).toBe('requested');
    stage.pass(-BACK_MS);
    await life.live(5);
    expect((await life.view(transferId)).state).toBe('settled');
  });

  it('holds nobody up either when the program was not running then, and died with a lease', async () => {
    stage.pass(BACK_MS + 60_000);
    const { transferId } = await life.submitted(stage.cast.request('1'));
    await life.work();
    await life.database.transaction((db) => claim(db, 'dead', stage.nowMs() + 10_000, 60_000));
    await life.end();
    stage.pass(-BACK_MS);
    life = await stage.life('two');
    await life.live(5);
    expect((await life.view(transferId)).state).toBe('settled');
  });
});
