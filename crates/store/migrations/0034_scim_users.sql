-- People as an identity provider wrote them by SCIM (note 032). `id` is the account's, and what the provider knows
-- them by. `name_key` is the name as it is compared, `tree` the resource as JSON. `made` says that the account was
-- made for them, `off` that it is the provider who disabled it.
CREATE TABLE scim_users (
    connection  BYTEA  NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    id          BYTEA  NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    user_name   TEXT   NOT NULL,
    name_key    TEXT   NOT NULL,
    external_id TEXT,
    tree        TEXT   NOT NULL,
    made        BIGINT NOT NULL,
    off         BIGINT NOT NULL,
    version     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    PRIMARY KEY (connection, id),
    UNIQUE (connection, name_key)
);
CREATE INDEX scim_users_external ON scim_users (connection, external_id);

-- Their e-mail addresses, as they are compared.
CREATE TABLE scim_emails (
    connection BYTEA NOT NULL,
    email_key  TEXT  NOT NULL,
    id         BYTEA NOT NULL,
    PRIMARY KEY (connection, email_key, id),
    FOREIGN KEY (connection, id) REFERENCES scim_users (connection, id) ON DELETE CASCADE
);
CREATE INDEX scim_emails_id ON scim_emails (connection, id);

INSERT INTO schema_readers (version, oldest) VALUES (34, 29);
