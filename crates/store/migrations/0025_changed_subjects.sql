-- Who changed, and in which transaction: what planes are told of without reading everybody else.
CREATE TABLE changed_subjects (
    position     BIGINT NOT NULL,
    subject_kind TEXT   NOT NULL,
    subject      BYTEA  NOT NULL,
    PRIMARY KEY (position, subject_kind, subject)
);

-- The last position at which something changed that snapshots are made from, other than revocations and
-- single subjects; the last of a program that knows the table above, because others note nothing in it; and
-- since when the table has all there were.
ALTER TABLE feed ADD COLUMN whole BIGINT NOT NULL DEFAULT 0;
ALTER TABLE feed ADD COLUMN noted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE feed ADD COLUMN changes_since BIGINT NOT NULL DEFAULT 0;
UPDATE feed SET whole = records, noted = records, changes_since = records;

-- Up to which position everything is in a publication but for those who are named as changed.
ALTER TABLE publications ADD COLUMN base BIGINT NOT NULL DEFAULT 0;
UPDATE publications SET base = records;

-- The newest format of snapshots that a gate reads.
ALTER TABLE replicas ADD COLUMN reader BIGINT NOT NULL DEFAULT 1;
