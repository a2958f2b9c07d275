-- A transfer gets another nonce once a quorum has buried what was signed at the one before, and a nonce may serve no
-- transfer at all, when it is only used up after a restore. Both tables are made anew: SQLite drops no constraint.
CREATE TABLE ethereum_nonces_new (
  wallet_id TEXT NOT NULL REFERENCES ethereum_wallets (wallet_id),
  nonce BIGINT NOT NULL CHECK (nonce >= 0),
  -- Null: it is used up by a payment of the wallet to itself.
  transfer_id TEXT,
  -- 1: what was signed at it for its transfer is dead.
  dead BIGINT NOT NULL DEFAULT 0 CHECK (dead IN (0, 1)),
  PRIMARY KEY (wallet_id, nonce)
);
INSERT INTO ethereum_nonces_new (wallet_id, nonce, transfer_id) SELECT wallet_id, nonce, transfer_id FROM ethereum_nonces;
CREATE TABLE ethereum_transactions_new (
  transaction_key TEXT PRIMARY KEY,
  wallet_id TEXT NOT NULL,
  nonce BIGINT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('unsigned', 'signed')),
  replaces TEXT,
  transaction_id TEXT UNIQUE,
  plan TEXT NOT NULL,
  outflow_wei TEXT NOT NULL,
  token TEXT,
  token_units TEXT,
  CHECK ((state = 'signed') = (transaction_id IS NOT NULL)),
  CHECK ((token IS NULL) = (token_units IS NULL)),
  FOREIGN KEY (wallet_id, nonce) REFERENCES ethereum_nonces_new (wallet_id, nonce)
);
INSERT INTO ethereum_transactions_new (transaction_key, wallet_id, nonce, state, replaces, transaction_id, plan, outflow_wei, token, token_units)
  SELECT transaction_key, wallet_id, nonce, state, replaces, transaction_id, plan, outflow_wei, token, token_units FROM ethereum_transactions;
DROP TABLE ethereum_transactions;
DROP TABLE ethereum_nonces;
ALTER TABLE ethereum_nonces_new RENAME TO ethereum_nonces;
ALTER TABLE ethereum_transactions_new RENAME TO ethereum_transactions;
-- A transfer has one nonce at a time.
CREATE UNIQUE INDEX ethereum_nonces_one_living ON ethereum_nonces (transfer_id) WHERE dead = 0;
CREATE INDEX ethereum_transactions_by_nonce ON ethereum_transactions (wallet_id, nonce);
-- At most one unsigned transaction at a nonce: what was never signed is given back before another is planned.
CREATE UNIQUE INDEX ethereum_transactions_one_unsigned ON ethereum_transactions (wallet_id, nonce) WHERE state = 'unsigned';

-- Nonces below it may have been used by what a lost store of the signer had signed: that is no foreign use.
ALTER TABLE ethereum_wallets ADD COLUMN restored_nonce BIGINT NOT NULL DEFAULT 0;
-- Nonces below it that nobody holds were begun by the signer for what is void now: it signs them once more.
ALTER TABLE ethereum_wallets ADD COLUMN voided_below BIGINT NOT NULL DEFAULT 0;
