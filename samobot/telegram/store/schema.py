"""The tables of the bot's database, as the steps that build them.

A step, once released, is never changed; a new one is added. `PRAGMA user_version` counts the steps done.
Times are epoch seconds, structured values JSON. Each statement ends with a semicolon at the end of its line.
"""

from __future__ import annotations

_FIRST = """
CREATE TABLE updates (            -- the journal of what Telegram handed over
    update_id INTEGER PRIMARY KEY,
    raw       TEXT NOT NULL,
    received  REAL NOT NULL,
    state     TEXT NOT NULL,      -- pending, done, quarantined
    tries     INTEGER NOT NULL DEFAULT 0,
    reason    TEXT
);
CREATE INDEX updates_by_state ON updates (state, received);

CREATE TABLE outbox (             -- messages accepted and not yet delivered
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    chat_id    INTEGER NOT NULL,
    priority   INTEGER NOT NULL,
    op         TEXT NOT NULL,     -- send, edit, show, strip, react, delete
    key        TEXT NOT NULL,
    version    INTEGER NOT NULL DEFAULT 1,
    post       TEXT NOT NULL,
    file       TEXT,
    created    REAL NOT NULL,
    expires    REAL,
    form       INTEGER NOT NULL DEFAULT 0,
    UNIQUE (chat_id, key, op)
);
CREATE INDEX outbox_by_chat ON outbox (chat_id, priority, id);

CREATE TABLE sent (               -- messages of ours in chats, so that replies address sessions
    chat_id    INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    key        TEXT NOT NULL,
    session    TEXT,
    kind       TEXT NOT NULL,
    detail     TEXT NOT NULL,
    thread_id  INTEGER,
    digest     TEXT NOT NULL,
    at         REAL NOT NULL,
    PRIMARY KEY (chat_id, message_id)
) WITHOUT ROWID;
CREATE INDEX sent_by_key ON sent (key, chat_id);
CREATE INDEX sent_by_session ON sent (session, at);

CREATE TABLE told (               -- what the chat was last told about a session
    session TEXT PRIMARY KEY,
    told    TEXT NOT NULL,
    at      REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE callbacks (          -- what a button means
    id      TEXT PRIMARY KEY,
    scope   TEXT NOT NULL,
    action  TEXT NOT NULL,
    once    INTEGER NOT NULL,
    created REAL NOT NULL,
    expires REAL NOT NULL,
    used    REAL,
    used_by INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX callbacks_open ON callbacks (scope, action) WHERE used IS NULL;
CREATE INDEX callbacks_by_expiry ON callbacks (expires);

CREATE TABLE chats (              -- preferences of a chat, and whether it can be reached
    chat_id  INTEGER PRIMARY KEY,
    level    TEXT NOT NULL DEFAULT 'normal',
    timezone TEXT,
    silenced TEXT NOT NULL DEFAULT '[]',
    blocked  REAL
);

CREATE TABLE wanted (             -- no longer written: the fleet keeps which runs should be running
    session  TEXT PRIMARY KEY,
    options  TEXT NOT NULL,
    since    REAL NOT NULL,
    restarts TEXT NOT NULL DEFAULT '[]',
    place    INTEGER              -- in the queue; NULL: may run now
) WITHOUT ROWID;

CREATE TABLE people (             -- paired by a code, besides those in the settings
    kind TEXT NOT NULL,           -- user, group
    id   INTEGER NOT NULL,
    at   REAL NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;

CREATE TABLE pairing (            -- at most one code at a time
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    salt    BLOB NOT NULL,
    digest  BLOB NOT NULL,
    expires REAL NOT NULL,
    tries   INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE facts (              -- small values with a name
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
"""

MIGRATIONS: tuple[str, ...] = (_FIRST,)
"""Step n brings the schema from version n to n + 1."""
