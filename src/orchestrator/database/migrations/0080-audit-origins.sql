-- A checkpoint is of a log by its name, its origin: one that a quorum has closed may have had the same sizes. Several
-- notes of one size may stand here, so that nobody keeps the true one out by another: whoever reads verifies them.
CREATE TABLE audit_checkpoints_by_origin (
  origin TEXT NOT NULL,
  size BIGINT NOT NULL,
  note TEXT NOT NULL,
  signed_at_ms BIGINT NOT NULL,
  PRIMARY KEY (origin, size, note)
);
