-- What policies said, where they were asked with the move: kind, rule, policies, limits before and after. JSON.
ALTER TABLE transitions ADD COLUMN decision TEXT;
-- Calls that are not written down one by one, where the row stands for them.
ALTER TABLE audit_calls ADD COLUMN left_out BIGINT;

-- Signatures as the signer decided them, bumps and cancels too: what it says in the certificate, and the certificate's hash.
-- Append-only.
CREATE TABLE signatures (
  transaction_key TEXT NOT NULL PRIMARY KEY REFERENCES transactions (transaction_key),
  transaction_id TEXT NOT NULL,
  wallet_id TEXT NOT NULL,
  transfers TEXT NOT NULL,
  policy_hash TEXT NOT NULL,
  decisions TEXT NOT NULL,
  journal_sequence BIGINT NOT NULL,
  journal_hash TEXT NOT NULL,
  certificate_sha256 TEXT NOT NULL,
  recorded_at_ms BIGINT NOT NULL
);

-- What there was before these came into the log.
INSERT INTO audit_waiting (source, key_a, key_b, key_c) SELECT 'cancel', transaction_key, transfer_id, '' FROM transaction_cancels ORDER BY asked_at_ms, transaction_key, transfer_id;
INSERT INTO audit_waiting (source, key_a, key_b, key_c) SELECT 'burial', CAST(journal_sequence AS TEXT), '', '' FROM burials ORDER BY journal_sequence;
