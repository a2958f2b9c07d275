-- Certificates come into the log once the signer says no more of them: signed, or ended.
CREATE INDEX certificates_by_name ON certificates ((CAST(ordinal AS TEXT)));
-- What there was before.
INSERT INTO audit_waiting (source, key_a, key_b, key_c) SELECT 'certificate', CAST(ordinal AS TEXT), '', '' FROM certificates WHERE outcome <> 'begun' ORDER BY ordinal;
