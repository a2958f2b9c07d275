-- The origin is the first line of a note.
INSERT INTO audit_checkpoints_by_origin (origin, size, note, signed_at_ms) SELECT split_part(note, chr(10), 1), size, note, signed_at_ms FROM audit_checkpoints;
DROP TABLE audit_checkpoints;
ALTER TABLE audit_checkpoints_by_origin RENAME TO audit_checkpoints;
CREATE TRIGGER audit_checkpoints_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
