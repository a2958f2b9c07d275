CREATE TRIGGER governance_proposals_no_update BEFORE UPDATE ON governance_proposals BEGIN SELECT RAISE(ABORT, 'table governance_proposals is append-only'); END;
CREATE TRIGGER governance_proposals_no_delete BEFORE DELETE ON governance_proposals BEGIN SELECT RAISE(ABORT, 'table governance_proposals is append-only'); END;
CREATE TRIGGER governance_acts_no_update BEFORE UPDATE ON governance_acts BEGIN SELECT RAISE(ABORT, 'table governance_acts is append-only'); END;
CREATE TRIGGER governance_acts_no_delete BEFORE DELETE ON governance_acts BEGIN SELECT RAISE(ABORT, 'table governance_acts is append-only'); END;
CREATE TRIGGER governance_acts_to_audit AFTER INSERT ON governance_acts BEGIN INSERT INTO audit_waiting (source, key_a, key_b, key_c) VALUES ('proposal', NEW.proposal_id, NEW.act, NEW.person_id); END;
