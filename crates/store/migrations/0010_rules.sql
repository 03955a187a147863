-- Where a session is over is asked with every call of its person: what marks say of it is found by the
-- person, not by going through all organizations.
CREATE INDEX marks_by_subject ON marks (subject_kind, subject, not_before);
CREATE INDEX revocation_lists_by_mark ON revocation_lists (not_before);

-- What was said of a token, and of which state of it, so that it is said once.
CREATE TABLE notices (
    token BYTEA NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
    kind  TEXT  NOT NULL,
    about TEXT  NOT NULL,
    PRIMARY KEY (token, kind)
);
CREATE INDEX tokens_by_expiry ON tokens (expires_at) WHERE deleted_at IS NULL;
