-- Where an identity provider signs people in, as its discovery says; empty where it doesn't or where
-- it has not been asked since.
ALTER TABLE provider_keys ADD COLUMN endpoints TEXT NOT NULL DEFAULT '';
