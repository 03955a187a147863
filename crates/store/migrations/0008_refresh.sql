-- The refresh tokens that followed from one sign-in of a client.
CREATE TABLE refresh_families (
    id        BYTEA  NOT NULL PRIMARY KEY,
    session   BYTEA  NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    client_id TEXT   NOT NULL,
    audience  TEXT   NOT NULL,
    scope     TEXT   NOT NULL,
    began_at  BIGINT NOT NULL,
    ended_at  BIGINT
);
CREATE INDEX refresh_families_session ON refresh_families (session);

-- Its members by the SHA-256 of their text. The spent ones are kept as long as the family, so that a
-- replay is recognised; one member is followed by one other, whoever asks at once.
CREATE TABLE refresh_tokens (
    digest   BYTEA  NOT NULL PRIMARY KEY,
    family   BYTEA  NOT NULL REFERENCES refresh_families (id) ON DELETE CASCADE,
    place    BIGINT NOT NULL,
    spent_at BIGINT,
    UNIQUE (family, place)
);
