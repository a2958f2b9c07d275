CREATE TRIGGER governance_heads_to_audit AFTER INSERT ON governance_heads BEGIN INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('head', NEW.digest, '', ''); END;
