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

CREATE TABLE told (               -- what was last sent to the chat about a session
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

_TYPED_TABLES = """
CREATE TABLE last_poll (          -- when all sessions were last compared with what the chats know
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at  REAL NOT NULL
);

CREATE TABLE restart_notices (    -- the message that counts a session's restarts
    session     TEXT PRIMARY KEY,
    message_key TEXT NOT NULL,
    times       INTEGER NOT NULL,
    at          REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE limit_notices (      -- the open message about a usage limit
    chat_id     INTEGER NOT NULL,
    thread_id   INTEGER NOT NULL, -- 0: no topic
    message_key TEXT NOT NULL,
    since       REAL NOT NULL,
    until       REAL NOT NULL,
    sessions    TEXT NOT NULL,
    text        TEXT NOT NULL,
    digest      TEXT NOT NULL,
    PRIMARY KEY (chat_id, thread_id)
) WITHOUT ROWID;

CREATE TABLE session_chats (      -- where a session's notifications go, if not to the owner
    session   TEXT PRIMARY KEY,
    chat_id   INTEGER NOT NULL,
    thread_id INTEGER
) WITHOUT ROWID;

CREATE TABLE shown_plans (        -- the plan that was shown last
    session TEXT PRIMARY KEY,
    text    TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE last_pairing (       -- the message whose code let somebody in last
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    chat_id    INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    title      TEXT NOT NULL
);

CREATE TABLE chat_migrations (    -- groups that became supergroups
    old_id INTEGER PRIMARY KEY,
    new_id INTEGER NOT NULL
);

CREATE TABLE prompts (            -- a text that a user was asked for
    chat_id     INTEGER NOT NULL,
    user_id     INTEGER NOT NULL,
    action      TEXT NOT NULL,
    message_key TEXT NOT NULL,
    at          REAL NOT NULL,
    PRIMARY KEY (chat_id, user_id)
) WITHOUT ROWID;

CREATE TABLE background_tasks (   -- commands to run again if the bot dies before they end
    key     TEXT PRIMARY KEY,
    command TEXT NOT NULL,
    request TEXT NOT NULL,
    at      REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE phase_limits (       -- the phase after which a session pauses
    session TEXT PRIMARY KEY,
    phase   TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE bot_accounts (       -- the bot as Telegram knows it
    bot_id   TEXT PRIMARY KEY,
    username TEXT,
    profile  TEXT                 -- digest of the menu and descriptions that were set
) WITHOUT ROWID;

DELETE FROM facts WHERE NOT json_valid(value);

INSERT OR IGNORE INTO last_poll
    SELECT 1, unixepoch_of(json_extract(value, '$')) FROM facts WHERE name = 'looked';

INSERT OR IGNORE INTO restart_notices
    SELECT substr(name, 11), json_extract(value, '$.key'), json_extract(value, '$.times'), unixepoch_of(json_extract(value, '$.at'))
    FROM facts WHERE name LIKE 'restarted:%';

INSERT OR IGNORE INTO limit_notices
    SELECT CAST(substr(name, 8) AS INTEGER),
        CAST(substr(name, 8 + instr(substr(name, 8), ':')) AS INTEGER),
        json_extract(value, '$.key'), unixepoch_of(json_extract(value, '$.since')),
        unixepoch_of(coalesce(json_extract(value, '$.until'), json_extract(value, '$.since'))),
        json_extract(value, '$.sessions'), json_extract(value, '$.text'), coalesce(json_extract(value, '$.digest'), '')
    FROM facts WHERE name LIKE 'parked:%:%';

INSERT OR IGNORE INTO session_chats
    SELECT each.key, json_extract(each.value, '$[0]'), json_extract(each.value, '$[1]')
    FROM facts, json_each(facts.value) AS each
    WHERE facts.name = 'followed' AND each.type = 'array';

INSERT OR IGNORE INTO shown_plans
    SELECT substr(name, 6), json_extract(value, '$') FROM facts WHERE name LIKE 'plan:%';

INSERT OR IGNORE INTO last_pairing
    SELECT 1, json_extract(value, '$.chat'), json_extract(value, '$.message'), json_extract(value, '$.title')
    FROM facts WHERE name = 'arrival';

INSERT OR IGNORE INTO chat_migrations
    SELECT CAST(each.key AS INTEGER), each.value
    FROM facts, json_each(facts.value) AS each WHERE facts.name = 'moved';

INSERT OR IGNORE INTO prompts
    SELECT CAST(substr(name, 7) AS INTEGER),
        CAST(substr(name, 7 + instr(substr(name, 7), ':')) AS INTEGER),
        json_extract(value, '$.action'), coalesce(json_extract(value, '$.key'), ''), json_extract(value, '$.at')
    FROM facts WHERE name LIKE 'asked:%:%';

INSERT OR IGNORE INTO background_tasks
    SELECT each.key, json_extract(each.value, '$.command'), json_extract(each.value, '$.request'), each.id
    FROM facts, json_each(facts.value) AS each
    WHERE facts.name = 'promises' AND each.type = 'object';

INSERT OR IGNORE INTO phase_limits
    SELECT substr(name, 14), json_extract(value, '$') FROM facts WHERE name LIKE 'finish_phase:%';

INSERT OR IGNORE INTO bot_accounts
    SELECT each.key, each.value, (SELECT json_extract(value, '$') FROM facts WHERE name = 'introduced')
    FROM facts, json_each(facts.value) AS each WHERE facts.name = 'username';

DROP TABLE facts;
"""

_CHAT_PROJECTS = """
CREATE TABLE chat_projects (      -- the project of the last session that was started in a chat
    chat_id   INTEGER NOT NULL,
    thread_id INTEGER NOT NULL,   -- 0: no topic
    project   TEXT NOT NULL,
    PRIMARY KEY (chat_id, thread_id)
) WITHOUT ROWID;
"""

_PAST_SESSIONS = """
CREATE TABLE past_sessions (      -- sessions at rest that need not be read again at a start
    session TEXT PRIMARY KEY,
    updated REAL,                 -- epoch seconds
    state   TEXT NOT NULL,
    mark    INTEGER NOT NULL      -- changes with the session's files
) WITHOUT ROWID;
"""

_ACTED_MESSAGES = """
CREATE TABLE acted_messages (     -- messages of users that were acted on: an edit comes too late
    chat_id    INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    session    TEXT,
    at         REAL NOT NULL,
    PRIMARY KEY (chat_id, message_id)
) WITHOUT ROWID;
"""

_SESSION_TOPICS = """
CREATE TABLE session_topics (     -- the forum topic that a session has to itself
    session   TEXT PRIMARY KEY,
    chat_id   INTEGER NOT NULL,
    thread_id INTEGER NOT NULL,
    icon      TEXT NOT NULL,
    closed    INTEGER NOT NULL
) WITHOUT ROWID;
"""

_PULL_REQUESTS = """
CREATE TABLE watched_pull_requests ( -- what was seen and reported of a session's pull request
    session TEXT PRIMARY KEY,
    watch   TEXT NOT NULL,
    due     REAL NOT NULL         -- when it is looked at next
) WITHOUT ROWID;
"""

_PROMPT_TEXTS = """
ALTER TABLE prompts ADD COLUMN text TEXT NOT NULL DEFAULT ''; -- what was asked, without formatting
"""

_WEBHOOK_DELIVERIES = """
CREATE TABLE webhook_deliveries ( -- deliveries of a forge that were taken
    name TEXT PRIMARY KEY,        -- its id, or its signature
    at   REAL NOT NULL
) WITHOUT ROWID;
"""

MIGRATIONS: tuple[str, ...] = (
    _FIRST,
    _TYPED_TABLES,
    _CHAT_PROJECTS,
    _PAST_SESSIONS,
    _ACTED_MESSAGES,
    _SESSION_TOPICS,
    _PULL_REQUESTS,
    _PROMPT_TEXTS,
    _WEBHOOK_DELIVERIES,
)
"""Step n brings the schema from version n to n + 1."""
