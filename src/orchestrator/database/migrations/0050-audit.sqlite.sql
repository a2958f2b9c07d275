-- In line for the log, each with the key of its record.
CREATE TABLE audit_waiting (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
  source TEXT NOT NULL,
  key_a TEXT NOT NULL,
  key_b TEXT NOT NULL,
  key_c TEXT NOT NULL
);
CREATE TRIGGER transitions_to_audit AFTER INSERT ON transitions BEGIN INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('transition', NEW.transfer_id, CAST(NEW.version AS TEXT), ''); END;
CREATE TRIGGER approvals_to_audit AFTER INSERT ON approvals BEGIN INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('approval', NEW.transfer_id, NEW.statement_digest, NEW.person_id); END;
CREATE TRIGGER governance_entries_to_audit AFTER INSERT ON governance_entries BEGIN INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('governance', CAST(NEW.sequence AS TEXT), '', ''); END;
CREATE TRIGGER audit_calls_to_audit AFTER INSERT ON audit_calls BEGIN INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('call', NEW.call_id, NEW.kind, ''); END;
CREATE TRIGGER audit_calls_no_update BEFORE UPDATE ON audit_calls BEGIN SELECT RAISE(ABORT, 'table audit_calls is append-only'); END;
CREATE TRIGGER audit_calls_no_delete BEFORE DELETE ON audit_calls BEGIN SELECT RAISE(ABORT, 'table audit_calls is append-only'); END;
CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries BEGIN SELECT RAISE(ABORT, 'table audit_entries is append-only'); END;
CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries BEGIN SELECT RAISE(ABORT, 'table audit_entries is append-only'); END;
CREATE TRIGGER audit_subjects_no_update BEFORE UPDATE ON audit_subjects BEGIN SELECT RAISE(ABORT, 'table audit_subjects is append-only'); END;
CREATE TRIGGER audit_subjects_no_delete BEFORE DELETE ON audit_subjects BEGIN SELECT RAISE(ABORT, 'table audit_subjects is append-only'); END;
CREATE TRIGGER audit_tiles_no_update BEFORE UPDATE ON audit_tiles BEGIN SELECT RAISE(ABORT, 'table audit_tiles is append-only'); END;
CREATE TRIGGER audit_tiles_no_delete BEFORE DELETE ON audit_tiles BEGIN SELECT RAISE(ABORT, 'table audit_tiles is append-only'); END;
CREATE TRIGGER audit_checkpoints_no_update BEFORE UPDATE ON audit_checkpoints BEGIN SELECT RAISE(ABORT, 'table audit_checkpoints is append-only'); END;
CREATE TRIGGER audit_checkpoints_no_delete BEFORE DELETE ON audit_checkpoints BEGIN SELECT RAISE(ABORT, 'table audit_checkpoints is append-only'); END;
CREATE TRIGGER audit_sealed_no_update BEFORE UPDATE ON audit_sealed BEGIN SELECT RAISE(ABORT, 'table audit_sealed is append-only'); END;
CREATE TRIGGER audit_sealed_notes_stay BEFORE DELETE ON audit_sealed WHEN OLD.name = 'note' BEGIN SELECT RAISE(ABORT, 'table audit_sealed is append-only for records'); END;
