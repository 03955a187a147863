-- What a team is for (note 031).
ALTER TABLE teams ADD COLUMN description TEXT NOT NULL DEFAULT '';

INSERT INTO schema_readers (version, oldest) VALUES (32, 29);
