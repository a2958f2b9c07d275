import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Database } from '../../database/database.js';
import { ETHEREUM_ENTITIES, EthereumNonce, EthereumTransaction, EthereumWallet } from './ethereum.entity.js';
import {
  addReplacement,
  lockWallet,
  markSigned,
  type NonceOutlook,
  outflows,
  releasePlan,
  stopWallet,
  takeNonce,
} from './nonces.store.js';
import { type EthereumPlan, type Movement, planText } from './plan.js';
import { markDead } from './self-payments.js';

const TOKEN = '0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF';
const ADDRESS = '0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf';
const clock = { nowMs: () => 1_700_000_000_000 };
const outlook = (signerNextNonce = 0, minedNonces = 0): NonceOutlook => ({
  walletId: 'hot-eth',
  chain: 'eip155:1',
  address: ADDRESS,
  signerNextNonce,
  minedNonces,
});
const transferId = (index: number) => `tr-${index.toString(16).padStart(40, '0')}`;
const txid = (key: string) => `0x${Buffer.from(key).toString('hex').padStart(64, '0').slice(-64)}`;
const native = (amountWei: bigint): Movement => ({ kind: 'native', to: TOKEN, amountWei });

const planOf = (transfer: string, movement: Movement, nonce: number, maxFeePerGasWei = 2n): EthereumPlan => ({
  version: 1,
  chain: 'eip155:1',
  from: ADDRESS,
  nonce,
  movement,
  transferId: transfer,
  gasLimit: 21_000n,
  maxFeePerGasWei,
  maxPriorityFeePerGasWei: 1n,
  feeBoundWei: 10n ** 18n,
  plannedAtHeight: 1,
});

let folder: string;
let database: Database;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-nonces-'));
  database = await Database.open({
    url: `sqlite:${join(folder, 'test.db')}`,
    entities: ETHEREUM_ENTITIES,
    clock,
  });
});
afterEach(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});

const take = (index: number, of = outlook(), movement: Movement = native(5n)) =>
  database.transaction(async (db) => {
    const wallet = await lockWallet(db, of);
    const transfer = transferId(index);
    return takeNonce(db, wallet, transfer, (nonce) => planOf(transfer, movement, nonce));
  });
const release = (key: string) => database.transaction((db) => releasePlan(db, 'hot-eth', key));
const sign = (key: string) => database.transaction((db) => markSigned(db, 'hot-eth', key, txid(key)));
const nextNonce = async () =>
  (await database.read((db) => db.findOneByOrFail(EthereumWallet, { walletId: 'hot-eth' }))).nextNonce;

describe('nonces after a way out', () => {
  const keyOf = async (taken: ReturnType<typeof take>) => (await taken).transactionKey;

  it('serve another transfer when the signer had begun one that is void now, and its next nonce is ahead', async () => {
    const key = await keyOf(take(1));
    await database.transaction((db) => releasePlan(db, 'hot-eth', key, true));
    expect(await nextNonce()).toBe(0);
    expect((await take(2, outlook(1))).plan.nonce).toBe(0);
    // One that it has signed further on is unknown here all the same.
    await expect(take(3, outlook(2))).rejects.toMatchObject({ code: 'nonce-behind-signer' });
  });

  it('are given to a transfer again only once what was signed at the one before is dead', async () => {
    const { transactionKey, plan } = await take(1);
    await sign(transactionKey);
    await expect(take(1, outlook(1))).rejects.toMatchObject({ code: 'nonce-of-transfer-taken' });
    const dead = { walletId: 'hot-eth', plan: planText(plan), transactionKey, chain: plan.chain, maxFee: 0n };
    await database.transaction((db) => markDead(db, [{ ...dead, transferIds: [], replaces: undefined }]));
    expect((await take(1, outlook(1))).plan.nonce).toBe(1);
    await expect(take(1, outlook(1))).rejects.toMatchObject({ code: 'nonce-of-transfer-taken' });
  });

  it('below a restore are given back without those above, and a stranger there is the lost store', async () => {
    const key = await keyOf(take(1));
    await database.transaction(async (db) => {
      await lockWallet(db, outlook());
      await db.update(EthereumWallet, { walletId: 'hot-eth' }, { restoredNonce: 3, nextNonce: 3 });
    });
    const later = await take(2, outlook(3));
    expect(later.plan.nonce).toBe(3);
    await sign(later.transactionKey);
    expect(await release(key)).toEqual([]);
    expect(await nextNonce()).toBe(4);
    expect(await database.transaction((db) => stopWallet(db, 'hot-eth', 2, txid('x'), 5))).toBe(false);
    expect((await take(3, outlook(4, 3))).plan.nonce).toBe(4);
    expect(await database.transaction((db) => stopWallet(db, 'hot-eth', 3, txid('x'), 5))).toBe(true);
    await expect(take(4, outlook(4, 3))).rejects.toMatchObject({ code: 'wallet-stopped' });
  });
});

describe('nonces', () => {
  it("begin with the signer's next one, also when the key was used before", async () => {
    expect((await take(1, outlook(7, 7))).plan.nonce).toBe(7);
    expect((await take(2, outlook(7, 7))).plan.nonce).toBe(8);
  });

  it('are handed out once each, whoever asks at once', async () => {
    const taken = await Promise.all(Array.from({ length: 40 }, (_, index) => take(index)));
    const nonces = taken.map(({ plan }) => plan.nonce);
    expect(nonces.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, index) => index));
    expect(new Set(taken.map(({ transactionKey }) => transactionKey)).size).toBe(40);
  });

  it('are not taken when the rest of the transaction fails', async () => {
    await take(1);
    const failing = database.transaction(async (db) => {
      const wallet = await lockWallet(db, outlook());
      await takeNonce(db, wallet, transferId(2), (nonce) => planOf(transferId(2), native(1n), nonce));
      throw new Error('the limits were not free after all');
    });
    await expect(failing).rejects.toThrow('the limits were not free after all');
    expect((await take(3)).plan.nonce).toBe(1);
  });

  it('refuse a second one for a transfer', async () => {
    const { transactionKey } = await take(1);
    await expect(take(1)).rejects.toMatchObject({ code: 'nonce-of-transfer-taken' });
    await sign(transactionKey);
    await expect(take(1, outlook(1))).rejects.toMatchObject({ code: 'nonce-of-transfer-taken' });
    expect(await nextNonce()).toBe(1);
  });

  it('come back when a plan was never signed, and the later unsigned plans are named, highest first', async () => {
    const taken = [];
    for (let index = 0; index < 4; index += 1) taken.push(await take(index));
    const [first, second, third, fourth] = taken.map(({ transactionKey }) => transactionKey) as [
      string,
      string,
      string,
      string,
    ];
    await sign(first);
    expect(await release(second)).toEqual([fourth, third]);
    expect(await nextNonce()).toBe(1);
    expect(await release(fourth)).toEqual([]);
    expect(await release(third)).toEqual([]);
    expect(await release(third)).toEqual([]);
    const again = await take(3, outlook(1));
    expect(again.plan.nonce).toBe(1);
    // A key of a plan that was given back is never given to another plan.
    expect([first, second, third, fourth]).not.toContain(again.transactionKey);
  });

  it('fill the gap first when only a plan in the middle came back', async () => {
    const { transactionKey } = await take(1);
    await take(2);
    await take(3);
    await release(transactionKey);
    expect((await take(4)).plan.nonce).toBe(0);
    expect((await take(5)).plan.nonce).toBe(3);
  });

  it('refuse to come back once signed', async () => {
    const { transactionKey } = await take(1);
    await sign(transactionKey);
    await expect(release(transactionKey)).rejects.toMatchObject({ code: 'release-of-signed' });
  });

  it('refuse to leave a gap below a signed one', async () => {
    const { transactionKey } = await take(1);
    const second = await take(2);
    await sign(second.transactionKey);
    await expect(release(transactionKey)).rejects.toMatchObject({ code: 'nonce-order' });
    expect(await nextNonce()).toBe(2);
  });

  it('refuse to go on when the chain has used one that was never signed', async () => {
    const { transactionKey } = await take(1);
    await expect(take(2, outlook(0, 1))).rejects.toMatchObject({
      code: 'nonce-foreign',
      facts: { minedNonces: 1, firstUnsigned: 0 },
    });
    await sign(transactionKey);
    expect((await take(2, outlook(1, 1))).plan.nonce).toBe(1);
    await expect(take(3, outlook(1, 2))).rejects.toMatchObject({ code: 'nonce-foreign' });
  });

  it("refuse to begin when the chain is ahead of the signer's first", async () => {
    await expect(take(1, outlook(0, 3))).rejects.toMatchObject({ code: 'nonce-foreign' });
  });

  it('refuse to go on when the signer has signed what is unknown here', async () => {
    await take(1);
    await expect(take(2, outlook(2))).rejects.toMatchObject({ code: 'nonce-behind-signer' });
  });

  it('refuse to go on for good once a foreign transaction is buried', async () => {
    await take(1);
    await database.transaction((db) => stopWallet(db, 'hot-eth', 0, txid('x'), 5));
    await database.transaction((db) => stopWallet(db, 'hot-eth', 0, txid('y'), 6));
    await expect(take(2)).rejects.toMatchObject({
      code: 'wallet-stopped',
      facts: { foreignTransaction: txid('x') },
    });
  });

  it('refuse two wallets on one address, and a wallet that changes its address', async () => {
    await take(1);
    await expect(take(2, { ...outlook(), address: TOKEN })).rejects.toMatchObject({
      code: 'wallet-other-chain',
    });
    await expect(take(3, { ...outlook(), walletId: 'other' })).rejects.toMatchObject({
      code: 'wallet-other-chain',
    });
  });

  it('refuse a signature for a plan that was given back, and another id for a signed one', async () => {
    const { transactionKey } = await take(1);
    await sign(transactionKey);
    await sign(transactionKey);
    await expect(
      database.transaction((db) => markSigned(db, 'hot-eth', transactionKey, txid('other'))),
    ).rejects.toMatchObject({ code: 'signed-not-as-planned' });
    const second = await take(2);
    await release(second.transactionKey);
    await expect(sign(second.transactionKey)).rejects.toMatchObject({ code: 'plan-unknown' });
  });

  it('stay without a gap and without a double, whatever is taken, signed, replaced and given back', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.constant({ kind: 'take' as const }) },
      { weight: 3, arbitrary: fc.constant({ kind: 'sign' as const }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), at: fc.nat(9) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('replace' as const), at: fc.nat(9) }) },
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        run += 1;
        const walletId = `wallet-${run}`;
        const of = { ...outlook(), walletId, address: `0x${run.toString(16).padStart(40, '0')}` };
        let transfers = 0;
        let signedUpTo = 0;
        const unsignedOriginals = () =>
          database.read(async (db) => {
            const rows = await db.findBy(EthereumTransaction, { walletId, state: 'unsigned' });
            return rows.filter((row) => row.replaces === null).toSorted((a, b) => a.nonce - b.nonce);
          });
        for (const one of steps) {
          const unsigned = await unsignedOriginals();
          if (one.kind === 'take') {
            transfers += 1;
            const transfer = transferId(run * 1_000 + transfers);
            await database.transaction(async (db) => {
              const wallet = await lockWallet(db, { ...of, signerNextNonce: signedUpTo });
              await takeNonce(db, wallet, transfer, (nonce) => planOf(transfer, native(1n), nonce));
            });
          } else if (one.kind === 'sign') {
            // The signer signs contiguously: the lowest, or none.
            const lowest = unsigned[0];
            if (lowest?.nonce !== signedUpTo) continue;
            await database.transaction((db) =>
              markSigned(db, walletId, lowest.transactionKey, txid(`${run}${lowest.transactionKey}`)),
            );
            signedUpTo += 1;
          } else if (one.kind === 'release') {
            const chosen = unsigned[one.at % Math.max(unsigned.length, 1)];
            if (!chosen) continue;
            await database.transaction(async (db) => {
              for (const key of await releasePlan(db, walletId, chosen.transactionKey)) {
                await releasePlan(db, walletId, key);
              }
            });
          } else {
            const signed = await database.read((db) =>
              db.findBy(EthereumTransaction, { walletId, state: 'signed' }),
            );
            const chosen = signed[one.at % Math.max(signed.length, 1)];
            if (!chosen) continue;
            await database
              .transaction(async (db) => {
                const wallet = await lockWallet(db, { ...of, signerNextNonce: signedUpTo });
                const plan = planOf(transferId(0), { kind: 'cancel' }, chosen.nonce, 9n);
                await addReplacement(db, wallet, plan, chosen.transactionKey);
              })
              // A second unsigned replacement at one nonce: the database itself refuses it.
              .catch((error: Error) => expect(error.message).toMatch(/UNIQUE/));
          }
          const [nonces, wallet] = await database.read(async (db) => [
            await db.findBy(EthereumNonce, { walletId }),
            await db.findOneBy(EthereumWallet, { walletId }),
          ]);
          const held = nonces.map((row) => row.nonce).toSorted((a, b) => a - b);
          expect(held).toEqual(Array.from({ length: held.length }, (_, index) => index));
          expect(wallet?.nextNonce ?? 0).toBe(held.length);
          expect(held.length).toBeGreaterThanOrEqual(signedUpTo);
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('outflows', () => {
  it('count each nonce once, at its dearest, and leave out what is mined', async () => {
    const first = await take(1, outlook(), native(100n));
    await take(2, outlook(), { kind: 'erc20', contract: TOKEN, to: ADDRESS, amountUnits: 30n });
    await take(3, outlook(), { kind: 'erc20', contract: TOKEN, to: ADDRESS, amountUnits: 4n });
    await sign(first.transactionKey);
    await database.transaction(async (db) => {
      const wallet = await lockWallet(db, outlook(1));
      const dearer = planOf(transferId(1), native(100n), 0, 3n);
      await addReplacement(db, wallet, dearer, first.transactionKey);
    });
    const contract = TOKEN.toLowerCase();
    const all = await database.read((db) => outflows(db, 'hot-eth', 0));
    expect(all.nonces).toBe(3);
    expect(all.signed).toEqual({ wei: 63_100n, tokens: new Map() });
    expect(all.unsigned).toEqual({ wei: 84_000n, tokens: new Map([[contract, 34n]]) });
    const later = await database.read((db) => outflows(db, 'hot-eth', 2));
    expect(later.signed.wei).toBe(0n);
    expect(later.unsigned).toEqual({ wei: 42_000n, tokens: new Map([[contract, 4n]]) });
  });

  it('keep the tokens of a payment that is being cancelled: it may still be mined first', async () => {
    const { transactionKey } = await take(1, outlook(), {
      kind: 'erc20',
      contract: TOKEN,
      to: ADDRESS,
      amountUnits: 30n,
    });
    await sign(transactionKey);
    await database.transaction(async (db) => {
      const wallet = await lockWallet(db, outlook(1));
      const cancel = planOf(transferId(1), { kind: 'cancel' }, 0, 99n);
      await addReplacement(db, wallet, cancel, transactionKey);
    });
    const { signed } = await database.read((db) => outflows(db, 'hot-eth', 0));
    expect(signed).toEqual({ wei: 99n * 21_000n, tokens: new Map([[TOKEN.toLowerCase(), 30n]]) });
  });
});
