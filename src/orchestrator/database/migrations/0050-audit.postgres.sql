-- In line for the log, each with the key of its record.
CREATE TABLE audit_waiting (
  ordinal BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source TEXT NOT NULL,
  key_a TEXT NOT NULL,
  key_b TEXT NOT NULL,
  key_c TEXT NOT NULL
);
CREATE FUNCTION transitions_to_audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('transition', NEW.transfer_id, CAST(NEW.version AS TEXT), ''); RETURN NULL; END $$;
CREATE TRIGGER transitions_to_audit AFTER INSERT ON transitions FOR EACH ROW EXECUTE FUNCTION transitions_to_audit();
CREATE FUNCTION approvals_to_audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('approval', NEW.transfer_id, NEW.statement_digest, NEW.person_id); RETURN NULL; END $$;
CREATE TRIGGER approvals_to_audit AFTER INSERT ON approvals FOR EACH ROW EXECUTE FUNCTION approvals_to_audit();
CREATE FUNCTION governance_entries_to_audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('governance', CAST(NEW.sequence AS TEXT), '', ''); RETURN NULL; END $$;
CREATE TRIGGER governance_entries_to_audit AFTER INSERT ON governance_entries FOR EACH ROW EXECUTE FUNCTION governance_entries_to_audit();
CREATE FUNCTION audit_calls_to_audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('call', NEW.call_id, NEW.kind, ''); RETURN NULL; END $$;
CREATE TRIGGER audit_calls_to_audit AFTER INSERT ON audit_calls FOR EACH ROW EXECUTE FUNCTION audit_calls_to_audit();
CREATE TRIGGER audit_calls_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_calls FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
CREATE TRIGGER audit_subjects_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_subjects FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
CREATE TRIGGER audit_tiles_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_tiles FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
CREATE TRIGGER audit_checkpoints_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
CREATE TRIGGER audit_sealed_no_update BEFORE UPDATE ON audit_sealed FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
CREATE TRIGGER audit_sealed_notes_stay BEFORE DELETE ON audit_sealed FOR EACH ROW WHEN (OLD.name = 'note') EXECUTE FUNCTION portcullis_append_only();
