-- What lists and guards look for, so that they take no longer where there is more of everything else:
-- tokens that aren't deleted, who has a role at a place, and the people of an organization.
CREATE INDEX tokens_live ON tokens (organization, id) WHERE deleted_at IS NULL;
CREATE INDEX tokens_live_at ON tokens (scope, id) WHERE deleted_at IS NULL;
CREATE INDEX grants_holders ON grants (resource_kind, resource, role);
CREATE INDEX grants_subjects ON grants (organization, subject_kind, subject);
INSERT INTO schema_readers (version, oldest) VALUES (33, 29);
