-- The audit log: what happened, in its order, and the tree over it. Whatever has a record that is only ever added to is put
-- in line for it by a trigger, so that no part of the program can forget to.

-- Calls that are worth a record and leave none elsewhere: who was refused, who came in, who looked. Append-only.
CREATE TABLE audit_calls (
  call_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  what TEXT NOT NULL,
  operation TEXT NOT NULL,
  principal TEXT,
  at_ms BIGINT NOT NULL,
  PRIMARY KEY (call_id, kind)
);

-- The log itself. `entry` is exactly what its hash in the tree is over. Append-only.
CREATE TABLE audit_entries (
  sequence BIGINT NOT NULL PRIMARY KEY CHECK (sequence >= 0),
  source TEXT NOT NULL,
  key_a TEXT NOT NULL,
  key_b TEXT NOT NULL,
  key_c TEXT NOT NULL,
  kind TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  entry TEXT NOT NULL,
  UNIQUE (source, key_a, key_b, key_c)
);
CREATE INDEX audit_entries_by_time ON audit_entries (at_ms, sequence);
CREATE INDEX audit_entries_by_kind ON audit_entries (kind, sequence);

-- What an entry is about, for looking it up. Append-only.
CREATE TABLE audit_subjects (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  sequence BIGINT NOT NULL REFERENCES audit_entries (sequence),
  PRIMARY KEY (kind, id, sequence)
);

-- What the salted hashes in the entries stand for. Kept outside the log, so that it can be deleted when somebody has to be
-- forgotten; never changed. Without a value it is the record
-- that the entry is about, whose salt stays.
CREATE TABLE audit_sealed (
  sequence BIGINT NOT NULL REFERENCES audit_entries (sequence),
  name TEXT NOT NULL,
  salt TEXT NOT NULL,
  value TEXT,
  PRIMARY KEY (sequence, name)
);
CREATE INDEX audit_sealed_by_value ON audit_sealed (name, value, sequence);

-- Full tiles of 256 hashes, in base64, and the hash above them, in hex: what is partial follows from them and from the entries.
-- Append-only.
CREATE TABLE audit_tiles (
  level BIGINT NOT NULL,
  position BIGINT NOT NULL,
  hashes TEXT NOT NULL,
  root TEXT NOT NULL,
  PRIMARY KEY (level, position)
);

-- One row: size and root of the log. Whoever adds to the log takes it first.
CREATE TABLE audit_head (
  only_one BIGINT PRIMARY KEY CHECK (only_one = 1),
  size BIGINT NOT NULL,
  root TEXT NOT NULL
);
INSERT INTO audit_head (only_one, size, root) VALUES (1, 0, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');

-- Signed notes over a size and its root. Append-only.
CREATE TABLE audit_checkpoints (
  size BIGINT NOT NULL PRIMARY KEY,
  note TEXT NOT NULL,
  signed_at_ms BIGINT NOT NULL
);
