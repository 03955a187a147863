-- Roles that organizations made for themselves: what they allow as the bit set of snapshots, where alone
-- they are given as a JSON list of workspaces.
CREATE TABLE roles (
    id           BYTEA  NOT NULL PRIMARY KEY,
    organization BYTEA  NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name         TEXT   NOT NULL,
    description  TEXT   NOT NULL,
    scope        TEXT   NOT NULL,
    permissions  BYTEA  NOT NULL,
    workspaces   TEXT   NOT NULL,
    revision     BIGINT NOT NULL,
    UNIQUE (organization, name)
);
-- Where a grant is of such a role its `role` is the role's id, and this keeps the role there.
ALTER TABLE grants ADD COLUMN custom_role BYTEA REFERENCES roles (id);
CREATE INDEX grants_custom_role ON grants (custom_role);
