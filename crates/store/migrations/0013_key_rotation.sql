-- An announced key signs from `activates_at` on, if every plane has heard of it by then, and from
-- `certain_at` on in any case.
ALTER TABLE signing_keys ADD COLUMN activates_at BIGINT;
ALTER TABLE signing_keys ADD COLUMN certain_at BIGINT;
-- Of replicas that rotate at once, one announces.
CREATE UNIQUE INDEX signing_keys_announced ON signing_keys (kind) WHERE stage = 'announced';
-- Which values were issued while a key signed.
CREATE INDEX status_indexes_issued ON status_indexes (issued_at);
