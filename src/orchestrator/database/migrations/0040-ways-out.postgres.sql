CREATE TRIGGER transaction_cancels_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transaction_cancels FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
CREATE TRIGGER burials_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON burials FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
