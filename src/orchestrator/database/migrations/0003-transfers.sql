-- Transfers, the transactions that pay them, approvals, limits, and the work that is due.
CREATE TABLE transfers (
  transfer_id TEXT PRIMARY KEY,
  request_id TEXT NOT NULL UNIQUE,
  request TEXT NOT NULL,
  request_digest TEXT NOT NULL,
  chain TEXT NOT NULL,
  wallet_id TEXT NOT NULL,
  requester TEXT NOT NULL,
  customer TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  facts TEXT NOT NULL,
  waiting_for TEXT,
  version BIGINT NOT NULL,
  statement TEXT,
  decision TEXT,
  transaction_key TEXT,
  signer_refusals BIGINT NOT NULL,
  received_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  expires_at_ms BIGINT NOT NULL
);
CREATE INDEX transfers_newest ON transfers (received_at_ms, transfer_id);
CREATE INDEX transfers_by_wallet_and_state ON transfers (wallet_id, state, received_at_ms);
CREATE INDEX transfers_by_state ON transfers (state, received_at_ms);
CREATE INDEX transfers_by_customer ON transfers (customer, received_at_ms);
CREATE INDEX transfers_by_requester ON transfers (requester, received_at_ms);

-- Every move of a transfer, written with the move itself. Append-only.
CREATE TABLE transitions (
  transfer_id TEXT NOT NULL REFERENCES transfers (transfer_id),
  version BIGINT NOT NULL,
  from_state TEXT,
  to_state TEXT NOT NULL,
  reason TEXT NOT NULL,
  facts TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  moved_by TEXT NOT NULL,
  PRIMARY KEY (transfer_id, version)
);

CREATE TABLE transactions (
  transaction_key TEXT PRIMARY KEY,
  wallet_id TEXT NOT NULL,
  chain TEXT NOT NULL,
  -- Rising within a wallet in the order of planning; a chain with nonces is signed in this order.
  ordinal BIGINT NOT NULL,
  state TEXT NOT NULL,
  plan TEXT NOT NULL,
  max_fee TEXT NOT NULL,
  replaces TEXT,
  unsigned TEXT,
  signed_hex TEXT,
  transaction_id TEXT,
  certificate TEXT,
  fee_paid TEXT,
  block_hash TEXT,
  block_height BIGINT,
  confirmations BIGINT NOT NULL,
  reason TEXT,
  facts TEXT NOT NULL,
  version BIGINT NOT NULL,
  planned_at_ms BIGINT NOT NULL,
  signed_at_ms BIGINT,
  broadcast_at_ms BIGINT,
  bump_at_ms BIGINT,
  updated_at_ms BIGINT NOT NULL,
  UNIQUE (wallet_id, ordinal)
);
CREATE INDEX transactions_by_wallet_and_state ON transactions (wallet_id, state, ordinal);
CREATE INDEX transactions_by_transaction_id ON transactions (transaction_id);
CREATE INDEX transactions_by_replaced ON transactions (replaces);

CREATE TABLE transaction_transfers (
  transaction_key TEXT NOT NULL REFERENCES transactions (transaction_key),
  position BIGINT NOT NULL,
  transfer_id TEXT NOT NULL REFERENCES transfers (transfer_id),
  PRIMARY KEY (transaction_key, position),
  UNIQUE (transaction_key, transfer_id)
);
CREATE INDEX transaction_transfers_by_transfer ON transaction_transfers (transfer_id);

-- What officers sent. Approvals count for the statement they were made over, and for no later one. Append-only.
CREATE TABLE approvals (
  transfer_id TEXT NOT NULL REFERENCES transfers (transfer_id),
  statement_digest TEXT NOT NULL,
  person_id TEXT NOT NULL,
  credential_id TEXT NOT NULL,
  verdict TEXT NOT NULL,
  signature TEXT NOT NULL,
  received_at_ms BIGINT NOT NULL,
  PRIMARY KEY (transfer_id, statement_digest, person_id)
);

-- Rolling windows, as the signer keeps them, so that nothing is offered to it that it must refuse.
CREATE TABLE limit_counters (
  limit_id TEXT NOT NULL,
  counter_key TEXT NOT NULL,
  window_ms BIGINT NOT NULL,
  counter TEXT NOT NULL,
  PRIMARY KEY (limit_id, counter_key, window_ms)
);
-- What each reserved transfer has charged, to give it back if it was certainly never signed.
CREATE TABLE limit_charges (
  transfer_id TEXT NOT NULL,
  limit_id TEXT NOT NULL,
  counter_key TEXT NOT NULL,
  window_ms BIGINT NOT NULL,
  bucket BIGINT NOT NULL,
  amount TEXT NOT NULL,
  PRIMARY KEY (transfer_id, limit_id, counter_key, window_ms)
);

-- What is to be done next, by whom, until when. One row for each transfer, wallet and transaction; dormant ones have no due time.
CREATE TABLE work (
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  due_at_ms BIGINT,
  attempts BIGINT NOT NULL,
  fence BIGINT NOT NULL,
  lease_owner TEXT,
  lease_until_ms BIGINT NOT NULL,
  last_fault TEXT,
  PRIMARY KEY (kind, subject)
);
CREATE INDEX work_due ON work (due_at_ms);
