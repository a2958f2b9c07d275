-- Governors' words about the head of the governance log, as they signed them.
CREATE TABLE governance_heads (
  digest TEXT PRIMARY KEY,
  signed TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  received_at_ms BIGINT NOT NULL
);
CREATE INDEX governance_heads_by_time ON governance_heads (created_at_ms);
