CREATE TRIGGER transaction_cancels_no_update BEFORE UPDATE ON transaction_cancels BEGIN SELECT RAISE(ABORT, 'table transaction_cancels is append-only'); END;
CREATE TRIGGER transaction_cancels_no_delete BEFORE DELETE ON transaction_cancels BEGIN SELECT RAISE(ABORT, 'table transaction_cancels is append-only'); END;
CREATE TRIGGER burials_no_update BEFORE UPDATE ON burials BEGIN SELECT RAISE(ABORT, 'table burials is append-only'); END;
CREATE TRIGGER burials_no_delete BEFORE DELETE ON burials BEGIN SELECT RAISE(ABORT, 'table burials is append-only'); END;
