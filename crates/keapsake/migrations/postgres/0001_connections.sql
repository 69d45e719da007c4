-- Keapsake's tables. Times are milliseconds since 1970 in UTC; *_ct columns are sealed.

CREATE TABLE keapsake_identity (
    only_row       BIGINT PRIMARY KEY CHECK (only_row = 1),
    deployment     TEXT NOT NULL,
    incarnation    TEXT NOT NULL,
    keys_revision  BIGINT NOT NULL
);

-- The data keys, each sealed by the key that is kept outside. The last place seals what is new.
CREATE TABLE keapsake_data_key (
    number      BIGINT PRIMARY KEY,
    place       BIGINT NOT NULL,
    key_ct      BYTEA NOT NULL CHECK (length(key_ct) >= 41),
    created_at  BIGINT NOT NULL
);

CREATE TABLE keapsake_connection (
    -- In the order of bytes, as everywhere else.
    id           TEXT COLLATE "C" PRIMARY KEY,
    revision     BIGINT NOT NULL,
    lineage      BIGINT NOT NULL,
    generation   BIGINT NOT NULL,
    record       TEXT NOT NULL,
    -- An empty secret can never be written; both or none.
    access_ct    BYTEA CHECK (length(access_ct) >= 41),
    refresh_ct   BYTEA CHECK (length(refresh_ct) >= 41),
    -- NULL when only a person can go on.
    due_at       BIGINT,
    -- Who may refresh, until when by the time of this database.
    lease_owner  TEXT,
    lease_until  BIGINT,
    CHECK ((access_ct IS NULL) = (refresh_ct IS NULL)),
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
);

CREATE INDEX keapsake_connection_due ON keapsake_connection (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX keapsake_connection_leased ON keapsake_connection (lease_owner) WHERE lease_owner IS NOT NULL;

CREATE TABLE keapsake_history (
    seq         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    connection  TEXT NOT NULL,
    kind        TEXT NOT NULL,
    lineage     BIGINT NOT NULL,
    generation  BIGINT NOT NULL,
    started_at  BIGINT NOT NULL,
    ended_at    BIGINT,
    outcome     TEXT,
    words       TEXT,
    CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CHECK ((ended_at IS NULL) = (words IS NULL))
);

CREATE INDEX keapsake_history_by_connection ON keapsake_history (connection, seq);
CREATE INDEX keapsake_history_open ON keapsake_history (connection, seq) WHERE outcome IS NULL;

-- At most one refresh is open for a pair: its refresh token works once.
CREATE UNIQUE INDEX keapsake_history_open_refresh
    ON keapsake_history (connection, lineage, generation)
    WHERE kind = 'refresh' AND outcome IS NULL;

CREATE TABLE keapsake_flow (
    state_digest    BYTEA PRIMARY KEY,
    connection      TEXT NOT NULL,
    browser_digest  BYTEA NOT NULL,
    started_by      TEXT NOT NULL,
    switch_account  BIGINT NOT NULL,
    verifier_ct     BYTEA,
    expires_at      BIGINT NOT NULL
);

CREATE INDEX keapsake_flow_ended ON keapsake_flow (expires_at);

-- The alarms that are raised.
CREATE TABLE keapsake_alarm (
    connection  TEXT NOT NULL,
    condition   TEXT COLLATE "C" NOT NULL,
    raised_at   BIGINT NOT NULL,
    PRIMARY KEY (connection, condition)
);
