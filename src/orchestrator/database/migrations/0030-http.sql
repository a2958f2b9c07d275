-- Nonces of HTTP message signatures, kept until their signatures expire: a second use is a replay, at whichever
-- orchestrator and after whatever restart.
CREATE TABLE http_nonces (
  signer TEXT NOT NULL,
  nonce TEXT NOT NULL,
  expires_at_ms BIGINT NOT NULL,
  PRIMARY KEY (signer, nonce)
);
CREATE INDEX http_nonces_expiry ON http_nonces (expires_at_ms);

-- What an Idempotency-Key was used for. The row is written in the transaction of the effect; the answer follows before
-- it is sent.
CREATE TABLE idempotency_keys (
  principal TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  answer TEXT,
  expires_at_ms BIGINT NOT NULL,
  PRIMARY KEY (principal, idempotency_key)
);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at_ms);
