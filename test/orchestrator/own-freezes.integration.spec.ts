// The orchestrator freezes by itself, with a key that governance gave it for that, when its own audit log is not what it was
// or somebody else uses a wallet's key: real services, a real signer, a database that a thief writes to.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { codeOf } from '../../devnet/socket-client.js';
import { Fault } from '../../src/core/fault.js';
import type { Change } from '../../src/core/governance/entry.js';
import { Database } from '../../src/orchestrator/database/database.js';
import { run } from '../../src/orchestrator/database/sql.js';
import { GovernanceService } from '../../src/orchestrator/governance/governance.service.js';
import { OwnFreezes } from '../../src/orchestrator/governance/own-freezes.js';
import { newEd25519, readEd25519 } from '../../src/platform/ed25519-key.js';
import { governanceResult } from '../../src/signer-protocol/messages.js';
import { ApiRig } from './api-rig.js';

const KEY_ID = 'orchestrator';

let folder: string;
let keyFile: string;
let rig: ApiRig;
let freezes: OwnFreezes;
let governance: GovernanceService;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-freezes-'));
  keyFile = join(folder, 'freeze.pem');
  writeFileSync(keyFile, newEd25519().pem, { mode: 0o600 });
  rig = await ApiRig.start('SQLite', undefined, undefined, { freeze: { keyId: KEY_ID, keyFile } });
  freezes = rig.served.application.get(OwnFreezes, { strict: false });
  governance = rig.served.application.get(GovernanceService, { strict: false });
});
afterAll(async () => {
  await rig.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Handed in by officers, at the signer's own door. */
async function append(change: Change): Promise<void> {
  const { deployment } = rig;
  await followLog();
  const client = await deployment.connect();
  const entry = deployment.entry(change, [deployment.alice, deployment.bob]);
  expect(codeOf(await client.ask({ verb: 'governance-append', entry }))).toBe('done');
  deployment.log.push(entry);
  await governance.refresh();
}

/** The log as the signer has it, which the deployment takes over. */
async function followLog(): Promise<void> {
  const client = await rig.deployment.connect();
  const answer = await client.ask({ verb: 'governance-read', fromSequence: 0 });
  if (answer.kind !== 'done') throw new Error(codeOf(answer));
  const { entries } = governanceResult.parse(answer.result);
  rig.deployment.log.splice(0, rig.deployment.log.length, ...entries);
}

async function frozenBy(why: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if ([...governance.state().frozen.values()].some((freeze) => freeze.why === why)) return;
    await sleep(50);
  }
  throw new Error(`never frozen because ${why}`);
}

const foreignUse = (nonce: number) =>
  new Fault('nonce-foreign', 'somebody else used the key', { facts: { walletId: 'hot-eth', nonce } });
const HOT_ETH = { kind: 'wallet', walletId: 'hot-eth' } as const;

describe('an orchestrator with a freeze key', () => {
  it('freezes nothing with a key that governance does not have (freeze-key-unknown), and forgets nothing', async () => {
    freezes.see(foreignUse(6));
    await expect(freezes.handIn()).rejects.toMatchObject({ code: 'freeze-key-unknown' });
    expect(governance.state().frozen.size).toBe(0);
    const { publicKey } = readEd25519(keyFile);
    const freezeKey = { keyId: KEY_ID, algorithm: 'ed25519', publicKey, holder: 'the orchestrator' } as const;
    await append({ kind: 'freeze-key-added', freezeKey });
    await frozenBy('nonce 6 used by somebody else');
    await followLog();
    const newest = rig.deployment.log.at(-1);
    expect(newest?.body.change).toMatchObject({ kind: 'frozen', scope: HOT_ETH });
    expect(newest?.signatures.map(({ credentialId }) => credentialId)).toEqual([KEY_ID]);
  });

  it('leaves it thawed when a quorum has thawed it, also after it was started anew', async () => {
    await append({ kind: 'thawed', scope: HOT_ETH });
    const { sequence } = governance.state();
    const own = { keyId: KEY_ID, key: readEd25519(keyFile) };
    const startedAnew = new OwnFreezes(governance, { nowMs: () => rig.deployment.time.wall }, own);
    for (const each of [freezes, startedAnew]) {
      each.see(foreignUse(6));
      await each.handIn();
    }
    expect(governance.state().sequence).toBe(sequence);
    // Another use is another reason.
    startedAnew.see(foreignUse(7));
    await startedAnew.handIn();
    expect([...governance.state().frozen.values()]).toMatchObject([
      { scope: HOT_ETH, why: 'nonce 7 used by somebody else' },
    ]);
    await append({ kind: 'thawed', scope: HOT_ETH });
  });

  it('freezes everything when its audit log in the database was changed', async () => {
    const database = rig.served.application.get(Database, { strict: false });
    await database.transaction((db) => run(db, `UPDATE audit_head SET root = '${'ab'.repeat(32)}'`));
    const { deployment } = rig;
    const request = deployment.request({ amount: '100000' });
    await rig.exchange.post('/v1/transfers', { body: request, idempotencyKey: 'after-the-change' });
    await frozenBy('the stored audit log was changed');
    await followLog();
    expect(deployment.log.at(-1)?.body.change).toMatchObject({
      kind: 'frozen',
      scope: { kind: 'everything' },
    });
  });

  it('does not freeze what is frozen', async () => {
    const { sequence } = governance.state();
    freezes.see(foreignUse(8));
    await freezes.handIn();
    expect(governance.state().sequence).toBe(sequence);
  });
});
