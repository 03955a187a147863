-- Which deployments take which path to their decision.
CREATE TABLE rollouts (
    name       TEXT   NOT NULL PRIMARY KEY,
    stage      TEXT   NOT NULL,
    settings   TEXT   NOT NULL,
    managed_by TEXT   NOT NULL,
    revision   BIGINT NOT NULL
);
