CREATE TRIGGER transitions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transitions FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
CREATE TRIGGER approvals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approvals FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
CREATE TRIGGER transaction_transfers_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transaction_transfers FOR EACH STATEMENT EXECUTE FUNCTION portcullis_append_only();
