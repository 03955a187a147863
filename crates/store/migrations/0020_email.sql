-- What people are to be told by e-mail, until one message is made of all that somebody is to be told.
CREATE TABLE email_notices (
    id        BYTEA  NOT NULL PRIMARY KEY,
    recipient BYTEA  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    at        BIGINT NOT NULL,
    content   TEXT   NOT NULL
);
CREATE INDEX email_notices_recipient ON email_notices (recipient, at);

-- Messages until they are sent or given up. Whoever sends one moves next_at ahead first: until then it is
-- theirs.
CREATE TABLE emails (
    id         BYTEA  NOT NULL PRIMARY KEY,
    recipient  TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    body       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    attempts   BIGINT NOT NULL
);
CREATE INDEX emails_next ON emails (next_at);
