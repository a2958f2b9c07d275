// What the ways out refuse by themselves, before or after the signer has said anything.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { accepted, Fault, type Outcome } from '../../core/fault.js';
import type { Burial } from '../../core/recovery/burial.js';
import type { RestoredWallet } from '../../core/recovery/restore.js';
import type { Principal } from '../identity/principal.js';
import { BITCOIN, ETHEREUM } from '../transfers/cast.fixture.js';
import { type Life, Stage } from '../transfers/stage.fixture.js';
import { Burials } from './burials.js';
import { Cancels } from './cancels.js';
import { Restores } from './restores.js';
import { Voids } from './voids.js';
import { WaysOutController } from './ways-out.controller.js';
import { WaysOut } from './ways-out.service.js';

const ALICE = 'person:alice';
const NOBODYS = `tr-${'0'.repeat(40)}`;

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

async function codeOf(outcome: Promise<Outcome<unknown>>): Promise<string> {
  const given = await outcome;
  return given.kind === 'refused' ? given.code : given.kind;
}

/** Sent and not mined. */
async function sent(): Promise<string> {
  const { transferId } = await life.submitted(stage.cast.request('5'));
  await life.work();
  expect((await life.view(transferId)).state).toBe('broadcast');
  return transferId;
}

describe('the ways out of a transfer', () => {
  it('are none of one that is not there (transfer-unknown)', async () => {
    expect(await codeOf(new WaysOut(life.pipeline).show(NOBODYS))).toBe('transfer-unknown');
  });
});

describe('a void', () => {
  it('is not asked for by the key of another (request-of-another-key)', async () => {
    const asked: string[] = [];
    const parts = life.pipeline;
    const voids: Pick<Voids, 'void'> = {
      void: async (transferId) => {
        asked.push(transferId);
        return accepted({ transferId, void: {} as never });
      },
    };
    const controller = new WaysOutController(
      voids as Voids,
      new WaysOut(parts),
      new Cancels(parts),
      new Burials(parts),
      new Restores(parts),
    );
    const input = { params: { transferId: NOBODYS }, body: stage.cast.request('1'), query: undefined };
    const by = (caller: Principal) => codeOf(controller.void(input, caller));
    expect(await by({ kind: 'backend', keyId: 'desk', owners: [] })).toBe('request-of-another-key');
    expect(asked).toEqual([]);
    expect(await by({ kind: 'backend', keyId: 'backend', owners: [] })).toBe('accepted');
    expect(await by({ kind: 'officer', personId: 'alice', credentialId: 'alice-piv' })).toBe('accepted');
  });
});

describe('a burial', () => {
  it('waits for the signer to have said what becomes of a plan (transfer-being-signed)', async () => {
    const { transferId } = await life.submitted(stage.cast.request('1'));
    stage.signer.script.push(() => {
      throw new Fault('signer-timeout', 'no answer');
    });
    await life.work();
    expect((await life.view(transferId)).transactions).toMatchObject([{ state: 'signing' }]);
    const statement: Partial<Burial['statement']> = { transferIds: [transferId], dead: [] };
    const burial = { statement, signatures: [] } as unknown as Burial;
    expect(await codeOf(new Burials(life.pipeline).bury(burial, ALICE))).toBe('transfer-being-signed');
  });
});

describe('a cancel on the chain', () => {
  const cancel = (transferId: string) => codeOf(new Cancels(life.pipeline).cancel(transferId, ALICE));

  it.each([
    ['cancel-waits', 'wait', 'fees-unknown'],
    ['cancel-impossible', 'impossible', 'fee-too-low'],
  ] as const)('is refused with %s when its chain says %s', async (code, kind, reason) => {
    const transferId = await sent();
    life.drivers[0].cancel = async () => ({ kind, reason }) as never;
    expect(await cancel(transferId)).toBe(code);
  });

  it('is refused with cancel-impossible when its wallet was stopped until a person has looked', async () => {
    const transferId = await sent();
    life.drivers[0].cancel = () => Promise.reject(new Fault('wallet-stopped', 'somebody else used the key'));
    expect(await cancel(transferId)).toBe('cancel-impossible');
  });
});

describe('using up what a restore left', () => {
  const restored = (altered: Partial<RestoredWallet>): RestoredWallet =>
    ({
      family: 'ethereum',
      walletId: 'hot-eth',
      chain: ETHEREUM,
      address: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
      block: { height: 1, hash: 'ab'.repeat(32) },
      minedNonces: 0,
      nextNonce: 1,
      refreshFeeCeiling: '1',
      ...altered,
    }) as RestoredWallet;
  const refresh = (walletId: string, altered: Partial<RestoredWallet>) =>
    codeOf(new Restores(life.pipeline).refresh(walletId, restored(altered)));

  it('is refused for a wallet that governance does not know (wallet-unknown)', async () => {
    expect(await refresh('cold-eth', { walletId: 'cold-eth' })).toBe('wallet-unknown');
  });

  it.each<[string, Partial<RestoredWallet>]>([
    ['of another wallet', { walletId: 'hot-btc' }],
    ['of another chain', { chain: BITCOIN }],
  ])('is refused with what a restore says %s (wallet-of-another-restore)', async (_what, altered) => {
    // The chain would take it: nothing but this comparison is in the way.
    const nothingLeft = { kind: 'refreshed', planned: [], underWay: 0, remaining: 0 };
    life.drivers[0].refresh = async () => nothingLeft as never;
    expect(await refresh('hot-eth', altered)).toBe('wallet-of-another-restore');
    expect(await refresh('hot-eth', {})).toBe('accepted');
  });

  it('is refused when the chain says that it is about another wallet (wallet-of-another-restore)', async () => {
    expect(await refresh('hot-eth', {})).toBe('wallet-of-another-restore');
  });
});
