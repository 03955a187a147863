-- Runs unchanged on SQLite and on PostgreSQL (and its distributed kin). Three column types only:
-- BIGINT (integers, times in milliseconds, 0/1), TEXT (words, JSON) and BYTEA (ids, digests).

CREATE TABLE feed (
    id      BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    epoch   BIGINT NOT NULL,
    n       BIGINT NOT NULL,
    content BIGINT NOT NULL
);
INSERT INTO feed (id, epoch, n, content) VALUES (1, 1, 0, 0);

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE audit (
    position     BIGINT NOT NULL,
    ordinal      BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    organization BYTEA,
    action       TEXT   NOT NULL,
    event        TEXT   NOT NULL,
    PRIMARY KEY (position, ordinal)
);
CREATE INDEX audit_organization ON audit (organization, position, ordinal);

CREATE TABLE organizations (
    id         BYTEA  NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL UNIQUE,
    policy     TEXT   NOT NULL,
    managed_by TEXT   NOT NULL,
    revision   BIGINT NOT NULL
);

CREATE TABLE workspaces (
    id           BYTEA  NOT NULL PRIMARY KEY,
    organization BYTEA  NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name         TEXT   NOT NULL,
    managed_by   TEXT   NOT NULL,
    revision     BIGINT NOT NULL,
    UNIQUE (organization, name),
    UNIQUE (id, organization)
);

CREATE TABLE planes (
    id          BYTEA  NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL UNIQUE,
    auth_host   TEXT,
    stage       TEXT   NOT NULL,
    join_digest BYTEA,
    expires_at  BIGINT,
    identity    TEXT,
    stage_at    BIGINT,
    managed_by  TEXT   NOT NULL,
    revision    BIGINT NOT NULL
);

CREATE TABLE deployments (
    id           BYTEA  NOT NULL PRIMARY KEY,
    organization BYTEA  NOT NULL,
    workspace    BYTEA  NOT NULL,
    plane        BYTEA  NOT NULL REFERENCES planes (id),
    name         TEXT   NOT NULL,
    upstream     TEXT,
    profile      TEXT   NOT NULL,
    max_stale    BIGINT NOT NULL,
    hard_stale   BIGINT NOT NULL,
    stale_then   TEXT   NOT NULL,
    rules        TEXT   NOT NULL,
    task_from    TEXT   NOT NULL,
    managed_by   TEXT   NOT NULL,
    revision     BIGINT NOT NULL,
    UNIQUE (workspace, name),
    UNIQUE (id, organization),
    FOREIGN KEY (workspace, organization)
        REFERENCES workspaces (id, organization) ON DELETE CASCADE
);
CREATE INDEX deployments_plane ON deployments (plane, id);
CREATE INDEX deployments_organization ON deployments (organization, id);

-- A host belongs to one organization; the composite key below is what enforces it.
CREATE TABLE hosts (
    host         TEXT  NOT NULL PRIMARY KEY,
    organization BYTEA NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    UNIQUE (host, organization)
);

CREATE TABLE routes (
    host         TEXT  NOT NULL,
    path_prefix  TEXT  NOT NULL,
    deployment   BYTEA NOT NULL,
    organization BYTEA NOT NULL,
    ordinal      BIGINT NOT NULL,
    PRIMARY KEY (host, path_prefix),
    FOREIGN KEY (host, organization) REFERENCES hosts (host, organization),
    FOREIGN KEY (deployment, organization)
        REFERENCES deployments (id, organization) ON DELETE CASCADE
);
CREATE INDEX routes_deployment ON routes (deployment, ordinal);

CREATE TABLE users (
    id            BYTEA  NOT NULL PRIMARY KEY,
    email         TEXT   NOT NULL UNIQUE,
    name          TEXT   NOT NULL,
    password_hash TEXT,
    disabled_at   BIGINT,
    created_at    BIGINT NOT NULL,
    managed_by    TEXT   NOT NULL,
    revision      BIGINT NOT NULL
);

CREATE TABLE teams (
    id           BYTEA  NOT NULL PRIMARY KEY,
    organization BYTEA  NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name         TEXT   NOT NULL,
    managed_by   TEXT   NOT NULL,
    revision     BIGINT NOT NULL,
    UNIQUE (organization, name)
);

CREATE TABLE team_members (
    team       BYTEA NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    member     BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    managed_by TEXT  NOT NULL,
    PRIMARY KEY (team, member)
);
CREATE INDEX team_members_member ON team_members (member, team);

CREATE TABLE connections (
    id         BYTEA  NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL UNIQUE,
    kind       TEXT   NOT NULL,
    config     TEXT   NOT NULL,
    managed_by TEXT   NOT NULL,
    revision   BIGINT NOT NULL
);

CREATE TABLE grants (
    id            BYTEA NOT NULL PRIMARY KEY,
    organization  BYTEA REFERENCES organizations (id) ON DELETE CASCADE,
    subject_kind  TEXT  NOT NULL,
    subject       BYTEA NOT NULL,
    role          TEXT  NOT NULL,
    resource_kind TEXT  NOT NULL,
    resource      BYTEA NOT NULL,
    managed_by    TEXT  NOT NULL,
    UNIQUE (subject_kind, subject, role, resource_kind, resource)
);
CREATE INDEX grants_resource ON grants (resource_kind, resource);
CREATE INDEX grants_organization ON grants (organization, id);

CREATE TABLE sessions (
    id           BYTEA  NOT NULL PRIMARY KEY,
    user_id      BYTEA  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    connection   BYTEA  NOT NULL,
    auth_time    BIGINT NOT NULL,
    absolute_end BIGINT NOT NULL,
    ended_at     BIGINT
);
CREATE INDEX sessions_user ON sessions (user_id, id);
CREATE INDEX sessions_end ON sessions (absolute_end);

-- In which organizations a session has been used: where its end has to be told.
CREATE TABLE session_organizations (
    organization BYTEA NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    session      BYTEA NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    PRIMARY KEY (organization, session)
);
CREATE INDEX session_organizations_session ON session_organizations (session);

CREATE TABLE codes (
    digest       BYTEA  NOT NULL PRIMARY KEY,
    client_id    TEXT   NOT NULL,
    redirect_uri TEXT   NOT NULL,
    challenge    TEXT   NOT NULL,
    audience     TEXT   NOT NULL,
    scope        TEXT   NOT NULL,
    nonce        TEXT,
    session      BYTEA  NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    issued_at    BIGINT NOT NULL,
    exchanged_at BIGINT
);
CREATE INDEX codes_issued ON codes (issued_at);
CREATE INDEX codes_session ON codes (session);

CREATE TABLE throttles (
    bucket     TEXT   NOT NULL PRIMARY KEY,
    hits       BIGINT NOT NULL,
    started_at BIGINT NOT NULL
);
CREATE INDEX throttles_started ON throttles (started_at);

CREATE TABLE tokens (
    id           BYTEA  NOT NULL PRIMARY KEY,
    organization BYTEA  NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name         TEXT   NOT NULL,
    description  TEXT   NOT NULL,
    scope_kind   TEXT   NOT NULL,
    scope        BYTEA  NOT NULL,
    created_by   BYTEA  NOT NULL,
    created_at   BIGINT NOT NULL,
    jti          TEXT   NOT NULL UNIQUE,
    idx          BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    deleted_at   BIGINT,
    last_used_at BIGINT
);
CREATE INDEX tokens_organization ON tokens (organization, id);
CREATE INDEX tokens_scope ON tokens (scope_kind, scope, id);

CREATE TABLE revocation_lists (
    organization BYTEA  NOT NULL PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    size         BIGINT NOT NULL,
    used         BIGINT NOT NULL,
    not_before   BIGINT NOT NULL
);

-- One row per index ever given out. Rows are never removed, so no index is ever reused.
CREATE TABLE status_indexes (
    organization BYTEA  NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    idx          BIGINT NOT NULL,
    revoked_at   BIGINT,
    ends_at      BIGINT,
    PRIMARY KEY (organization, idx)
);

CREATE TABLE marks (
    organization BYTEA  NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    subject_kind TEXT   NOT NULL,
    subject      BYTEA  NOT NULL,
    not_before   BIGINT NOT NULL,
    PRIMARY KEY (organization, subject_kind, subject)
);

CREATE TABLE signing_keys (
    id           BYTEA  NOT NULL PRIMARY KEY,
    kind         TEXT   NOT NULL,
    kid          TEXT   NOT NULL UNIQUE,
    public_jwk   TEXT   NOT NULL,
    sealed       BYTEA  NOT NULL,
    stage        TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    activated_at BIGINT,
    retired_at   BIGINT
);
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (kind) WHERE stage = 'active';

CREATE TABLE roots (
    version  BIGINT NOT NULL PRIMARY KEY,
    document TEXT   NOT NULL,
    added_at BIGINT NOT NULL
);

CREATE TABLE publications (
    plane        BYTEA  NOT NULL PRIMARY KEY REFERENCES planes (id) ON DELETE CASCADE,
    epoch        BIGINT NOT NULL,
    seq          BIGINT NOT NULL,
    manifest     TEXT   NOT NULL,
    published_at BIGINT NOT NULL
);

CREATE TABLE blobs (
    digest     BYTEA  NOT NULL PRIMARY KEY,
    content    BYTEA  NOT NULL,
    touched_at BIGINT NOT NULL
);
CREATE INDEX blobs_touched ON blobs (touched_at);

CREATE TABLE publication_blobs (
    plane       BYTEA  NOT NULL REFERENCES planes (id) ON DELETE CASCADE,
    digest      BYTEA  NOT NULL REFERENCES blobs (digest),
    since_epoch BIGINT NOT NULL,
    since_seq   BIGINT NOT NULL,
    last_epoch  BIGINT NOT NULL,
    last_seq    BIGINT NOT NULL,
    PRIMARY KEY (plane, digest)
);
CREATE INDEX publication_blobs_digest ON publication_blobs (digest);

CREATE TABLE replicas (
    plane       BYTEA  NOT NULL REFERENCES planes (id) ON DELETE CASCADE,
    replica     TEXT   NOT NULL,
    epoch       BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    version     TEXT   NOT NULL,
    status      TEXT   NOT NULL,
    reported_at BIGINT NOT NULL,
    PRIMARY KEY (plane, replica)
);

CREATE TABLE idempotency_keys (
    actor        TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    request_hash BYTEA  NOT NULL,
    response     TEXT,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (actor, name)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

CREATE TABLE gate_batches (
    plane       BYTEA  NOT NULL REFERENCES planes (id) ON DELETE CASCADE,
    batch       TEXT   NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (plane, batch)
);
CREATE INDEX gate_batches_received ON gate_batches (received_at);

CREATE TABLE gate_events (
    plane       BYTEA  NOT NULL,
    batch       TEXT   NOT NULL,
    ordinal     BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    event       TEXT   NOT NULL,
    PRIMARY KEY (plane, batch, ordinal),
    FOREIGN KEY (plane, batch) REFERENCES gate_batches (plane, batch) ON DELETE CASCADE
);
