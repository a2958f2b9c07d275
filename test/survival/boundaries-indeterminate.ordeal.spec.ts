// One kill at every durable boundary of the orchestrator that is about transfers of which nobody knows whether they were signed,
// and of what only comes about when two things happen in the same moment. The signer is killed while it signs, and stays away
// until the requests have expired; then officers try everything that they may do.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SocketClient } from '../../devnet/socket-client.js';
import type { Burial } from '../../src/core/recovery/burial.js';
import { waysOutView } from '../../src/orchestrator/ways-out/ways-out.dto.js';
import { ETHER, eventually, type Rig } from '../e2e/rig.js';
import { BoundaryPart } from './boundary-part.js';
import type { Workload } from './workload.js';

const SIGNING = 'src/signer/signing.ts:signOne:token.signDigest';
const CLAIM = 'src/orchestrator/transfers/workers.ts:Workers.runOne:database.transaction';
const CLAIMED_MS = 400;
/** Long enough for a request to be taken, decided and shown to the signer on a busy machine. */
const LIVES_MS = 8_000;
const ATTEMPTS = 6;
const LOOK_MS = 60;

const part = new BoundaryPart('indeterminate');
let rig: Rig;

beforeAll(async () => {
  // Funds that are shared without a remainder: the audit counts to the unit.
  rig = await part.start({ coins: 5n });
  rig.chains.startMining();
}, 60_000);
afterAll(() => part.stop());

async function restartSigner(pauses: Readonly<Record<string, number>>): Promise<void> {
  await part.killSigner();
  part.killer.arm('signer', [], pauses);
  await rig.startSigner();
}

async function hasBegun(id: string): Promise<boolean> {
  const { status, body } = await rig.client(rig.deployment.alice).get(`/v1/transfers/${id}/ways-out`);
  return status === 200 && waysOutView.parse(body).signer?.state === 'reserved';
}

/** A payment whose signature is cut off by a kill between its reservation and the token, and whose request expires then. */
async function cutOff(work: Workload, amount: bigint): Promise<string> {
  await restartSigner({ [SIGNING]: 10 * LIVES_MS });
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const id = await work.take({ asset: 'BTC', amount, expiresInMs: LIVES_MS });
    const expired = performance.now() + LIVES_MS;
    while (!(await hasBegun(id)) && performance.now() < expired) await sleep(LOOK_MS);
    if (!(await hasBegun(id))) continue;
    await part.killSigner();
    part.killer.arm('signer', []);
    await sleep(Math.max(0, expired - performance.now()));
    await rig.startSigner();
    if ((await work.state(id, ['indeterminate'])) === 'indeterminate') return id;
  }
  throw new Error('no signature was ever cut off');
}

/** Buried by the signer at the officers' own hands, and void, before the orchestrator hears of the burial. */
async function buriedBehindItsBack(work: Workload): Promise<Burial> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const id = await work.cancelledOnChain({ asset: 'ETH', amount: ETHER / 300n });
    const burial = id && (await work.burialOf(id));
    if (!id || !burial) continue;
    const { listen } = rig.deployment.config();
    const client = await SocketClient.connect(listen.kind === 'unix' ? listen.path : '');
    expect(await client.ask({ verb: 'bury', burial })).toMatchObject({ kind: 'done' });
    client.close();
    await work.voided(id);
    expect((await rig.transfer(id)).state).toBe('void');
    return burial;
  }
  throw new Error('no cancel was ever mined');
}

describe('a kill at every durable boundary of transfers that are indeterminate', () => {
  it('leaves each withdrawal in the chain once or not at all, as the books say, and none stuck', async () => {
    const work = part.workload();
    work.pays([
      { asset: 'BTC', amount: 150_000n },
      { asset: 'ETH', amount: ETHER / 100n },
    ]);

    const unknown = [await cutOff(work, 310_000n), await cutOff(work, 320_000n)];
    for (const id of unknown) work.unknown.add(id);
    expect((await rig.transfer(unknown[0] ?? '')).reason.code).toBe('refused-though-begun');
    let resolution: Parameters<Workload['resolve']>[1] | undefined = { how: 'ask-signer' };
    work.every(150, async () => {
      for (const id of unknown) {
        const { state } = await rig.transfer(id);
        if (state === 'indeterminate' && resolution) await work.resolve(id, resolution);
      }
    });
    await part.killAtEach(
      'orchestrator',
      part.boundariesOf('orchestrator', /surprise|askAgain|resolve:database/),
    );
    resolution = { how: 'not-paid', note: 'the coin has not moved' };
    await part.killAtEach('orchestrator', part.boundariesOf('orchestrator', /resolve:moveTransfer/));
    await eventually('all are recorded as not paid', async () => {
      const all = await Promise.all(unknown.map((id) => rig.transfer(id)));
      return all.every(({ state }) => state === 'failed');
    });
    resolution = undefined;
    // The customers are to be paid anew by other requests: with the signer's word that these never will be.
    for (const id of unknown) await work.voided(id);

    const burial = await buriedBehindItsBack(work);
    // It is handed in once only: to a program that knows where to die.
    await rig.program(0).stop();
    work.every(150, () => work.post('/v1/burials', burial, rig.deployment.bob));
    await part.killAtEach('orchestrator', part.boundariesOf('orchestrator', /noteBurial/));

    // Cancelled right after a worker has claimed what was planned for it.
    work.every(100, async () => {
      const id = await work.take({ asset: 'BTC', amount: 170_000n });
      await work.state(id, ['reserved', 'built']);
      await work.cancel(id);
    });
    const between = part.boundariesOf('orchestrator', /Workers\.step/);
    await part.killAtEach('orchestrator', between, { [CLAIM]: CLAIMED_MS });
    await part.finish(work);
    for (const id of unknown) expect((await rig.transfer(id)).state).toBe('void');
  }, 480_000);
});
