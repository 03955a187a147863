-- Accounts of people who were added by an address that another account has without anybody having shown that it is
-- theirs. `users.email` of theirs is a name where nobody is reached until the address is free: that of an account
-- which shows that it is its own, it goes to whom a provider proves it of.
CREATE TABLE waiting_addresses (
    email   TEXT  NOT NULL PRIMARY KEY,
    user_id BYTEA NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE
);

INSERT INTO schema_readers (version, oldest) VALUES (37, 29);
