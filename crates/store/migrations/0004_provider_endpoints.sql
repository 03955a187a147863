-- Where an identity provider signs people in, as its discovery says; empty where it doesn't or where
-- it has not been asked since.
ALTER TABLE provider_keys ADD COLUMN endpoints TEXT NOT NULL DEFAULT '';

-- When the provider last said that the person signed out there: a plane that was cut off may tell of an
-- earlier sign-in afterwards.
ALTER TABLE identities ADD COLUMN signed_out_at BIGINT;
