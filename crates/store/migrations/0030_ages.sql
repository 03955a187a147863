-- When an identity provider last said that somebody is in the group that the team stands for; none of other
-- teams, and until a program that knows this has looked.
ALTER TABLE team_members ADD COLUMN confirmed_at BIGINT;

-- Whoever was shown out of an organization and has not come with a group of it since: no schedule puts them back.
CREATE TABLE shown_out (
    organization BYTEA NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    member       BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (organization, member)
);
INSERT INTO schema_readers (version, oldest) VALUES (30, 29);
