-- Teams that stand for a group of an identity provider. place is the tenant, at providers that have several.
-- by_id: the Team is named by the group's id for want of anything better. gone_at: the provider has it no
-- more, since then.
CREATE TABLE group_teams (
    team       BYTEA  NOT NULL PRIMARY KEY REFERENCES teams (id) ON DELETE CASCADE,
    connection BYTEA  NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    group_id   TEXT   NOT NULL,
    place      TEXT   NOT NULL,
    group_name TEXT,
    by_id      BIGINT NOT NULL,
    gone_at    BIGINT,
    UNIQUE (connection, group_id)
);

-- When a connection's provider is asked for its groups again. Whoever moves it ahead does it.
CREATE TABLE group_refreshes (
    connection BYTEA  NOT NULL PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    next_at    BIGINT NOT NULL
);
