// Coins, plans and signed transactions of the wallets in the database. It reads and writes; what may be spent is decided by
// spendable.ts and the driver. Every function works inside the caller's transaction.

import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import { Fault } from '../../../core/fault.js';
import { isPostgres, rows, run, sqlInteger } from '../../database/sql.js';
import type { BitcoinFaultCode } from './bitcoin.errors.js';
import type { CoinState, OwnTransactions, SignedByUs } from './family.js';
import { type BitcoinPlan, parsePlan, planText } from './plan.js';

export interface StoredCoin extends CoinState {
  readonly vout: number;
  readonly walletId: string;
  readonly script: string;
  readonly coinbase: boolean;
  /** Made by a transaction that was signed here. */
  readonly ours: boolean;
  /** Family of plans that has it among its inputs. */
  readonly reservedBy: string | undefined;
  /** Bytes of the transaction that made it, without witnesses. */
  readonly previousBytes: number;
}

export interface StoredTransaction {
  readonly transactionKey: string;
  readonly chain: string;
  readonly walletId: string;
  readonly family: string;
  readonly txid: string;
  readonly plan: BitcoinPlan;
  readonly signedHex: string | undefined;
}

const coinRow = z
  .object({
    txid: z.string(),
    vout: sqlInteger,
    wallet_id: z.string(),
    script: z.string(),
    amount_sats: z.string().regex(/^[0-9]{1,16}$/),
    coinbase: sqlInteger,
    ours: sqlInteger,
    height: sqlInteger.nullable(),
    spent_height: sqlInteger.nullable(),
    spent_by: z.string().nullable(),
    reserved_by: z.string().nullable(),
    previous_digits: sqlInteger.nullable(),
  })
  .transform(
    (row): StoredCoin => ({
      outpoint: `${row.txid}:${row.vout}`,
      txid: row.txid,
      vout: row.vout,
      walletId: row.wallet_id,
      script: row.script,
      amountSats: BigInt(row.amount_sats),
      coinbase: row.coinbase === 1,
      ours: row.ours === 1,
      height: row.height ?? undefined,
      spentHeight: row.spent_height ?? undefined,
      spentBy: row.spent_by ?? undefined,
      reservedBy: row.reserved_by ?? undefined,
      previousBytes: (row.previous_digits ?? 0) / 2,
    }),
  );

const COINS = `SELECT c.txid, c.vout, c.wallet_id, c.script, c.amount_sats, c.coinbase, c.height, c.spent_height,
    c.spent_by, c.reserved_by, LENGTH(p.raw) AS previous_digits,
    CASE WHEN EXISTS (SELECT 1 FROM bitcoin_transactions t WHERE t.chain = c.chain AND t.txid = c.txid
      AND t.signed_hex IS NOT NULL) THEN 1 ELSE 0 END AS ours
  FROM bitcoin_coins c LEFT JOIN bitcoin_previous_transactions p ON p.chain = c.chain AND p.txid = c.txid`;

const transactionRow = z
  .object({
    transaction_key: z.string(),
    chain: z.string(),
    wallet_id: z.string(),
    family: z.string(),
    txid: z.string(),
    plan: z.string(),
    signed_hex: z.string().nullable(),
  })
  .transform(
    (row): StoredTransaction => ({
      transactionKey: row.transaction_key,
      chain: row.chain,
      walletId: row.wallet_id,
      family: row.family,
      txid: row.txid,
      plan: parsePlan(row.plan),
      signedHex: row.signed_hex ?? undefined,
    }),
  );

const TRANSACTIONS =
  'SELECT t.transaction_key, t.chain, t.wallet_id, t.family, t.txid, t.plan, t.signed_hex FROM bitcoin_transactions t';

/** Bound on the parameters of one statement. */
const CHUNK = 400;

/**
 * Change of a transaction that is not mined although one of its family's inputs is spent: another of the family, or a
 * stranger, was mined instead, and the change will never be (a reorganisation apart, which gives the input back).
 */
const LOST_CHANGE = `(c.height IS NULL AND EXISTS (SELECT 1 FROM bitcoin_transactions t
  JOIN bitcoin_coins i ON i.chain = t.chain AND i.reserved_by = t.family AND i.spent_height IS NOT NULL
  WHERE t.chain = c.chain AND t.txid = c.txid AND t.signed_hex IS NOT NULL))`;

/**
 * The unspent coins of a wallet, reserved ones too, in a fixed order; without change that was lost. `lock` holds them
 * until the transaction ends.
 */
export async function unspentCoins(
  db: EntityManager,
  chain: string,
  walletId: string,
  lock: 'lock' | 'look',
): Promise<StoredCoin[]> {
  const locking = lock === 'lock' && isPostgres(db) ? ' FOR UPDATE OF c' : '';
  return rows(
    db,
    coinRow,
    `${COINS} WHERE c.chain = ? AND c.wallet_id = ? AND c.spent_height IS NULL AND NOT ${LOST_CHANGE}
       ORDER BY c.txid, c.vout${locking}`,
    [chain, walletId],
  );
}

/** Coins with these outpoints; those that are not known are left out. */
export async function coinsAt(
  db: EntityManager,
  chain: string,
  outpoints: readonly string[],
): Promise<StoredCoin[]> {
  const wanted = new Set(outpoints);
  const txids = [...new Set(outpoints.map((outpoint) => outpoint.slice(0, 64)))];
  const found: StoredCoin[] = [];
  for (let from = 0; from < txids.length; from += CHUNK) {
    const chunk = txids.slice(from, from + CHUNK);
    const some = await rows(
      db,
      coinRow,
      `${COINS} WHERE c.chain = ? AND c.txid IN (${chunk.map(() => '?').join(', ')})`,
      [chain, ...chunk],
    );
    found.push(...some.filter((coin) => wanted.has(coin.outpoint)));
  }
  return found;
}

/** Outpoints of a plan's inputs. */
export function inputsOf(plan: BitcoinPlan): string[] {
  return plan.inputs.map(({ txid, vout }) => `${txid}:${vout}`);
}

/** Reserves the coins of a plan for its family. Throws `coin-taken` when one of them is spent or another family's. */
export async function takeCoins(
  db: EntityManager,
  chain: string,
  plan: BitcoinPlan,
  family: string,
): Promise<void> {
  for (const { txid, vout } of plan.inputs) {
    const free = await rows(
      db,
      z.object({ vout: sqlInteger }),
      `SELECT vout FROM bitcoin_coins WHERE chain = ? AND txid = ? AND vout = ? AND spent_height IS NULL
         AND (reserved_by IS NULL OR reserved_by = ?)${isPostgres(db) ? ' FOR UPDATE' : ''}`,
      [chain, txid, vout, family],
    );
    if (free.length !== 1) {
      throw new Fault<BitcoinFaultCode>('coin-taken', 'a coin was taken while it was being reserved', {
        facts: { outpoint: `${txid}:${vout}` },
      });
    }
    await run(db, 'UPDATE bitcoin_coins SET reserved_by = ? WHERE chain = ? AND txid = ? AND vout = ?', [
      family,
      chain,
      txid,
      vout,
    ]);
  }
}

export async function addPlan(db: EntityManager, transaction: StoredTransaction): Promise<void> {
  const { transactionKey, chain, walletId, family, txid, plan } = transaction;
  await run(
    db,
    'INSERT INTO bitcoin_transactions (transaction_key, chain, wallet_id, family, txid, plan) VALUES (?, ?, ?, ?, ?, ?)',
    [transactionKey, chain, walletId, family, txid, planText(plan)],
  );
}

/** A plan or signed transaction by its key. */
export async function transactionOf(
  db: EntityManager,
  transactionKey: string,
): Promise<StoredTransaction | undefined> {
  const [found] = await rows(db, transactionRow, `${TRANSACTIONS} WHERE t.transaction_key = ?`, [
    transactionKey,
  ]);
  return found;
}

export async function transactionsOfFamily(db: EntityManager, family: string): Promise<StoredTransaction[]> {
  return rows(db, transactionRow, `${TRANSACTIONS} WHERE t.family = ? ORDER BY t.transaction_key`, [family]);
}

/** Forgets a plan that was never signed, and frees the coins that no other plan of its family spends. */
export async function dropPlan(db: EntityManager, transaction: StoredTransaction): Promise<void> {
  const { chain, family, transactionKey } = transaction;
  await run(db, 'DELETE FROM bitcoin_transactions WHERE transaction_key = ? AND signed_hex IS NULL', [
    transactionKey,
  ]);
  const others = await transactionsOfFamily(db, family);
  const held = new Set(others.flatMap(({ plan }) => inputsOf(plan)));
  for (const { txid, vout } of transaction.plan.inputs) {
    if (held.has(`${txid}:${vout}`)) continue;
    await run(
      db,
      'UPDATE bitcoin_coins SET reserved_by = NULL WHERE chain = ? AND txid = ? AND vout = ? AND reserved_by = ?',
      [chain, txid, vout, family],
    );
  }
}

/** Frees coins of a family that no block spends. */
export async function freeCoins(
  db: EntityManager,
  chain: string,
  family: string,
  outpoints: readonly string[],
): Promise<void> {
  for (const outpoint of outpoints) {
    await run(
      db,
      `UPDATE bitcoin_coins SET reserved_by = NULL WHERE chain = ? AND txid = ? AND vout = ? AND reserved_by = ?
         AND spent_height IS NULL`,
      [chain, outpoint.slice(0, 64), Number.parseInt(outpoint.slice(65), 10), family],
    );
  }
}

export async function markSigned(
  db: EntityManager,
  transactionKey: string,
  signedHex: string,
): Promise<void> {
  await run(db, 'UPDATE bitcoin_transactions SET signed_hex = ? WHERE transaction_key = ?', [
    signedHex,
    transactionKey,
  ]);
}

/** An output of a signed transaction to its own wallet, which no block holds yet as far as was scanned. */
export async function addChange(
  db: EntityManager,
  chain: string,
  walletId: string,
  change: {
    readonly txid: string;
    readonly vout: number;
    readonly script: string;
    readonly amountSats: bigint;
  },
): Promise<void> {
  await run(
    db,
    `INSERT INTO bitcoin_coins (chain, txid, vout, wallet_id, script, amount_sats, coinbase) VALUES (?, ?, ?, ?, ?, ?, 0)
       ON CONFLICT (chain, txid, vout) DO NOTHING`,
    [chain, change.txid, change.vout, walletId, change.script, change.amountSats.toString()],
  );
}

/** Transactions that made these coins, raw bytes without witnesses, by txid. */
export async function previousTransactions(
  db: EntityManager,
  chain: string,
  txids: readonly string[],
): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for (const txid of new Set(txids)) {
    const [row] = await rows(
      db,
      z.object({ raw: z.string() }),
      'SELECT raw FROM bitcoin_previous_transactions WHERE chain = ? AND txid = ?',
      [chain, txid],
    );
    if (row) found.set(txid, Buffer.from(row.raw, 'hex'));
  }
  return found;
}

/**
 * What is needed to say where the given transactions stand: they, the signed transactions that they hang on while
 * unconfirmed, and the coins that all of them spend.
 */
export async function ownTransactions(
  db: EntityManager,
  chain: string,
  first: readonly StoredTransaction[],
): Promise<OwnTransactions> {
  const signed = new Map<string, SignedByUs>();
  const coins = new Map<string, CoinState>();
  const contested = new Set<string>();
  let level = first;
  while (level.length > 0) {
    for (const { txid, family, plan } of level) signed.set(txid, { txid, family, inputs: inputsOf(plan) });
    for (const family of new Set(level.map((one) => one.family))) {
      if ((await transactionsOfFamily(db, family)).length > 1) contested.add(family);
    }
    const inputs = level.flatMap(({ plan }) => inputsOf(plan)).filter((outpoint) => !coins.has(outpoint));
    const spent = await coinsAt(db, chain, inputs);
    for (const coin of spent) coins.set(coin.outpoint, coin);
    const parents = spent.filter((coin) => coin.height === undefined).map((coin) => coin.txid);
    level = await signedWithTxids(
      db,
      chain,
      parents.filter((txid) => !signed.has(txid)),
    );
  }
  return { signed, contested, coins };
}

/** Signed transactions with these txids. */
export async function signedWithTxids(
  db: EntityManager,
  chain: string,
  txids: readonly string[],
): Promise<StoredTransaction[]> {
  const unique = [...new Set(txids)];
  const found: StoredTransaction[] = [];
  for (let from = 0; from < unique.length; from += CHUNK) {
    const chunk = unique.slice(from, from + CHUNK);
    found.push(
      ...(await rows(
        db,
        transactionRow,
        `${TRANSACTIONS} WHERE t.chain = ? AND t.signed_hex IS NOT NULL AND t.txid IN (${chunk.map(() => '?').join(', ')})`,
        [chain, ...chunk],
      )),
    );
  }
  return found;
}
