CREATE TRIGGER governance_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON governance_entries FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
