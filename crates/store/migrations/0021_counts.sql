-- The feed's position at which something of an organization's tokens was revoked last, so that nobody has to
-- read what is revoked to know that it is the same. Written while the feed is held and by nobody else: no
-- references, which would be waited for.
CREATE TABLE revoked (
    organization BYTEA  NOT NULL PRIMARY KEY,
    position     BIGINT NOT NULL
);

-- Wrong codes of a person's second factor from one source since the last right one from there, and when
-- that was. second_factors.failures and tried_at count those from other sources than such: since when.
CREATE TABLE second_factor_tries (
    user_id   BYTEA  NOT NULL REFERENCES second_factors (user_id) ON DELETE CASCADE,
    source    TEXT   NOT NULL,
    failures  BIGINT NOT NULL,
    tried_at  BIGINT NOT NULL,
    proved_at BIGINT,
    PRIMARY KEY (user_id, source)
);
CREATE INDEX second_factor_tries_at ON second_factor_tries (tried_at);
UPDATE second_factors SET failures = 0;
