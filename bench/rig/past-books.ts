// A long past for the orchestrator's books: one settled withdrawal, cloned row by row in every table that holds something
// of it, each clone under ids of its own and a minute older than the one before. For a stopped orchestrator.

import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { auditEntry } from '../../src/core/audit/entry.js';
import { AuditEntryRow, auditEntities } from '../../src/orchestrator/audit/audit.entity.js';
import { AuditLog } from '../../src/orchestrator/audit/audit.log.js';
import { Database } from '../../src/orchestrator/database/database.js';
import { systemClock } from '../../src/platform/system-clock.js';
import { systemRandomness } from '../../src/platform/system-randomness.js';

const MINUTE_MS = 60_000;

interface Clone {
  readonly table: string;
  /** Which rows are the withdrawal's own. */
  readonly of: string;
  /** What each clone has of its own, as SQL: `i` is its number, from 1. */
  readonly own: Readonly<Record<string, string>>;
}

type Names = { readonly transferId: string; readonly transactionKey: string };

/** `pad` makes 40 digits of a number; `older` takes a clone's minutes off a time. */
function clonesOf({ transferId, transactionKey }: Names, pad: string): Clone[] {
  const transfer = `'tr-' || ${pad}`;
  const transaction = `'plan-' || ${pad}`;
  const older = (column: string) => `${column} - i * ${MINUTE_MS}`;
  const ofTransfer = `transfer_id = '${transferId}'`;
  const ofTransaction = `transaction_key = '${transactionKey}'`;
  return [
    {
      table: 'transfers',
      of: ofTransfer,
      own: {
        transfer_id: transfer,
        request_id: `'past-' || i`,
        request_digest: `'000000000000000000000000' || ${pad}`,
        customer: `'customer-' || (i % 1000)`,
        transaction_key: transaction,
        received_at_ms: older('received_at_ms'),
        updated_at_ms: older('updated_at_ms'),
        expires_at_ms: older('expires_at_ms'),
      },
    },
    { table: 'transitions', of: ofTransfer, own: { transfer_id: transfer, at_ms: older('at_ms') } },
    {
      table: 'transactions',
      of: ofTransaction,
      own: {
        transaction_key: transaction,
        ordinal: 'ordinal + i',
        transaction_id: `'0x000000000000000000000000' || ${pad}`,
        planned_at_ms: older('planned_at_ms'),
        updated_at_ms: older('updated_at_ms'),
      },
    },
    {
      table: 'transaction_transfers',
      of: ofTransaction,
      own: { transaction_key: transaction, transfer_id: transfer },
    },
    { table: 'limit_charges', of: ofTransfer, own: { transfer_id: transfer } },
    { table: 'work', of: `subject = '${transferId}'`, own: { subject: transfer, due_at_ms: 'NULL' } },
    { table: 'work', of: `subject = '${transactionKey}'`, own: { subject: transaction, due_at_ms: 'NULL' } },
    { table: 'ethereum_nonces', of: ofTransfer, own: { nonce: 'nonce + i', transfer_id: transfer } },
    {
      table: 'ethereum_transactions',
      of: ofTransaction,
      own: {
        transaction_key: transaction,
        nonce: 'nonce + i',
        transaction_id: `'0x000000000000000000000000' || ${pad}`,
      },
    },
    {
      table: 'idempotency_keys',
      of: `idempotency_key = '${transferId}'`,
      own: { idempotency_key: transfer },
    },
  ];
}

type Query = (text: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

export async function giveBooksAPast(url: string, transferId: string, count: number): Promise<void> {
  await cloneBooks(url, transferId, count);
  await logThem(url);
}

/** The past has its places in the audit log as well, as it would by then. */
async function logThem(url: string): Promise<void> {
  const database = await Database.open({ url, entities: auditEntities, clock: systemClock });
  try {
    const [first] = await database.read((db) => db.find(AuditEntryRow, { take: 1 }));
    if (!first) throw new Error('the audit log was not begun');
    const { deploymentId } = auditEntry.parse(JSON.parse(first.entry));
    const log = new AuditLog(database, systemRandomness, deploymentId);
    for (let added = await log.add(); added > 0; added = await log.add());
    if (database.dialect === 'postgres') await database.read((db) => db.query('VACUUM ANALYZE'));
  } finally {
    await database.close();
  }
}

async function cloneBooks(url: string, transferId: string, count: number): Promise<void> {
  if (url.startsWith('sqlite:')) {
    const db = new Sqlite(url.slice('sqlite:'.length));
    try {
      const query: Query = async (text) => {
        const statement = db.prepare<[], Record<string, unknown>>(text);
        if (statement.reader) return statement.all();
        statement.run();
        return [];
      };
      await cloneAll(query, transferId, count, "printf('%040d', i)");
      db.exec('ANALYZE');
    } finally {
      db.close();
    }
    return;
  }
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const query: Query = async (text) => (await client.query<Record<string, unknown>>(text)).rows;
    await cloneAll(query, transferId, count, "lpad(i::text, 40, '0')");
    await client.query('ANALYZE');
  } finally {
    await client.end();
  }
}

async function cloneAll(query: Query, transferId: string, count: number, pad: string): Promise<void> {
  const [transfer] = await query(`SELECT transaction_key FROM transfers WHERE transfer_id = '${transferId}'`);
  const transactionKey = transfer?.transaction_key;
  if (typeof transactionKey !== 'string') throw new Error('the withdrawal to clone has no transaction');
  await query('BEGIN');
  for (const { table, of, own } of clonesOf({ transferId, transactionKey }, pad)) {
    const rows = await query(`SELECT * FROM ${table} WHERE ${of}`);
    const [first] = rows;
    if (first === undefined) throw new Error(`nothing to clone in ${table}`);
    const columns = Object.keys(first);
    const values = columns.map((column) => own[column] ?? column);
    await query(
      `INSERT INTO ${table} (${columns.join(', ')})
       WITH RECURSIVE clones(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM clones WHERE i < ${count})
       SELECT ${values.join(', ')} FROM ${table} CROSS JOIN clones WHERE ${of}`,
    );
  }
  await query(
    `UPDATE ethereum_wallets SET next_nonce = next_nonce + ${count}, plans_made = plans_made + ${count}`,
  );
  await query('COMMIT');
}
