CREATE TRIGGER transitions_no_update BEFORE UPDATE ON transitions BEGIN SELECT RAISE(ABORT, 'table transitions is append-only'); END;
CREATE TRIGGER transitions_no_delete BEFORE DELETE ON transitions BEGIN SELECT RAISE(ABORT, 'table transitions is append-only'); END;
CREATE TRIGGER approvals_no_update BEFORE UPDATE ON approvals BEGIN SELECT RAISE(ABORT, 'table approvals is append-only'); END;
CREATE TRIGGER approvals_no_delete BEFORE DELETE ON approvals BEGIN SELECT RAISE(ABORT, 'table approvals is append-only'); END;
CREATE TRIGGER transaction_transfers_no_update BEFORE UPDATE ON transaction_transfers BEGIN SELECT RAISE(ABORT, 'table transaction_transfers is append-only'); END;
CREATE TRIGGER transaction_transfers_no_delete BEFORE DELETE ON transaction_transfers BEGIN SELECT RAISE(ABORT, 'table transaction_transfers is append-only'); END;
