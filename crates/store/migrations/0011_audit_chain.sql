-- Lines of the audit log are chained by hashes: all of them in one chain, and those of an organization
-- in another of its own. Lines from before have none; the chain begins with the first new one.
ALTER TABLE audit ADD COLUMN line BIGINT;
ALTER TABLE audit ADD COLUMN hash BYTEA;
ALTER TABLE audit ADD COLUMN own_line BIGINT;
ALTER TABLE audit ADD COLUMN own_hash BYTEA;

-- Where each chain ends. Scope: an organization, or 16 zero bytes for the installation.
CREATE TABLE audit_chains (
    scope    BYTEA  NOT NULL PRIMARY KEY,
    line     BIGINT NOT NULL,
    hash     BYTEA  NOT NULL,
    position BIGINT NOT NULL,
    ordinal  BIGINT NOT NULL
);

-- The last line of a chain that was deleted for its age: what is left begins after it. Signed by control.
-- A table of its own: who deletes must not wait for who adds, which locks the feed first.
CREATE TABLE audit_begins (
    scope    BYTEA  NOT NULL PRIMARY KEY,
    line     BIGINT NOT NULL,
    hash     BYTEA  NOT NULL,
    position BIGINT NOT NULL,
    ordinal  BIGINT NOT NULL,
    signed   TEXT   NOT NULL
);

-- How far each place outside the database has the log, and which process is giving it more.
CREATE TABLE audit_sinks (
    name         TEXT   NOT NULL PRIMARY KEY,
    position     BIGINT NOT NULL,
    ordinal      BIGINT NOT NULL,
    holder       TEXT   NOT NULL,
    held_until   BIGINT NOT NULL,
    delivered_at BIGINT
);
