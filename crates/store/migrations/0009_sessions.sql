-- From where somebody signed in, as far as it is known, and when the session was last used anywhere.
ALTER TABLE sessions ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN seen_at BIGINT;

-- The same of one organization, whose administrators learn nothing of the others; and since when the
-- session is over there, although it may go on elsewhere.
ALTER TABLE session_organizations ADD COLUMN seen_there_at BIGINT;
ALTER TABLE session_organizations ADD COLUMN ended_there_at BIGINT;
