// A lost store, and what a quorum can make of it. The attacker would have limits freed, old requests paid a second time, or
// a signer that begins from a past of their choosing.

import { existsSync } from 'node:fs';
import { copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { Deployment, ETH, ETHEREUM, type Officer, officersSign } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { type Coin, coin, eip1559, payTo, psbt } from '../../devnet/transactions.js';
import type { OrderedTransfer, SigningOrder } from '../../src/core/authorization/signing-order.js';
import { Fault } from '../../src/core/fault.js';
import { entryHash, type GovernanceEntry } from '../../src/core/governance/entry.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { addressOfPublicKey } from '../../src/core/intents/ethereum/address.js';
import {
  RESTORE_TYPE,
  type Restore,
  type RestoreStatement,
  restoreBytes,
} from '../../src/core/recovery/restore.js';
import { readRecord, restoreStore } from '../../src/signer/start.js';
import { writeOlderRecord } from './older-record.js';

const BITCOIN = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const DESTINATION_ETH = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const COIN_SATS = 1_000_000n;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

let deployment: Deployment;
let signer: SocketClient;
let own: string;
/** As the chain shows them when the store is lost. */
let unspent: Coin[];

beforeAll(async () => {
  deployment = await Deployment.create();
  own = p2wpkhScript(deployment.publicKeys.bitcoin);
});
afterAll(() => deployment.destroy());

beforeEach(async () => {
  unspent = Array.from({ length: 3 }, () => coin(own, COIN_SATS));
  signer = await deployment.start();
  // What the test before has left exhausted is free again.
  deployment.time.advance(25 * HOUR_MS);
});
afterEach(() => deployment.stop());

const options = () => ({ time: deployment.time, tokenProgram: deployment.tokenProgram });
const storePath = () => deployment.config().storePath;

function small(altered: object = {}): OrderedTransfer {
  return deployment.transfer(deployment.request({ amount: '100000', destination: DESTINATION, ...altered }));
}

function paying(transfer: OrderedTransfer, spent: readonly Coin[] = [coin(own, COIN_SATS)]): SigningOrder {
  const amountSats = BigInt(transfer.request.statement.amount);
  const change = { script: own, amountSats: COIN_SATS * BigInt(spent.length) - amountSats - 1_000n };
  return {
    wallet: 'hot-btc',
    transaction: psbt(spent, [payTo(DESTINATION, amountSats), change]),
    transfers: [transfer],
  };
}

function refreshing(spent: readonly Coin[], feeSats: bigint): SigningOrder {
  const back = { script: own, amountSats: COIN_SATS * BigInt(spent.length) - feeSats };
  return { wallet: 'hot-btc', transaction: psbt(spent, [back]), transfers: [] };
}

function payingEther(nonce: number, amount = 1_000_000_000_000_000n): SigningOrder {
  const request = deployment.request({
    chain: ETHEREUM,
    wallet: 'hot-eth',
    asset: ETH,
    amount: amount.toString(),
    feeCeiling: '5000000000000000',
    destination: DESTINATION_ETH,
  });
  return {
    wallet: 'hot-eth',
    transaction: eip1559({ to: DESTINATION_ETH, value: amount, nonce }),
    transfers: [deployment.transfer(request)],
  };
}

function refreshingEther(nonce: number): SigningOrder {
  const to = addressOfPublicKey(deployment.publicKeys.ethereum);
  return { wallet: 'hot-eth', transaction: eip1559({ to, nonce }), transfers: [] };
}

interface Beat {
  readonly wall_ms: number;
  readonly measured_ms: number;
  readonly seal: string;
}

/** What somebody does who has the disk, and no token. */
function withDisk<T>(look: (db: Database.Database) => T): T {
  const db = new Database(storePath());
  try {
    return look(db);
  } finally {
    db.close();
  }
}

/** The signer stops and its store is gone. */
async function loseStore(): Promise<void> {
  await deployment.stop();
  for (const suffix of ['', '-wal', '-shm']) await rm(`${storePath()}${suffix}`, { force: true });
}

async function statement(altered: Partial<RestoreStatement> = {}): Promise<RestoreStatement> {
  const { sequence, hash } = await readRecord(deployment.config(), options());
  const block = { height: 900, hash: 'b'.repeat(64) };
  return {
    type: RESTORE_TYPE,
    deploymentId: deployment.deploymentId,
    governanceSequence: deployment.log.length - 1,
    governanceHead: deployment.head,
    lost: { sequence, hash },
    wallets: [
      {
        family: 'bitcoin',
        walletId: 'hot-btc',
        chain: BITCOIN,
        block,
        unspent: unspent.map(({ previous, vout }) => `${previous.getId()}:${vout}`),
        refreshFeeCeiling: '5000',
      },
      {
        family: 'ethereum',
        walletId: 'hot-eth',
        chain: ETHEREUM,
        address: addressOfPublicKey(deployment.publicKeys.ethereum),
        block,
        minedNonces: 1,
        nextNonce: 3,
        refreshFeeCeiling: '1000000000000000',
      },
    ],
    createdAtMs: deployment.time.wall,
    expiresAtMs: deployment.time.wall + HOUR_MS,
    ...altered,
  };
}

function signedBy(given: RestoreStatement, officers: readonly Officer[]): Restore {
  return { statement: given, signatures: officersSign(restoreBytes(given), officers) };
}

async function restoring(
  given: RestoreStatement,
  officers: readonly Officer[] = [deployment.alice, deployment.bob],
  log: readonly GovernanceEntry[] = deployment.log,
): Promise<string> {
  return codeFrom(() => restoreStore(deployment.config(), signedBy(given, officers), log, options()));
}

async function codeFrom(run: () => Promise<{ kind: string; code?: string }>): Promise<string> {
  try {
    const outcome = await run();
    return outcome.code ?? outcome.kind;
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}

async function startCode(): Promise<string> {
  return codeFrom(async () => {
    signer = await deployment.start();
    return { kind: 'started' };
  });
}

/** Requests may be made again: what the backends' clocks may be ahead has passed. */
function moveOn(ms = 6 * MINUTE_MS): void {
  deployment.time.advance(ms);
}

/** Every limit's window, the longest of the shipped policies included, has passed while the signer ran. */
const moveOverWindows = () => moveOn(25 * HOUR_MS);

describe('a lost store', () => {
  it('stops the signer, and is never made anew by init (store-missing, anchor-exists)', async () => {
    expect(codeOf(await signer.sign(paying(small())))).toBe('done');
    await loseStore();
    expect(await startCode()).toBe('store-missing');
    const { initialise } = await import('../../src/signer/start.js');
    const [genesis] = deployment.log;
    if (!genesis) throw new Error('no genesis');
    const again = codeFrom(async () => {
      await initialise(deployment.config(), genesis, options());
      return { kind: 'made' };
    });
    expect(await again).toBe('anchor-exists');
    expect(await restoring(await statement())).toBe('accepted');
  });

  it('is restored by a quorum: limits begin exhausted for one window, and older requests are dead', async () => {
    const before = small();
    const withheld = paying(before, [unspent[0] ?? coin(own, COIN_SATS)]);
    expect(codeOf(await signer.sign(withheld))).toBe('done');
    const unsigned = small();
    await loseStore();
    expect(await restoring(await statement())).toBe('accepted');
    expect(await startCode()).toBe('started');

    expect(codeOf(await signer.sign(withheld))).toBe('request-before-restore');
    expect(codeOf(await signer.sign(paying(unsigned)))).toBe('request-before-restore');
    expect(codeOf(await signer.ask({ verb: 'void', request: unsigned.request }))).toBe(
      'request-before-restore',
    );
    // A backend whose clock is ahead may have made this one before the restore.
    expect(
      codeOf(await signer.sign(paying(small({ createdAtMs: deployment.time.wall + 4 * MINUTE_MS })))),
    ).toBe('request-before-restore');
    moveOn();
    expect(codeOf(await signer.sign(paying(small())))).toBe('limit-exceeded');
    // Time that passes while the signer is off frees nothing.
    await deployment.stop();
    deployment.time.wall += 48 * HOUR_MS;
    expect(await startCode()).toBe('started');
    expect(codeOf(await signer.sign(paying(small())))).toBe('limit-exceeded');
    moveOverWindows();
    expect(codeOf(await signer.sign(paying(small())))).toBe('done');
  });

  it('counts what is dead from when the signer accepts it, not from what its drafter says', async () => {
    const transfer = small();
    await loseStore();
    const drafted = deployment.time.wall - 20 * HOUR_MS;
    const given = await statement({ createdAtMs: drafted });
    expect(await restoring(given)).toBe('accepted');
    expect(await startCode()).toBe('started');
    expect(codeOf(await signer.sign(paying(transfer)))).toBe('request-before-restore');
  });

  it('has its coins and nonces used up by transactions that pay the wallet itself', async () => {
    await loseStore();
    expect(await restoring(await statement())).toBe('accepted');
    expect(await startCode()).toBe('started');
    moveOn();
    expect(codeOf(await signer.sign(refreshing([coin(own, COIN_SATS)], 1_000n)))).toBe('nothing-to-cancel');
    const mixed = [...unspent, coin(own, COIN_SATS)];
    expect(codeOf(await signer.sign(refreshing(mixed, 1_000n)))).toBe('cancel-spends-unused');
    expect(codeOf(await signer.sign(refreshing(unspent, 5_001n)))).toBe('fee-above-ceiling');
    expect(codeOf(await signer.sign(refreshing(unspent, 5_000n)))).toBe('done');
    expect(codeOf(await signer.sign(refreshingEther(0)))).toBe('nothing-to-cancel');
    expect(codeOf(await signer.sign(refreshingEther(1)))).toBe('done');
    expect(codeOf(await signer.sign(refreshingEther(2)))).toBe('done');
    expect(codeOf(await signer.sign(refreshingEther(3)))).toBe('nothing-to-cancel');

    moveOverWindows();
    expect(codeOf(await signer.sign(paying(small(), unspent.slice(0, 1))))).toBe('outpoint-used');
    expect(codeOf(await signer.sign(payingEther(0)))).toBe('nonce-used');
    expect(codeOf(await signer.sign(payingEther(2)))).toBe('nonce-used');
    expect(codeOf(await signer.sign(payingEther(4)))).toBe('nonce-gap');
    expect(codeOf(await signer.sign(payingEther(3)))).toBe('done');
  });

  it('has a coin used up by a hundred transactions at most: each takes room for good and needs nobody (transactions-too-many)', async () => {
    await loseStore();
    expect(await restoring(await statement())).toBe('accepted');
    signer = await deployment.start();
    const codes: string[] = [];
    for (let bump = 0; bump < 101; bump++)
      codes.push(codeOf(await signer.sign(refreshing(unspent.slice(0, 1), 1_000n + BigInt(bump)))));
    expect(codes.slice(0, 100).every((code) => code === 'done')).toBe(true);
    expect(codes[100]).toBe('transactions-too-many');
  });

  it('is as safe as before afterwards: rolled back it is noticed, and the restore does not serve a second time', async () => {
    await loseStore();
    const given = await statement();
    expect(await restoring(given)).toBe('accepted');
    await copyFile(storePath(), join(deployment.directory, 'restored.db'));
    expect(await startCode()).toBe('started');
    moveOverWindows();
    expect(codeOf(await signer.sign(paying(small())))).toBe('done');
    await loseStore();
    await copyFile(join(deployment.directory, 'restored.db'), storePath());
    expect(await startCode()).toBe('store-rolled-back');
    await loseStore();
    expect(await restoring(given)).toBe('restore-other-record');
    expect(await restoring(await statement())).toBe('accepted');
  });

  it('goes on with governance as it was, and takes new entries', async () => {
    await loseStore();
    expect(await restoring(await statement())).toBe('accepted');
    expect(await startCode()).toBe('started');
    const entry = deployment.entry({ kind: 'quorum-set', quorum: { group: 'governors', threshold: 2 } }, [
      deployment.alice,
      deployment.bob,
    ]);
    expect(codeOf(await signer.ask({ verb: 'governance-append', entry }))).toBe('done');
    deployment.log.push(entry);
    await deployment.stop();
    expect(await startCode()).toBe('started');
    await loseStore();
    expect(await restoring(await statement())).toBe('accepted');
    expect(await startCode()).toBe('started');
  });
});

describe('the governance log of a restore', () => {
  it('may be longer than what the lost store knew', async () => {
    const entry = deployment.entry({ kind: 'quorum-set', quorum: { group: 'governors', threshold: 2 } }, [
      deployment.alice,
      deployment.bob,
    ]);
    deployment.log.push(entry);
    await loseStore();
    expect(await restoring(await statement())).toBe('accepted');
    const { governance } = await readRecord(deployment.config(), options());
    expect(governance).toEqual({ sequence: deployment.log.length - 1, hash: deployment.head });
    expect(await startCode()).toBe('started');
  });

  it("is the quorum's word alone where the record is from before records had it, and in the record afterwards", async () => {
    await loseStore();
    const pinned = async () => (await readRecord(deployment.config(), options())).governance;
    const newest = { sequence: deployment.log.length - 1, hash: deployment.head };
    expect(await pinned()).toEqual(newest);
    await writeOlderRecord(deployment, options());
    expect(await pinned()).toBeUndefined();
    expect(await restoring(await statement())).toBe('accepted');
    expect(await pinned()).toEqual(newest);
    expect(await startCode()).toBe('started');
  });
});

describe('a heartbeat of the lost store', () => {
  it('put into the restored one lets no window pass (store-corrupt)', async () => {
    await deployment.stop();
    const kept = withDisk((db) => db.prepare<[], Beat>('SELECT * FROM heartbeat').get());
    // Sealed by the same token, at a time when the lost signer had run for longer than any window.
    expect(kept?.measured_ms).toBeGreaterThan(24 * HOUR_MS);
    await loseStore();
    expect(await restoring(await statement())).toBe('accepted');
    withDisk((db) =>
      db
        .prepare('INSERT INTO heartbeat (only, wall_ms, measured_ms, seal) VALUES (1, ?, ?, ?)')
        .run(kept?.wall_ms, kept?.measured_ms, kept?.seal),
    );
    expect(await startCode()).toBe('store-corrupt');
    withDisk((db) => db.exec('DELETE FROM heartbeat'));
    expect(await startCode()).toBe('started');
    moveOn();
    expect(codeOf(await signer.sign(paying(small())))).toBe('limit-exceeded');
  });
});

describe('a void before the store was lost', () => {
  it('holds: its request is never signed afterwards, though its backend be ahead of time', async () => {
    const { wall } = deployment.time;
    const ahead = small({ createdAtMs: wall + 20 * MINUTE_MS, expiresAtMs: wall + 30 * HOUR_MS });
    const slightly = small({ createdAtMs: wall + 5 * MINUTE_MS, expiresAtMs: wall + 30 * HOUR_MS });
    const voided: OrderedTransfer[] = [];
    for (const transfer of [ahead, slightly]) {
      const answer = await signer.ask({ verb: 'void', request: transfer.request });
      if (answer.kind === 'done') voided.push(transfer);
    }
    expect(voided).toContain(slightly);
    await loseStore();
    expect(await restoring(await statement())).toBe('accepted');
    expect(await startCode()).toBe('started');
    moveOverWindows();
    for (const transfer of voided) {
      expect(codeOf(await signer.sign(paying(transfer)))).toBe('request-before-restore');
    }
  });
});

describe('a restore that is cut short', () => {
  it('before the record on the token: does not start, and goes on when it is asked for again (store-restore-unfinished)', async () => {
    await loseStore();
    const given = await statement();
    const { spawnToken } = await import('../../hardware/pkcs11/token-client.js');
    const real = spawnToken(deployment.tokenConfig(), { programPath: deployment.tokenProgram });
    const prototype = Object.getPrototypeOf(real) as { writeRecord: unknown };
    await real.close();
    const { writeRecord } = prototype;
    prototype.writeRecord = async () => Promise.reject(new Fault('transient', 'the power fails here'));
    try {
      expect(await restoring(given)).toBe('transient');
    } finally {
      prototype.writeRecord = writeRecord;
    }
    expect(existsSync(storePath())).toBe(true);
    expect(await startCode()).toBe('store-restore-unfinished');
    expect(await restoring({ ...given, expiresAtMs: given.expiresAtMs + 1 })).toBe('store-exists');
    expect(await restoring(given)).toBe('accepted');
    expect(await startCode()).toBe('started');
  });
});

describe('a restore is refused', () => {
  it('over a store that is there (store-exists), be it an old one', async () => {
    await deployment.stop();
    expect(await restoring(await statement())).toBe('store-exists');
    await rm(storePath());
    await writeFile(storePath(), 'something else than a store');
    expect(await restoring(await statement())).toBe('store-corrupt');
    await loseStore();
    // What a restore leaves behind that was cut short before it wrote a line.
    await writeFile(storePath(), '');
    expect(await restoring(await statement())).toBe('accepted');
  });

  it('when the quorum, the record, the log, the time or a wallet is not what it says', async () => {
    await loseStore();
    const given = await statement();
    const [bitcoin, ethereum] = given.wallets;
    if (bitcoin?.family !== 'bitcoin' || ethereum?.family !== 'ethereum') throw new Error('other wallets');
    const { alice, bob } = deployment;
    const { wall } = deployment.time;
    expect(await restoring(given, [alice])).toBe('governance-quorum-missing');
    expect(await restoring(given, [alice, alice])).toBe('governance-signer-duplicate');
    const cases: [Partial<RestoreStatement>, string][] = [
      [{ lost: { ...given.lost, sequence: given.lost.sequence + 1 } }, 'restore-other-record'],
      [{ lost: { ...given.lost, hash: '0'.repeat(64) } }, 'restore-other-record'],
      [{ deploymentId: '0'.repeat(64) }, 'restore-other-deployment'],
      [{ governanceHead: '0'.repeat(64) }, 'restore-governance-mismatch'],
      [{ governanceSequence: given.governanceSequence + 1 }, 'restore-governance-mismatch'],
      [{ createdAtMs: wall - HOUR_MS, expiresAtMs: wall }, 'restore-expired'],
      [{ expiresAtMs: wall + 25 * HOUR_MS }, 'restore-expired'],
      [{ createdAtMs: wall + 6 * MINUTE_MS, expiresAtMs: wall + HOUR_MS }, 'restore-expired'],
      [{ wallets: [bitcoin] }, 'restore-wallets-incomplete'],
      [{ wallets: [bitcoin, bitcoin] }, 'restore-wallets-incomplete'],
      [{ wallets: [bitcoin, ethereum, { ...bitcoin, walletId: 'other' }] }, 'restore-wallets-incomplete'],
      [{ wallets: [{ ...bitcoin, chain: ETHEREUM }, ethereum] }, 'restore-wallets-incomplete'],
      [
        { wallets: [{ ...bitcoin, unspent: [...bitcoin.unspent, ...bitcoin.unspent] }, ethereum] },
        'restore-coins-repeated',
      ],
      [{ wallets: [bitcoin, { ...ethereum, address: DESTINATION_ETH }] }, 'restore-wallets-incomplete'],
      [{ wallets: [bitcoin, { ...ethereum, nextNonce: 0 }] }, 'restore-nonces-backwards'],
      [{ wallets: [bitcoin, { ...ethereum, nextNonce: 2_000 }] }, 'restore-nonces-backwards'],
    ];
    for (const [altered, code] of cases) expect(await restoring({ ...given, ...altered })).toBe(code);
    const edited = signedBy(given, [alice, bob]);
    const changed = { ...edited, statement: { ...given, expiresAtMs: given.expiresAtMs + 1 } };
    const editing = codeFrom(() => restoreStore(deployment.config(), changed, deployment.log, options()));
    expect(await editing).toBe('governance-signature-invalid');
    expect(existsSync(storePath())).toBe(false);
    expect(await startCode()).toBe('store-missing');
    expect(await restoring(given)).toBe('accepted');
  });

  it('with a log that was cut short: a removed officer or key would be back', async () => {
    const entry = deployment.entry({ kind: 'request-key-removed', keyId: deployment.desk.keyId }, [
      deployment.alice,
      deployment.bob,
    ]);
    expect(codeOf(await signer.ask({ verb: 'governance-append', entry }))).toBe('done');
    deployment.log.push(entry);
    await loseStore();
    const given = await statement();
    const cut = deployment.log.slice(0, -1);
    expect(await restoring(given, undefined, cut)).toBe('restore-governance-mismatch');
    expect(await restoring(given, undefined, [])).toBe('restore-other-deployment');
    expect(await restoring(given)).toBe('accepted');
  });

  it('over a log from before an officer was removed, cut or leading elsewhere, though the quorum of then signs (restore-governance-behind)', async () => {
    const { alice, bob, carol } = deployment;
    const before = [...deployment.log];
    const forkOf = (log: readonly GovernanceEntry[]): GovernanceEntry[] => {
      const previous = entryHash((log.at(-1) as GovernanceEntry).body);
      const change = { kind: 'quorum-set', quorum: { group: 'governors', threshold: 2 } } as const;
      return [...log, deployment.entry(change, [bob, carol], { sequence: log.length, previous })];
    };
    const group = { groupId: 'governors', members: ['alice', 'bob'] };
    const removal = deployment.entry({ kind: 'group-set', group }, [alice, bob]);
    expect(codeOf(await signer.ask({ verb: 'governance-append', entry: removal }))).toBe('done');
    deployment.log.push(removal);
    await loseStore();
    const given = await statement();
    for (const log of [before, forkOf(before), forkOf(forkOf(before))]) {
      const governanceHead = entryHash((log.at(-1) as GovernanceEntry).body);
      const theirs = { ...given, governanceSequence: log.length - 1, governanceHead };
      expect(await restoring(theirs, [bob, carol], log)).toBe('restore-governance-behind');
    }
    expect(existsSync(storePath())).toBe(false);
    expect(await restoring(given, [bob, carol])).toBe('governance-quorum-missing');
    expect(await restoring(given)).toBe('accepted');
    expect(await startCode()).toBe('started');
  });

  it('with a token that was never part of a ceremony, which has nothing to go on from (anchor-missing)', async () => {
    const { alice, bob, softHsm } = deployment;
    const given = signedBy(await statement(), [alice, bob]);
    const { pinFile } = await softHsm.initToken({ label: 'spare', soPin: '11223344', pin: '987654' });
    const pin = { kind: 'file' as const, path: pinFile };
    const tokens = { treasury: { ...deployment.tokenConfig(), tokenLabel: 'spare', pin } };
    const config = { ...deployment.config(), tokens, storePath: join(deployment.directory, 'spare.db') };
    expect(await codeFrom(() => restoreStore(config, given, deployment.log, options()))).toBe(
      'anchor-missing',
    );
    await expect(readRecord(config, options())).rejects.toMatchObject({ code: 'anchor-missing' });
    expect(existsSync(config.storePath)).toBe(false);
  });
});
