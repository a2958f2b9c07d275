-- Whom each wallet has paid, each once. What was remembered before names no wallet: it says nothing of a first use any more, and
-- stays what others could be taken for.
CREATE TABLE paid_by_wallet (
  wallet_id TEXT NOT NULL,
  chain TEXT NOT NULL,
  address TEXT NOT NULL,
  look TEXT NOT NULL,
  signed_at_ms BIGINT NOT NULL,
  PRIMARY KEY (wallet_id, chain, address)
);
INSERT INTO paid_by_wallet (wallet_id, chain, address, look, signed_at_ms)
  SELECT '', chain, address, look, signed_at_ms FROM paid_destinations;
DROP TABLE paid_destinations;
CREATE INDEX paid_by_wallet_by_look ON paid_by_wallet (chain, look, signed_at_ms);
