// Two orchestrators on one database, one of which has read a new policy from the signer and the other has not. They must not
// undo each other's work for as long as that lasts.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Fuse, Life, reasonsOf, Stage } from './stage.fixture.js';

let folder: string;
let stage: Stage;
let ahead: Life;
let behind: Life;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-views-'));
  stage = new Stage({ url: `sqlite:${join(folder, 'db')}` });
  const database = await stage.open();
  ahead = await Life.begin(stage, database, 'ahead', new Fuse(0));
  behind = await Life.begin(stage, database, 'behind', new Fuse(0));
});
afterEach(async () => {
  await ahead.end();
  rmSync(folder, { recursive: true, force: true });
});

async function amend(): Promise<void> {
  stage.cast.amend(stage.cast.policiesWith('"1 ETH"', '"2 ETH"'));
  await ahead.governance.refresh();
}

describe('two orchestrators with another view of governance', () => {
  it('agree at the next step of the one that is behind, which takes over what the other has mirrored', async () => {
    const { transferId } = await ahead.submitted(stage.cast.request('1000'));
    await ahead.workers.runOne();
    await amend();
    expect(behind.governance.state().sequence).toBe(0);
    // In turn, as long as there is anything to do: it must not be without end.
    let steps = 0;
    let worked = true;
    while (worked && steps < 200) {
      const [one, other] = [await behind.workers.runOne(), await ahead.workers.runOne()];
      worked = one || other;
      steps += 1;
    }
    expect(steps).toBeLessThan(30);
    expect(behind.governance.state()).toEqual(ahead.governance.state());
    const view = await ahead.view(transferId);
    expect(reasonsOf(view).filter((reason) => reason === 'policy-changed').length).toBeLessThanOrEqual(1);
    expect(view.state).toBe('broadcast');
  });

  it('the one that reads from the signer while it catches up keeps the newer of the two', async () => {
    const reading = behind.governance.refresh();
    await amend();
    await behind.governance.catchUp(1);
    await reading;
    expect(behind.governance.state().sequence).toBe(1);
    await behind.governance.refresh();
    expect(behind.governance.state().head).toBe(ahead.governance.state().head);
  });

  it('does nothing while the mirror holds nothing newer', async () => {
    const before = behind.governance.now();
    await behind.governance.catchUp(null);
    await behind.governance.catchUp(0);
    expect(behind.governance.now()).toBe(before);
  });
});
