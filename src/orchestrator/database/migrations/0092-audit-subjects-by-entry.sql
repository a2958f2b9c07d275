-- A check of the whole log reads the subjects of its entries page by page; without this each page read all of them.
CREATE INDEX audit_subjects_by_entry ON audit_subjects (sequence);
