-- What governors said of the head of the governance log before that came into the log.
INSERT INTO audit_waiting (source, key_a, key_b, key_c) SELECT 'head', digest, '', '' FROM governance_heads ORDER BY received_at_ms, digest;
