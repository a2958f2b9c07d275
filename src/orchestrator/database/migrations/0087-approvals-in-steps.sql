-- The approvals that an approval names as given before it, by their digests: a JSON list, or nothing.
ALTER TABLE approvals ADD COLUMN follows TEXT;
