CREATE TRIGGER governance_heads_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON governance_heads FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
