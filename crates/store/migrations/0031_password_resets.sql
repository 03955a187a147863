-- Links that set a new password, by the SHA-256 of the value that is in them. One that was used is deleted. `state`
-- is a digest of address and password as they were: with another one of either the link is good for nothing.
-- `made_by` is whoever made it for somebody else.
CREATE TABLE password_resets (
    id         BYTEA  NOT NULL PRIMARY KEY,
    user_id    BYTEA  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    digest     BYTEA  NOT NULL UNIQUE,
    state      BYTEA  NOT NULL,
    made_by    BYTEA,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX password_resets_user ON password_resets (user_id, created_at);
CREATE INDEX password_resets_created ON password_resets (created_at);

-- Addresses whose owners say that they forgot their password, whether anybody has them here or not.
CREATE TABLE password_requests (
    id         BYTEA  NOT NULL PRIMARY KEY,
    email      TEXT   NOT NULL,
    source     TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX password_requests_created ON password_requests (created_at);

INSERT INTO schema_readers (version, oldest) VALUES (31, 29);
