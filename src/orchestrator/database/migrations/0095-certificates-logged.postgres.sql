CREATE FUNCTION certificates_to_audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('certificate', CAST(NEW.ordinal AS TEXT), '', ''); RETURN NULL; END $$;
CREATE TRIGGER certificates_to_audit AFTER INSERT OR UPDATE ON certificates FOR EACH ROW WHEN (NEW.outcome <> 'begun') EXECUTE FUNCTION certificates_to_audit();
