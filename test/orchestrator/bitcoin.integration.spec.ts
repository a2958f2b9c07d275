// The Bitcoin driver and scanner over a real node and real databases.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Transaction } from 'bitcoinjs-lib';
import { z } from 'zod';
import { attachBitcoinDevnet, type BitcoinDevnet, startBitcoinDevnet } from '../../devnet/bitcoin-node.js';
import { type PostgresDevnet, startPostgres } from '../../devnet/postgres.js';
import type { RestoredWallet } from '../../src/core/recovery/restore.js';
import { inputsOf } from '../../src/orchestrator/chains/bitcoin/coins.store.js';
import { parsePlan } from '../../src/orchestrator/chains/bitcoin/plan.js';
import { Scanner } from '../../src/orchestrator/chains/bitcoin/scanner.js';
import { BitcoinScannerService } from '../../src/orchestrator/chains/bitcoin/scanner.service.js';
import type { Observation, SignedTransaction } from '../../src/orchestrator/chains/chain-driver.js';
import { rows, sqlInteger } from '../../src/orchestrator/database/sql.js';
import { systemRandomness } from '../../src/platform/system-randomness.js';
import {
  BitcoinRig,
  bitcoreAccepts,
  payable,
  plannedOf,
  REGTEST,
  type RigOptions,
  strangerAddress,
  type TestWallet,
} from './bitcoin-rig.js';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-bitcoin-'));
const logFile = join(folder, 'node.log');
const externalUrl = process.env.BITCOIN_RPC_URL;
let postgres: PostgresDevnet;

beforeAll(async () => {
  postgres = await startPostgres({ logFile: join(folder, 'postgres.log') });
});
afterAll(async () => {
  await postgres.stop();
  rmSync(folder, { recursive: true });
});

const startNode = () => startBitcoinDevnet({ logFile });
const attachNode = () => attachBitcoinDevnet(externalUrl ?? '');

describe('Bitcoin on the devnet node, with SQLite', () => {
  behavesLikeADriver(startNode, async () => undefined);
  survivesTrouble(async () => undefined);
});

describe('Bitcoin on the devnet node, with PostgreSQL', () => {
  behavesLikeADriver(startNode, () => postgres.createDatabase());
  survivesTrouble(() => postgres.createDatabase());
  servesTwoOrchestrators();
});

const external = externalUrl === undefined ? describe.skip : describe;
external('Bitcoin on Bitcoin Core (skipped unless BITCOIN_RPC_URL names a regtest node)', () => {
  behavesLikeADriver(attachNode, async () => undefined);
});

type DatabaseUrl = () => Promise<string | undefined>;

async function openRig(node: BitcoinDevnet, url: DatabaseUrl, options: RigOptions = {}): Promise<BitcoinRig> {
  const databaseUrl = await url();
  return BitcoinRig.open(node, { ...options, ...(databaseUrl === undefined ? {} : { databaseUrl }) });
}

type Restored = Extract<RestoredWallet, { family: 'bitcoin' }>;

async function restoredOf(rig: BitcoinRig, { wallet }: TestWallet): Promise<Restored> {
  const facts = await rig.driver.restoreFacts(wallet);
  if (facts.wallet.family !== 'bitcoin') throw new TypeError('not of a Bitcoin wallet');
  return facts.wallet;
}

function changeOf({ script }: TestWallet, { signedHex, transactionId }: SignedTransaction): string {
  const { outs } = Transaction.fromHex(signedHex);
  const vout = outs.findIndex((output) => Buffer.from(output.script).toString('hex') === script);
  return `${transactionId}:${vout}`;
}

async function refreshed(rig: BitcoinRig, { wallet }: TestWallet, restored: Restored) {
  const outlook = await rig.driver.outlook(wallet);
  const given = { maxFee: 50_000n, abandoned: [] };
  const result = await rig.database.transaction((db) =>
    rig.driver.refresh(db, wallet, restored, given, outlook),
  );
  if (result.kind !== 'done') throw new Error(result.reason);
  return result;
}

function behavesLikeADriver(openNode: () => Promise<BitcoinDevnet>, databaseUrl: DatabaseUrl): void {
  let node: BitcoinDevnet;
  let rig: BitcoinRig;
  beforeAll(async () => {
    node = await openNode();
    rig = await openRig(node, databaseUrl);
  });
  afterAll(async () => {
    await rig.close();
    await node.stop();
  });

  async function mined(count = 1): Promise<void> {
    await node.mine(count);
    await rig.scan();
  }

  const observed = (transaction: SignedTransaction): Promise<Observation> => rig.driver.observe(transaction);

  it('pays several transfers to the satoshi in one transaction, and follows it until it is settled', async () => {
    const wallet = await rig.fundedWallet(node, [500_000n, 700_000n]);
    expect(await rig.balance(wallet)).toEqual({ available: 1_200_000n, pending: 0n, reserved: 0n });
    const destinations = [strangerAddress(), strangerAddress(), strangerAddress()];
    const payables = destinations.map((destination, index) =>
      payable(wallet, destination, 100_000n + BigInt(index)),
    );
    const planned = await rig.planned(wallet, payables);
    expect([...planned.transferIds].sort()).toEqual(payables.map((one) => one.transferId).sort());
    const signed = await rig.sign(wallet, planned, payables);
    expect(bitcoreAccepts(wallet, signed)).toBe(true);
    expect(await observed(signed)).toEqual({ kind: 'unseen' });

    expect(await rig.driver.broadcast(signed)).toEqual({ kind: 'accepted' });
    expect(await rig.driver.broadcast(signed)).toEqual({ kind: 'already-known' });
    expect(await observed(signed)).toEqual({ kind: 'pending' });

    await mined();
    const fee = parsePlan(planned.plan).feeSats;
    expect(planned.maxFee).toBe(fee);
    expect(await observed(signed)).toMatchObject({
      kind: 'mined',
      confirmations: 1,
      final: false,
      feePaid: fee,
      blockHeight: await node.height(),
      blockHash: await node.blockHash(await node.height()),
    });
    await mined(2);
    expect(await observed(signed)).toMatchObject({ kind: 'mined', confirmations: 3, final: true });
    expect(await rig.driver.broadcast(signed)).toEqual({ kind: 'already-known' });

    const outputs = Transaction.fromHex(signed.signedHex).outs.map((output) => output.value);
    for (const one of payables) expect(outputs).toContain(BigInt(one.request.amount));
    expect(await rig.balance(wallet)).toEqual({
      available: 1_200_000n - 300_003n - fee,
      pending: 0n,
      reserved: 0n,
    });
  });

  it('signals replacement, dates by the tip, and has version 2', async () => {
    const wallet = await rig.fundedWallet(node, [300_000n]);
    const payables = [payable(wallet, strangerAddress(), 100_000n)];
    const signed = await rig.sign(wallet, await rig.planned(wallet, payables), payables);
    const transaction = Transaction.fromHex(signed.signedHex);
    const height = await node.height();
    expect(transaction.version).toBe(2);
    expect(transaction.ins.map((input) => input.sequence)).toEqual([0xfffffffd]);
    expect(transaction.locktime).toBeLessThanOrEqual(height);
    expect(transaction.locktime).toBeGreaterThan(height - 100);
  });

  it('gives two reservations at the same time different coins', async () => {
    const wallet = await rig.fundedWallet(node, [200_000n, 200_000n, 200_000n]);
    const results = await Promise.all(
      Array.from({ length: 5 }, () => rig.reserve(wallet, [payable(wallet, strangerAddress(), 150_000n)])),
    );
    const plans = results.flatMap((result) =>
      result.kind === 'planned' ? [parsePlan(result.transaction.plan)] : [],
    );
    const inputs = plans.flatMap((plan) => plan.inputs.map(({ txid, vout }) => `${txid}:${vout}`));
    expect(plans).toHaveLength(3);
    expect(new Set(inputs).size).toBe(inputs.length);
    expect(results.filter((result) => result.kind === 'wait')).toHaveLength(2);
    expect(await rig.balance(wallet)).toEqual({ available: 0n, pending: 0n, reserved: 600_000n });
  });

  it('gives coins back when a plan is released, once and again', async () => {
    const wallet = await rig.fundedWallet(node, [200_000n]);
    const transfer = payable(wallet, strangerAddress(), 150_000n);
    const planned = await rig.planned(wallet, [transfer]);
    expect(await rig.reserve(wallet, [transfer])).toEqual({ kind: 'wait', reason: 'insufficient-funds' });
    for (let times = 0; times < 2; times += 1) {
      expect(await rig.database.transaction((db) => rig.driver.release(db, planned))).toEqual([]);
    }
    expect((await rig.reserve(wallet, [transfer])).kind).toBe('planned');
  });

  it('does not give back the coins of what was signed', async () => {
    const wallet = await rig.fundedWallet(node, [200_000n]);
    const transfer = payable(wallet, strangerAddress(), 150_000n);
    const planned = await rig.planned(wallet, [transfer]);
    await rig.sign(wallet, planned, [transfer]);
    await rig.database.transaction((db) => rig.driver.release(db, planned));
    expect(await rig.reserve(wallet, [transfer])).toEqual({ kind: 'wait', reason: 'insufficient-funds' });
  });

  it('refuses to record bytes that are not those of the plan', async () => {
    const wallet = await rig.fundedWallet(node, [200_000n, 200_000n]);
    const transfers = [
      payable(wallet, strangerAddress(), 150_000n),
      payable(wallet, strangerAddress(), 140_000n),
    ];
    const [first, second] = transfers;
    if (first === undefined || second === undefined) throw new Error('two transfers');
    const one = await rig.planned(wallet, [first]);
    const other = await rig.planned(wallet, [second]);
    const signed = await rig.sign(wallet, one, [first]);
    const swapped = { ...signed, transactionKey: other.transactionKey, plan: other.plan };
    await expect(rig.database.transaction((db) => rig.driver.signed(db, swapped))).rejects.toMatchObject({
      code: 'signed-transaction-mismatch',
    });
  });

  it('spends its own unconfirmed change, but only so many deep', async () => {
    const wallet = await rig.fundedWallet(node, [1_000_000n]);
    for (let depth = 0; depth < 4; depth += 1) {
      await rig.pay(wallet, [payable(wallet, strangerAddress(), 10_000n)]);
    }
    expect(await rig.reserve(wallet, [payable(wallet, strangerAddress(), 10_000n)])).toEqual({
      kind: 'wait',
      reason: 'too-many-unconfirmed',
    });
    await mined();
    expect((await rig.reserve(wallet, [payable(wallet, strangerAddress(), 10_000n)])).kind).toBe('planned');
  });

  it('replaces a waiting transaction by one with a higher fee that pays the same', async () => {
    const wallet = await rig.fundedWallet(node, [500_000n]);
    const transfers = [
      payable(wallet, strangerAddress(), 100_000n),
      payable(wallet, strangerAddress(), 50_000n),
    ];
    const first = await rig.pay(wallet, transfers, { feeRate: 2_000n });
    const planned = plannedOf(await rig.replace(wallet, first, transfers, { feeRate: 6_000n }));
    expect(planned.replaces).toBe(first.transactionKey);
    const second = await rig.sign(wallet, planned, transfers);
    expect(bitcoreAccepts(wallet, second)).toBe(true);
    expect(await rig.driver.broadcast(second)).toEqual({ kind: 'accepted' });
    expect(await observed(first)).toEqual({ kind: 'unseen' });
    expect(await rig.driver.broadcast(first)).toMatchObject({ kind: 'rejected' });
    await mined();
    expect(await observed(second)).toMatchObject({ kind: 'mined', feePaid: parsePlan(second.plan).feeSats });
    expect(await observed(first)).toMatchObject({
      kind: 'conflicted',
      by: second.transactionId,
      final: false,
    });
    await mined(2);
    expect(await observed(first)).toMatchObject({
      kind: 'conflicted',
      by: second.transactionId,
      final: true,
    });
    const fee = parsePlan(second.plan).feeSats;
    expect(await rig.balance(wallet)).toEqual({ available: 350_000n - fee, pending: 0n, reserved: 0n });
  });

  it('does not replace what its own later transaction builds upon, nor build upon what is being replaced', async () => {
    const wallet = await rig.fundedWallet(node, [500_000n]);
    const one = payable(wallet, strangerAddress(), 100_000n);
    const two = payable(wallet, strangerAddress(), 100_000n);
    const parent = await rig.pay(wallet, [one]);
    const child = await rig.pay(wallet, [two]);
    expect(await rig.replace(wallet, parent, [one], { feeRate: 9_000n })).toEqual({
      kind: 'wait',
      reason: 'has-descendants',
    });
    const bumped = plannedOf(await rig.replace(wallet, child, [two], { feeRate: 9_000n }));
    expect(await rig.reserve(wallet, [payable(wallet, strangerAddress(), 10_000n)])).toMatchObject({
      kind: 'wait',
    });
    expect(await rig.replace(wallet, child, [two], { feeRate: 9_000n })).toMatchObject({ kind: 'wait' });
    await rig.database.transaction((db) => rig.driver.release(db, bumped));
    expect((await rig.reserve(wallet, [payable(wallet, strangerAddress(), 10_000n)])).kind).toBe('planned');
  });

  it('adds a confirmed coin to a replacement when change cannot bear the rise, and gives it back on release', async () => {
    const wallet = await rig.fundedWallet(node, [100_900n]);
    const transfer = payable(wallet, strangerAddress(), 100_000n);
    const first = await rig.pay(wallet, [transfer], { feeRate: 2_000n });
    await node.fund(wallet.address, 400_000n);
    await node.mineBlock(await waitingExcept(node, [first.transactionId]));
    await rig.scan();
    const planned = plannedOf(await rig.replace(wallet, first, [transfer], { feeRate: 20_000n }));
    expect(parsePlan(planned.plan).inputs).toHaveLength(2);
    expect((await rig.balance(wallet)).available).toBe(0n);
    await rig.database.transaction((db) => rig.driver.release(db, planned));
    expect((await rig.balance(wallet)).available).toBe(400_000n);
  });

  it('waits rather than pay above the ceilings, and refuses for good what can never be paid', async () => {
    const wallet = await rig.fundedWallet(node, [500_000n]);
    const stingy = payable(wallet, strangerAddress(), 100_000n, { feeCeiling: 10n });
    expect(await rig.reserve(wallet, [stingy])).toEqual({ kind: 'wait', reason: 'fee-above-ceiling' });
    const dust = payable(wallet, strangerAddress(), 293n);
    const own = payable(wallet, wallet.address, 10_000n);
    const fine = payable(wallet, strangerAddress(), 10_000n);
    expect(await rig.reserve(wallet, [fine, dust, own])).toEqual({
      kind: 'impossible',
      transferIds: [dust.transferId],
      reason: 'amount-dust',
    });
    expect(await rig.reserve(wallet, [fine, own])).toEqual({
      kind: 'impossible',
      transferIds: [own.transferId],
      reason: 'destination-own',
    });
  });

  it('scans again without changing anything, and from two orchestrators at once', async () => {
    const wallet = await rig.fundedWallet(node, [200_000n]);
    const before = await rig.balance(wallet);
    await node.fund(wallet.address, 50_000n);
    await node.mine(5);
    await Promise.all([rig.scan(), rig.scan(), rig.scan()]);
    await rig.scan();
    expect(await rig.balance(wallet)).toEqual({ ...before, available: 250_000n });
  });

  it('finds the earlier coins of a wallet that is registered late, and plans on none before all is searched', async () => {
    await rig.scan();
    const late = rig.addWallet();
    const [registered] = rig.wallets.splice(rig.wallets.indexOf(late), 1);
    await node.fund(late.address, 300_000n);
    await node.mine(2);
    await rig.scan();
    if (registered) rig.wallets.push(registered);
    const transfer = payable(late, strangerAddress(), 100_000n);
    expect(await rig.reserve(late, [transfer])).toEqual({ kind: 'wait', reason: 'node-behind' });
    await rig.scan();
    expect((await rig.balance(late)).available).toBe(300_000n);
    expect((await rig.reserve(late, [transfer])).kind).toBe('planned');
  });

  it('says node-behind while blocks are not scanned yet', async () => {
    const wallet = await rig.fundedWallet(node, [300_000n]);
    await node.mine(2);
    const transfer = payable(wallet, strangerAddress(), 100_000n);
    expect(await rig.reserve(wallet, [transfer])).toEqual({ kind: 'wait', reason: 'node-behind' });
    await rig.scan();
    expect((await rig.reserve(wallet, [transfer])).kind).toBe('planned');
  });

  it('notices that a settled payment was dropped by a reorganisation, sends it again, and sees it settle', async () => {
    const wallet = await rig.fundedWallet(node, [500_000n]);
    await mined(1);
    const signed = await rig.pay(wallet, [payable(wallet, strangerAddress(), 100_000n)]);
    const before = await rig.balance(wallet);
    await mined(3);
    expect(await observed(signed)).toMatchObject({ kind: 'mined', final: true });
    await node.reorg(3);
    expect(await observed(signed)).toMatchObject({ kind: 'mined' });
    await rig.scan();
    expect(['pending', 'unseen']).toContain((await observed(signed)).kind);
    expect(await rig.balance(wallet)).toEqual(before);
    expect(['accepted', 'already-known']).toContain((await rig.driver.broadcast(signed)).kind);
    await mined(3);
    expect(await observed(signed)).toMatchObject({ kind: 'mined', confirmations: 3, final: true });
  });
}

/** All coins that the scanned chain holds or held, with where they came from and went. */
function confirmedCoins(rig: BitcoinRig): Promise<unknown[]> {
  const coin = z.object({
    txid: z.string(),
    vout: sqlInteger,
    wallet_id: z.string(),
    amount_sats: z.string(),
    height: sqlInteger,
    spent_height: sqlInteger.nullable(),
    spent_by: z.string().nullable(),
  });
  return rig.database.read((db) =>
    rows(
      db,
      coin,
      `SELECT txid, vout, wallet_id, amount_sats, height, spent_height, spent_by FROM bitcoin_coins
         WHERE height IS NOT NULL ORDER BY txid, vout`,
    ),
  );
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await holds()) return;
    await sleep(25);
  }
  throw new Error('it never came to be');
}

async function waitingExcept(node: BitcoinDevnet, txids: readonly string[]): Promise<string[]> {
  const waiting = (await node.call('getrawmempool')) as string[];
  const raw: string[] = [];
  for (const txid of waiting.filter((one) => !txids.includes(one))) {
    raw.push(String(await node.call('getrawtransaction', [txid])));
  }
  return raw;
}

function survivesTrouble(databaseUrl: DatabaseUrl): void {
  let node: BitcoinDevnet;
  beforeAll(async () => {
    node = await startNode();
  });
  afterAll(() => node.stop());

  async function withRig(options: RigOptions, work: (rig: BitcoinRig) => Promise<void>): Promise<void> {
    const rig = await openRig(node, databaseUrl, options);
    try {
      await work(rig);
    } finally {
      await rig.close();
    }
  }

  it('notices an eviction and brings the transaction back, parents first', async () => {
    await withRig({}, async (rig) => {
      const wallet = await rig.fundedWallet(node, [500_000n]);
      const parent = await rig.pay(wallet, [payable(wallet, strangerAddress(), 100_000n)]);
      const child = await rig.pay(wallet, [payable(wallet, strangerAddress(), 100_000n)]);
      await node.evict(parent.transactionId);
      expect(await rig.driver.observe(parent)).toEqual({ kind: 'unseen' });
      expect(await rig.driver.observe(child)).toEqual({ kind: 'unseen' });
      expect(await rig.driver.broadcast(child)).toEqual({ kind: 'accepted' });
      expect(await rig.driver.observe(parent)).toEqual({ kind: 'pending' });
      expect(await rig.driver.observe(child)).toEqual({ kind: 'pending' });
    });
  });

  it('sees that another transaction has spent an input, also for what hangs on it', async () => {
    await withRig({}, async (rig) => {
      const wallet = await rig.fundedWallet(node, [500_000n]);
      const transfer = payable(wallet, strangerAddress(), 100_000n);
      const planned = await rig.planned(wallet, [transfer]);
      await rig.database.transaction((db) => rig.driver.release(db, planned));
      const foreign = await rig.sign(wallet, await rig.planned(wallet, [transfer]), [transfer]);
      // The same key signs something else elsewhere, which the driver never heard of.
      const elsewhere = Transaction.fromHex(foreign.signedHex);
      const stranger = await BitcoinRig.open(node, {
        wallets: [wallet],
        settings: { startHeight: (await node.height()) - 1 },
      });
      await stranger.scan();
      const other = payable(wallet, strangerAddress(), 200_000n);
      const conflicting = await stranger.sign(wallet, await stranger.planned(wallet, [other]), [other]);
      await stranger.close();
      expect(await rig.driver.broadcast(foreign)).toEqual({ kind: 'accepted' });
      const child = await rig.pay(wallet, [payable(wallet, strangerAddress(), 50_000n)]);
      await node.mineBlock([conflicting.signedHex]);
      await rig.scan();
      const by = conflicting.transactionId;
      expect(elsewhere.getId()).not.toBe(by);
      expect(await rig.driver.observe(foreign)).toMatchObject({ kind: 'conflicted', by, final: false });
      expect(await rig.driver.observe(child)).toMatchObject({ kind: 'conflicted', by, final: false });
      await node.mine(2);
      await rig.scan();
      expect(await rig.driver.observe(child)).toMatchObject({ kind: 'conflicted', by, final: true });
      expect(await rig.driver.broadcast(foreign)).toMatchObject({
        kind: 'rejected',
        reason: expect.stringMatching(/^inputs-missing/),
      });
    });
  });

  it('names change that no block holds yet among the coins of a restore, and has it used up once one does', async () => {
    await withRig({}, async (rig) => {
      const wallet = await rig.fundedWallet(node, [500_000n]);
      const parent = await rig.pay(wallet, [payable(wallet, strangerAddress(), 100_000n)]);
      const restored = await restoredOf(rig, wallet);
      expect(restored.unspent).toEqual(
        expect.arrayContaining([...inputsOf(parsePlan(parent.plan)), changeOf(wallet, parent)]),
      );
      expect(restored.unspent).toHaveLength(2);
      expect(await refreshed(rig, wallet, restored)).toMatchObject({
        planned: [],
        underWay: 1,
        remaining: 1,
        reason: 'coins-unconfirmed',
      });
      await node.mine();
      await rig.scan();
      const { planned, remaining } = await refreshed(rig, wallet, restored);
      expect(planned.map(({ plan }) => inputsOf(parsePlan(plan)))).toEqual([[changeOf(wallet, parent)]]);
      expect(remaining).toBe(0);
    });
  });

  it('uses up the rest of a refresh that a withheld transaction has overtaken', async () => {
    await withRig({}, async (rig) => {
      const wallet = await rig.fundedWallet(node, [500_000n, 300_000n]);
      const restored = await restoredOf(rig, wallet);
      const lost = await BitcoinRig.open(node, {
        wallets: [wallet],
        settings: { startHeight: (await node.height()) - 1 },
      });
      await lost.scan();
      // Less than any of the coins: whichever is chosen, it is one.
      const transfer = payable(wallet, strangerAddress(), 200_000n);
      const withheld = await lost.sign(wallet, await lost.planned(wallet, [transfer]), [transfer]);
      await lost.close();
      const [plan] = (await refreshed(rig, wallet, restored)).planned;
      if (!plan) throw new Error('nothing planned');
      expect(inputsOf(parsePlan(plan.plan)).toSorted()).toEqual(restored.unspent.toSorted());
      await rig.sign(wallet, plan, []);
      await node.mineBlock([withheld.signedHex]);
      await rig.scan();
      const [taken] = inputsOf(parsePlan(withheld.plan));
      const left = restored.unspent.filter((outpoint) => outpoint !== taken);
      const again = await refreshed(rig, wallet, restored);
      expect(again.planned.map((one) => inputsOf(parsePlan(one.plan)))).toEqual([left]);
      expect(again).toMatchObject({ underWay: 1, remaining: 0 });
    });
  });

  it('names no change of a restore that can never be', async () => {
    await withRig({}, async (rig) => {
      const wallet = await rig.fundedWallet(node, [500_000n]);
      const transfer = payable(wallet, strangerAddress(), 100_000n);
      const other = await BitcoinRig.open(node, {
        wallets: [wallet],
        settings: { startHeight: (await node.height()) - 1 },
      });
      await other.scan();
      const rival = await other.sign(wallet, await other.planned(wallet, [transfer]), [transfer]);
      await other.close();
      const child = payable(wallet, strangerAddress(), 50_000n);
      const parent = await rig.sign(wallet, await rig.planned(wallet, [child]), [child]);
      const restored = await restoredOf(rig, wallet);
      expect(restored.unspent).toContain(changeOf(wallet, parent));
      await node.mineBlock([rival.signedHex]);
      await rig.scan();
      expect((await restoredOf(rig, wallet)).unspent).toEqual([changeOf(wallet, rival)]);
      expect(await refreshed(rig, wallet, restored)).toMatchObject({
        planned: [],
        underWay: 0,
        remaining: 0,
      });
    });
  });

  it('does not spend coins of others before they are deep enough, and forgets those that a fork drops', async () => {
    await withRig({ settings: { foreignCoinConfirmations: 3 } }, async (rig) => {
      const wallet = await rig.fundedWallet(node, [500_000n]);
      const transfer = payable(wallet, strangerAddress(), 100_000n);
      expect(await rig.balance(wallet)).toEqual({ available: 0n, pending: 500_000n, reserved: 0n });
      expect(await rig.reserve(wallet, [transfer])).toEqual({ kind: 'wait', reason: 'insufficient-funds' });
      await node.mine(2);
      await rig.scan();
      expect(await rig.balance(wallet)).toEqual({ available: 500_000n, pending: 0n, reserved: 0n });
      await node.reorg(3);
      await rig.scan();
      expect(await rig.balance(wallet)).toEqual({ available: 0n, pending: 0n, reserved: 0n });
    });
  });

  it('has the same coins after any series of payments, blocks and forks as a scan from the beginning', async () => {
    const startHeight = await node.height();
    await withRig({ settings: { startHeight, foreignCoinConfirmations: 1 } }, async (rig) => {
      const wallets = [rig.addWallet(), rig.addWallet()];
      let state = 20_240_817;
      const random = (bound: number) => {
        state = (state * 48_271) % 2_147_483_647;
        return state % bound;
      };
      const step = async (kinds: number): Promise<void> => {
        const [from, to] = random(2) === 0 ? wallets : wallets.toReversed();
        if (from === undefined || to === undefined) throw new Error('two wallets');
        await [
          async () => void (await node.fund(from.address, 50_000n + BigInt(random(100_000)))),
          async () => {
            await rig.scan();
            const transfers = [payable(from, to.address, 10_000n + BigInt(random(20_000)))];
            const result = await rig.reserve(from, transfers);
            if (result.kind !== 'planned') return;
            await rig.driver.broadcast(await rig.sign(from, result.transaction, transfers));
          },
          async () => void (await rig.scan()),
          async () => void (await node.mine(1 + random(2))),
          async () => void (await node.reorg(1 + random(3))),
        ][random(kinds)]?.();
      };
      for (let steps = 0; steps < 40; steps += 1) await step(5);
      await node.mine(3);
      for (let steps = 0; steps < 12; steps += 1) await step(3);
      await node.mine();
      await rig.scan();
      // What the last fork drops is not mined again: whatever it had done must be undone.
      await node.reorg(2);
      expect(await rig.scan()).toBe('scanned');
      const fresh = await openRig(node, databaseUrl, { wallets, settings: { startHeight } });
      await fresh.scan();
      const [seen, expected] = [await confirmedCoins(rig), await confirmedCoins(fresh)];
      await fresh.close();
      expect(expected.length).toBeGreaterThan(3);
      expect(seen).toEqual(expected);
    });
  });

  it('keeps scanning in the background through failures, until it is stopped', async () => {
    await withRig({ rpcUrls: [node.rpcUrl] }, async (rig) => {
      const wallet = rig.addWallet();
      const lines: string[] = [];
      const log = {
        info: (message: string) => void lines.push(message),
        warning: (message: string) => void lines.push(message),
        failure: (message: string) => void lines.push(message),
      };
      const broken = new Scanner(REGTEST, rig.chain.settings, rig.database, rig.chain.node, () => {
        throw new Error('governance is away');
      });
      const service = new BitcoinScannerService(
        [
          { scanner: rig.scanner, pollMs: 20 },
          { scanner: broken, pollMs: 20 },
        ],
        systemRandomness,
        log,
      );
      service.start();
      await node.fund(wallet.address, 123_000n);
      await node.mine();
      await until(async () => (await rig.balance(wallet)).available === 123_000n);
      await service.stop();
      expect(service.reports().get(REGTEST)).toMatchObject({ kind: 'scanned', height: await node.height() });
      expect(lines).toContain('bitcoin scan is in step with the node');
      expect(lines).toContain('bitcoin scan failed');
      await node.fund(wallet.address, 1_000n);
      await node.mine();
      await sleep(100);
      expect((await rig.balance(wallet)).available).toBe(123_000n);
    });
  });

  it('stops at a reorganisation deeper than configured, plans nothing, and goes on when the depth is raised', async () => {
    const url = await databaseUrl();
    const folderUrl = url ?? `sqlite:${join(folder, 'deep.db')}`;
    const options = { databaseUrl: folderUrl, settings: { startHeight: await node.height() } };
    const shallow = await BitcoinRig.open(node, {
      ...options,
      settings: { ...options.settings, reorgDepth: 3 },
    });
    const wallet = await shallow.fundedWallet(node, [500_000n]);
    const transfer = payable(wallet, strangerAddress(), 100_000n);
    const signed = await shallow.pay(wallet, [transfer]);
    await node.mine(4);
    await shallow.scan();
    await node.reorg(4);
    expect(await shallow.scan()).toBe('stopped');
    expect(await shallow.reserve(wallet, [transfer])).toEqual({ kind: 'wait', reason: 'node-behind' });
    expect(await shallow.driver.observe(signed)).toEqual({ kind: 'unknown', reason: 'reorg-too-deep' });
    expect(await shallow.driver.nodes()).toMatchObject([{ healthy: false, detail: 'reorg-too-deep' }]);
    await shallow.close();

    const deep = await BitcoinRig.open(node, { ...options, wallets: [wallet] });
    expect(await deep.scan()).toBe('scanned');
    expect(['pending', 'unseen']).toContain((await deep.driver.observe(signed)).kind);
    await deep.close();
  });

  it('asks the next node when one is away or refuses its caller, and reports on each', async () => {
    const good = new URL(node.rpcUrl);
    const wrongPassword = new URL(node.rpcUrl);
    wrongPassword.password = 'wrong';
    const away = 'http://127.0.0.1:9/';
    await withRig({ rpcUrls: [away, wrongPassword.href, good.href] }, async (rig) => {
      const wallet = await rig.fundedWallet(node, [500_000n]);
      const signed = await rig.pay(wallet, [payable(wallet, strangerAddress(), 100_000n)]);
      expect(await rig.driver.observe(signed)).toEqual({ kind: 'pending' });
      expect(await rig.driver.nodes()).toMatchObject([
        { healthy: false, height: null, detail: expect.stringMatching(/^unreachable/) },
        { healthy: false, height: null, detail: expect.stringMatching(/^unauthorized/) },
        { healthy: true, height: await node.height() },
      ]);
    });
  });

  it('says chain-unavailable, unreachable and unknown when no node answers', async () => {
    const url = (await databaseUrl()) ?? `sqlite:${join(folder, 'away.db')}`;
    const settings = { startHeight: await node.height() };
    const near = await BitcoinRig.open(node, { databaseUrl: url, settings });
    const wallet = await near.fundedWallet(node, [500_000n]);
    const signed = await near.pay(wallet, [payable(wallet, strangerAddress(), 100_000n)]);
    await near.close();
    const far = await BitcoinRig.open(node, {
      databaseUrl: url,
      settings,
      wallets: [wallet],
      rpcUrls: ['http://127.0.0.1:9/'],
    });
    await expect(far.driver.outlook(wallet.wallet)).rejects.toMatchObject({ code: 'chain-unavailable' });
    expect(await far.driver.broadcast(signed)).toMatchObject({ kind: 'unreachable' });
    expect(await far.driver.observe(signed)).toEqual({ kind: 'unknown', reason: 'chain-unavailable' });
    await far.close();
  });
}

function servesTwoOrchestrators(): void {
  let node: BitcoinDevnet;
  beforeAll(async () => {
    node = await startNode();
  });
  afterAll(() => node.stop());

  it('keeps two orchestrators on one database from spending a coin twice', async () => {
    const url = await postgres.createDatabase();
    const settings = { startHeight: await node.height() };
    const one = await BitcoinRig.open(node, { databaseUrl: url, settings });
    const wallet = await one.fundedWallet(
      node,
      Array.from({ length: 6 }, () => 200_000n),
    );
    const two = await BitcoinRig.open(node, { databaseUrl: url, settings, wallets: [wallet] });
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        (index % 2 === 0 ? one : two).reserve(wallet, [payable(wallet, strangerAddress(), 150_000n)]),
      ),
    );
    const inputs = results.flatMap((result) =>
      result.kind === 'planned' ? parsePlan(result.transaction.plan).inputs.map((input) => input.txid) : [],
    );
    expect(inputs).toHaveLength(6);
    expect(new Set(inputs).size).toBe(6);
    await node.mine(4);
    await Promise.all([one.scan(), two.scan()]);
    expect(await one.scan()).toBe('scanned');
    await one.close();
    await two.close();
  });
}
