-- TRUNCATE asks no trigger of rows: the salts of records would go with it.
CREATE TRIGGER audit_sealed_no_truncate BEFORE TRUNCATE ON audit_sealed FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
-- What was begun only becomes what the signer says later, of the same reservation. Nothing else of a certificate changes.
CREATE TRIGGER certificates_no_update BEFORE UPDATE ON certificates FOR EACH ROW WHEN (OLD.outcome <> 'begun' OR NEW.ordinal <> OLD.ordinal OR CAST(NEW.certificate AS json) ->> 'journalHash' IS DISTINCT FROM CAST(OLD.certificate AS json) ->> 'journalHash') EXECUTE FUNCTION portcullis_append_only();
CREATE TRIGGER certificates_append_only BEFORE DELETE OR TRUNCATE ON certificates FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
-- Its one row stays: without it nothing is added to the log. Neither may what is in line for it go at a stroke.
CREATE TRIGGER audit_head_stays BEFORE DELETE OR TRUNCATE ON audit_head FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
CREATE TRIGGER audit_waiting_no_truncate BEFORE TRUNCATE ON audit_waiting FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
