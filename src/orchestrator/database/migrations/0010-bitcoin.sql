-- The blocks that were scanned, the coins that they gave the wallets, and the transactions that are planned or signed.

-- How far a chain was scanned. `height` is start height - 1 and `hash` is null before the first block.
CREATE TABLE bitcoin_chains (
  chain TEXT PRIMARY KEY,
  height BIGINT NOT NULL CHECK (height >= -1),
  hash TEXT,
  -- Why scanning stands still, if it does.
  stopped TEXT
);

-- The best chain as scanned: one block a height.
CREATE TABLE bitcoin_blocks (
  chain TEXT NOT NULL REFERENCES bitcoin_chains (chain),
  height BIGINT NOT NULL,
  hash TEXT NOT NULL,
  previous TEXT NOT NULL,
  time_ms BIGINT NOT NULL,
  PRIMARY KEY (chain, height)
);

-- Output scripts of the wallets. All blocks up to `scanned_height` were searched for this one.
CREATE TABLE bitcoin_scripts (
  chain TEXT NOT NULL REFERENCES bitcoin_chains (chain),
  script TEXT NOT NULL,
  wallet_id TEXT NOT NULL,
  scanned_height BIGINT NOT NULL,
  PRIMARY KEY (chain, script)
);
CREATE INDEX bitcoin_scripts_by_wallet ON bitcoin_scripts (wallet_id);

-- Every output that ever paid a wallet. Rows stay: what a reorganisation drops loses its heights.
CREATE TABLE bitcoin_coins (
  chain TEXT NOT NULL REFERENCES bitcoin_chains (chain),
  txid TEXT NOT NULL,
  vout BIGINT NOT NULL,
  wallet_id TEXT NOT NULL,
  script TEXT NOT NULL,
  amount_sats TEXT NOT NULL,
  coinbase BIGINT NOT NULL CHECK (coinbase IN (0, 1)),
  -- Of the block that holds it; null while unconfirmed.
  height BIGINT,
  spent_height BIGINT,
  spent_by TEXT,
  -- The first plan of the family of replacements that has it among its inputs. Stays set once something was signed.
  reserved_by TEXT,
  PRIMARY KEY (chain, txid, vout),
  CHECK ((spent_height IS NULL) = (spent_by IS NULL))
);
CREATE INDEX bitcoin_coins_unspent ON bitcoin_coins (wallet_id) WHERE spent_height IS NULL;
CREATE INDEX bitcoin_coins_by_height ON bitcoin_coins (chain, height);
CREATE INDEX bitcoin_coins_by_spent_height ON bitcoin_coins (chain, spent_height);
CREATE INDEX bitcoin_coins_by_reservation ON bitcoin_coins (reserved_by);

-- Transactions that made coins, without their witnesses: a PSBT carries them in full.
CREATE TABLE bitcoin_previous_transactions (
  chain TEXT NOT NULL,
  txid TEXT NOT NULL,
  raw TEXT NOT NULL,
  PRIMARY KEY (chain, txid)
);

CREATE TABLE bitcoin_transactions (
  transaction_key TEXT PRIMARY KEY,
  chain TEXT NOT NULL,
  wallet_id TEXT NOT NULL,
  -- Key of the first plan of a family of replacements; they conflict pairwise.
  family TEXT NOT NULL,
  -- Signatures do not change it. Two plans have the same one when the first was released and made again.
  txid TEXT NOT NULL,
  plan TEXT NOT NULL,
  -- Null until the signer has signed it.
  signed_hex TEXT
);
CREATE UNIQUE INDEX bitcoin_transactions_signed ON bitcoin_transactions (chain, txid) WHERE signed_hex IS NOT NULL;
CREATE INDEX bitcoin_transactions_by_family ON bitcoin_transactions (family);
CREATE INDEX bitcoin_transactions_by_wallet ON bitcoin_transactions (wallet_id);
-- At most one plan of a family waits for its signature.
CREATE UNIQUE INDEX bitcoin_transactions_one_unsigned ON bitcoin_transactions (family) WHERE signed_hex IS NULL;
