-- How a session's person proved who they are: words of RFC 8176, with spaces between them; empty where
-- nobody knows.
ALTER TABLE sessions ADD COLUMN amr TEXT NOT NULL DEFAULT '';
UPDATE sessions SET amr = 'pwd' WHERE connection IN (SELECT id FROM connections WHERE kind = 'local');

-- The secret that a person's authenticator app knows, sealed. It counts once a code has proved it. What
-- was tried wrong since the last success, and when, says how long the next try has to wait.
CREATE TABLE second_factors (
    user_id      BYTEA  NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret       BYTEA  NOT NULL,
    created_at   BIGINT NOT NULL,
    confirmed_at BIGINT,
    last_step    BIGINT NOT NULL,
    failures     BIGINT NOT NULL,
    tried_at     BIGINT NOT NULL
);

-- What stands for a code whose device is lost, by a keyed digest; a used one is deleted.
CREATE TABLE recovery_codes (
    user_id BYTEA NOT NULL REFERENCES second_factors (user_id) ON DELETE CASCADE,
    digest  BYTEA NOT NULL,
    PRIMARY KEY (user_id, digest)
);

-- Sign-ins whose password was right and whose code is awaited, by the SHA-256 of what the browser holds.
CREATE TABLE sign_in_steps (
    digest   BYTEA  NOT NULL PRIMARY KEY,
    user_id  BYTEA  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    begun_at BIGINT NOT NULL
);
CREATE INDEX sign_in_steps_user ON sign_in_steps (user_id);
CREATE INDEX sign_in_steps_begun ON sign_in_steps (begun_at);
