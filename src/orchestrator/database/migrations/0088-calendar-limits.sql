-- The calendar that a limit's window follows, as JSON; nothing where it rolls.
ALTER TABLE limit_charges ADD COLUMN calendar TEXT;
