-- Of each migration from here on, the oldest version of the schema whose program still works with what it
-- made: a migration adds its own row. Without one, programs that don't know the migration don't start.
CREATE TABLE schema_readers (
    version BIGINT NOT NULL PRIMARY KEY,
    oldest  BIGINT NOT NULL
);
INSERT INTO schema_readers (version, oldest) VALUES (29, 29);
