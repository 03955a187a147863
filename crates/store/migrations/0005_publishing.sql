-- What of an organization's values is no longer good: few of the many that were given out.
CREATE INDEX status_indexes_revoked ON status_indexes (organization, idx)
    WHERE revoked_at IS NOT NULL;
CREATE INDEX status_indexes_ends ON status_indexes (organization, idx)
    WHERE ends_at IS NOT NULL;
