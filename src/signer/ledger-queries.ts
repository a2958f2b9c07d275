// The questions and changes that the ledger puts to its database, each prepared once. What they mean is ledger.ts.

import type Database from 'better-sqlite3';

export interface KeyRow {
  readonly transaction_key: string;
}

export interface TransactionRow {
  readonly transaction_key: string;
  readonly wallet_id: string;
  readonly reserved_sequence: number;
  readonly signed_sequence: number | null;
  readonly transaction_id: string | null;
  readonly transfers: string;
  readonly fee_ceiling: string;
  readonly moved: string | null;
  readonly ended: 'void' | 'dead' | null;
}

const TRANSACTION_COLUMNS =
  't.transaction_key, t.wallet_id, t.reserved_sequence, t.signed_sequence, t.transaction_id, t.transfers, t.fee_ceiling, t.moved, t.ended';

export function ledgerQueries(db: Database.Database) {
  return {
    governance: db.prepare('INSERT INTO governance (sequence, journal_sequence) VALUES (?, ?)'),
    reservation: db.prepare('INSERT INTO reservations (ordinal, journal_sequence) VALUES (?, ?)'),
    transaction: db.prepare(
      'INSERT INTO transactions (transaction_key, wallet_id, reserved_sequence, transfers, fee_ceiling, moved, pays) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    signed: db.prepare(
      'UPDATE transactions SET signed_sequence = ?, transaction_id = ? WHERE transaction_key = ?',
    ),
    end: db.prepare('UPDATE transactions SET ended = ? WHERE transaction_key = ?'),
    void: db.prepare('INSERT INTO voids (transfer_id, journal_sequence) VALUES (?, ?)'),
    // The id of a voided request is used up as well, unless another request had it before.
    voidedRequest: db.prepare(
      'INSERT INTO requests (request_id, digest, transfer_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    burial: db.prepare(
      'INSERT INTO burials (transfer_id, transaction_key, journal_sequence) VALUES (?, ?, ?)',
    ),
    restoredSpend: db.prepare('INSERT INTO restored_spends (spend, wallet_id, fee_ceiling) VALUES (?, ?, ?)'),
    spend: db.prepare('INSERT INTO spends (spend, transaction_key) VALUES (?, ?)'),
    // A replacement brings the same request again; another request under a used id never gets this far.
    request: db.prepare(
      'INSERT INTO requests (request_id, digest, transfer_id) VALUES (?, ?, ?) ON CONFLICT (transfer_id) DO NOTHING',
    ),
    transferTransaction: db.prepare(
      'INSERT INTO transaction_transfers (transfer_id, transaction_key) VALUES (?, ?)',
    ),
    cancel: db.prepare('INSERT INTO transaction_cancels (transfer_id, transaction_key) VALUES (?, ?)'),
    counter: db.prepare(
      `INSERT INTO limit_counters (limit_id, key, window_ms, counter) VALUES (?, ?, ?, ?)
       ON CONFLICT (limit_id, key) DO UPDATE SET window_ms = excluded.window_ms, counter = excluded.counter`,
    ),
    fact: db.prepare(
      `INSERT INTO facts (key_id, subject, sequence, digest) VALUES (?, ?, ?, ?)
       ON CONFLICT (key_id, subject) DO UPDATE SET sequence = excluded.sequence, digest = excluded.digest
       WHERE excluded.sequence > facts.sequence`,
    ),
    readFact: db.prepare<[string, string], { sequence: number; digest: string }>(
      'SELECT sequence, digest FROM facts WHERE key_id = ? AND subject = ?',
    ),
    hold: db.prepare(
      'INSERT INTO holds (transfer_id, rule, policy_hash, journal_sequence, measured_ms, key_id) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    countHolds: db.prepare<[string, number], { holds: number }>(
      'SELECT count(*) AS holds FROM holds WHERE key_id = ? AND measured_ms > ?',
    ),
    readHold: db.prepare<[string, string, string, number], { measured_ms: number }>(
      `SELECT measured_ms FROM holds WHERE transfer_id = ? AND rule = ? AND policy_hash = ? AND journal_sequence > ?
       ORDER BY journal_sequence LIMIT 1`,
    ),
    destination: db.prepare(
      'INSERT INTO destinations (wallet_id, chain, address, look, signed_sequence) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    readPays: db.prepare<[string], { pays: string; wallet_id: string }>(
      'SELECT pays, wallet_id FROM transactions WHERE transaction_key = ?',
    ),
    readDestination: db.prepare<[string, string, string], { signed_sequence: number }>(
      'SELECT signed_sequence FROM destinations WHERE wallet_id = ? AND chain = ? AND address = ?',
    ),
    readLookOfWallet: db.prepare<[string, string, string], { address: string }>(
      'SELECT address FROM destinations WHERE wallet_id = ? AND chain = ? AND look = ? ORDER BY signed_sequence, address LIMIT 1',
    ),
    readLook: db.prepare<[string, string], { address: string }>(
      'SELECT address FROM destinations WHERE chain = ? AND look = ? ORDER BY signed_sequence, address LIMIT 1',
    ),
    readCounter: db.prepare<[string, string], { window_ms: number; counter: string }>(
      'SELECT window_ms, counter FROM limit_counters WHERE limit_id = ? AND key = ?',
    ),
    readGovernance: db.prepare<[number, number], { journal_sequence: number }>(
      'SELECT journal_sequence FROM governance WHERE sequence >= ? ORDER BY sequence LIMIT ?',
    ),
    readReservations: db.prepare<[number, number], { journal_sequence: number }>(
      'SELECT journal_sequence FROM reservations WHERE ordinal >= ? ORDER BY ordinal LIMIT ?',
    ),
    readReservationBefore: db.prepare<[number], { ordinal: number }>(
      'SELECT ordinal FROM reservations WHERE journal_sequence < ? ORDER BY ordinal DESC LIMIT 1',
    ),
    readRequest: db.prepare<[string], { digest: string }>('SELECT digest FROM requests WHERE request_id = ?'),
    readTransaction: db.prepare<[string], TransactionRow>(
      `SELECT ${TRANSACTION_COLUMNS} FROM transactions t WHERE t.transaction_key = ?`,
    ),
    readPayingKeys: db.prepare<[string], KeyRow>(
      'SELECT transaction_key FROM transaction_transfers WHERE transfer_id = ?',
    ),
    readCancelKeys: db.prepare<[string], KeyRow>(
      'SELECT transaction_key FROM transaction_cancels WHERE transfer_id = ?',
    ),
    readUserKeys: db.prepare<[string], KeyRow>('SELECT transaction_key FROM spends WHERE spend = ?'),
    readSpends: db.prepare<[string], { spend: string }>('SELECT spend FROM spends WHERE transaction_key = ?'),
    readVoid: db.prepare<[string], { journal_sequence: number }>(
      'SELECT journal_sequence FROM voids WHERE transfer_id = ?',
    ),
    readBurials: db.prepare<[string], { transaction_key: string; journal_sequence: number }>(
      'SELECT transaction_key, journal_sequence FROM burials WHERE transfer_id = ? ORDER BY journal_sequence',
    ),
    readRestoredSpend: db.prepare<[string], { wallet_id: string; fee_ceiling: string }>(
      'SELECT wallet_id, fee_ceiling FROM restored_spends WHERE spend = ?',
    ),
  };
}
