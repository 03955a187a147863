-- What a team is for (note 030).
ALTER TABLE teams ADD COLUMN description TEXT NOT NULL DEFAULT '';

INSERT INTO schema_readers (version, oldest) VALUES (32, 29);
