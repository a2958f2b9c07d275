CREATE TRIGGER signatures_no_update BEFORE UPDATE ON signatures BEGIN SELECT RAISE(ABORT, 'table signatures is append-only'); END;
CREATE TRIGGER signatures_no_delete BEFORE DELETE ON signatures BEGIN SELECT RAISE(ABORT, 'table signatures is append-only'); END;
CREATE TRIGGER signatures_to_audit AFTER INSERT ON signatures BEGIN INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('signature', NEW.transaction_key, '', ''); END;
CREATE TRIGGER transaction_cancels_to_audit AFTER INSERT ON transaction_cancels BEGIN INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('cancel', NEW.transaction_key, NEW.transfer_id, ''); END;
CREATE TRIGGER burials_to_audit AFTER INSERT ON burials BEGIN INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('burial', CAST(NEW.journal_sequence AS TEXT), '', ''); END;
