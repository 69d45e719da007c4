-- Times are milliseconds since 1970 in UTC. The SDK keeps its own tables beside these; their names begin with keapsake_.

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    -- The same person whatever the letter case.
    email_normalized TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('person', 'administrator')),
    -- The contact in Keap; NULL until the sign-up has been delivered.
    keap_contact_id TEXT,
    -- Sign-ups with an address that was taken. See accounts/sign_up.rs for why they are counted.
    repeated_sign_ups BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    -- SHA-256 of the id in the cookie, in hex. Whoever reads this table cannot log in with it.
    id_hash TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);

-- One row for each person who ever pressed. Whoever inserts it made the first press.
CREATE TABLE presses (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    count BIGINT NOT NULL CHECK (count > 0),
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);

CREATE TABLE admin_invitations (
    token_hash TEXT NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
