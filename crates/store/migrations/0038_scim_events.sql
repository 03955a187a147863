-- What receivers are to be told of provisioned users and groups (note 036), in the order of commits. No value of an
-- attribute is in it.
CREATE TABLE scim_events (
    connection  BYTEA  NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    position    BIGINT NOT NULL,
    ordinal     BIGINT NOT NULL,
    id          BYTEA  NOT NULL,
    txn         BYTEA  NOT NULL,
    at          BIGINT NOT NULL,
    subject     TEXT   NOT NULL,
    external_id TEXT,
    events      TEXT   NOT NULL,
    PRIMARY KEY (connection, position, ordinal)
);

-- How sending goes, and which process does it.
CREATE TABLE scim_receivers (
    connection   BYTEA  NOT NULL PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    holder       TEXT   NOT NULL,
    held_until   BIGINT NOT NULL,
    delivered    BIGINT NOT NULL,
    delivered_at BIGINT,
    dropped      BIGINT NOT NULL,
    failures     BIGINT NOT NULL,
    failed_at    BIGINT,
    error        TEXT   NOT NULL,
    next_at      BIGINT NOT NULL
);

INSERT INTO schema_readers (version, oldest) VALUES (38, 29);
