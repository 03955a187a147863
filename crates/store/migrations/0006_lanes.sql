-- The last position at which something changed that snapshots are made from, other than revocations.
ALTER TABLE feed ADD COLUMN records BIGINT NOT NULL DEFAULT 0;
UPDATE feed SET records = content;

-- A publication may carry revocations that are newer than its other records: up to which position
-- those are whole, and when they last were known to be the newest.
ALTER TABLE publications ADD COLUMN records BIGINT NOT NULL DEFAULT 0;
ALTER TABLE publications ADD COLUMN complete_at BIGINT NOT NULL DEFAULT 0;
UPDATE publications SET records = seq, complete_at = published_at;

-- The same of what a gate has in force.
ALTER TABLE replicas ADD COLUMN records BIGINT NOT NULL DEFAULT 0;
UPDATE replicas SET records = seq;
