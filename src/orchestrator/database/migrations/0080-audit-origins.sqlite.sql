-- The origin is the first line of a note.
INSERT INTO audit_checkpoints_by_origin (origin, size, note, signed_at_ms) SELECT substr(note, 1, max(instr(note, char(10)) - 1, 0)), size, note, signed_at_ms FROM audit_checkpoints;
DROP TABLE audit_checkpoints;
ALTER TABLE audit_checkpoints_by_origin RENAME TO audit_checkpoints;
CREATE TRIGGER audit_checkpoints_no_update BEFORE UPDATE ON audit_checkpoints BEGIN SELECT RAISE(ABORT, 'table audit_checkpoints is append-only'); END;
CREATE TRIGGER audit_checkpoints_no_delete BEFORE DELETE ON audit_checkpoints BEGIN SELECT RAISE(ABORT, 'table audit_checkpoints is append-only'); END;
