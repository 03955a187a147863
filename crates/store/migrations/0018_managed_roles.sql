-- Who looks after a role that an organization made for itself: a fleet document may.
ALTER TABLE roles ADD COLUMN managed_by TEXT NOT NULL DEFAULT 'api';
