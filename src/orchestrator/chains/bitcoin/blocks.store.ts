// The scanned chain in the database: how far it goes, its blocks, and what each of them does to the wallets' coins.
// Every function works inside the caller's transaction and may be repeated: a block that was applied applies to nothing.

import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import { isPostgres, rows, run, sqlInteger } from '../../database/sql.js';
import type { ScannerStop } from './bitcoin.errors.js';
import type { BlockTransaction, VerifiedBlock } from './raw-block.js';

export interface Cursor {
  /** Newest block scanned; one below the start height before the first. */
  readonly height: number;
  readonly hash: string | undefined;
  readonly stopped: ScannerStop | undefined;
}

export interface WatchedScript {
  readonly walletId: string;
  /** All blocks up to here were searched for it. */
  readonly scannedHeight: number;
}

/** Scripts by scriptPubKey, hex. */
export type WatchedScripts = ReadonlyMap<string, WatchedScript>;

const cursorRow = z
  .object({
    height: sqlInteger,
    hash: z.string().nullable(),
    stopped: z.enum(['reorg-too-deep']).nullable(),
  })
  .transform(
    ({ height, hash, stopped }): Cursor => ({
      height,
      hash: hash ?? undefined,
      stopped: stopped ?? undefined,
    }),
  );

const CURSOR = 'SELECT height, hash, stopped FROM bitcoin_chains WHERE chain = ?';

/** Bound on the parameters of one statement. */
const CHUNK = 400;

/** Makes the chain's row when there is none yet. */
export async function ensureChain(db: EntityManager, chain: string, startHeight: number): Promise<void> {
  await run(db, 'INSERT INTO bitcoin_chains (chain, height) VALUES (?, ?) ON CONFLICT (chain) DO NOTHING', [
    chain,
    startHeight - 1,
  ]);
}

/** Undefined before the scanner's first start. With `hold` no block comes or goes until the transaction ends. */
export async function readCursor(
  db: EntityManager,
  chain: string,
  hold: 'hold' | 'look' = 'look',
): Promise<Cursor | undefined> {
  const locking = hold === 'hold' && isPostgres(db) ? ' FOR SHARE' : '';
  const [cursor] = await rows(db, cursorRow, `${CURSOR}${locking}`, [chain]);
  return cursor;
}

/** True when the chain still stands where `expected` says; it then stays there until the transaction ends. */
export async function lockCursor(db: EntityManager, chain: string, expected: Cursor): Promise<boolean> {
  const [cursor] = await rows(db, cursorRow, `${CURSOR}${isPostgres(db) ? ' FOR UPDATE' : ''}`, [chain]);
  return cursor !== undefined && cursor.height === expected.height && cursor.hash === expected.hash;
}

export async function setStopped(
  db: EntityManager,
  chain: string,
  stopped: ScannerStop | undefined,
): Promise<void> {
  await run(db, 'UPDATE bitcoin_chains SET stopped = ? WHERE chain = ?', [stopped ?? null, chain]);
}

/** Hash of the scanned block at a height. */
export async function blockHashAt(
  db: EntityManager,
  chain: string,
  height: number,
): Promise<string | undefined> {
  const [row] = await rows(
    db,
    z.object({ hash: z.string() }),
    'SELECT hash FROM bitcoin_blocks WHERE chain = ? AND height = ?',
    [chain, height],
  );
  return row?.hash;
}

/** When the newest scanned block was mined, as its miner says. */
export async function blockTimeMs(
  db: EntityManager,
  chain: string,
  height: number,
): Promise<number | undefined> {
  const [row] = await rows(
    db,
    z.object({ time_ms: sqlInteger }),
    'SELECT time_ms FROM bitcoin_blocks WHERE chain = ? AND height = ?',
    [chain, height],
  );
  return row?.time_ms;
}

const scriptRow = z.object({ script: z.string(), wallet_id: z.string(), scanned_height: sqlInteger });

export async function watchedScripts(db: EntityManager, chain: string): Promise<WatchedScripts> {
  const found = await rows(
    db,
    scriptRow,
    'SELECT script, wallet_id, scanned_height FROM bitcoin_scripts WHERE chain = ?',
    [chain],
  );
  return new Map(
    found.map((row) => [row.script, { walletId: row.wallet_id, scannedHeight: row.scanned_height }]),
  );
}

/** Watches a script from the start height on; nothing happens when it is watched already. */
export async function watchScript(
  db: EntityManager,
  chain: string,
  walletId: string,
  script: string,
  startHeight: number,
): Promise<void> {
  await run(
    db,
    'INSERT INTO bitcoin_scripts (chain, script, wallet_id, scanned_height) VALUES (?, ?, ?, ?) ON CONFLICT (chain, script) DO NOTHING',
    [chain, script, walletId, startHeight - 1],
  );
}

/** Records a block that follows the newest one, with what it does to coins, and moves the cursor onto it. */
export async function appendBlock(
  db: EntityManager,
  chain: string,
  height: number,
  block: VerifiedBlock,
  scripts: WatchedScripts,
): Promise<void> {
  await run(
    db,
    'INSERT INTO bitcoin_blocks (chain, height, hash, previous, time_ms) VALUES (?, ?, ?, ?, ?)',
    [chain, height, block.hash, block.previous, block.timeMs],
  );
  await recordCoins(db, chain, height, block, scripts);
  await run(db, 'UPDATE bitcoin_chains SET height = ?, hash = ?, stopped = NULL WHERE chain = ?', [
    height,
    block.hash,
    chain,
  ]);
}

/** What the block at `height` pays to and takes from the wallets; the scripts are then scanned up to it. */
export async function recordCoins(
  db: EntityManager,
  chain: string,
  height: number,
  block: VerifiedBlock,
  scripts: WatchedScripts,
): Promise<void> {
  // First all that comes in: a later transaction of the same block may spend it.
  for (const transaction of block.transactions) {
    await recordOutputs(db, chain, height, transaction, scripts);
  }
  await recordSpends(db, chain, height, block.transactions);
  await run(db, 'UPDATE bitcoin_scripts SET scanned_height = ? WHERE chain = ? AND scanned_height = ?', [
    height,
    chain,
    height - 1,
  ]);
}

async function recordOutputs(
  db: EntityManager,
  chain: string,
  height: number,
  transaction: BlockTransaction,
  scripts: WatchedScripts,
): Promise<void> {
  const own = transaction.outputs.flatMap((output, vout) => {
    const watched = scripts.get(output.script);
    return watched === undefined ? [] : [{ ...output, vout, walletId: watched.walletId }];
  });
  if (own.length === 0) return;
  await storePrevious(db, chain, transaction.txid, transaction.rawWithoutWitness());
  for (const { script, amountSats, vout, walletId } of own) {
    await run(
      db,
      `INSERT INTO bitcoin_coins (chain, txid, vout, wallet_id, script, amount_sats, coinbase, height)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (chain, txid, vout) DO UPDATE SET height = excluded.height`,
      [
        chain,
        transaction.txid,
        vout,
        walletId,
        script,
        amountSats.toString(),
        transaction.coinbase ? 1 : 0,
        height,
      ],
    );
  }
}

/** Keeps the raw transaction (without witnesses, hex) for PSBTs that spend its outputs. */
export async function storePrevious(
  db: EntityManager,
  chain: string,
  txid: string,
  raw: string,
): Promise<void> {
  await run(
    db,
    'INSERT INTO bitcoin_previous_transactions (chain, txid, raw) VALUES (?, ?, ?) ON CONFLICT (chain, txid) DO NOTHING',
    [chain, txid, raw],
  );
}

const outpointRow = z.object({ txid: z.string(), vout: sqlInteger });

async function recordSpends(
  db: EntityManager,
  chain: string,
  height: number,
  transactions: readonly BlockTransaction[],
): Promise<void> {
  const spenders = new Map(
    transactions.flatMap(({ txid: spender, spends }) =>
      spends.map(({ txid, vout }) => [`${txid}:${vout}`, spender] as const),
    ),
  );
  const parents = [...new Set([...spenders.keys()].map((outpoint) => outpoint.slice(0, 64)))];
  for (let from = 0; from < parents.length; from += CHUNK) {
    const chunk = parents.slice(from, from + CHUNK);
    const known = await rows(
      db,
      outpointRow,
      `SELECT txid, vout FROM bitcoin_coins WHERE chain = ? AND txid IN (${chunk.map(() => '?').join(', ')}) ORDER BY txid, vout`,
      [chain, ...chunk],
    );
    for (const { txid, vout } of known) {
      const spender = spenders.get(`${txid}:${vout}`);
      if (spender === undefined) continue;
      await run(
        db,
        'UPDATE bitcoin_coins SET spent_height = ?, spent_by = ? WHERE chain = ? AND txid = ? AND vout = ?',
        [height, spender, chain, txid, vout],
      );
    }
  }
}

/**
 * Takes the newest block back: its spends are undone, what it brought is unconfirmed again (no coin is forgotten, since
 * signed transactions may spend it), and the cursor stands on the block before it.
 */
export async function removeNewestBlock(db: EntityManager, chain: string, cursor: Cursor): Promise<void> {
  const { height } = cursor;
  await run(
    db,
    'UPDATE bitcoin_coins SET spent_height = NULL, spent_by = NULL WHERE chain = ? AND spent_height = ?',
    [chain, height],
  );
  await run(db, 'UPDATE bitcoin_coins SET height = NULL WHERE chain = ? AND height = ?', [chain, height]);
  await run(db, 'UPDATE bitcoin_scripts SET scanned_height = ? WHERE chain = ? AND scanned_height >= ?', [
    height - 1,
    chain,
    height,
  ]);
  await run(db, 'DELETE FROM bitcoin_blocks WHERE chain = ? AND height = ?', [chain, height]);
  await run(db, 'UPDATE bitcoin_chains SET height = ?, hash = ? WHERE chain = ?', [
    height - 1,
    (await blockHashAt(db, chain, height - 1)) ?? null,
    chain,
  ]);
}
