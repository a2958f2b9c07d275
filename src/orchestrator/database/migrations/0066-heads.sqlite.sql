CREATE TRIGGER governance_heads_no_update BEFORE UPDATE ON governance_heads BEGIN SELECT RAISE(ABORT, 'table governance_heads is append-only'); END;
CREATE TRIGGER governance_heads_no_delete BEFORE DELETE ON governance_heads BEGIN SELECT RAISE(ABORT, 'table governance_heads is append-only'); END;
