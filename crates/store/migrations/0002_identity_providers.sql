-- Who somebody is at an identity provider: the connection, the issuer it was discovered under, and the
-- stable subject there.
CREATE TABLE identities (
    connection BYTEA  NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    issuer     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    user_id    BYTEA  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    linked_at  BIGINT NOT NULL,
    managed_by TEXT   NOT NULL,
    PRIMARY KEY (connection, issuer, subject)
);
CREATE INDEX identities_user ON identities (user_id);

-- The last good answer of a provider's discovery and its keys, for the revision of the connection
-- that asked.
CREATE TABLE provider_keys (
    connection BYTEA  NOT NULL PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    revision   BIGINT NOT NULL,
    issuer     TEXT   NOT NULL,
    keys       TEXT   NOT NULL,
    fetched_at BIGINT NOT NULL
);
