// The tables of the signer's store. `journal` is the truth; every other table is a projection that follows from it and is
// made anew from it at each start, outside the store's file: what decides whether a coin is spent is nothing that
// somebody with the disk could change behind a running signer.

export const JOURNAL_SCHEMA = `
  CREATE TABLE IF NOT EXISTS journal (
    sequence INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,
    seal TEXT NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER IF NOT EXISTS journal_no_update BEFORE UPDATE ON journal
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
  CREATE TRIGGER IF NOT EXISTS journal_no_delete BEFORE DELETE ON journal
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
  CREATE TABLE IF NOT EXISTS heartbeat (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    wall_ms INTEGER NOT NULL,
    measured_ms INTEGER NOT NULL,
    seal TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS told_time (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    wall_ms INTEGER NOT NULL,
    measured_ms INTEGER NOT NULL,
    seal TEXT NOT NULL
  ) STRICT;
`;

export const PROJECTION_SCHEMA = `
  CREATE TABLE governance (sequence INTEGER PRIMARY KEY, journal_sequence INTEGER NOT NULL) STRICT;
  CREATE TABLE reservations (ordinal INTEGER PRIMARY KEY, journal_sequence INTEGER NOT NULL) STRICT;
  CREATE TABLE requests (request_id TEXT PRIMARY KEY, digest TEXT NOT NULL, transfer_id TEXT NOT NULL UNIQUE)
    STRICT, WITHOUT ROWID;
  CREATE TABLE transactions (
    transaction_key TEXT PRIMARY KEY,
    wallet_id TEXT NOT NULL,
    reserved_sequence INTEGER NOT NULL,
    signed_sequence INTEGER,
    transaction_id TEXT,
    transfers TEXT NOT NULL,
    fee_ceiling TEXT NOT NULL,
    moved TEXT,
    pays TEXT NOT NULL,
    ended TEXT CHECK (ended IN ('void', 'dead'))
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE voids (transfer_id TEXT PRIMARY KEY, journal_sequence INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE burials (
    transfer_id TEXT NOT NULL,
    transaction_key TEXT NOT NULL,
    journal_sequence INTEGER NOT NULL,
    PRIMARY KEY (transfer_id, journal_sequence)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE restored_spends (
    spend TEXT PRIMARY KEY,
    wallet_id TEXT NOT NULL,
    fee_ceiling TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE transaction_transfers (
    transfer_id TEXT NOT NULL,
    transaction_key TEXT NOT NULL,
    PRIMARY KEY (transfer_id, transaction_key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE transaction_cancels (
    transfer_id TEXT NOT NULL,
    transaction_key TEXT NOT NULL,
    PRIMARY KEY (transfer_id, transaction_key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE spends (
    spend TEXT NOT NULL,
    transaction_key TEXT NOT NULL,
    PRIMARY KEY (spend, transaction_key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE facts (
    key_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (key_id, subject)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE holds (
    transfer_id TEXT NOT NULL,
    rule TEXT NOT NULL,
    policy_hash TEXT NOT NULL,
    journal_sequence INTEGER NOT NULL,
    measured_ms INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    PRIMARY KEY (transfer_id, rule, policy_hash, journal_sequence)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX holds_by_key ON holds (key_id, measured_ms);
  CREATE TABLE destinations (
    wallet_id TEXT NOT NULL,
    chain TEXT NOT NULL,
    address TEXT NOT NULL,
    look TEXT NOT NULL,
    signed_sequence INTEGER NOT NULL,
    PRIMARY KEY (wallet_id, chain, address)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX destinations_by_look ON destinations (chain, look, signed_sequence);
  CREATE TABLE limit_counters (
    limit_id TEXT NOT NULL,
    key TEXT NOT NULL,
    window_ms INTEGER NOT NULL,
    counter TEXT NOT NULL,
    PRIMARY KEY (limit_id, key)
  ) STRICT, WITHOUT ROWID;
`;
