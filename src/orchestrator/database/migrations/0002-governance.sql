-- The mirror of the signer's governance log.
CREATE TABLE governance_entries (
  sequence BIGINT PRIMARY KEY,
  hash TEXT NOT NULL,
  entry TEXT NOT NULL,
  mirrored_at_ms BIGINT NOT NULL
);
