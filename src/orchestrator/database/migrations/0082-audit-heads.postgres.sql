CREATE FUNCTION governance_heads_to_audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('head', NEW.digest, '', ''); RETURN NULL; END $$;
CREATE TRIGGER governance_heads_to_audit AFTER INSERT ON governance_heads FOR EACH ROW EXECUTE FUNCTION governance_heads_to_audit();
