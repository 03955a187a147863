-- What the operator allows an organization of what all share, as JSON; empty: as much as is usual.
ALTER TABLE organizations ADD COLUMN quota TEXT NOT NULL DEFAULT '';
