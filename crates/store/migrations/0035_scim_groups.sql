-- Teams that a provisioning client made (note 033). name_key is the folded name, tree the group as JSON without its
-- members, made_as what it was called when it was made: by that its roles are said.
CREATE TABLE scim_groups (
    team         BYTEA  NOT NULL PRIMARY KEY REFERENCES teams (id) ON DELETE CASCADE,
    connection   BYTEA  NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    display_name TEXT   NOT NULL,
    name_key     TEXT   NOT NULL,
    external_id  TEXT,
    made_as      TEXT   NOT NULL,
    tree         TEXT   NOT NULL,
    version      BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    changed_at   BIGINT NOT NULL,
    UNIQUE (connection, name_key)
);
CREATE INDEX scim_groups_external ON scim_groups (connection, external_id);

INSERT INTO schema_readers (version, oldest) VALUES (35, 29);
