-- The ways out that people open: voids, cancels on the chain, and burials.

-- The signer's attested void, once it was had.
ALTER TABLE transfers ADD COLUMN attested_void TEXT;
-- How often a quorum has buried what was signed for it. What it charged then stays charged, and is not charged again.
ALTER TABLE transfers ADD COLUMN burials BIGINT NOT NULL DEFAULT 0;

-- Which transfers a transaction ends that pays the wallet itself, and who asked for it. Append-only.
CREATE TABLE transaction_cancels (
  transaction_key TEXT NOT NULL REFERENCES transactions (transaction_key),
  transfer_id TEXT NOT NULL REFERENCES transfers (transfer_id),
  asked_by TEXT NOT NULL,
  asked_at_ms BIGINT NOT NULL,
  PRIMARY KEY (transaction_key, transfer_id)
);
CREATE INDEX transaction_cancels_by_transfer ON transaction_cancels (transfer_id);

-- What the signer accepted of a quorum, as it was handed in. Append-only.
CREATE TABLE burials (
  journal_sequence BIGINT PRIMARY KEY,
  burial TEXT NOT NULL,
  handed_in_by TEXT NOT NULL,
  accepted_at_ms BIGINT NOT NULL
);
