-- With what providers provision (note 034). A credential has one secret, or several while it is being rotated; of
-- each only a digest is kept. `noticed_at` is when somebody was told that it ends, or when that was decided on
-- purpose.
CREATE TABLE scim_credentials (
    id           BYTEA  NOT NULL PRIMARY KEY,
    connection   BYTEA  NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    kind         TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    created_by   BYTEA  NOT NULL,
    created_at   BIGINT NOT NULL,
    rotated_at   BIGINT,
    last_used_at BIGINT,
    UNIQUE (connection, name)
);
CREATE TABLE scim_secrets (
    digest     BYTEA  NOT NULL PRIMARY KEY,
    credential BYTEA  NOT NULL REFERENCES scim_credentials (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    ends_at    BIGINT,
    noticed_at BIGINT
);
CREATE INDEX scim_secrets_credential ON scim_secrets (credential, created_at);
CREATE INDEX scim_secrets_ends ON scim_secrets (ends_at);

-- The last requests of provisioning clients, their bodies masked. Written after the answer, so that the connection
-- may be gone by then.
CREATE TABLE scim_requests (
    id         BYTEA  NOT NULL PRIMARY KEY,
    connection BYTEA  NOT NULL,
    at         BIGINT NOT NULL,
    method     TEXT   NOT NULL,
    path       TEXT   NOT NULL,
    query      TEXT   NOT NULL,
    status     BIGINT NOT NULL,
    scim_type  TEXT   NOT NULL,
    detail     TEXT   NOT NULL,
    took_ms    BIGINT NOT NULL,
    credential TEXT   NOT NULL,
    source     TEXT   NOT NULL,
    request_id TEXT   NOT NULL,
    body       TEXT   NOT NULL
);
CREATE INDEX scim_requests_connection ON scim_requests (connection, id);
CREATE INDEX scim_requests_at ON scim_requests (at);

INSERT INTO schema_readers (version, oldest) VALUES (36, 29);
