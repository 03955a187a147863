-- Machines without a browser that ask to be signed in: each by the SHA-256 of what the machine holds and
-- by a keyed digest of what a person types. A decision with a session is a yes.
CREATE TABLE device_codes (
    digest     BYTEA  NOT NULL PRIMARY KEY,
    user_code  BYTEA  NOT NULL UNIQUE,
    client_id  TEXT   NOT NULL,
    scope      TEXT   NOT NULL,
    source     TEXT   NOT NULL,
    issued_at  BIGINT NOT NULL,
    polled_at  BIGINT,
    pace       BIGINT NOT NULL,
    decided_at BIGINT,
    session    BYTEA  REFERENCES sessions (id) ON DELETE CASCADE,
    used_at    BIGINT
);
CREATE INDEX device_codes_session ON device_codes (session);
