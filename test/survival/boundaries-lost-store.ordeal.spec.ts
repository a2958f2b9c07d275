// One kill at every durable boundary of the orchestrator that has to do with a lost store of the signer: the facts that a restore
// needs, and the payments of the wallets to themselves that use up what the lost store may have signed over.

import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { officersSign } from '../../devnet/deployment.js';
import {
  RESTORE_TYPE,
  type RestoredWallet,
  type RestoreStatement,
  restoreBytes,
} from '../../src/core/recovery/restore.js';
import { refreshAnswer, restoreFacts } from '../../src/orchestrator/ways-out/ways-out.dto.js';
import { readRecord } from '../../src/signer/start.js';
import { ETHER, eventually, type Rig } from '../e2e/rig.js';
import { BoundaryPart } from './boundary-part.js';

const HOUR_MS = 3_600_000;
/** At a time in no block yet, so that the nonces below are used up in several rounds. */
const UNCONFIRMED = 2;
const NONCES = 6;
const run = promisify(execFile);

const part = new BoundaryPart('lost-store');
let rig: Rig;

beforeAll(async () => {
  rig = await part.start({ settings: { ethereum: { maxUnconfirmedPerWallet: UNCONFIRMED } } });
  rig.chains.startMining();
}, 60_000);
afterAll(() => part.stop());

async function factsOf(): Promise<RestoredWallet[]> {
  const answer = await rig.client(rig.deployment.bob).get('/v1/restore-facts');
  if (answer.status !== 200) throw new Error(answer.text);
  return restoreFacts.parse(answer.body).wallets.map(({ wallet, why }) => {
    if (!wallet) throw new Error(`no facts: ${why}`);
    return wallet.family === 'ethereum' ? { ...wallet, nextNonce: wallet.minedNonces + NONCES } : wallet;
  });
}

/** The signer's store is gone, and a quorum makes another one from what the chains say. */
async function loseAndRestore(wallets: readonly RestoredWallet[]): Promise<void> {
  const { deployment } = rig;
  await rig.killSigner();
  const { storePath } = deployment.config();
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${storePath}${suffix}`, { force: true });
  const { sequence, hash } = await readRecord(deployment.config(), { tokenProgram: deployment.tokenProgram });
  const nowMs = Date.now();
  const statement: RestoreStatement = {
    type: RESTORE_TYPE,
    deploymentId: deployment.deploymentId,
    governanceSequence: deployment.log.length - 1,
    governanceHead: deployment.head,
    lost: { sequence, hash },
    wallets: [...wallets],
    createdAtMs: nowMs,
    expiresAtMs: nowMs + HOUR_MS,
  };
  const signatures = officersSign(restoreBytes(statement), [deployment.alice, deployment.bob]);
  const [restoreFile, logFile] = [join(rig.folder, 'restore.json'), join(rig.folder, 'log.json')];
  writeFileSync(restoreFile, JSON.stringify({ statement, signatures }));
  writeFileSync(logFile, JSON.stringify(deployment.log));
  const program = await part.killer.compile('src/signer/main.ts');
  const args = ['restore', '--config', join(rig.folder, 'signer.json')];
  const files = ['--restore', restoreFile, '--log', logFile];
  await run(process.execPath, [program, ...args, ...files], { env: { PATH: process.env.PATH } });
  await rig.startSigner();
}

async function refresh(wallet: RestoredWallet) {
  const path = `/v1/wallets/${wallet.walletId}/refresh`;
  const answer = await rig.client(rig.deployment.alice).post(path, { body: wallet });
  if (answer.status !== 200) throw new Error(answer.text);
  return refreshAnswer.parse(answer.body);
}

describe('a kill at every durable boundary after a lost store', () => {
  it('leaves each withdrawal in the chain once, and everything used up that the lost store may have signed over', async () => {
    const work = part.workload();
    const wishes = [
      { asset: 'BTC', amount: 150_000n },
      { asset: 'ETH', amount: ETHER / 100n },
      { asset: 'USDX', amount: ETHER },
      { asset: 'BTC', amount: 250_000n },
    ] as const;
    const paid = await Promise.all(wishes.map((wish) => work.take(wish)));
    for (const id of paid) expect(await work.state(id, ['settled'])).toBe('settled');

    let asking = true;
    work.every(100, async () => {
      if (asking) await factsOf();
    });
    await part.killAtEach('orchestrator', part.boundariesOf('orchestrator', /restoreFacts/));
    asking = false;
    let wallets: RestoredWallet[] = [];
    await eventually('the chains answer', async () => {
      wallets = await factsOf().catch(() => []);
      return wallets.length > 0;
    });
    await loseAndRestore(wallets);

    work.every(200, async () => {
      for (const wallet of wallets) await refresh(wallet);
    });
    await part.killAtEach('orchestrator', part.boundariesOf('orchestrator', /Restores\.refresh/));
    await eventually('nothing is left of the past', async () => {
      const answers = [];
      for (const wallet of wallets) answers.push(await refresh(wallet));
      return answers.every(({ remaining, underWay }) => remaining === 0 && underWay === 0);
    });
    await part.finish(work);
    const nonces = await rig.chains.ethereumPayments(rig.ethereumAddress);
    expect(nonces).toHaveLength(2 + NONCES);
  }, 480_000);
});
