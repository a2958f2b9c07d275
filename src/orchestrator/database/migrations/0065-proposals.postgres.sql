CREATE TRIGGER governance_proposals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON governance_proposals FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
CREATE TRIGGER governance_acts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON governance_acts FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
CREATE FUNCTION governance_acts_to_audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('proposal', NEW.proposal_id, NEW.act, NEW.person_id); RETURN NULL; END $$;
CREATE TRIGGER governance_acts_to_audit AFTER INSERT ON governance_acts FOR EACH ROW EXECUTE FUNCTION governance_acts_to_audit();
