-- Nonces of Ethereum wallets. The keys carry the rules: a nonce has one transfer, a transfer has one nonce.
CREATE TABLE ethereum_wallets (
  wallet_id TEXT PRIMARY KEY,
  chain TEXT NOT NULL,
  address TEXT NOT NULL,
  next_nonce BIGINT NOT NULL CHECK (next_nonce >= 0),
  plans_made BIGINT NOT NULL CHECK (plans_made >= 0),
  foreign_transaction TEXT,
  stopped_at_ms BIGINT,
  -- Two wallets on one address would hand out each other's nonces.
  UNIQUE (chain, address)
);
CREATE TABLE ethereum_nonces (
  wallet_id TEXT NOT NULL REFERENCES ethereum_wallets (wallet_id),
  nonce BIGINT NOT NULL CHECK (nonce >= 0),
  transfer_id TEXT NOT NULL UNIQUE,
  PRIMARY KEY (wallet_id, nonce)
);
CREATE TABLE ethereum_transactions (
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
  FOREIGN KEY (wallet_id, nonce) REFERENCES ethereum_nonces (wallet_id, nonce)
);
CREATE INDEX ethereum_transactions_by_nonce ON ethereum_transactions (wallet_id, nonce);
-- At most one unsigned transaction at a nonce: what was never signed is given back before another is planned.
CREATE UNIQUE INDEX ethereum_transactions_one_unsigned ON ethereum_transactions (wallet_id, nonce) WHERE state = 'unsigned';
