-- Invitations that went out by e-mail lately, whatever became of them: one row each, by the SHA-256 of the address.
CREATE TABLE invitation_emails (
    invitation   BYTEA  NOT NULL PRIMARY KEY,
    organization BYTEA  NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    address      BYTEA  NOT NULL,
    sent_at      BIGINT NOT NULL
);
CREATE INDEX invitation_emails_organization ON invitation_emails (organization, sent_at);
CREATE INDEX invitation_emails_address ON invitation_emails (address, sent_at);
CREATE INDEX invitation_emails_sent ON invitation_emails (sent_at);

-- What somebody is called in an organization that added them by their address, until they come there.
CREATE TABLE introductions (
    organization BYTEA NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id      BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         TEXT  NOT NULL,
    PRIMARY KEY (organization, user_id)
);
CREATE INDEX introductions_user ON introductions (user_id);

-- What an identity provider wants to see when somebody signs out there: the id_token of the sign-in, sealed.
CREATE TABLE session_hints (
    session BYTEA NOT NULL PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    sealed  BYTEA NOT NULL
);
