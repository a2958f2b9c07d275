-- Decision certificates as the signer attests them, in the order of its reservations: also of those that this program did not
-- ask for. What was begun only may be signed later, and is asked for again.
CREATE TABLE certificates (
  ordinal BIGINT NOT NULL PRIMARY KEY,
  outcome TEXT NOT NULL,
  certificate TEXT NOT NULL,
  -- When the signer is asked for it again, while it is begun only.
  ask_again_at_ms BIGINT NOT NULL
);
CREATE INDEX certificates_by_outcome ON certificates (outcome, ask_again_at_ms);
