-- Invitations into organizations, by the SHA-256 of the value that is in the link. Whoever takes one up
-- sets used_at; one that was taken back is deleted.
CREATE TABLE invitations (
    id           BYTEA  NOT NULL PRIMARY KEY,
    organization BYTEA  NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    digest       BYTEA  NOT NULL UNIQUE,
    email        TEXT   NOT NULL,
    any_address  BIGINT NOT NULL,
    roles        TEXT   NOT NULL,
    note         TEXT   NOT NULL,
    invited_by   BYTEA  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    used_at      BIGINT,
    used_by      BYTEA
);
CREATE INDEX invitations_organization ON invitations (organization, id);
CREATE INDEX invitations_expires ON invitations (expires_at);

-- What makes the first administrator, by its SHA-256, until somebody has used it.
CREATE TABLE first_admin_code (
    id      BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    digest  BYTEA  NOT NULL,
    made_at BIGINT NOT NULL
);

-- Accounts whose address nobody has proved to be theirs: whoever proves it later is somebody else until they
-- prove the account as well.
CREATE TABLE unproved_addresses (
    user_id BYTEA NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE
);
