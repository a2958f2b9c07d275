CREATE TRIGGER signatures_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON signatures FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
CREATE FUNCTION signatures_to_audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('signature', NEW.transaction_key, '', ''); RETURN NULL; END $$;
CREATE TRIGGER signatures_to_audit AFTER INSERT ON signatures FOR EACH ROW EXECUTE FUNCTION signatures_to_audit();
CREATE FUNCTION transaction_cancels_to_audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('cancel', NEW.transaction_key, NEW.transfer_id, ''); RETURN NULL; END $$;
CREATE TRIGGER transaction_cancels_to_audit AFTER INSERT ON transaction_cancels FOR EACH ROW EXECUTE FUNCTION transaction_cancels_to_audit();
CREATE FUNCTION burials_to_audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('burial', CAST(NEW.journal_sequence AS TEXT), '', ''); RETURN NULL; END $$;
CREATE TRIGGER burials_to_audit AFTER INSERT ON burials FOR EACH ROW EXECUTE FUNCTION burials_to_audit();
