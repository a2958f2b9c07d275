-- What a call was about: `transfer:tr-…`, several of them with blanks between. Of what was handed in, the SHA-256 of the body.
ALTER TABLE audit_calls ADD COLUMN about TEXT;
ALTER TABLE audit_calls ADD COLUMN body_sha256 TEXT;
