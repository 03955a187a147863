-- A row is a value of a token: whose, and its life. Rows without a token belong to no value that is known here.
ALTER TABLE status_indexes ADD COLUMN token BYTEA;
ALTER TABLE status_indexes ADD COLUMN jti TEXT;
ALTER TABLE status_indexes ADD COLUMN issued_at BIGINT;
ALTER TABLE status_indexes ADD COLUMN expires_at BIGINT;
ALTER TABLE status_indexes ADD COLUMN last_used_at BIGINT;
UPDATE status_indexes SET
    token = tokens.id, jti = tokens.jti, issued_at = tokens.created_at, expires_at = tokens.expires_at
    FROM tokens
    WHERE tokens.organization = status_indexes.organization AND tokens.idx = status_indexes.idx;
CREATE INDEX status_indexes_token ON status_indexes (token, idx);

ALTER TABLE tokens ADD COLUMN kind TEXT NOT NULL DEFAULT 'standard';
ALTER TABLE tokens ADD COLUMN permissions TEXT;
ALTER TABLE tokens ADD COLUMN rotated_at BIGINT;
ALTER TABLE tokens ADD COLUMN updated_at BIGINT;
ALTER TABLE tokens ADD COLUMN updated_by BYTEA;
