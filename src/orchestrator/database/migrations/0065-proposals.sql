-- Changes of governance that officers have drafted, and what they did with them. Both append-only: where a proposal stands
-- follows from them and from the governance log. Nothing here decides anything.

-- The entry without its signatures, by its hash, and in words as its drafter was shown it.
CREATE TABLE governance_proposals (
  proposal_id TEXT PRIMARY KEY,
  sequence BIGINT NOT NULL,
  body TEXT NOT NULL,
  said TEXT NOT NULL,
  proposed_by TEXT NOT NULL,
  proposed_at_ms BIGINT NOT NULL,
  redraft_of TEXT
);
CREATE INDEX governance_proposals_by_sequence ON governance_proposals (sequence);

-- One person does each thing once with a proposal.
CREATE TABLE governance_acts (
  proposal_id TEXT NOT NULL REFERENCES governance_proposals (proposal_id),
  act TEXT NOT NULL,
  person_id TEXT NOT NULL,
  credential_id TEXT,
  signature TEXT,
  at_ms BIGINT NOT NULL,
  PRIMARY KEY (proposal_id, act, person_id)
);
