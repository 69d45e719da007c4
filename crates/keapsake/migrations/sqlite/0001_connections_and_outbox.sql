-- Keapsake's tables. Times are milliseconds since 1970 in UTC; *_ct columns are sealed.

CREATE TABLE keapsake_identity (
    only_row       INTEGER PRIMARY KEY CHECK (only_row = 1),
    deployment     TEXT NOT NULL,
    incarnation    TEXT NOT NULL,
    keys_revision  INTEGER NOT NULL
) STRICT;

-- The data keys, each sealed by the key that is kept outside. The last place seals what is new.
CREATE TABLE keapsake_data_key (
    number      INTEGER PRIMARY KEY,
    place       INTEGER NOT NULL,
    key_ct      BLOB NOT NULL CHECK (length(key_ct) >= 41),
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE keapsake_connection (
    id           TEXT PRIMARY KEY,
    revision     INTEGER NOT NULL,
    lineage      INTEGER NOT NULL,
    generation   INTEGER NOT NULL,
    record       TEXT NOT NULL,
    -- An empty secret can never be written; both or none.
    access_ct    BLOB CHECK (length(access_ct) >= 41),
    refresh_ct   BLOB CHECK (length(refresh_ct) >= 41),
    -- NULL when only a person can go on.
    due_at       INTEGER,
    -- Who may refresh, until when by the time of this database.
    lease_owner  TEXT,
    lease_until  INTEGER,
    CHECK ((access_ct IS NULL) = (refresh_ct IS NULL)),
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
) STRICT;

CREATE INDEX keapsake_connection_due ON keapsake_connection (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX keapsake_connection_leased ON keapsake_connection (lease_owner) WHERE lease_owner IS NOT NULL;

CREATE TABLE keapsake_history (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    connection  TEXT NOT NULL,
    kind        TEXT NOT NULL,
    lineage     INTEGER NOT NULL,
    generation  INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER,
    outcome     TEXT,
    words       TEXT,
    CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CHECK ((ended_at IS NULL) = (words IS NULL))
) STRICT;

CREATE INDEX keapsake_history_by_connection ON keapsake_history (connection, seq);
CREATE INDEX keapsake_history_open ON keapsake_history (connection, seq) WHERE outcome IS NULL;

-- At most one refresh is open for a pair: its refresh token works once.
CREATE UNIQUE INDEX keapsake_history_open_refresh
    ON keapsake_history (connection, lineage, generation)
    WHERE kind = 'refresh' AND outcome IS NULL;

CREATE TABLE keapsake_flow (
    state_digest    BLOB PRIMARY KEY,
    connection      TEXT NOT NULL,
    browser_digest  BLOB NOT NULL,
    started_by      TEXT NOT NULL,
    switch_account  INTEGER NOT NULL,
    verifier_ct     BLOB,
    expires_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX keapsake_flow_ended ON keapsake_flow (expires_at);

-- The alarms that are raised.
CREATE TABLE keapsake_alarm (
    connection  TEXT NOT NULL,
    condition   TEXT NOT NULL,
    raised_at   INTEGER NOT NULL,
    PRIMARY KEY (connection, condition)
) STRICT;

CREATE TABLE keapsake_outbox (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    person      TEXT NOT NULL,
    dedupe      TEXT NOT NULL,
    effect      TEXT NOT NULL,
    state       TEXT NOT NULL,
    phase       TEXT NOT NULL,
    not_before  INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    words       TEXT NOT NULL DEFAULT '',
    created_at  INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL,
    UNIQUE (person, dedupe)
) STRICT;

-- The unfinished ones in their order.
CREATE INDEX keapsake_outbox_unfinished ON keapsake_outbox (person, seq) WHERE state IN ('waiting', 'failed');

-- What a delivery found out once and for all: the contact of a person, the id of a tag.
CREATE TABLE keapsake_contact (
    person      TEXT PRIMARY KEY,
    contact     TEXT NOT NULL,
    created     INTEGER NOT NULL
) STRICT;

CREATE TABLE keapsake_known_id (
    kind        TEXT NOT NULL,
    name        TEXT NOT NULL,
    id          TEXT NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT;
