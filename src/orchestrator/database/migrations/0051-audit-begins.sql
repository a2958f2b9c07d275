-- What there was before there was a log begins it.
INSERT INTO audit_waiting (source, key_a, key_b, key_c) SELECT 'governance', CAST(sequence AS TEXT), '', '' FROM governance_entries ORDER BY sequence;
INSERT INTO audit_waiting (source, key_a, key_b, key_c) SELECT 'transition', transfer_id, CAST(version AS TEXT), '' FROM transitions ORDER BY at_ms, transfer_id, version;
INSERT INTO audit_waiting (source, key_a, key_b, key_c) SELECT 'approval', transfer_id, statement_digest, person_id FROM approvals ORDER BY received_at_ms, transfer_id, person_id;
