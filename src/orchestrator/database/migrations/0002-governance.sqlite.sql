CREATE TRIGGER governance_entries_no_update BEFORE UPDATE ON governance_entries BEGIN SELECT RAISE(ABORT, 'table governance_entries is append-only'); END;
CREATE TRIGGER governance_entries_no_delete BEFORE DELETE ON governance_entries BEGIN SELECT RAISE(ABORT, 'table governance_entries is append-only'); END;
