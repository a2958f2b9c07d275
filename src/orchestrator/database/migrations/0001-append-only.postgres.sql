-- For triggers on append-only tables. A body stands on one line: a statement ends with a semicolon at a line's end.
CREATE FUNCTION portcullis_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME; END $$;
